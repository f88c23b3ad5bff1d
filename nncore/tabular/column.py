"""Columns of a table, stored by distinct text or as numbers."""

from __future__ import annotations

import abc
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any, cast, overload

import numpy as np
from numpy.typing import NDArray

from nncore._core import MISSING, ODD, written_numbers
from nncore.data import level_key
from nncore.tabular.texts import AT_ONCE, KEPT_DIGITS, Texts

#: A column of many distinct texts is stored as numbers if at least this share of a sample are numbers; else by distinct text.
NUMBERS_SHARE, SOME = 0.5, 100

#: Bits of a form that hold the number of decimals, and the forms with few enough digits for float64.
DECIMALS, KEPT = 31, 10.0**KEPT_DIGITS

#: Above this, all numbers with so few digits are distinct in float64.
SMALLEST = 1e-300


class Column(Sequence["str | None"]):
    """Cells of text, None where missing. Methods work once for each distinct text, or on all numbers at once.

    A column behaves like a list of its cells, and equals one.
    """

    # ---- as a sequence ------------------------------------------------------------------------------------------------------

    @abc.abstractmethod
    def cell(self, row: int) -> str | None:
        """One cell."""

    @overload
    def __getitem__(self, row: int) -> str | None: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[str | None]: ...

    def __getitem__(self, row: int | slice) -> str | Sequence[str | None] | None:
        if isinstance(row, slice):
            return self.take(np.arange(len(self))[row])
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        return self.cell(row % len(self))

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (Column, list)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __contains__(self, cell: object) -> bool:
        return self.n_missing > 0 if cell is None else cell in self.counts

    def count(self, cell: object) -> int:
        """Number of cells that equal `cell`."""
        return self.n_missing if cell is None else self.counts.get(cell, 0)  # type: ignore[call-overload]

    def __repr__(self) -> str:
        return repr(list(self))

    # ---- questions about all cells -----------------------------------------------------------------------------------------

    @property
    @abc.abstractmethod
    def is_missing(self) -> NDArray[np.bool_]:
        """Mask of the missing cells."""

    @property
    @abc.abstractmethod
    def numbers(self) -> NDArray[np.float64]:
        """The number in each cell, NaN where there is none."""

    @property
    @abc.abstractmethod
    def coded(self) -> CodedColumn:
        """The column stored by distinct text."""

    @abc.abstractmethod
    def take(self, rows: NDArray[np.int64]) -> Column:
        """The given rows, in the given order."""

    @abc.abstractmethod
    def without(self, words: Collection[str]) -> tuple[Column, Counter[str]]:
        """Replace `words` (in lower case) by missing cells. Also counts each spelling that was found."""

    @cached_property
    def n_missing(self) -> int:
        return int(np.count_nonzero(self.is_missing))

    @property
    def n_present(self) -> int:
        return len(self) - self.n_missing

    def present(self) -> Column:
        """The column without missing cells."""
        return self.take(np.flatnonzero(~self.is_missing)) if self.n_missing else self

    @property
    def counts(self) -> dict[str, int]:
        """Count each distinct text, in the order of first occurrence."""
        return self.coded.counts

    @property
    def is_word(self) -> NDArray[np.bool_]:
        """Mask of the cells that are neither missing nor finite numbers."""
        mask: NDArray[np.bool_] = np.isnan(self.numbers) & ~self.is_missing
        return mask

    @cached_property
    def n_words(self) -> int:
        return int(np.count_nonzero(self.is_word))

    @property
    def first_word(self) -> int:
        """Row of the first cell that is not a number. There must be one."""
        return int(self.is_word.argmax())

    def has_more_than(self, n: int) -> bool:
        """Whether there are more than `n` distinct cells, counting "missing"."""
        return len(self.counts) + (self.n_missing > 0) > n


