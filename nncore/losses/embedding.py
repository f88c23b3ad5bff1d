"""Base of losses that learn embeddings: targets are classes, outputs are not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nncore.errors import DataError, ParameterError, ShapeError
from nncore.plugin import Loss

#: Largest number of pairs that are compared at once, about: 32 MB of float64.
PAIRS = 2**22


class EmbeddingLoss(Loss):
    """A loss of whole batches that compares all pairs of samples by their classes.

    Outputs are embeddings of two or more numbers. Targets are class indices, one column of whole numbers. The number of classes need not be
    the number of outputs.
    """

    needs_batch = True
    target_range = "[0, 16777215]"  # whole numbers that float32 tells apart

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs < 2:
            raise ShapeError(f"{type(self).__name__}: an embedding has at least 2 outputs, the network has {n_outputs}")
        return 1

    def n_outputs(self, n_classes: int) -> int:
        raise ParameterError(
            f"{self!r} learns embeddings, not classes: train an nn.Sequential with it, then a classifier on its predictions"
        )

    def n_labels(self, n_outputs: int) -> int:
        return n_outputs  # of class indices as such, which it does not take

    @property
    def has_probabilities(self) -> bool:
        return False

    def check_targets(self, target: np.ndarray, name: str) -> None:
        wrong = np.flatnonzero(target[:, 0] != np.floor(target[:, 0]))
        if len(wrong):
            raise DataError(f"{name} is {target[wrong[0], 0]:g} at row {wrong[0]}; {self!r} takes class indices, whole numbers from 0")

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray:
        return rng.integers(3, size=(n_rows, 1)).astype(np.float64)


def blocks(n_rows: int) -> Iterator[slice]:
    """Rows that are compared with all rows together: few enough that memory grows with the rows, not with their square."""
    size = max(1, PAIRS // max(1, n_rows))
    return (slice(begin, begin + size) for begin in range(0, n_rows, size))


def alike(labels: np.ndarray, present: np.ndarray, block: slice) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (n_block, n_rows) of the same class, and of different classes, between `block` and all rows, without a row and itself."""
    same = labels[block, None] == labels
    both = present[block, None] & present
    here = np.arange(len(labels))
    return same & both & (here[block, None] != here), ~same & both
