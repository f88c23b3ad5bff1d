"""What a measurement was made on."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

import numpy as np

import nncore
from nncore._core import native


def describe() -> dict[str, str]:
    """CPU, cores, CPU level, system, versions and date, in the order in which to print them."""
    return {
        "CPU": _cpu_model(),
        "cores": str(len(usable_cores())),
        "CPU level": native.LEVEL,
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "nncore": nncore.__version__,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
    }


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may use, in the order in which to use them: the first is busiest with interrupts."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0), reverse=True)
    return list(reversed(range(os.cpu_count() or 1)))


def available_memory() -> int | None:
    """Bytes that can be allocated without swapping, if the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines)
    return int(values["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in values else None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    name = fields.get("model name") or platform.processor() or platform.machine()
    numbers = [f"{label} {fields[key]}" for key, label in (("cpu family", "family"), ("model", "model")) if key in fields]
    return f"{name} ({', '.join(numbers)})" if numbers else name
