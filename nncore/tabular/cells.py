"""Cells of a column in a piece of a file, by their positions in its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore._core import strip
from nncore.errors import DataError

#: Largest text that the core splits into cells, since positions are int32.
MOST_BYTES = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells without surrounding blanks. An empty cell is missing.

    Attributes
    ----------
    data : bytes-like
        UTF-8.
    begins, ends : ndarray of shape (n,), int32
        Cell i is ``data[begins[i]:ends[i]]``.
    """

    data: Any
    begins: NDArray[np.int32]
    ends: NDArray[np.int32]

    @classmethod
    def of(cls, texts: Sequence[str | None]) -> Cells:
        """Make cells from strings, with or without surrounding blanks."""
        present = [text or "" for text in texts]
        data = "".join(present).encode()
        lengths = map(len, present) if data.isascii() else (len(text.encode()) for text in present)
        return cls._of_offsets(data, np.concatenate([[0], np.cumsum(np.fromiter(lengths, np.int64, len(present)))]))

    @classmethod
    def of_arrow(cls, array: Any) -> Cells:
        """Make cells from an Arrow array of strings."""
        array = array.fill_null("") if array.null_count else array
        n = len(array)
        _, offsets, data = array.buffers()
        if n == 0 or data is None:
            return cls(b"", np.zeros(n, np.int32), np.zeros(n, np.int32))
        return cls._of_offsets(memoryview(data).cast("B"), np.frombuffer(offsets, np.int32)[array.offset : array.offset + n + 1])

    @classmethod
    def _of_offsets(cls, data: Any, offsets: NDArray[Any]) -> Cells:
        if offsets[-1] > MOST_BYTES:
            raise DataError(f"{len(offsets) - 1} cells of one column hold {offsets[-1]:,} bytes; drop it, or shorten its texts")
        begins, ends = offsets[:-1].astype(np.int32), offsets[1:].astype(np.int32)
        strip(data, begins, ends)
        return cls(data, begins, ends)

    def __len__(self) -> int:
        return len(self.begins)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Cells:
        return Cells(self.data, self.begins[rows], self.ends[rows])

    def tolist(self) -> list[str]:
        """Convert to a list of strings."""
        data = bytes(self.data)
        return [data[begin:end].decode() for begin, end in zip(self.begins.tolist(), self.ends.tolist(), strict=True)]
