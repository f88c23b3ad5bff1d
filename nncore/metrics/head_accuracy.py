"""Accuracy of multi-task classification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.errors import ShapeError
from nncore.plugin import Metric, class_counts, head_columns


class HeadAccuracy(Metric):
    """Accuracy of multi-task classification (loss ``softmax_heads``): the mean over heads, weighted by ``sample_weight``.

    Parameters
    ----------
    n_classes : sequence of int
        Number of classes of each head, as in the loss: outputs have ``sum(n_classes)`` columns, targets one for each head.

    Notes
    -----
    A sample with NaN outputs for a head is wrong for that head. Without samples, or with weights that sum to 0, the accuracy is NaN.
    """

    higher_is_better = True

    examples: ClassVar[Sequence[dict[str, Any]]] = ({"n_classes": (3, 2, 5)},)

    def __init__(self, n_classes: Sequence[int]) -> None:
        self.n_classes = class_counts(n_classes, "HeadAccuracy")

    def example(self, rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
        target = np.column_stack([rng.integers(n, size=n_rows) for n in self.n_classes])
        return rng.normal(size=(n_rows, sum(self.n_classes))), target

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        n_rows = output[0]
        if output != (n_rows, sum(self.n_classes)) or target != (n_rows, len(self.n_classes)):
            raise ShapeError(f"{self!r}: targets of shape {target} and outputs of shape {output} do not fit")

    def n_terms(self, n_outputs: int) -> int:
        return len(self.n_classes)

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        correct = []
        for head, columns in enumerate(head_columns(self.n_classes)):
            scores = output[:, columns]
            correct.append((scores.argmax(axis=1) == target[:, head]) & ~np.isnan(scores).any(axis=1))
        return np.column_stack(correct).astype(np.float64)
