"""Encode single columns as inputs, by encodings fitted to the training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from nncore.data import EncodingChain, level_key
from nncore.errors import DataError
from nncore.tabular.column import CodedColumn, as_column
from nncore.tabular.dates import moments
from nncore.tabular.remarks import Remark, examples
from nncore.tabular.texts import Texts
from nncore.tabular.values import number_hint

#: A category column with more codes than this stays one column of codes instead of becoming one-hot.
MOST_ONE_HOT = 16

#: Encodings of numbers and of dates.
NUMBER_ENCODINGS = ("standard", "indicator")
DATE_ENCODINGS = ("date_parts",)
TIME_ENCODINGS = (*DATE_ENCODINGS, *NUMBER_ENCODINGS)

_LETTERS = np.array([byte >= 0x80 or chr(byte).isalpha() for byte in range(256)])

#: Returns the place of a table's row in the file, for messages: `Table.place`.
Place = Callable[[int], str]


def parse_numbers(name: str, values: Sequence[str | None], place: Place) -> np.ndarray:
    """Convert cells to float64 of shape ``(n_rows,)``, NaN where missing. Raises `DataError` with the place of a cell that is not a
    number."""
    column = as_column(values)
    if column.n_words:
        row = column.first_word
        what, hint = column[row], number_hint([str(column[row])])
        remedy = f"; {hint}" if hint else ""
        raise DataError(f"column {name!r}, {place(row)}: {what!r} is not a finite number, as the column's other values are{remedy}")
    return column.numbers


def parse_distinct_times(name: str, form: str, values: Sequence[str | None], place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Parse the distinct texts of a date column. Returns their times, and the index of each row's time.

    Times are datetime64[us], NaT where missing. Raises `DataError` with the place of a cell that is not a date.
    """
    coded = as_column(values).coded.used()
    times = moments([*coded.texts, *[None] * (coded.n_missing > 0)], form)
    if (is_wrong := np.isnat(times[: len(coded.texts)])).any():
        row = int((coded.codes == is_wrong.argmax()).argmax())  # texts are in the order of their first rows
        raise DataError(f"column {name!r}, {place(row)}: {coded[row]!r} is not a date, {form}, as the column's other values are")
    return times, coded.codes


def labelled(name: str) -> Callable[[int], str]:
    """Returns the function that names a column in messages of encodings."""
    return lambda _: f"column {name!r}"


def level_counts(values: Sequence[str | None], *, as_text: bool = False) -> dict[str, int]:
    """Count the levels. A level with several spellings is named by the most frequent one, or the shortest of equally frequent ones.

    With `as_text`, each spelling is a level.
    """
    counts = as_column(values).counts
    return counts if as_text else merged_levels(counts)


def merged_levels(counts: Mapping[str, int]) -> dict[str, int]:
    """Count the levels from counts of texts: see `level_counts`."""
    writings: dict[Hashable, Counter[str]] = {}
    for value, key in zip(counts, level_keys(list(counts)), strict=True):
        writings.setdefault(key, Counter())[value] = counts[value]
    return {min(found, key=lambda value: (-found[value], len(value), value)): found.total() for found in writings.values()}


def level_keys(texts: list[str]) -> list[Hashable]:
    """The `level_key` of each distinct text. It is computed only for texts that may share a level with another."""
    packed = Texts.of(texts)
    is_alone = _alone(packed, packed.numbers())
    return [text if alone else level_key(text) for text, alone in zip(texts, is_alone.tolist(), strict=True)]


def count_levels(coded: CodedColumn) -> int:
    """Number of levels of a column whose texts all occur in a row."""
    shared = np.flatnonzero(~_alone(coded.packed, coded.numbers_of_texts[:-1])).tolist()
    return len(coded.texts) - len(shared) + len({level_key(coded.texts[code]) for code in shared})


def _alone(texts: Texts, numbers: np.ndarray) -> np.ndarray:
    """Mask of the texts that share their level with no other distinct text."""
    is_number, begins, lengths = ~np.isnan(numbers), texts.offsets[:-1], np.diff(texts.offsets)
    _, place, n_equal = np.unique(numbers[is_number], return_inverse=True, return_counts=True)
    # A word has its own key unless it is a number too large for float64, or "true" or "false" in any capitals.
    is_word = _LETTERS[np.frombuffer(texts.data, np.uint8)[begins]] & (lengths != 4) & (lengths != 5)
    alone: np.ndarray = is_word & ~is_number
    alone[is_number] = n_equal[place] == 1
    return alone


