"""Orthogonal initialisation: a random rotation, which changes no length."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.plugin import Initializer


class Orthogonal(Initializer):
    """gain · Q, Q drawn uniformly (by the Haar measure) from the matrices with orthonormal rows or columns.

    A weight ``(n_in, n_out)`` with n_in ≥ n_out has orthonormal columns, one with n_in < n_out orthonormal rows; all its
    min(n_in, n_out) singular values are `gain`. A deep linear network of square layers then keeps the length of every signal
    and of every gradient, whatever its depth.

    A vector counts as a matrix of one row: a random direction of length `gain`. (The paper has no biases; ``"zeros"`` suits
    them better.) Of a tensor with more axes the last one holds the columns and the others together the rows.

    Parameters
    ----------
    gain : float, default 1.0
        Every singular value. √2 makes up for the half that a ReLU cuts off.

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