class CodedColumn(Column):
    """A column stored as a code for each cell.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), int8 to int32
        Index of the cell's text, -1 where it is missing.
    texts : sequence of str
        Distinct texts. Some may occur in no row.
    """

    def __init__(self, codes: NDArray[Any], texts: Sequence[str]) -> None:
        self.codes, self.texts = codes.astype(codes_type(len(texts)), copy=False), texts

    @classmethod
    def of(cls, cells: Sequence[str | None]) -> CodedColumn:
        """Make a column from a list of cells."""
        known: dict[str | None, int] = {text: i for i, text in enumerate(dict.fromkeys(cell for cell in cells if cell is not None))}
        texts = [text for text in known if text is not None]
        known[None] = -1
        return cls(np.fromiter(map(known.__getitem__, cells), np.int32, len(cells)), texts)

    def __len__(self) -> int:
        return len(self.codes)

    def cell(self, row: int) -> str | None:
        code = int(self.codes[row])
        return None if code < 0 else self.texts[code]

    def __iter__(self) -> Iterator[str | None]:
        texts = [*self.texts, None]
        return map(texts.__getitem__, self.codes.tolist())

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = self.codes < 0
        return mask

    @cached_property
    def numbers_of_texts(self) -> NDArray[np.float64]:
        """The numbers of `texts`, NaN for words, with one more NaN at index -1."""
        return np.append(self.packed.numbers(), np.nan)

    @property
    def packed(self) -> Texts:
        """`texts` in contiguous memory."""
        return self.texts if isinstance(self.texts, Texts) else Texts.of(self.texts)

    @property
    def numbers(self) -> NDArray[np.float64]:
        return self.numbers_of_texts[self.codes]

    @property
    def coded(self) -> CodedColumn:
        return self

    @cached_property
    def counts(self) -> dict[str, int]:
        used = self.used()
        return dict(zip(used.texts, np.bincount(used.codes[~used.is_missing], minlength=len(used.texts)).tolist(), strict=True))

    def used(self) -> CodedColumn:
        """Keep only texts that occur in a row, in the order of first occurrence."""
        n = len(self.texts)
        first = np.full(n + 1, len(self))
        first[self.codes[::-1]] = np.arange(len(self))[::-1]  # the last assignment wins
        first = first[:-1]
        if n == 0 or (first[-1] < len(self) and (np.diff(first) > 0).all()):
            return self
        order = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(self))]
        renamed = np.full(n + 1, -1)
        renamed[order] = np.arange(len(order))
        column = CodedColumn(renamed[self.codes], [self.texts[code] for code in order.tolist()])
        if "numbers_of_texts" in vars(self):
            column.numbers_of_texts = self.numbers_of_texts[np.append(order, -1)]
        return column

    def take(self, rows: NDArray[np.int64]) -> CodedColumn:
        return self._with_codes(self.codes[rows])

    def _with_codes(self, codes: NDArray[Any]) -> CodedColumn:
        column = CodedColumn(codes, self.texts)
        if "numbers_of_texts" in vars(self):
            column.numbers_of_texts = self.numbers_of_texts
        return column

    def without(self, words: Collection[str]) -> tuple[CodedColumn, Counter[str]]:
        if isinstance(self.texts, Texts):
            taken = self.texts.in_lower_case_among(words)
        else:
            taken = [code for code, text in enumerate(self.texts) if text.lower() in words]
        if not taken:
            return self, Counter()
        found: Counter[str] = Counter()
        kept = np.arange(-1, len(self.texts))
        for code in taken:
            if count := int(np.count_nonzero(self.codes == code)):
                found[self.texts[code]], kept[code + 1] = count, -1
        return (self._with_codes(kept[self.codes + 1]), found) if found else (self, found)

    def mapped(self, meaning: Callable[[str], str]) -> CodedColumn:
        """Replace each text by `meaning` of it, which may merge texts."""
        known: dict[str, int] = {}
        codes = np.array([*(known.setdefault(meaning(text), len(known)) for text in self.texts), -1])
        return CodedColumn(codes[self.codes], list(known))


