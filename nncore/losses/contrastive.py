"""Supervised contrastive loss."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.losses.embedding import EmbeddingLoss, alike, blocks


class Contrastive(EmbeddingLoss):
    """Supervised contrastive loss: learn embeddings in which samples of a class are close and others far apart.

    Eᵢ = −(1/|Pᵢ|) Σ_{p∈Pᵢ} log(exp(zᵢ·zₚ/τ) / Σ_{a≠i} exp(zᵢ·zₐ/τ))

    z is the output of a sample divided by its length, Pᵢ are the other samples of its class in the batch, and a goes over all others. A
    sample without another of its class has a loss of 0. Outputs are embeddings of width 2 or more, of which only the direction matters.
    Targets are class indices ``(n_samples,)``. For a sample i, ∂Eᵢ/∂(zᵢ·zₐ) = (softmaxₐ − [a ∈ Pᵢ]/|Pᵢ|)/τ.

    Sample weights weight the Eᵢ; samples of weight 0 are left out. The loss compares all samples of a batch, so batches should be large,
    with several samples of each class. In validation it compares all pairs. It is computed in NumPy, in float64.

    Parameters
    ----------
    temperature : float > 0, default 0.1
        τ: the smaller, the more the nearest samples count.

    Raises
    ------
    ShapeError
        When training begins, if the network has a single output.
    DataError
        If a target is not a whole number from 0 on.

    References
    ----------
    Khosla et al., "Supervised contrastive learning", NeurIPS 2020, equation 2.
    """

    ranges: ClassVar[dict[str, str]] = {"temperature": "(0, inf)"}

    def __init__(self, temperature: float = 0.1) -> None:
        self.temperature = temperature

    def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        z, _ = _directions(output)
        value = np.zeros(len(z))
        for block in blocks(len(z)):
            value[block], _ = self._compare(z, target[:, 0], weight, block)
        return value.astype(output.dtype)

    def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        z, lengths = _directions(output)
        d_z = np.zeros_like(z)
        for block in blocks(len(z)):
            _, slopes = self._compare(z, target[:, 0], weight, block)
            slopes *= weight[block, None] / self.temperature
            d_z[block] += slopes @ z
            d_z += slopes.T @ z[block]
        along = (d_z * z).sum(axis=1, keepdims=True)
        return np.divide(d_z - along * z, lengths, out=np.zeros_like(z), where=lengths != 0).astype(output.dtype)

    def _compare(self, z: np.ndarray, labels: np.ndarray, weight: np.ndarray, block: slice) -> tuple[np.ndarray, np.ndarray]:
        """E of the rows of a block, and its slope by each similarity zᵢ·zₐ/τ, (n_block, n_rows)."""
        positive, negative = alike(labels, weight > 0, block)
        n_positive = positive.sum(axis=1, keepdims=True)
        similarity = np.where(positive | negative, z[block] @ z.T / self.temperature, -np.inf)
        largest = np.where(n_positive > 0, similarity.max(axis=1, keepdims=True), 0)
        e = np.exp(similarity - largest)
        total = e.sum(axis=1, keepdims=True)
        mean = np.where(positive, similarity - largest, 0).sum(axis=1, keepdims=True) / np.maximum(n_positive, 1)
        has_positive = n_positive > 0
        value = np.where(has_positive, np.log(np.where(has_positive, total, 1)) - mean, 0)[:, 0]
        slopes = np.where(has_positive, e / np.where(has_positive, total, 1) - positive / np.maximum(n_positive, 1), 0)
        return value, slopes


def _directions(output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1, and the lengths (n_rows, 1), in float64; a row of zeros has no direction."""
    rows = output.astype(np.float64)
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths != 0), lengths
