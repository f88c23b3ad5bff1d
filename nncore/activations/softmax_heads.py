"""Softmax of each of several groups of columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Activation, Graph, Kernel, Value, class_counts


class SoftmaxHeads(Activation):
    """Softmax over groups of columns, for multi-task classification: the link of the loss ``softmax_heads``.

    Parameters
    ----------
    n_classes : sequence of int
        Number of columns of each group, from the first column on.

    Raises
    ------
    ParameterError
        If `n_classes` is not a sequence of whole numbers of at least 1.
    ShapeError
        If there are not ``sum(n_classes)`` columns.
    """

    examples: ClassVar[Sequence[dict[str, Any]]] = ({"n_classes": (3, 2, 5)}, {"n_classes": (4,)}, {"n_classes": (1, 20, 2)})
    output_domain = "distribution"
    kernel = Kernel("nncore._core.native:activation_softmax_heads")

    def __init__(self, n_classes: Sequence[int]) -> None:
        self.n_classes = class_counts(n_classes, "SoftmaxHeads")

    def hyper(self) -> list[float]:
        return [float(n) for n in self.n_classes]

    def check_columns(self, n_columns: int) -> None:
        if n_columns != sum(self.n_classes):
            raise ShapeError(f"SoftmaxHeads: {self.n_classes} classes need {sum(self.n_classes)} columns, there are {n_columns}")

    def forward(self, z: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):  # ∞ − ∞ gives NaN, which the host reports
            e = np.exp(z - self._spread(np.maximum, z))
            return e / self._spread(np.add, e)

    def formula(self, g: Graph, z: Value) -> Value:
        ends = accumulate(self.n_classes)
        return g.concat([g.softmax(g.columns(z, range(end - n, end))) for n, end in zip(self.n_classes, ends, strict=True)])

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        d_a = d_a - self._spread(np.add, np.where(a > 0.5, d_a, 0))  # as in softmax
        return a * (d_a - self._spread(np.add, a * d_a))

    def _spread(self, reduction: np.ufunc, x: np.ndarray) -> np.ndarray:
        """`reduction` over each group of the columns of `x`, in every column of the group."""
        begins = np.cumsum([0, *self.n_classes[:-1]])
        return np.repeat(reduction.reduceat(x, begins, axis=1), self.n_classes, axis=1)
