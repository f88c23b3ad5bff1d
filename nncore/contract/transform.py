"""Transforms: augmentation of training batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nncore.arguments import is_whole, shown
from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel
from nncore.errors import ParameterError


@dataclass
class TransformCall:
    """The data of a transform's call for one batch, as ``nnc_transform_call`` in ``nncore/plugin.h``. All arrays are live views.

    Attributes
    ----------
    source : ndarray of shape (n_rows, n_inputs)
        The batch after the transforms before this one; read-only.
    x : ndarray of the same shape
        A copy of it, which `Transform.apply` changes.
    columns : ndarray of shape (n_inputs,), bool
        The columns that may change. The host restores others: category codes, and columns that the user left out.
    source_target, target : ndarray of shape (n_rows, n_targets) or None
        Real targets, or one-hot rows for class indices; None unless `Transform.mixes_targets`.
    source_weight, weight : ndarray of shape (n_rows,) or None
        Weights of the rows in the loss. They sum to 1, before and afterwards. None unless `Transform.mixes_targets`.
    seed, step, layer : int
        Key of the random numbers of this call, for `nncore.plugin.random_words`; `layer` is the transform's position in the list.
    """

    source: np.ndarray
    x: np.ndarray
    columns: np.ndarray
    source_target: np.ndarray | None = None
    target: np.ndarray | None = None
    source_weight: np.ndarray | None = None
    weight: np.ndarray | None = None
    seed: int = 0
    step: int = 1
    layer: int = 0


class Transform(Configurable):
    """Base class of transforms, which change training batches: noise, mixtures of samples, feature dropout.

    ``fit(transforms=[...])`` applies transforms in order to every batch. Predictions, scores and validation use unchanged data. All
    transforms accept ``columns``, the features that they may change; authors need not write it.

    A missing value (NaN) must stay missing. Draw random numbers only from the key in the call, so that a resumed fit has the same batches.

    Attributes
    ----------
    mixes_targets : bool
        Whether targets and weights change too. Class indices then become one-hot rows, and `fit` raises an error for a loss that does not
        take mixtures of its targets.
    columns : list of int or None
        Features that may change, in flat order. None is all except category codes, which never change.
    kernel : Kernel or None
        The same in C: ``nnc_transform`` of ``nncore/plugin.h``.
    """

    common: ClassVar[tuple[str, ...]] = ("columns",)
    mixes_targets: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = None
    columns: list[int] | None = None

    def validate(self) -> None:
        """Raise `ParameterError` for a hyperparameter outside `ranges`, or invalid columns."""
        super().validate()
        columns = self.columns
        if columns is None:
            return
        is_list = isinstance(columns, (list, tuple, range, np.ndarray)) and len(columns) > 0
        if not is_list or not all(is_whole(column) and column >= 0 for column in columns) or len(set(columns)) < len(columns):
            raise ParameterError(
                f"{type(self).__name__}: columns must be None or different whole numbers of at least 0, one or more, got {shown(columns)}"
            )
        self.columns = [int(column) for column in columns]

    def apply(self, call: TransformCall) -> None:
        """Change ``call.x``, and with `mixes_targets` ``call.target`` and ``call.weight``.

        Elements that are not written keep the values of the source.
        """
        raise NotImplementedError(f"{type(self).__name__}.apply")
