"""Both rungs of an activation side by side, for one column of numbers."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Activation
from nncore.testing import tables


def compiled(phi: Activation, z: np.ndarray, d_a: np.ndarray | None = None) -> np.ndarray:
    """φ(z), or ∂E/∂z if `d_a` is given, from the kernel; `z` has shape (n,)."""
    assert phi.kernel is not None
    table, hyper = tables.activation(phi.kernel.load()), np.array(phi.hyper())
    suffix = tables.SUFFIXES[z.dtype]
    a, d_z = np.empty_like(z), np.empty_like(z)
    shape = {"n_rows": 1, "n_columns": len(z), "hyper": hyper}
    getattr(table, f"forward_{suffix}").must(z=z, a=a, **shape)
    if d_a is None:
        return a
    getattr(table, f"backward_{suffix}").must(z=z if phi.needs_input else a, a=a, d_a=d_a, d_z=d_z, **shape)
    return d_z


def numpy(phi: Activation, z: np.ndarray, d_a: np.ndarray | None = None) -> np.ndarray:
    """The same from the NumPy methods."""
    a = phi.forward(z[None])
    if d_a is None:
        return a[0]
    return phi.backward(z[None] if phi.needs_input else a, a, d_a[None])[0]


RUNGS = {"numpy": numpy, "native": compiled}


def sweep(limit: float) -> np.ndarray:
    """200 000 float32 numbers of either sign, equally dense in every binade up to `limit`, subnormals and zeros included."""
    largest = int(np.float32(limit).view(np.uint32))
    magnitudes = np.linspace(0, largest, 100_000).astype(np.uint32).view(np.float32)
    return np.concatenate([magnitudes, -magnitudes])


def ulps(actual: np.ndarray, exact: np.ndarray) -> float:
    """Largest error in units in the last place of `actual`'s dtype; `exact` has more digits."""
    unit = np.spacing(np.abs(exact.astype(actual.dtype))).astype(exact.dtype)
    return float((np.abs(actual.astype(exact.dtype) - exact) / unit).max())
