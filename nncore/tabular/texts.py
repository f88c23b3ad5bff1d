"""Many texts in one piece of memory: what a column of mostly different cells is kept in."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import groupby, pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from nncore.tabular.values import as_number

#: Texts that are made Python objects at a time.
AT_ONCE = 2**16

#: As `as_number` reads them, for RE2.
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"

#: What a number ends with.
_LAST = frozenset("0123456789.")

#: Bytes that may stand at the edge of a text which `str.strip` would shorten: ASCII blanks, and whatever is not ASCII.
_SUSPICIOUS = np.array([byte >= 0x80 or chr(byte).isspace() for byte in range(256)])


def arrow(module: str = "pyarrow.compute") -> Any:
    """Arrow, which does the same faster; None where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        return None


def _arrow_for(n: int, module: str) -> Any:
    """Arrow for work on so many texts, if that is worth its call, or its import."""
    return arrow(module) if n > (AT_ONCE // 512 if module in sys.modules else AT_ONCE // 8) else None


class Texts(Sequence[str]):
    """Texts without blanks around them, as UTF-8, one behind the other; "" stands for a missing one.

    Parameters
    ----------
    data : bytes
    offsets : ndarray of shape (n + 1,), int32 or int64
        Where each begins; the last is the length of `data`.
    """

    def __init__(self, data: bytes, offsets: NDArray[Any]) -> None:
        self.data, self.offsets = data, offsets

    @classmethod
    def of(cls, cells: Collection[str | None]) -> Texts:
        """From Python's texts, with or without blanks around them."""
        texts = [cell.strip() if cell else "" for cell in cells] if None in cells else list(map(str.strip, cells))  # type: ignore[arg-type]
        data = "".join(texts).encode()
        lengths = map(len, texts) if data.isascii() else (len(text.encode()) for text in texts)
        offsets = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(np.fromiter(lengths, np.int64, len(texts)), out=offsets[1:])
        return cls(data, _narrow(offsets))

    @classmethod
    def of_arrow(cls, array: Any) -> Texts:
        """From an Arrow array of strings."""
        texts = cls._as_they_are(array)
        if not texts._has_blanks():
            return texts
        texts = cls._as_they_are(arrow().ascii_trim_whitespace(array))
        return cls.of(texts) if texts._has_blanks() else texts

    @classmethod
    def _as_they_are(cls, array: Any) -> Texts:
        array = array.fill_null("") if array.null_count else array
        n = len(array)
        _, offsets_buffer, data_buffer = array.buffers()
        if n == 0 or data_buffer is None:
            return cls(b"", np.zeros(n + 1, np.int32))
        offsets = np.frombuffer(offsets_buffer, np.int32)[array.offset : array.offset + n + 1]
        start, stop = int(offsets[0]), int(offsets[-1])
        return cls(memoryview(data_buffer)[start:stop].tobytes(), offsets - offsets[0])

    @classmethod
    def joined(cls, parts: Sequence[Texts | Any]) -> Texts:
        """All of them, one after the other; some may be Arrow arrays of strings."""
        parts = [texts for is_own, run in groupby(parts, lambda part: isinstance(part, Texts)) for texts in cls._own(is_own, list(run))]
        offsets = np.zeros(sum(map(len, parts)) + 1, np.int64 if sum(len(part.data) for part in parts) >= 2**31 else np.int32)
        row, start = 1, 0
        for part in parts:
            np.add(part.offsets[1:], start, out=offsets[row : row + len(part)], casting="unsafe")
            row, start = row + len(part), start + len(part.data)
        return cls(b"".join(part.data for part in parts), offsets)

    @classmethod
    def _own(cls, is_own: bool, run: list[Any]) -> list[Texts]:
        if is_own:
            return run
        if sum(array.nbytes for array in run) < 2**31:  # in one go: columns may be many, and pieces small
            run = [arrow("pyarrow").concat_arrays(run)]
        return list(map(cls.of_arrow, run))

    @property
    def lengths(self) -> NDArray[Any]:
        """In bytes."""
        return np.diff(self.offsets)

    def _has_blanks(self) -> bool:
        """Whether a text perhaps has blanks around it."""
        data = np.frombuffer(self.data, np.uint8)
        begins = self.offsets[:-1][self.lengths > 0]
        ends = self.offsets[1:][self.lengths > 0] - 1
        return bool(_SUSPICIOUS[data[begins]].any() or _SUSPICIOUS[data[ends]].any())

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...

    @overload
    def __getitem__(self, row: slice) -> list[str]: ...

    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return self._some(*row.indices(len(self))[:2])
        return self.data[self.offsets[row] : self.offsets[row + 1]].decode()

    def _some(self, start: int, stop: int) -> list[str]:
        if stop <= start:
            return []
        begin, end = int(self.offsets[start]), int(self.offsets[stop])
        data, bounds = self.data[begin:end], (self.offsets[start : stop + 1] - begin).tolist()
        if data.isascii():  # then a character is a byte
            text = data.decode()
            return [text[a:b] for a, b in pairwise(bounds)]
        return [data[a:b].decode() for a, b in pairwise(bounds)]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), AT_ONCE):
            yield from self._some(start, min(start + AT_ONCE, len(self)))

    def take(self, rows: NDArray[np.int64]) -> list[str]:
        """Some of them, as Python's texts."""
        return [self[row] for row in rows.tolist()]

    def replaced(self, old: bytes, new: bytes) -> Texts:
        """With one character in place of another."""
        return Texts(self.data.replace(old, new), self.offsets)

    def numbers(self) -> NDArray[np.float64]:
        """What `as_number` says of each, NaN for None; float64 of shape ``(n,)``."""
        compute = _arrow_for(len(self), "pyarrow.compute")
        numbers = self._numbers_by_arrow(compute) if compute is not None else self._numbers_by_python()
        numbers[~np.isfinite(numbers)] = np.nan
        return numbers

    def _numbers_by_arrow(self, compute: Any) -> NDArray[np.float64]:
        library = arrow("pyarrow")
        array, double = self._as_arrow(library), library.float64()
        try:
            found = array.cast(double)
        except library.ArrowInvalid:
            found = compute.if_else(compute.match_substring_regex(array, _NUMBER), array, None).cast(double)
        return np.array(found.to_numpy(zero_copy_only=False))

    def _as_arrow(self, library: Any) -> Any:
        """As an Arrow array of strings that shares the memory, without a value where there is no text."""
        kind = library.StringArray if self.offsets.dtype == np.int32 else library.LargeStringArray
        valid = np.packbits(self.lengths > 0, bitorder="little")
        return kind.from_buffers(len(self), library.py_buffer(self.offsets), library.py_buffer(self.data), library.py_buffer(valid))

    def _numbers_by_python(self) -> NDArray[np.float64]:
        numbers = np.empty(len(self))
        for start in range(0, len(self), AT_ONCE):
            texts = self[start : start + AT_ONCE]
            numbers[start : start + len(texts)] = _read(texts)
        return numbers

    def factorized(self) -> tuple[NDArray[Any], Texts]:
        """A code for each, -1 for "", and the distinct texts in the order in which they first come up."""
        library = _arrow_for(len(self), "pyarrow")
        if library is not None:
            found = self._as_arrow(library).dictionary_encode()
            return arrow_codes(found), Texts.of_arrow(found.dictionary.cast(library.string()))
        known: dict[str, int] = {"": -1}
        codes = np.empty(len(self), np.int32)
        for start in range(0, len(self), AT_ONCE):
            texts = self[start : start + AT_ONCE]
            for text in dict.fromkeys(texts):
                known.setdefault(text, len(known) - 1)
            codes[start : start + len(texts)] = np.fromiter(map(known.__getitem__, texts), np.int32, len(texts))
        del known[""]
        return codes, Texts.of(known)


def arrow_codes(array: Any) -> NDArray[np.int32]:
    """The codes of an Arrow array of distinct values, -1 where there is none."""
    indices = array.indices.fill_null(-1) if array.null_count else array.indices  # which imports pandas
    return np.frombuffer(indices.buffers()[1], np.int32)[indices.offset :][: len(indices)].copy()


def _narrow(offsets: NDArray[np.int64]) -> NDArray[Any]:
    return offsets.astype(np.int32) if offsets[-1] < 2**31 else offsets


def _read(texts: list[str]) -> NDArray[np.float64]:
    """Numbers of texts; what is not finite is left so."""
    together = "".join(texts)
    if together.isascii() and "_" not in together:  # otherwise Python takes more for a number than `as_number`
        with suppress(ValueError):
            return np.fromiter(map(float, texts), np.float64, len(texts))
        with suppress(ValueError):  # of a word that might be a number by its end
            return np.fromiter((float(text) if text and text[-1] in _LAST else math.nan for text in texts), np.float64, len(texts))
    found = {text: as_number(text) for text in dict.fromkeys(texts)}
    known = {text: math.nan if number is None else number for text, number in found.items()}
    return np.fromiter(map(known.__getitem__, texts), np.float64, len(texts))
