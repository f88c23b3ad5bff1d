"""Sparse initialisation: few strong connections instead of many weak ones."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nncore.errors import ParameterError
from nncore.plugin import Initializer


class Sparse(Initializer):
    """Each unit starts connected to `n_connections` inputs chosen at random; those weights are N(0, deviation²), all others 0.

    The input of a unit then does not shrink towards the mean as layers get wider, and units differ from each other.
    A vector has no connections and starts at 0, as the paper's biases do.

    Parameters
    ----------
    n_connections : int, default 15
        Nonzero weights of a unit; all of them if it has fewer inputs.
    deviation : float, default 1.0
        Standard deviation of a nonzero weight. 1 is the paper's, for sigmoid units; Sutskever et al. take 0.25 for tanh.

    Raises
    ------
    ParameterError
        For a number outside its range, or an `n_connections` that is not whole.

    References
    ----------
    Martens, "Deep learning via Hessian-free optimization", ICML 2010, section 5.
    Sutskever, Martens, Dahl & Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.
    """

    ranges: ClassVar[dict[str, str]] = {"n_connections": "[1, inf)", "deviation": "(0, inf)"}

    def __init__(self, n_connections: int = 15, deviation: float = 1.0) -> None:
        self.n_connections = n_connections
        self.deviation = deviation

    def validate(self) -> None:
        super().validate()
        if not isinstance(self.n_connections, (int, np.integer)):
            raise ParameterError(f"Sparse: n_connections must be a whole number, got {self.n_connections!r}")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        if len(shape) < 2:
            return np.zeros(shape)
        n_inputs, n_units = math.prod(shape[:-1]), shape[-1]
        first = np.arange(n_inputs)[:, np.newaxis] < self.n_connections
        is_connected = rng.permuted(np.broadcast_to(first, (n_inputs, n_units)), axis=0)
        return np.where(is_connected, rng.normal(0.0, self.deviation, (n_inputs, n_units)), 0.0).reshape(shape)
