"""Common base of the losses: class weights, and targets as rows over the classes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nncore.errors import ParameterError
from nncore.plugin import Loss


class ClassWeightedLoss(Loss):
    """A loss over the classes with the hyperparameter `class_weights`, one number for each class or None for 1 each."""

    targets = "both"
    link = "softmax"
    metrics = ("accuracy",)
    class_weights: list[float] | None

    def validate(self) -> None:
        super().validate()
        if self.class_weights is None:
            return
        if not self.class_weights or not all(math.isfinite(weight) and weight >= 0 for weight in self.class_weights):
            raise ParameterError(
                f"{type(self).__name__}: class_weights must be None or finite numbers of at least 0, got {self.class_weights!r}"
            )

    def n_targets(self, n_outputs: int) -> int:
        if self.class_weights is not None and len(self.class_weights) != n_outputs:
            raise ParameterError(
                f"{type(self).__name__}: class_weights has {len(self.class_weights)} numbers for a network with {n_outputs} outputs: "
                "give one for each"
            )
        return n_outputs

    def hyper(self) -> list[float]:
        """The numbers of `config`, then how many class weights follow (0 for None), then these."""
        weights = self.class_weights or []
        return [*super().hyper(), float(len(weights)), *weights]

    def weighted(self, rows: np.ndarray) -> np.ndarray:
        """`rows`, shape ``(n_rows, n_classes)``, times the class weights."""
        return rows if self.class_weights is None else rows * np.array(self.class_weights, rows.dtype)


def as_list(class_weights: Sequence[float] | np.ndarray | None) -> list[float] | None:
    """The class weights as plain numbers, which JSON can hold.

    Raises
    ------
    ParameterError
        If they are neither None nor a sequence of numbers.
    """
    if class_weights is None:
        return None
    try:
        weights = np.asarray(class_weights, np.float64)
    except (TypeError, ValueError):
        weights = np.empty((0, 0))
    if weights.ndim != 1:
        raise ParameterError(f"class_weights must be None or a sequence of numbers, got {class_weights!r}")
    numbers: list[float] = weights.tolist()
    return numbers


def as_rows(target: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Class indices as rows with a single 1, in the shape and dtype of `like`; rows unchanged."""
    if target.ndim == 2:
        return target
    rows = np.zeros_like(like)
    rows[np.arange(len(target)), target] = 1
    return rows