class NumberColumn(Column):
    """A column stored as numbers. Texts are formatted on access; a few cells may be words.

    Parameters
    ----------
    numbers : ndarray of shape (n_rows,), float64
        NaN where a cell is missing or a word.
    forms : ndarray of shape (n_rows,), uint16
        The spelling of each number, from `read_numbers`; `MISSING`, or `ODD` where the text is stored.
    odd_rows : ndarray of int64
        Rows whose text is stored, ascending.
    odd : CodedColumn
        The texts of these rows.
    """

    def __init__(self, numbers: NDArray[np.float64], forms: NDArray[np.uint16], odd_rows: NDArray[np.int64], odd: CodedColumn) -> None:
        self._numbers, self.forms, self.odd_rows, self.odd = numbers, forms, odd_rows, odd

    @classmethod
    def of_coded(cls, coded: CodedColumn) -> NumberColumn:
        """Convert a coded column."""
        texts = coded.packed
        numbers, forms = texts.read()
        numbers, forms = np.append(numbers, np.nan)[coded.codes], np.append(forms, np.uint16(MISSING))[coded.codes]
        rows = np.flatnonzero(forms == ODD)
        odd, codes = np.unique(coded.codes[rows], return_inverse=True)
        return cls(numbers, forms, rows, CodedColumn(codes, [texts[code] for code in odd.tolist()]))

    def __len__(self) -> int:
        return len(self._numbers)

    def _cells(self, rows: NDArray[np.int64] | slice) -> list[str | None]:
        forms, numbers = self.forms[rows], self._numbers[rows]
        is_odd, is_missing = forms == ODD, forms == MISSING
        is_plain = ~(is_odd | is_missing)
        if is_plain.all():
            return cast("list[str | None]", written_numbers(numbers, forms))
        cells = np.full(len(forms), None, object)
        cells[is_plain] = written_numbers(numbers[is_plain], forms[is_plain])
        if is_odd.any():
            places = np.arange(len(self))[rows] if isinstance(rows, slice) else rows
            cells[is_odd] = list(self.odd.take(np.searchsorted(self.odd_rows, places[is_odd])))
        return cast("list[str | None]", cells.tolist())

    def cell(self, row: int) -> str | None:
        return self._cells(np.array([row]))[0]

    def __iter__(self) -> Iterator[str | None]:
        for start in range(0, len(self), AT_ONCE):
            yield from self._cells(slice(start, min(start + AT_ONCE, len(self))))

    @property
    def numbers(self) -> NDArray[np.float64]:
        return self._numbers

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = self.forms == MISSING
        return mask

    @property
    def is_word(self) -> NDArray[np.bool_]:
        mask = np.zeros(len(self), np.bool_)
        mask[self._word_rows] = True
        return mask

    @property
    def _word_rows(self) -> NDArray[np.int64]:
        return self.odd_rows[np.isnan(self._numbers[self.odd_rows])]

    @cached_property
    def n_words(self) -> int:
        return len(self._word_rows)

    @property
    def first_word(self) -> int:
        return int(self._word_rows[0])

    @cached_property
    def coded(self) -> CodedColumn:
        return CodedColumn.of(list(self))

    @property
    def n_levels(self) -> int | None:
        """Number of levels, if it is the number of distinct numbers. None if it must be found from the texts."""
        if self.n_words or self.n_missing:
            return None
        is_plain = self.forms != ODD
        numbers, forms = (self._numbers, self.forms) if is_plain.all() else (self._numbers[is_plain], self.forms[is_plain])
        # float64 distinguishes all numbers with so few digits.
        if not (np.abs(numbers) * 10.0 ** (forms & DECIMALS) < KEPT).all():
            return None
        odd = self.odd.used()
        texts, values = odd.packed, odd.numbers_of_texts[:-1]
        is_short = texts.are_short_numbers() & ((np.abs(values) > SMALLEST) | (values == 0))
        levels = np.unique(np.concatenate([numbers, values[is_short]]))
        others = {str(level_key(texts[code])) for code in np.flatnonzero(~is_short).tolist()}
        may_be_there = np.array([number for key in others if level_key(number := float(key)) == key], np.float64)
        return len(levels) + len(others) - int(np.count_nonzero(np.isin(may_be_there, levels)))

    def has_more_than(self, n: int) -> bool:
        # Most numeric columns show it in their first rows.
        return len(np.unique(self._numbers[: 8 * n + 8])) - 1 > n or len(np.unique(self._numbers)) - 1 > n or super().has_more_than(n)

    def take(self, rows: NDArray[np.int64]) -> NumberColumn:
        odd_rows, odd = self.odd_rows, self.odd
        forms = self.forms[rows]
        if len(odd_rows):
            taken = np.flatnonzero(forms == ODD)
            odd_rows, odd = taken, odd.take(np.searchsorted(odd_rows, rows[taken]))
        return NumberColumn(self._numbers[rows], forms, odd_rows, odd)

    def without(self, words: Collection[str]) -> tuple[Column, Counter[str]]:
        left, found = self.odd.without(words)
        gone = self.odd_rows[left.is_missing]
        rows = self._numbers_among(words)
        if len(rows):
            found.update(cast("list[str]", self._cells(rows)))
            gone = np.concatenate([gone, rows])
        if not len(gone):
            return self, found
        forms, numbers = self.forms.copy(), self._numbers
        forms[gone] = MISSING
        if not np.isnan(numbers[gone]).all():
            numbers = numbers.copy()
            numbers[gone] = np.nan
        kept = np.flatnonzero(~left.is_missing)
        return NumberColumn(numbers, forms, self.odd_rows[kept], left.take(kept)), found

    def with_odd(self, odd: CodedColumn) -> NumberColumn:
        """Replace the stored texts."""
        read = NumberColumn.of_coded(odd)
        numbers, forms = self._numbers.copy(), self.forms.copy()
        numbers[self.odd_rows], forms[self.odd_rows] = read.numbers, read.forms
        return NumberColumn(numbers, forms, self.odd_rows[read.odd_rows], read.odd)

    def _numbers_among(self, words: Collection[str]) -> NDArray[np.int64]:
        """Rows of numbers that are spelled like one of `words`, such as -999; without odd rows."""
        values = Texts.of(words).numbers()
        rows = np.flatnonzero(np.isin(self._numbers, values[~np.isnan(values)])) if not np.isnan(values).all() else np.empty(0, np.int64)
        rows = rows[self.forms[rows] != ODD]
        return rows[[text in words for text in self._cells(rows)]] if len(rows) else rows


def are_mostly_numbers(texts: Texts) -> bool:
    """Whether enough of a sample of texts are numbers to store the column as numbers."""
    numbers = texts.numbers(len(texts) // SOME + 1)
    return bool(np.count_nonzero(np.isnan(numbers)) <= (1 - NUMBERS_SHARE) * len(numbers))


def as_column(cells: Sequence[str | None]) -> Column:
    """Make a column from a list of cells. A column is returned unchanged."""
    return cells if isinstance(cells, Column) else CodedColumn.of(cells)


def codes_type(n_texts: int) -> np.dtype[Any]:
    """The smallest integer dtype for -1 and `n_texts` codes."""
    return np.dtype(np.int8 if n_texts < 2**7 else np.int16 if n_texts < 2**15 else np.int32)
