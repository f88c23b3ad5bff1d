"""Multi-task classification: softmax cross-entropy of several heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.errors import DataError, ShapeError
from nncore.losses.softmax import d_labels, exponentials
from nncore.plugin import Kernel, Loss, class_counts, head_columns


class SoftmaxHeads(Loss):
    """Multi-task classification: predict several targets at once, each with its own classes.

    E = Σₕ −log softmax(zₕ)[cₕ], the sum of a softmax cross-entropy for each head h; ∂E/∂zₕ = softmax(zₕ) − one-hot(cₕ).

    Each head is a target with its own number of classes. For example, species (3), sex (2) and island (5) need a network with 10 outputs:
    the logits of the first head first, without a last activation. Targets have shape ``(n_samples, n_heads)``, a class index from 0 on for
    each head. ``predict_proba`` returns probabilities in the same columns; those of a head sum to 1.

    Parameters
    ----------
    n_classes : sequence of int
        Number of classes of each head.
    label_smoothing : float in [0, 1], default 0.0
        ε: smooth the targets of each head in training, as in ``softmax_cross_entropy``.

    Raises
    ------
    ParameterError
        If `n_classes` is not a sequence of whole numbers of at least 1.
    ShapeError
        When training begins, if the network does not have ``sum(n_classes)`` outputs.
    DataError
        If a target is not a class of its head.

    References
    ----------
    Caruana, "Multitask learning", 1997.
    """

    ranges: ClassVar[dict[str, str]] = {"label_smoothing": "[0, 1]"}
    training_only: ClassVar[dict[str, Any]] = {"label_smoothing": 0.0}
    examples: ClassVar[Sequence[dict[str, Any]]] = (
        {"n_classes": (3, 2, 5)}, {"n_classes": (4,)}, {"n_classes": (1, 20, 2)}, {"n_classes": (3, 2, 5), "label_smoothing": 0.1},
    )  # fmt: skip
    output_domain = "logits"
    kernel = Kernel("nncore._core.native:loss_softmax_heads")

    def __init__(self, n_classes: Sequence[int], label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing
        self.n_classes = class_counts(n_classes, "SoftmaxHeads")
        self.link = {"name": "softmax_heads", "n_classes": self.n_classes}
        self.metrics = ({"name": "head_accuracy", "n_classes": self.n_classes},)

    def hyper(self) -> list[float]:
        return [self.label_smoothing, *(float(n) for n in self.n_classes)]

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs != sum(self.n_classes):
            raise ShapeError(f"SoftmaxHeads: {self.n_classes} classes need {sum(self.n_classes)} outputs, the network has {n_outputs}")
        return len(self.n_classes)

    def check_targets(self, target: np.ndarray, name: str) -> None:
        wrong = np.argwhere((target != np.floor(target)) | (target < 0) | (target >= np.array(self.n_classes)))
        if len(wrong):
            row, head = wrong[0]
            raise DataError(
                f"{name} is {target[row, head]:g} at row {row}, column {head}; that head's classes are whole numbers from 0 to "
                f"{self.n_classes[head] - 1}"
            )

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray:
        return rng.integers(self.n_classes, size=(n_rows, len(self.n_classes))).astype(np.float64)

    def decide(self, output: np.ndarray) -> np.ndarray:
        return np.column_stack([output[:, columns].argmax(axis=1) for columns in head_columns(self.n_classes)])

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        loss = np.zeros(len(output), output.dtype)
        for z, labels in self._heads(output, target):
            shifted, _, rest = exponentials(z)
            loss += np.log1p(rest[:, 0]) - shifted[np.arange(len(z)), labels]
            if self.label_smoothing:
                loss += self.label_smoothing * (shifted[np.arange(len(z)), labels] - shifted.mean(axis=1))
        return loss

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        gradients = []
        for z, labels in self._heads(output, target):
            _, e, rest = exponentials(z)
            d_z = d_labels(e, rest, labels)
            if self.label_smoothing:
                d_z -= self.label_smoothing / z.shape[1]
                d_z[np.arange(len(z)), labels] += self.label_smoothing
            gradients.append(d_z)
        return np.hstack(gradients)

    def _heads(self, output: np.ndarray, target: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Logits (n_rows, n_classes[h]) and class indices (n_rows,) of each head."""
        labels = target.astype(np.int64)
        return [(output[:, columns], labels[:, head]) for head, columns in enumerate(head_columns(self.n_classes))]
