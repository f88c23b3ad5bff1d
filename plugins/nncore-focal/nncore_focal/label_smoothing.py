"""Softmax cross-entropy with smoothed labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.plugin import Kernel
from nncore_focal.class_weights import ClassWeightedLoss, as_list, as_rows


class LabelSmoothing(ClassWeightedLoss):
    """E = −Σⱼ wⱼ Ỹⱼ log pⱼ with p = softmax(z), from the logits z, and Ỹ = (1 − s)·Y + s·(Σ Y)/C for C classes.

    A fraction s of each target is spread over all classes, so that logits need not grow without end. A target is a class index or a
    row Y over the classes. The network's last layer has no activation. With T = w·Ỹ, ∂E/∂zₖ = pₖ Σⱼ Tⱼ − Tₖ.

    As in PyTorch's ``CrossEntropyLoss``, the class weights multiply the smoothed targets; unlike there, the host divides by the
    number of samples, not by the sum of their weights.

    Parameters
    ----------
    smoothing : float, default 0.1
        s; 0 is softmax cross-entropy, as which networks are scored.
    class_weights : sequence of float or None, default None
        w, at least 0, one for each class. None is 1 for each.

    Raises
    ------
    ParameterError
        For a number outside its range; when training begins, if there is not one weight for each output.

    References
    ----------
    Szegedy et al., "Rethinking the inception architecture for computer vision", 2016, section 7.
    """

    ranges: ClassVar[dict[str, str]] = {"smoothing": "[0, 1]"}
    training_only: ClassVar[dict[str, Any]] = {"smoothing": 0.0}
    kernel = Kernel("nncore_focal.kernel:label_smoothing")

    def __init__(self, smoothing: float = 0.1, *, class_weights: Sequence[float] | None = None) -> None:
        self.smoothing = smoothing
        self.class_weights = as_list(class_weights)

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        z, _, rest = self._exponentials(output)
        return (self.smoothed(target, output) * (np.log1p(rest) - z)).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        _, e, rest = self._exponentials(output)
        smoothed = self.smoothed(target, output)
        share = smoothed.sum(axis=1, keepdims=True) / (1 + rest)
        d_output = e * share - smoothed
        rows, top = np.arange(len(e)), output.argmax(axis=1)
        smoothed[rows, top] = 0  # 1 − p of the largest output is the share of the others
        d_output[rows, top] = smoothed.sum(axis=1) - (rest * share)[:, 0]
        return d_output

    def _exponentials(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """z − max z, the exp of that, and its sum over a row without the largest."""
        with np.errstate(invalid="ignore"):  # ∞ − ∞ gives NaN, which the host reports
            z = output - output.max(axis=1, keepdims=True)
        others = np.exp(z)
        e = others.copy()
        others[np.arange(len(e)), output.argmax(axis=1)] -= 1
        return z, e, others.sum(axis=1, keepdims=True)

    def smoothed(self, target: np.ndarray, output: np.ndarray) -> np.ndarray:
        """T = w·Ỹ, of the shape of `output`."""
        rows = as_rows(target, output)
        spread = self.smoothing * rows.sum(axis=1, keepdims=True) / output.shape[1]
        return self.weighted((1 - self.smoothing) * rows + spread)
