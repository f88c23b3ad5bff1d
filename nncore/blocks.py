"""Blocks of rows with a bounded number of bytes, how much memory is left, and the error when an allocation fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nncore.errors import OutOfMemoryError

#: Approximate bytes of a block: little compared with any data that are processed in blocks.
BLOCK = 8 * 2**20


def rows_at_once(bytes_per_row: int, most: int | None = None, *, of: int | None = None) -> int:
    """Number of rows in a block of about `of` bytes (default `BLOCK`): at least 1, at most `most`."""
    n_rows = max(1, (BLOCK if of is None else of) // max(1, bytes_per_row))
    return n_rows if most is None else min(n_rows, most)


def blocks(n_rows: int, bytes_per_row: int, most: int | None = None, *, of: int | None = None) -> Iterator[slice]:
    """Consecutive slices that cover `n_rows` rows, one for each block."""
    step = rows_at_once(bytes_per_row, most, of=of)
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that can be allocated without swapping, and without reaching the memory limit of the process's container or batch job.

    None on macOS and Windows, where Python's standard library has no such number.

    Parameters
    ----------
    root : Path
        Where ``/proc`` and ``/sys`` are.
    """
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines)
    of_system = [int(values["MemAvailable"].split()[0]) * 1024] if "MemAvailable" in values else []
    return min([*of_system, *_left_to_groups(root)], default=None)


#: Files of a control group: its limit, its usage, and the entry of its statistics that counts cached files, which the system can drop.
_VERSION_1 = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
_VERSION_2 = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"


def _left_to_groups(root: Path) -> Iterator[int]:
    """Bytes left in each control group of the process and in the groups around it. Groups without a limit are left out."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, name = line.split(":", 2)
        if number != "0" and "memory" not in controllers.split(","):
            continue
        mounted, limit, used, cached = _VERSION_2 if number == "0" else _VERSION_1
        inner = Path(name.lstrip("/"))
        for group in (inner, *inner.parents):  # in a container, only the outermost one may be there
            found = _left_to(root / mounted / group, limit, used, cached)
            if found is not None:
                yield found


def _left_to(group: Path, limit: str, used: str, cached: str) -> int | None:
    """Bytes left in a control group; None if it has no limit or does not exist."""
    try:
        most = int((group / limit).read_text(encoding="ascii"))
        statistics = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return max(0, most - int((group / used).read_text(encoding="ascii")) + int(statistics.get(cached, 0)))
    except (OSError, ValueError):  # "max" is no number
        return None


@contextmanager
def memory_for(what: str, n_bytes: int, remedy: str) -> Iterator[None]:
    """Turn a MemoryError into an `OutOfMemoryError` that says what the memory was for, how much it was, and what needs less."""
    try:
        yield
    except OutOfMemoryError:
        raise
    except MemoryError:
        raise OutOfMemoryError(f"there is not enough memory for {what}, {n_bytes / 2**30:.4g} GiB: {remedy}") from None
