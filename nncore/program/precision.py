"""The precision of matrix products in a fit, and whether bfloat16 is faster on this machine."""

from __future__ import annotations

import functools
from typing import Any, Literal, TypeAlias

import numpy as np

from nncore._core import native
from nncore.arguments import choice
from nncore.errors import ParameterError

Precision: TypeAlias = Literal["float32", "bfloat16", "auto"]

#: What ``"auto"`` asks for: products so much faster, and batches of so many samples, for which copying the operands pays.
WORTH_ROUNDING = 1.15
MIN_BATCH = 64

#: Seconds for which each kind of product is tried.
_MEASURED_SECONDS = 0.003


def has_bfloat16() -> bool:
    """Whether products can be made in bfloat16 here: at CPU level v4, on a processor with AVX512_BF16."""
    return native.HAS_BFLOAT16


@functools.cache
def bfloat16_speed() -> float:
    """How many times as fast a matrix product is in bfloat16 as in float32, on one thread; measured once in a process.

    Two matrices of 256 × 256, with the copies that products make; the best of 3 ms each. 0 where there is none.
    """
    if not has_bfloat16():
        return 0.0
    return native.product_flops(True, _MEASURED_SECONDS) / native.product_flops(False, _MEASURED_SECONDS)


def is_worth_rounding() -> bool:
    """Whether ``"auto"`` takes bfloat16 on this machine, for networks of float32 and batches of at least `MIN_BATCH` samples."""
    return bfloat16_speed() >= WORTH_ROUNDING


def chosen_precision(precision: Any, dtype: np.dtype, batch_size: int) -> str:
    """The precision of products that a fit is to have: ``"bfloat16"``, or the name of the network's dtype.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "auto"} or None
    dtype : dtype
        Of the network.
    batch_size : int

    Raises
    ------
    ParameterError
        If the network, or this machine, cannot do what is asked for.
    """
    if precision is None:
        return dtype.name
    chosen = choice("precision", precision, ("float32", "bfloat16", "auto"))
    if chosen == "auto":
        is_faster = dtype == np.float32 and batch_size >= MIN_BATCH and is_worth_rounding()
        return "bfloat16" if is_faster else dtype.name
    if dtype != np.float32:
        raise ParameterError(
            f"precision={chosen!r} is for networks of float32, and this one is {dtype.name}: leave it out, or pass dtype='float32'"
        )
    if chosen == "bfloat16":
        check_bfloat16()
    return chosen


def check_bfloat16() -> None:
    """Raise `ParameterError` where this machine makes no products in bfloat16."""
    if not has_bfloat16():
        raise ParameterError(
            "precision='bfloat16' needs a processor with AVX512_BF16 (AMD from Zen 4 on, Intel Xeon from Sapphire Rapids on), and nncore's "
            f"CPU level {native.LEVEL!r} on this one has none: leave precision out, or pass 'auto', which uses bfloat16 only where it is "
            "faster"
        )
