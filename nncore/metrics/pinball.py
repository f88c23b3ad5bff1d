"""Pinball loss of predicted quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import is_number, numbers, shown
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Metric


class Pinball(Metric):
    """Pinball loss of predicted quantiles: for the median, half of the absolute error.

    Σᵢ wᵢ max(q·d, (q − 1)·d) / Σᵢ wᵢ, d = Yᵢ − yᵢ, the mean over quantiles and outputs. As the mean of scikit-learn's
    ``mean_pinball_loss`` with ``alpha=q``.

    Parameters
    ----------
    quantiles : float or sequence of float, default (0.5,)
        As in the loss ``quantile``: each in (0, 1), with an output for each, those of the first target first.

    References
    ----------
    Koenker & Bassett, "Regression quantiles", Econometrica, 1978.
    """

    higher_is_better = False
    examples: ClassVar[Sequence[dict[str, Any]]] = ({"quantiles": (0.5,)},)

    def __init__(self, quantiles: float | Sequence[float] = (0.5,)) -> None:
        self.quantiles = levels_of("Pinball", quantiles)

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        n_targets, n_levels = target[1] if len(target) > 1 else 1, len(self.quantiles)
        if output != (target[0], n_targets * n_levels):
            what = f"{n_levels} output{'s' * (n_levels > 1)} of each target"
            raise ShapeError(f"{self!r} needs {what}: targets of shape {target} do not fit outputs of shape {output}")

    def n_terms(self, n_outputs: int) -> int:
        return n_outputs

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        true = np.asarray(target, np.float64).reshape(len(target), -1)
        q = np.tile(self.quantiles, true.shape[1])
        return deviation(np.repeat(true, len(self.quantiles), axis=1) - output, q)


def levels_of(owner: str, quantiles: Any) -> tuple[float, ...]:
    """Checked quantiles: one number or several, each in (0, 1)."""
    found = numbers([quantiles] if is_number(quantiles) else quantiles)
    if not found or not all(0 < q < 1 for q in found):
        raise ParameterError(f"{owner}: quantiles must be numbers in (0, 1), at least one, got {shown(quantiles)}")
    return tuple(found)


def deviation(d: np.ndarray, q: float | np.ndarray) -> np.ndarray:
    """max(q·d, (q − 1)·d)."""
    return np.maximum(q * d, (q - 1) * d)
