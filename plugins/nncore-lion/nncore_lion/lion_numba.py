"""Lion on the numba rung: the same step as one compiled pass, without a C compiler.

Importing this module imports numba and compiles, which takes about a second; nncore does so when somebody asks for ``"lion_numba"``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.errors import MissingExtraError
from nncore.plugin import Kernel, function_table, numba_call
from nncore_lion.lion import Lion

try:
    import numba
except ModuleNotFoundError as error:
    if error.name != "numba":
        raise  # numba is there but broken: its own error says more
    raise MissingExtraError('lion_numba needs numba: pip install "nncore-lion[numba]"', name="numba") from None


class LionNumba(Lion):
    """`Lion`, compiled by numba."""

    kernel = Kernel("nncore_lion.lion_numba:table", rung="numba", never_fails=True)
    bound = Lion.bound  # a class with a kernel of its own says it anew


def _compiled(T: type[np.floating]) -> int:
    """Address of ``step_f32`` or ``step_f64`` of ``nncore/plugin.h``."""
    types = numba_call("optimizer", T)
    fields, numbers, hyper_of = types.fields, types.numbers, types.hyper

    def step(call: Any) -> int:
        c = fields(call)
        w, g, m, hyper = numbers(c.w), numbers(c.g), numbers(c.state), hyper_of(c.site)
        # Rounded to T as NumPy rounds a Python number that meets an array; else every element would be computed in float64.
        lr, beta1, beta2, decay = T(hyper[0]), T(hyper[1]), T(hyper[2]), T(hyper[3])
        rest1, rest2 = T(1 - hyper[1]), T(1 - hyper[2])
        for i in range(c.n):
            mean = beta1 * m[i] + rest1 * g[i]
            # np.sign(mean), a NaN included, without a branch that would keep the loop from being vectorised.
            sign = T(mean > 0) - T(mean < 0) if mean == mean else mean
            w[i] -= lr * (sign + decay * w[i])
            m[i] = beta2 * m[i] + rest2 * g[i]
        return 0

    # Overlapping buffers are ruled out by the contract, but numba cannot be told: LLVM checks once a call.
    compiled = numba.cfunc(types.signature)(step)
    _kept.append(compiled)
    return int(compiled.address)


_kept: list[Any] = []  # numba frees the machine code with the function object, and the table holds but its address
table = function_table("optimizer", step_f32=_compiled(np.float32), step_f64=_compiled(np.float64))
