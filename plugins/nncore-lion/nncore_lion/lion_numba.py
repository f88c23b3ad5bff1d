"""Lion on the numba rung: the same step as one compiled pass, with no C compiler at hand.

Importing this module imports numba and compiles, which takes about a second; nncore does so when somebody asks for ``"lion_numba"``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nncore.errors import MissingExtraError
from nncore.plugin import Kernel, function_table
from nncore_lion.lion import Lion

try:
    import numba
except ModuleNotFoundError as error:
    if error.name != "numba":
        raise  # numba is there but broken: its own error says more
    raise MissingExtraError('lion_numba needs numba: pip install "nncore-lion[numba]"', name="numba") from None


class LionNumba(Lion):
    """`Lion`, compiled by numba."""

    kernel = Kernel("nncore_lion.lion_numba:table", rung="numba")


def _step(T: type[np.floating]) -> Callable[..., int]:
    """``nnc_step_f32`` or ``nnc_step_f64`` of ``nncore/plugin.h``."""

    def step(w: Any, g: Any, m: Any, n: int, t: int, hyper: Any, stride: int) -> int:
        # Rounded to T as NumPy rounds a Python number that meets an array; else every element would be computed in float64.
        lr, beta1, beta2, decay = T(hyper[0]), T(hyper[1]), T(hyper[2]), T(hyper[3])
        rest1, rest2 = T(1 - hyper[1]), T(1 - hyper[2])
        for i in range(n):
            c = beta1 * m[i] + rest1 * g[i]
            # np.sign(c), a NaN included, without a branch that would keep the loop from being vectorised.
            sign = T(c > 0) - T(c < 0) if c == c else c
            w[i] -= lr * (sign + decay * w[i])
            m[i] = beta2 * m[i] + rest2 * g[i]
        return 0

    return step


def _compiled(T: type[np.floating]) -> int:
    """Address of the compiled step."""
    pointer, whole = numba.types.CPointer, numba.int64
    numbers = pointer(numba.from_dtype(np.dtype(T)))
    # Overlapping buffers are ruled out by the contract, but numba cannot be told: LLVM checks once a call.
    compiled = numba.cfunc(numba.int32(numbers, numbers, numbers, whole, whole, pointer(numba.float64), whole))(_step(T))
    _kept.append(compiled)
    return int(compiled.address)


_kept: list[Any] = []  # numba frees the machine code with the function object, and the table holds but its address
table = function_table("optimizer", step_f32=_compiled(np.float32), step_f64=_compiled(np.float64))
