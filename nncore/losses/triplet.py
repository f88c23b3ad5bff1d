"""Triplet loss with the hardest samples of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import as_number, shown
from nncore.errors import ParameterError
from nncore.losses.embedding import EmbeddingLoss, alike, blocks

#: `Triplet.margin` for a loss without a bend.
SOFT = "soft"


class Triplet(EmbeddingLoss):
    """Triplet loss with the hardest samples of a batch: learn embeddings in which distances tell classes apart.

    Eᵢ = max(0, margin + d(i, p) − d(i, n)), with the farthest sample p of the same class and the nearest sample n of another class.

    d is the Euclidean distance between outputs, which are embeddings of width 2 or more. p and n are searched in the batch for each sample.
    ``margin="soft"`` is log(1 + exp(d(i, p) − d(i, n))), whose gradient never becomes 0. A sample without another of its class, or
    without one of another class, has a loss of 0. Targets are class indices ``(n_samples,)``.

    Sample weights weight the Eᵢ; samples of weight 0 are left out. The loss compares all samples of a batch, so batches should be large,
    with several samples of each class. In validation it compares all pairs. It is computed in NumPy, in float64.

    Parameters
    ----------
    margin : float >= 0 or "soft", default 0.2
        By how much p should be nearer than n, in the unit of the outputs.

    Raises
    ------
    ParameterError
        If the margin is invalid.
    ShapeError
        When training begins, if the network has a single output.
    DataError
        If a target is not a whole number from 0 on.

    References
    ----------
    Hermans, Beyer & Leibe, "In defense of the triplet loss for person re-identification", 2017 ("batch hard"). Schroff, Kalenichenko &
    Philbin, "FaceNet: a unified embedding for face recognition and clustering", 2015.
    """

    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"margin": 1.5}, {"margin": SOFT})

    def __init__(self, margin: float | str = 0.2) -> None:
        number = as_number(margin)
        if not (isinstance(margin, str) and margin == SOFT) and (number is None or not 0 <= number < np.inf):
            raise ParameterError(f"Triplet: margin must be a number of at least 0, or {SOFT!r}, got {shown(margin)}")
        self.margin = margin

    def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        rows, _, _, to_positive, to_negative = self._hardest(output, target, weight)
        ahead = _lengths(to_positive) - _lengths(to_negative)
        value = np.zeros(len(output))
        value[rows] = np.logaddexp(0, ahead) if self.margin == SOFT else np.maximum(ahead + self.margin, 0)
        return value.astype(output.dtype)

    def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        rows, positive, negative, to_positive, to_negative = self._hardest(output, target, weight)
        ahead = _lengths(to_positive) - _lengths(to_negative)
        slope = np.exp(-np.logaddexp(0, -ahead)) if self.margin == SOFT else np.where(ahead + self.margin <= 0, 0, 1)
        pull, push = (
            np.divide(difference, length[:, None], out=np.zeros_like(difference), where=length[:, None] != 0)
            * (slope * weight[rows])[:, None]
            for difference, length in ((to_positive, _lengths(to_positive)), (to_negative, _lengths(to_negative)))
        )
        d_output = np.zeros(output.shape)
        d_output[rows] = pull - push
        np.subtract.at(d_output, positive, pull)
        np.add.at(d_output, negative, push)
        return d_output.astype(output.dtype)

    def _hardest(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, ...]:
        """The rows that have a positive and a negative sample, the farthest and the nearest of these, and the differences to them."""
        y, labels, present = output.astype(np.float64), target[:, 0], weight > 0
        squares = (y * y).sum(axis=1)
        chosen = []
        for block in blocks(len(y)):
            distances = squares[block, None] + squares - 2 * (y[block] @ y.T)
            same, other = alike(labels, present, block)
            farthest = np.where(same, distances, -np.inf).argmax(axis=1)
            nearest = np.where(other, distances, np.inf).argmin(axis=1)
            here = np.flatnonzero(same.any(axis=1) & other.any(axis=1))
            chosen.append((block.start + here, farthest[here], nearest[here]))
        rows, positive, negative = (np.concatenate(parts) for parts in zip(*chosen, strict=True))
        return rows, positive, negative, y[rows] - y[positive], y[rows] - y[negative]


def _lengths(rows: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt((rows * rows).sum(axis=1)))
