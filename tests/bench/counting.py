"""Instructions counted by callgrind, against counts that were recorded: a guard against slowdowns that noise does not affect.

A `Guard` is a module with cases. A case is a function that prepares, and returns ``run(n)``, which does n times what is counted. Its count
is the difference of two runs, with fewer and with more repetitions, so that one-time work cancels.

Counting needs valgrind. Valgrind knows no AVX-512, so what is counted is the level v3.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nncore._core import native
from nncore.bench.workers import environment

LEVEL = "v3"

#: A function of the C library that nothing else calls, and os.getloadavg does; a call of it ends what callgrind counts together.
MARK = "getloadavg"

#: A function that prepares a case and returns its run.
Run = Callable[[int], object]
Prepare = Callable[[], Run]

_PROGRAM = "import sys; from bench import counting; counting.run(sys.argv[1], sys.argv[2:])"


class CannotCountError(RuntimeError):
    """Instructions cannot be counted here; the message says what is missing."""


@dataclass(frozen=True)
class Guard:
    """Cases, and the file of their counts.

    Attributes
    ----------
    module : str
        That has the guard as its ``GUARD``.
    cases : mapping of str to function
    fewer, more : int
        Repetitions in the two runs of a case: so many that the variation between runs is small compared with the difference.
    tolerance : float
        Relative difference from the recorded count that is allowed.
    of_python : bool
        Whether much of the counted work is Python's, which differs between versions.
    """

    module: str
    cases: Mapping[str, Prepare]
    fewer: int
    more: int
    tolerance: float
    of_python: bool

    @property
    def path(self) -> Path:
        """The file of counts."""
        return Path(__file__).with_name(f"{self.module.rpartition('.')[2]}.json")

    def recorded(self) -> dict[str, Any]:
        """``made_by``, and the ``counts`` by the labels of the cases."""
        found: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return found

    def made_by(self) -> dict[str, str]:
        """The environment that counts depend on: counts recorded in another one are not comparable."""
        made_by = {"level": LEVEL, "compiler": _compiler()}
        versions = {"Python": ".".join(platform.python_version_tuple()[:2]), "NumPy": ".".join(np.__version__.split(".")[:2])}
        return made_by | versions if self.of_python else made_by

    def check(self) -> None:
        """Raise `CannotCountError` if instructions cannot be counted here, or not compared."""
        check()
        if (before := self.recorded()["made_by"]) != (now := self.made_by()):
            raise CannotCountError(f"the counts were recorded with {before}, here is {now}")

    def count(self, labels: Sequence[str] | None = None) -> dict[str, int]:
        """Instructions of each case."""
        labels = list(self.cases) if labels is None else labels
        variables = environment() | {"NNCORE_CPU": LEVEL, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        variables["PYTHONPATH"] = os.pathsep.join([variables["PYTHONPATH"], str(Path(__file__).parents[1])])
        with tempfile.TemporaryDirectory() as folder:
            valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/part", f"--dump-before={MARK}"]
            command = [*valgrind, sys.executable, "-c", _PROGRAM, self.module, *labels]
            done = subprocess.run(command, env=variables, capture_output=True, encoding="utf-8")
            if done.returncode != 0:
                raise RuntimeError(f"valgrind ended with code {done.returncode}:\n{done.stderr[-2000:]}")
            totals = [_total(Path(folder) / f"part.{number}") for number in range(1, 4 * len(labels) + 1)]
        counts = [round((more - fewer) / (self.more - self.fewer)) for fewer, more in zip(totals[2::4], totals[3::4], strict=True)]
        return dict(zip(labels, counts, strict=True))

    def main(self) -> int:
        """Compare with the recorded counts, or record new ones; for ``python -m``."""
        parser = argparse.ArgumentParser(description=importlib.import_module(self.module).__doc__)
        parser.add_argument("parts", nargs="*", help="count only the cases whose labels contain one of these")
        parser.add_argument("--record", action="store_true", help="write the counts to the file, those of all other cases stay")
        asked = parser.parse_args()
        check()
        before = self.recorded() if self.path.exists() else {"made_by": {}, "counts": {}}
        counts = self.count([label for label in self.cases if not asked.parts or any(part in label for part in asked.parts)])
        print(f"now: {self.made_by()}; recorded: {before['made_by']}")
        changes = {label: number / before["counts"][label] - 1 for label, number in counts.items() if label in before["counts"]}
        for label, number in counts.items():
            print(f"{label:>50}  {number:>12,}  {changes.get(label, math.nan):+.2%}")
        if not asked.record:
            return 0 if len(changes) == len(counts) and all(abs(change) <= self.tolerance for change in changes.values()) else 1
        kept = before["counts"] | counts
        record = {"made_by": self.made_by(), "counts": {label: kept[label] for label in self.cases if label in kept}}
        self.path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        return 0


def check() -> None:
    """Raise `CannotCountError` if instructions cannot be counted here."""
    if shutil.which("valgrind") is None:
        raise CannotCountError("counting instructions needs valgrind (Debian: apt-get install valgrind)")
    if LEVEL not in native.LEVELS or not native.machine_can_run(LEVEL):
        raise CannotCountError(f"counting instructions needs the CPU level {LEVEL}")


def run(module: str, labels: Sequence[str]) -> None:
    """Run in valgrind: prepare and run the cases of a guard, each in four parts."""
    guard: Guard = importlib.import_module(module).GUARD
    gc.disable()  # it would run at random places
    for label in labels:
        case = guard.cases[label]()
        os.getloadavg()
        for times in (guard.fewer, guard.fewer, guard.more):  # the first of them also compiles
            case(times)
            os.getloadavg()


def again(call: Callable[[], object]) -> Run:
    """A run that repeats one call."""

    def run(n: int) -> None:
        for _ in range(n):
            call()

    return run


def _compiler() -> str:
    """The compiler of the kernels, from its signature in the binary."""
    found = re.search(rb"GCC: \([^)]*\) [\d.]+|clang version [\d.]+", Path(native.__file__).read_bytes())
    return "unknown" if found is None else re.sub(r"GCC: \([^)]*\)", "GCC", found[0].decode())


def _total(part: Path) -> int:
    found = re.search(r"^totals: (\d+)", part.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, part
    return int(found[1])
