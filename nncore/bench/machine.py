"""Describe the machine of a measurement."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import nncore
from nncore._core import native


def describe() -> dict[str, str]:
    """CPU, cores, CPU level, caches, system, versions and date, in the order in which to print them; no caches where nothing tells."""
    caches = data_caches(Path(f"/sys/devices/system/cpu/cpu{usable_cores()[0]}/cache"))
    return {
        "CPU": cpu_name(_cpu_fields(), platform.processor() or platform.machine()),
        "cores": str(len(usable_cores())),
        "CPU level": f"{native.LEVEL} ({native.INSTRUCTIONS})",
        "bfloat16": native.bfloat16_instructions() or "none",
        **({"caches": caches} if caches else {}),
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


def cpu_name(fields: Mapping[str, str], otherwise: str) -> str:
    """Name of a processor: ``"AMD EPYC (Zen 3; family 25, model 1)"``.

    Parameters
    ----------
    fields : mapping
        Of one processor in Linux's ``/proc/cpuinfo``.
    otherwise : str
        Its name where they have none.
    """
    name = fields.get("model name") or otherwise
    numbers = ", ".join(f"{label} {fields[key]}" for key, label in (("cpu family", "family"), ("model", "model")) if key in fields)
    return f"{name} ({'; '.join(filter(None, [_generation(fields), numbers]))})" if numbers else name


#: AMD's families and models that are of one generation; the names of its processors for rent do not say it. From Linux, cpu/amd.c.
_GENERATIONS = {
    "Zen": (23, (range(0x30), range(0x50, 0x60))),
    "Zen 2": (23, (range(0x30, 0x50), range(0x60, 0x80), range(0x90, 0x92), range(0xA0, 0xB0))),
    "Zen 3": (25, (range(0x10), range(0x20, 0x60))),
    "Zen 4": (25, (range(0x10, 0x20), range(0x60, 0xB0))),
    "Zen 5": (26, (range(0x30), range(0x40, 0x50), range(0x60, 0x80))),
}


def _generation(fields: Mapping[str, str]) -> str:
    if fields.get("vendor_id") != "AuthenticAMD":
        return ""
    family, model = int(fields["cpu family"]), int(fields["model"])
    return next((name for name, (of, models) in _GENERATIONS.items() if of == family and any(model in some for some in models)), "")


def _cpu_fields() -> dict[str, str]:
    """Properties of the last processor that Linux lists; empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {name.strip(): value.strip() for name, value in (line.split(":", 1) for line in lines if ":" in line)}


def data_caches(folder: Path) -> str:
    """``"L1 32 KB, L2 512 KB, L3 32 MB"``: those for data that a core uses, as Linux tells; empty where it does not."""
    try:
        found = [
            [(cache / name).read_text(encoding="ascii").strip() for name in ("level", "size", "type")] for cache in folder.glob("index*")
        ]
        sizes = sorted((int(level), int(size.removesuffix("K"))) for level, size, kind in found if kind != "Instruction")
    except (OSError, ValueError):
        return ""
    return ", ".join(f"L{level} {f'{size} KB' if size < 1024 else f'{size / 1024:g} MB'}" for level, size in sizes)
