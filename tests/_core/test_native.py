"""The choice of a CPU level at import, and the measured speed of a level."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nncore._core import native

CPUINFO = Path("/proc/cpuinfo")
#: CPU flags, as named by Linux, that a level requires in addition to those of the level before it.
X86_LEVELS = {
    "v3": "pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm avx avx2 bmi1 bmi2 f16c fma abm movbe xsave",
    "v4": "avx512f avx512bw avx512cd avx512dq avx512vl",
}
MEASURES = {
    "flops_f32": lambda seconds: native.peak_flops(False, seconds),
    "flops_f64": lambda seconds: native.peak_flops(True, seconds),
    "bandwidth": lambda seconds: native.memory_bandwidth(1 << 20, seconds),
}


def import_native(level: str) -> subprocess.CompletedProcess[str]:
    script = "import nncore._core.native as n; print(n.LEVEL)"
    return subprocess.run([sys.executable, "-c", script], env=os.environ | {"NNCORE_CPU": level}, capture_output=True, text=True)


@pytest.mark.parametrize("level", [level for level in native.LEVELS if native.machine_can_run(level)])
def test_a_level_can_be_forced(level: str) -> None:
    assert import_native(level).stdout.strip() == level


def test_the_best_level_is_the_default() -> None:
    usable = [level for level in native.LEVELS if native.machine_can_run(level)]
    assert import_native("").stdout.strip() == usable[-1]


def test_an_unknown_level_is_refused_with_the_choice() -> None:
    done = import_native("v9")
    assert done.returncode != 0
    assert "NNCORE_CPU=v9: this build and machine offer ['portable'" in done.stderr


def test_portable_runs_everywhere() -> None:
    assert native.LEVELS[0] == "portable"
    assert native.machine_can_run("portable")
    assert not native.machine_can_run("abacus")


@pytest.mark.skipif(platform.machine() != "x86_64" or not CPUINFO.exists(), reason="needs the flags that Linux lists for x86-64")
def test_x86_levels_are_those_whose_every_feature_the_system_lists() -> None:
    flags = next(line for line in CPUINFO.read_text().splitlines() if line.startswith("flags")).split(":")[1].split()
    needed: set[str] = set()
    for level, added in X86_LEVELS.items():
        needed |= set(added.split())
        assert native.machine_can_run(level) == (needed <= set(flags)), level
    assert [level for level in X86_LEVELS if level in native.LEVELS] == list(native.LEVELS[1:])  # a build may leave some out


@pytest.mark.parametrize("level", ["", "v", "v1", "v2", "v5", "v33", "V3", "x86-64-v3"])
def test_no_such_level(level: str) -> None:
    assert not native.machine_can_run(level)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_a_measure_is_a_number_per_second(measure: Callable[[float], float]) -> None:
    """A measurement is a number per second; the bounds exclude numbers per nanosecond and in units of a thousand million."""
    assert 1e7 < measure(0.01) < 1e14
    assert 1e7 < measure(0.0) < 1e14  # one burst, however short the time


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_a_time_without_end_is_refused(measure: Callable[[float], float], seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be finite and at least 0"):
        measure(seconds)


def test_arrays_without_an_element_are_refused() -> None:
    assert native.memory_bandwidth(n_bytes=16, seconds=0.0) > 0
    with pytest.raises(ValueError, match="n_bytes must be at least 16, not 15"):
        native.memory_bandwidth(15, 0.0)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_other_threads_run_meanwhile(measure: Callable[[float], float]) -> None:
    span: list[float] = []

    def run() -> None:
        span.append(time.perf_counter())
        measure(0.5)
        span.append(time.perf_counter())

    worker = threading.Thread(target=run)
    worker.start()
    moments = []
    while worker.is_alive():
        moments.append(time.perf_counter())
        time.sleep(0.001)
    worker.join()
    # The interpreter switches threads every 5 ms. If the measurement held the GIL, other threads would get no time after the first few.
    assert any(span[0] + 0.1 < moment < span[1] for moment in moments)
