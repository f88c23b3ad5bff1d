"""The precision of matrix products in a fit, and whether bfloat16 is faster on this machine."""

from __future__ import annotations

import functools
from typing import Any, Literal, TypeAlias

import numpy as np

from nncore._core import native
from nncore.arguments import choice
from nncore.errors import ParameterError

Precision: TypeAlias = Literal["float32", "bfloat16", "auto"]

#: Smallest speed-up of products for ``"auto"``.
WORTH_ROUNDING = 1.15
#: Smallest batch size for ``"auto"``, by the instructions of products. Operands are copied, which pays for many rows.
MIN_BATCH = {"AMX": 32, "AVX512_BF16": 64}

#: Turns in which both kinds of products are measured, and seconds of each: other programs may take the processor during any one of them.
_TURNS, _TURN_SECONDS = 4, 0.00075


def has_bfloat16() -> bool:
    """Whether this machine has bfloat16 products: CPU level v4, and a processor with AVX512_BF16."""
    return native.HAS_BFLOAT16


@functools.cache
def bfloat16_speed() -> float:
    """Speed-up of a matrix product in bfloat16 over float32 on one thread, measured once in a process.

    It multiplies two matrices of 256 × 256, including copies of the operands, and takes the best within 3 ms each. The two kinds take
    turns. 0 without bfloat16.
    """
    if not has_bfloat16():
        return 0.0
    turns = [(native.product_flops(True, _TURN_SECONDS), native.product_flops(False, _TURN_SECONDS)) for _ in range(_TURNS)]
    rounded, exact = map(max, zip(*turns, strict=True))
    return rounded / exact


def is_worth_rounding() -> bool:
    """Whether ``"auto"`` uses bfloat16 on this machine, for float32 networks and large enough batches."""
    return bfloat16_speed() >= WORTH_ROUNDING


def chosen_precision(precision: Any, dtype: np.dtype, batch_size: int) -> str:
    """Choose the precision of matrix products in a fit: ``"bfloat16"``, or the name of the network's dtype.

    Parameters
    ----------
    precision : {"float32", "bfloat16", "auto"} or None
    dtype : dtype
        Dtype of the network.
    batch_size : int

    Raises
    ------
    ParameterError
        If the network or this machine does not support the precision.
    """
    if precision is None:
        return dtype.name
    chosen = choice("precision", precision, ("float32", "bfloat16", "auto"))
    if chosen == "auto":
        is_faster = dtype == np.float32 and is_worth_rounding() and batch_size >= MIN_BATCH[native.bfloat16_instructions() or "AVX512_BF16"]
        return "bfloat16" if is_faster else dtype.name
    if dtype != np.float32:
        raise ParameterError(
            f"precision={chosen!r} is for networks of float32, and this one is {dtype.name}: leave it out, or pass dtype='float32'"
        )
    if chosen == "bfloat16":
        check_bfloat16()
    return chosen


def check_bfloat16() -> None:
    """Raise `ParameterError` if this machine has no bfloat16 products."""
    if not has_bfloat16():
        raise ParameterError(
            "precision='bfloat16' needs a processor with AVX512_BF16 (AMD from Zen 4 on, Intel Xeon from Sapphire Rapids on), and nncore's "
            f"CPU level {native.LEVEL!r} on this one has none: leave precision out, or pass 'auto', which uses bfloat16 only where it is "
            "faster"
        )
