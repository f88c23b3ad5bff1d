"""Class weights, from all classes of the estimator, so that they do not depend on the classes in a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import is_list
from nncore.errors import ParameterError
from nncore.estimators.class_targets import HEADS, MULTILABEL, ClassTargets

BALANCED = "balanced"


class ClassWeights:
    """A weight for each class of each target.

    Parameters
    ----------
    class_weight : dict, "balanced" or list of dict
        As in scikit-learn: a class that is not in a dict has weight 1; ``"balanced"`` is
        n_samples / (classes that occur · samples of the class).
    targets : ClassTargets
        Targets with all classes.
    y : array-like
        Training targets, which ``"balanced"`` counts.
    n_each : ndarray of shape (len(y),), optional
        Number of samples that each row of `y` represents; None: 1.

    Raises
    ------
    ParameterError
        If a dict has an unknown class or an invalid weight.
    """

    def __init__(self, class_weight: Any, targets: ClassTargets, y: Any, n_each: NDArray[np.float64] | None = None) -> None:
        self._columns_of = targets.columns
        columns = targets.columns(y)
        asked = list(class_weight) if is_list(class_weight) else [class_weight] * len(columns)
        if is_list(class_weight) and targets.kind not in (MULTILABEL, HEADS):
            raise ParameterError(
                f"class_weight is a list for several targets; for one it is a dict, 'balanced' or None, got {class_weight!r}"
            )
        if isinstance(class_weight, Mapping) and len(columns) > 1:
            raise ParameterError(f"class_weight must be a list with a dict for each of {len(columns)} targets, or 'balanced'")
        if len(asked) != len(columns):
            raise ParameterError(f"class_weight lists {len(asked)} dicts for {len(columns)} targets: give one for each")
        self.weights = [_of_classes(one, *column, n_each) for one, column in zip(asked, columns, strict=True)]

    def of(self, y: Any) -> NDArray[np.float64]:
        """Weights of samples; the product for several targets."""
        result: NDArray[np.float64] = np.ones(y.shape[0])
        for weights, (_, codes) in zip(self.weights, self._columns_of(y), strict=True):
            result *= weights[codes]
        return result


def _of_classes(asked: Any, classes: np.ndarray, codes: np.ndarray, n_each: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """The weight of each class of one target."""
    if isinstance(asked, str) and asked == BALANCED:
        counts = np.bincount(codes, n_each, minlength=len(classes)).round()  # counts may be given as thirds
        return np.where(counts > 0, counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1)), 1.0)
    if not isinstance(asked, Mapping):
        raise ParameterError(f"class_weight must be a dict, {BALANCED!r}, a list of them for several targets, or None, got {asked!r}")
    known = classes.tolist()
    if unknown := [name for name in asked if name not in known]:
        raise ParameterError(f"class_weight names {unknown[0]!r}, which is not one of the classes {known}")
    if not all(_is_weight(weight) for weight in asked.values()):
        raise ParameterError(f"class_weight must hold finite numbers of at least 0, got {asked!r}")
    return np.array([float(asked.get(name, 1.0)) for name in known])


def _is_weight(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and bool(0 <= value < np.inf)