def side_by_side(chains: Sequence[EncodingChain]) -> EncodingChain:
    """Join chains of the same encodings to one for all their columns. A column may become several only in the last encoding."""
    learned = tuple(
        {name: np.concatenate([chain.learned[i][name] for chain in chains]) for name in own} for i, own in enumerate(chains[0].learned)
    )
    return EncodingChain(chains[0].encodings, learned, sum(chain.n_columns for chain in chains))


@dataclass(frozen=True)
class NumericColumn:
    """A number as (x − mean)/std. A missing x is replaced by the median; if training had missing values, an indicator (1 or 0) is added.

    Attributes
    ----------
    name : str
    chain : EncodingChain
        `NUMBER_ENCODINGS`, fitted to the training rows. With an indicator, the network learns what a missing number means.
    """

    name: str
    chain: EncodingChain

    @property
    def has_missing(self) -> bool:
        return bool(self.chain.learned[-1]["has_indicator"][0])

    @property
    def mean(self) -> float:
        return float(self.chain.learned[0]["mean"][0])

    @property
    def median(self) -> float:
        return float(self.chain.learned[-1]["filling"][0] * self.chain.learned[0]["std"][0] + self.mean)

    @property
    def width(self) -> int:
        return self.chain.n_encoded

    @property
    def raw_width(self) -> int:
        """Number of columns of `encode_raw`."""
        return 1

    def encode_raw(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write numbers without scaling into `out`, shape ``(n_rows, 1)``: NaN where missing if training had missing values, else the
        median."""
        numbers = parse_numbers(self.name, values, place)
        out[:, 0] = numbers if self.has_missing else np.where(np.isnan(numbers), self.median, numbers)
        return self.filled(values)

    def filled(self, values: Sequence[str | None]) -> Remark | None:
        """Remark on missing numbers, if training had none."""
        count = 0 if self.has_missing else as_column(values).n_missing
        return Remark(self.name, count, f"the median {self.median:.6g}") if count else None


@dataclass(frozen=True)
class TimeColumn:
    """Parts of dates and times as standardised numbers, with medians and indicators for missing values.

    Attributes
    ----------
    name : str
    form : str
        How dates are written: a key of `FORMS`.
    chain : EncodingChain
        `TIME_ENCODINGS`, fitted to the training rows. Constant parts are left out.
    """

    name: str
    form: str
    chain: EncodingChain

    @classmethod
    def fit(cls, name: str, form: str, values: Sequence[str | None], place: Place) -> TimeColumn:
        times, codes = parse_distinct_times(name, form, values, place)
        parts = EncodingChain.learn(DATE_ENCODINGS, times[:, None], label=labelled(name))
        encoded = parts.encode(times[:, None]).T
        columns = (own[codes, None] for own in encoded) if len(encoded) else [np.empty((len(codes), 0))]
        # One by one, since all parts together are much larger than the file.
        others = side_by_side([EncodingChain.learn(NUMBER_ENCODINGS, column, label=labelled(name)) for column in columns])
        return cls.of_chains(name, form, parts, others)

    @classmethod
    def of_chains(cls, name: str, form: str, parts: EncodingChain, others: EncodingChain) -> TimeColumn:
        """Make a column from the chain of ``date_parts`` and that of the encodings after it."""
        return cls(name, form, EncodingChain((*parts.encodings, *others.encodings), (*parts.learned, *others.learned), 1))

    @property
    def has_missing(self) -> bool:
        return bool(self.chain.learned[-1]["has_indicator"].any())

    @property
    def parts(self) -> list[str]:
        """Names of the parts used: ``["elapsed", "month"]``."""
        encoding, learned = self.chain.encodings[0], self.chain.learned[0]
        named = encoding.names([""], learned)
        return list(dict.fromkeys(name[1:].removesuffix("_sin").removesuffix("_cos") for name in named))

    @property
    def width(self) -> int:
        return self.chain.n_encoded

    def encode(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write the encoded column into `out`, shape ``(n_rows, width)``. Returns a remark for the user, or None."""
        times, codes = parse_distinct_times(self.name, self.form, values, place)
        encoded = self.chain.encode(times[:, None], dtype=out.dtype, label=labelled(self.name))
        out[:] = encoded[codes]
        count = 0 if self.has_missing else as_column(values).n_missing
        return Remark(self.name, count, "the median date of training") if count else None

    @property
    def raw_width(self) -> int:
        """Number of columns of `encode_raw`."""
        return self.width

    #: Parts of dates are already numbers, and those of missing dates are filled.
    encode_raw = encode


@dataclass(frozen=True)
class CategoricalColumn:
    """One code for each level, and one each for "missing" and "any other" if training had them; -1 for levels unknown in training.

    A few codes become one-hot columns. Many codes stay one column, for an `nncore.Embedding`.

    Attributes
    ----------
    name : str
    levels : tuple of str
        Levels, sorted, each in its most frequent spelling. Equal values such as 1 and 1.0 are one level.
    has_missing : bool
        Whether a missing value is a level.
    has_other : bool
        Whether only the most frequent levels have their own code, and the others share one.
    is_coded : bool
        Whether the column stays one column of codes.
    as_text : bool
        Whether the user declared it categorical. Then each spelling is a level, such as 1E5 and 100000.
    """

    name: str
    levels: tuple[str, ...]
    has_missing: bool
    has_other: bool
    is_coded: bool = False
    as_text: bool = False

    @classmethod
    def fit(
        cls, name: str, values: Sequence[str | None], most: int, most_one_hot: int = MOST_ONE_HOT, *, as_text: bool = False
    ) -> CategoricalColumn:
        column = as_column(values)
        return cls.of_counts(name, level_counts(column, as_text=as_text), column.n_missing > 0, most, most_one_hot, as_text=as_text)

    @classmethod
    def of_counts(
        cls, name: str, counts: Mapping[str, int], has_missing: bool, most: int, most_one_hot: int = MOST_ONE_HOT, *, as_text: bool = False
    ) -> CategoricalColumn:
        """Make a column from counts of levels."""
        # Ties are broken alphabetically, so the order of the rows has no effect.
        frequent = sorted(counts, key=lambda level: (-counts[level], level))[:most]
        has_other = len(counts) > most
        is_coded = len(frequent) + has_missing + has_other > most_one_hot
        return cls(name, tuple(sorted(frequent)), has_missing, has_other, is_coded, as_text)

    @property
    def n_codes(self) -> int:
        return len(self.levels) + self.has_missing + self.has_other

    @cached_property
    def chain(self) -> EncodingChain:
        """Encodings from codes to inputs."""
        encodings = ["ordinal"] if self.is_coded else [{"name": "one_hot", "binary": False}]
        return EncodingChain.learn(encodings, np.array([[-1]]), n_levels=[self.n_codes])

    @property
    def width(self) -> int:
        return self.chain.n_encoded

    @property
    def n_levels(self) -> int:
        """`n_codes`, by the name that embeddings use."""
        return self.n_codes

    @property
    def raw_width(self) -> int:
        """Number of columns of `encode_raw`."""
        return 1

    def encode(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write the encoded column into `out`, shape ``(n_rows, width)``. Returns a remark for the user, or None."""
        codes = np.empty((len(values), 1), np.int64)
        remark = self.encode_raw(values, place, codes)
        self.chain.encode(codes, out=out)
        return remark

    def encode_raw(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write codes into `out`, shape ``(n_rows, 1)``, as floats."""
        column = as_column(values)
        coded = column.coded
        key: Callable[[str], Hashable] = str if self.as_text else level_key
        position = {key(level): i for i, level in enumerate(self.levels)}
        unknown = self.n_codes - 1 if self.has_other else -1
        missing = len(self.levels) if self.has_missing else unknown
        codes = np.array([*(position.get(key(text), unknown) for text in coded.texts), missing])[coded.codes]
        out[:, 0] = codes
        n_strange = int(np.count_nonzero(codes < 0))
        if self.has_other or not n_strange:
            return None
        strangers = [repr(text) for text in coded.counts if key(text) not in position]
        strangers += ["missing"] if missing < 0 and column.n_missing else []
        return Remark(self.name, n_strange, "unknown", examples(strangers))


TableColumn: TypeAlias = NumericColumn | TimeColumn | CategoricalColumn
