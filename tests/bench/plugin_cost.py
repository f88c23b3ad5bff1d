"""Cost of an optimizer in a plugin: a copy of Adam in a separate library, and on the NumPy rung, against the built-in Adam.

Run it as ``python tests/bench/plugin_cost.py`` (needs gcc or clang; about a minute). The copy is the text of ``nncore/optimizers/adam.c``,
compiled with the flags that ``setup.py`` uses for the CPU level of this process, and handed over as a capsule, as any plugin's.
Both are called through their function tables, as the training loop calls them, on the same buffers, in turns. The best of many runs counts,
since a shared machine only ever adds time. The NumPy rung is the same class without its kernel; the host copies parameters and state before
each of its steps, in case it raises.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import nncore as nn
from nncore._core import native
from nncore.plugin import Kernel
from nncore.testing import numpy_twin

SIZES = (10**3, 10**5, 10**7)
LIMIT = 1.03
OPTIMIZERS = Path(nn.__file__).parent / "optimizers"
LEVEL_FLAGS = {"portable": [], "v3": ["-march=x86-64-v3"], "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}  # as setup.py has them
FLAGS = ["-std=gnu11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-shared", "-fPIC"]

#: Calls a table's step the way ``runner.c`` does, many times, and returns the time of one.
HARNESS = """
#include <time.h>
#include "nncore/plugin.h"
double time_steps(const nnc_optimizer *table, float *w, const float *g, float *state, int64_t n, int64_t repeats, const double *hyper) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int64_t t = 1; t <= repeats; t++) table->step_f32(w, g, state, n, t, hyper, n);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return ((end.tv_sec - start.tv_sec) + 1e-9 * (end.tv_nsec - start.tv_nsec)) / repeats;
}
"""


def build(folder: Path) -> ctypes.CDLL:
    """A library with Adam's table, named ``nnc_optimizer_adam_copy``, and the harness."""
    for name in ("adam.c", "adam_pass.h"):
        (folder / "optimizers").mkdir(exist_ok=True)
        shutil.copy(OPTIMIZERS / name, folder / "optimizers" / name)
    (folder / "_core/kernels").mkdir(parents=True)
    shutil.copy(OPTIMIZERS.parent / "_core/kernels/level.h", folder / "_core/kernels/level.h")
    (folder / "harness.c").write_text(HARNESS, encoding="utf-8")
    library = folder / "adam_copy.so"
    sources = [str(folder / "optimizers/adam.c"), str(folder / "harness.c")]
    flags = [*FLAGS, *LEVEL_FLAGS[native.LEVEL], f"-I{nn.get_include()}", "-DNNC_LEVEL=copy"]
    subprocess.run([os.environ.get("CC", "cc"), *flags, *sources, "-o", str(library), "-lm"], check=True)
    return ctypes.CDLL(str(library))


def addresses(library: ctypes.CDLL) -> dict[str, int]:
    """Where the tables are: the built-in one's in its capsule, the copy's in its library."""
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    built_in: Kernel | None = nn.Adam.kernel
    assert built_in is not None
    copy = ctypes.addressof(ctypes.c_char.in_dll(library, "nnc_optimizer_adam_copy"))
    return {"built-in": get_pointer(built_in.load(), b"nncore.optimizer"), "copy": copy}


def buffers(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """w, g and state for `n` parameters, each beginning on a vector's boundary like the host's."""
    rng = np.random.default_rng(0)
    return aligned(rng.normal(size=n)), aligned(rng.normal(size=n)), aligned(np.zeros((2, n)))


def aligned(values: np.ndarray) -> np.ndarray:
    """A copy in float32 at a multiple of 64 bytes."""
    memory = np.empty(4 * values.size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + 4 * values.size].view(np.float32).reshape(values.shape)
    copy[...] = values
    return copy


def native_costs(library: ctypes.CDLL, n: int, n_rounds: int) -> dict[str, float]:
    """Seconds a step of each table, the best of interleaved rounds."""
    library.time_steps.restype = ctypes.c_double
    tables, (w, g, state), hyper = addresses(library), buffers(n), np.array(nn.Adam().hyper())
    repeats = max(1, 2 * 10**6 // n)
    best = dict.fromkeys(tables, np.inf)
    for turn in range(n_rounds):
        for name in sorted(tables, reverse=turn % 2 == 0):
            pointers = [ctypes.c_void_p(address) for address in (tables[name], w.ctypes.data, g.ctypes.data, state.ctypes.data)]
            seconds = library.time_steps(*pointers, ctypes.c_int64(n), ctypes.c_int64(repeats), ctypes.c_void_p(hyper.ctypes.data))
            best[name] = min(best[name], seconds)
    return best


def host_cost(optimizer: Any, n: int, n_rounds: int) -> float:
    """Seconds of an update, called from Python, of a network with `n` parameters."""
    net = nn.Sequential(nn.Dense(1, use_bias=False)).build(n, loss="half_mse", optimizer=optimizer, rng=0)
    net.forward(np.ones((1, n), np.float32), training=True)
    net.backward(np.zeros((1, 1), np.float32))
    program = net._programs.training  # net.step() would require a backward before each step
    assert program is not None
    repeats, best = max(1, 10**6 // n), np.inf
    for _ in range(n_rounds):
        start = time.perf_counter()
        for _ in range(repeats):
            program.update()
        best = min(best, (time.perf_counter() - start) / repeats)
    return best


def main() -> int:
    print(f"Adam, float32, CPU level {native.LEVEL}; microseconds a step")
    print(f"{'parameters':>10}  {'built-in':>10}  {'copy':>10}  {'ratio':>6}  {'host, native':>12}  {'host, NumPy':>11}  {'ratio':>6}")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder))
        for n in SIZES:
            n_rounds = 400 if n < 10**6 else 60
            cost = native_costs(library, n, n_rounds)
            ratio = cost["copy"] / cost["built-in"]
            worst = max(worst, ratio)
            compiled, numpy = (host_cost(optimizer, n, 20) for optimizer in (nn.Adam(), numpy_twin(nn.Adam())))
            columns = f"{1e6 * cost['built-in']:10.3f}  {1e6 * cost['copy']:10.3f}  {ratio:6.3f}"
            print(f"{n:10d}  {columns}  {1e6 * compiled:12.3f}  {1e6 * numpy:11.3f}  {numpy / compiled:6.1f}", flush=True)
    print(f"worst ratio of the copy to the built-in: {worst:.3f} (limit {LIMIT})")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
