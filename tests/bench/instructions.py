"""Instructions of a training step, counted by callgrind: a guard against slowness that no noise can shake.

``python tests/bench/instructions.py`` compares with ``instructions.json``; with ``--record`` it writes that file. It takes a minute
and needs valgrind. Valgrind knows no AVX-512, so what is counted is the level v3. A count is the difference of two fits, of fewer and more
steps, so that all that happens once in a fit cancels; drawing the order of the samples does not.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nncore._core import native
from nncore.bench.grid import Case
from nncore.bench.workers import environment

LEVEL = "v3"
#: Small ones: valgrind emulates each fused multiply-add, slowly.
CASES = (Case((4, 16, 16, 3), 1), Case((4, 16, 16, 3), 32), Case((16, 64, 64, 10), 8), Case((784, 128, 10), 1))
#: Steps of the two fits of each case: so many that what varies between fits is little beside the difference.
FEWER, MORE = 100, 600
#: Two runs of one build count the same; other versions of Python, NumPy and the C library need a few instructions more or less.
TOLERANCE = 0.01
RECORDED = Path(__file__).with_name("instructions.json")

#: A function of the C library that nothing else calls, and os.getloadavg does; a call of it ends what callgrind counts together.
MARK = "getloadavg"

_PROGRAM = """
import json, os, sys
import numpy as np
import nncore.network.training
from nncore.layers.dense import Dense
from nncore.network import Sequential

nncore.network.training.SLICE_SECONDS = 1e9  # under valgrind a step takes long: Python would look up after a few
cases, fewer, more = json.loads(sys.argv[1])
for widths, batch in cases:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((more * batch, widths[0]), np.float32), rng.integers(widths[-1], size=more * batch)
    network = Sequential(*(Dense(width, activation="relu") for width in widths[1:-1]), Dense(widths[-1]))
    arguments = dict(loss="softmax_cross_entropy", optimizer="adam", batch_size=batch, rng=0, n_threads=1, progress=False)
    for n_steps in (fewer, fewer, more):  # the first of them also compiles
        network.fit(X[: n_steps * batch], y[: n_steps * batch], epochs=1, **arguments)
        os.getloadavg()
"""


class CannotCountError(RuntimeError):
    """What is missing for counting here."""


def check() -> None:
    """Raise `CannotCountError` if instructions cannot be counted here."""
    if shutil.which("valgrind") is None:
        raise CannotCountError("counting instructions needs valgrind (Debian: apt-get install valgrind)")
    if LEVEL not in native.LEVELS or not native.machine_can_run(LEVEL):
        raise CannotCountError(f"counting instructions needs the CPU level {LEVEL}")


def compiler() -> str:
    """What compiled the kernels, as it signed them."""
    found = re.search(rb"GCC: \([^)]*\) [\d.]+|clang version [\d.]+", Path(native.__file__).read_bytes())
    return "unknown" if found is None else re.sub(r"GCC: \([^)]*\)", "GCC", found[0].decode())


def count(cases: Sequence[Case]) -> list[int]:
    """Instructions of one training step of each case."""
    variables = environment() | {"NNCORE_CPU": LEVEL, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/part", f"--dump-before={MARK}"]
        argument = json.dumps([[(case.widths, case.batch) for case in cases], FEWER, MORE])
        done = subprocess.run([*valgrind, sys.executable, "-c", _PROGRAM, argument], env=variables, capture_output=True, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(f"valgrind ended with code {done.returncode}:\n{done.stderr[-2000:]}")
        totals = [_total(Path(folder) / f"part.{number}") for number in range(1, 3 * len(cases) + 1)]
    return [round((more - fewer) / (MORE - FEWER)) for fewer, more in zip(totals[1::3], totals[2::3], strict=True)]


def _total(part: Path) -> int:
    found = re.search(r"^totals: (\d+)", part.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, part
    return int(found[1])


def recorded() -> dict[str, Any]:
    """``compiler`` and ``level``, and the ``counts`` by the case's label."""
    found: dict[str, Any] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found


def main() -> int:
    check()
    before = recorded()
    counts = dict(zip((case.label for case in CASES), count(CASES), strict=True))
    print(f"instructions a step, level {LEVEL}; now: kernels by {compiler()}; recorded: {before['compiler']}")
    changes = {label: number / before["counts"][label] - 1 for label, number in counts.items() if label in before["counts"]}
    for label, number in counts.items():
        print(f"{label:>30}  {number:>12,}  {changes.get(label, math.nan):+.2%}")
    if "--record" in sys.argv[1:]:
        RECORDED.write_text(json.dumps({"compiler": compiler(), "level": LEVEL, "counts": counts}, indent=1) + "\n", encoding="utf-8")
        return 0
    return 0 if len(changes) == len(counts) and all(abs(change) <= TOLERANCE for change in changes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
