"""Blocks of rows, bounded by their bytes: what works on large data looks at so much in one go, however wide a row is.

And what is said where there is no memory for something that has to be in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nncore.errors import OutOfMemoryError

#: Bytes of a block, about: they pass through the caches once, and are little beside any data that need blocks.
BLOCK = 8 * 2**20


def rows_at_once(bytes_per_row: int, most: int | None = None, *, of: int | None = None) -> int:
    """How many rows a block of about `of` bytes has, by default `BLOCK`: at least one, and no more than `most`."""
    n_rows = max(1, (BLOCK if of is None else of) // max(1, bytes_per_row))
    return n_rows if most is None else min(n_rows, most)


def blocks(n_rows: int, bytes_per_row: int, most: int | None = None, *, of: int | None = None) -> Iterator[slice]:
    """Slices of `n_rows` rows, one after the other, a block each."""
    step = rows_at_once(bytes_per_row, most, of=of)
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


def available_memory() -> int | None:
    """Bytes that can be allocated without swapping, if the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in lines)
    return int(values["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in values else None


@contextmanager
def memory_for(what: str, n_bytes: int, remedy: str) -> Iterator[None]:
    """Say what the memory was for, how much it was, and what needs less, where there is none."""
    try:
        yield
    except OutOfMemoryError:
        raise
    except MemoryError:
        raise OutOfMemoryError(f"there is not enough memory for {what}, {n_bytes / 2**30:.4g} GiB: {remedy}") from None
