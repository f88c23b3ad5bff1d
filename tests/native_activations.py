"""Compiled activations as tests call them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from manifest import classes

from nncore.activations.celu import CELU
from nncore.activations.elu import ELU
from nncore.activations.gelu import GELU
from nncore.activations.hard_tanh import HardTanh
from nncore.activations.leaky_relu import LeakyReLU
from nncore.activations.silu import SiLU
from nncore.activations.softplus import Softplus
from nncore.plugin import Activation
from nncore.testing import Guarded, tables
from nncore.testing.conformance import required_arguments

#: Every built-in activation, with default and other hyperparameters.
CASES = {name: cls() for name, cls in classes("activations").items() if not required_arguments(cls)} | {
    "leaky_relu(0.3)": LeakyReLU(slope=0.3),
    "elu(0.4)": ELU(alpha=0.4),
    "softplus(3)": Softplus(beta=3.0),
    "celu(0.4)": CELU(alpha=0.4),
    "silu(1.7)": SiLU(beta=1.7),
    "hard_tanh(-0.5, 2)": HardTanh(low=-0.5, high=2.0),
    "gelu(tanh)": GELU(approximate="tanh"),
}


class Native:
    """The compiled kernel of an activation, with the interface of its NumPy methods, on guarded buffers."""

    def __init__(self, phi: Activation, dtype: Any) -> None:
        assert phi.kernel is not None
        table: SimpleNamespace = tables.activation(phi.kernel.load())
        suffix = tables.SUFFIXES[np.dtype(dtype)]
        self._forward, self._backward = getattr(table, f"forward_{suffix}"), getattr(table, f"backward_{suffix}")
        self._hyper = np.array(phi.hyper())

    def forward(self, z: np.ndarray, in_place: bool = False) -> np.ndarray:
        z_buffer = Guarded(z)
        a_buffer = z_buffer if in_place else Guarded(np.full_like(z, 7))
        self._forward.must(z=z_buffer.array, a=a_buffer.array, n_rows=z.shape[0], n_columns=z.shape[1], hyper=self._hyper)
        if not in_place:
            np.testing.assert_array_equal(z_buffer.check(), z)
        return a_buffer.check()

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray, in_place: bool = False) -> np.ndarray:
        z_buffer, a_buffer, d_a_buffer = Guarded(z), Guarded(a), Guarded(d_a)
        d_z_buffer = d_a_buffer if in_place else Guarded(np.full_like(z, 7))
        matrices = {"z": z_buffer.array, "a": a_buffer.array, "d_a": d_a_buffer.array, "d_z": d_z_buffer.array}
        self._backward.must(**matrices, n_rows=z.shape[0], n_columns=z.shape[1], hyper=self._hyper)
        np.testing.assert_array_equal(z_buffer.check(), z)
        np.testing.assert_array_equal(a_buffer.check(), a)
        if not in_place:
            np.testing.assert_array_equal(d_a_buffer.check(), d_a)
        return d_z_buffer.check()
