"""Orthogonal initialisation: random rotations, which preserve lengths."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.plugin import Initializer


class Orthogonal(Initializer):
    """Orthogonal initialisation: gain · Q, Q a random matrix with orthonormal rows or columns (Haar measure).

    A weight ``(n_in, n_out)`` with n_in ≥ n_out has orthonormal columns, one with n_in < n_out orthonormal rows. All its
    min(n_in, n_out) singular values are `gain`. So a linear network of square layers preserves the length of signals and gradients at any
    depth.

    A vector is treated as a matrix of one row: a random direction of length `gain`. For biases, ``"zeros"`` is better. The last axis of a
    tensor with more axes holds the columns, the others together the rows.

    Parameters
    ----------
    gain : float, default 1.0
        Every singular value. √2 compensates for a ReLU, which halves the variance.

    References
    ----------
    Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013.
    Mezzadri, "How to generate random matrices from the classical compact groups", 2007 (the signs).
    """

    ranges: ClassVar[dict[str, str]] = {"gain": "(0, inf)"}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        rows, columns = math.prod(shape[:-1]), math.prod(shape[-1:])
        gaussian = rng.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(gaussian)
        # QR leaves the sign of each column to the algorithm; with those of the diagonal of R the result is Haar distributed.
        q *= self.gain * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        return np.ascontiguousarray(q if rows >= columns else q.T).reshape(shape)
