"""How one column becomes inputs, by encodings that are learned from the rows to learn from, and are then the same for all rows."""

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

#: A category of more codes than this is one column of them instead of one column for each.
MOST_ONE_HOT = 16

#: What becomes of numbers, and of dates.
NUMBER_ENCODINGS = ("standard", "indicator")
DATE_ENCODINGS = ("date_parts",)
TIME_ENCODINGS = (*DATE_ENCODINGS, *NUMBER_ENCODINGS)

_LETTERS = np.array([byte >= 0x80 or chr(byte).isalpha() for byte in range(256)])

#: Where a row stands in the file, from its position in the table: `Table.place`.
Place = Callable[[int], str]


def parse_numbers(name: str, values: Sequence[str | None], place: Place) -> np.ndarray:
    """Numbers, float64 of shape ``(n_rows,)``, NaN where missing. Raises `DataError` with the place of anything else."""
    column = as_column(values)
    if column.n_words:
        row = column.first_word
        what, hint = column[row], number_hint([str(column[row])])
        remedy = f"; {hint}" if hint else ""
        raise DataError(f"column {name!r}, {place(row)}: {what!r} is not a finite number, as the column's other values are{remedy}")
    return column.numbers


def parse_distinct_times(name: str, form: str, values: Sequence[str | None], place: Place) -> tuple[np.ndarray, np.ndarray]:
    """The moments of distinct texts, which are fewer than rows, one missing if some row is; and which of them stands in each row.

    Moments are datetime64[us], NaT where missing. Raises `DataError` with the place of anything else.
    """
    coded = as_column(values).coded.used()
    times = moments([*coded.texts, *[None] * (coded.n_missing > 0)], form)
    if (is_wrong := np.isnat(times[: len(coded.texts)])).any():
        row = int((coded.codes == is_wrong.argmax()).argmax())  # texts stand in the order of their first rows
        raise DataError(f"column {name!r}, {place(row)}: {coded[row]!r} is no date, {form}, as the column's other values are")
    return times, coded.codes


def labelled(name: str) -> Callable[[int], str]:
    """What messages of encodings call a column."""
    return lambda _: f"column {name!r}"


def level_counts(values: Sequence[str | None], *, as_text: bool = False) -> dict[str, int]:
    """How often each level is there; one that is written in several ways by the commonest, of equally common ones the shortest.

    With `as_text`, what is written otherwise is another level.
    """
    counts = as_column(values).counts
    return counts if as_text else merged_levels(counts)


def merged_levels(counts: Mapping[str, int]) -> dict[str, int]:
    """How often each level is there, of how often each text is: as `level_counts`."""
    writings: dict[Hashable, Counter[str]] = {}
    for value, key in zip(counts, level_keys(list(counts)), strict=True):
        writings.setdefault(key, Counter())[value] = counts[value]
    return {min(found, key=lambda value: (-found[value], len(value), value)): found.total() for found in writings.values()}


def level_keys(texts: list[str]) -> list[Hashable]:
    """For each of some distinct texts what equal levels have in common: `level_key`, which only those need whose number others are too."""
    packed = Texts.of(texts)
    is_alone = _alone(packed, packed.numbers())
    return [text if alone else level_key(text) for text, alone in zip(texts, is_alone.tolist(), strict=True)]


def count_levels(coded: CodedColumn) -> int:
    """How many levels the texts of a column are, all of which are in some row."""
    shared = np.flatnonzero(~_alone(coded.packed, coded.numbers_of_texts[:-1])).tolist()
    return len(coded.texts) - len(shared) + len({level_key(coded.texts[code]) for code in shared})


def _alone(texts: Texts, numbers: np.ndarray) -> np.ndarray:
    """Mask of the texts that no other distinct text can equal as a level."""
    is_number, begins, lengths = ~np.isnan(numbers), texts.offsets[:-1], np.diff(texts.offsets)
    _, place, n_equal = np.unique(numbers[is_number], return_inverse=True, return_counts=True)
    # A word has a key of its own if it is neither too large a number nor "true" or "false", in whatever capitals.
    is_word = _LETTERS[np.frombuffer(texts.data, np.uint8)[begins]] & (lengths != 4) & (lengths != 5)
    alone: np.ndarray = is_word & ~is_number
    alone[is_number] = n_equal[place] == 1
    return alone


def side_by_side(chains: Sequence[EncodingChain]) -> EncodingChain:
    """One chain for all columns of several, which have the same encodings; none becomes several columns before its last encoding."""
    learned = tuple(
        {name: np.concatenate([chain.learned[i][name] for chain in chains]) for name in own} for i, own in enumerate(chains[0].learned)
    )
    return EncodingChain(chains[0].encodings, learned, sum(chain.n_columns for chain in chains))


@dataclass(frozen=True)
class NumericColumn:
    """(x − mean)/std, with the median where x is missing, and beside it, where training had such, 1 if it is and 0 if not.

    Attributes
    ----------
    name : str
    chain : EncodingChain
        `NUMBER_ENCODINGS`, of the rows learnt from. Where a number may be missing, the weights of the second input and the median together
        are a value that the network learns.
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
        """Columns of `encode_raw`."""
        return 1

    def encode_raw(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write numbers as they are into `out`, shape ``(n_rows, 1)``: NaN where missing if training had such, else the median."""
        numbers = parse_numbers(self.name, values, place)
        out[:, 0] = numbers if self.has_missing else np.where(np.isnan(numbers), self.median, numbers)
        return self.filled(values)

    def filled(self, values: Sequence[str | None]) -> Remark | None:
        """What the user should know of missing numbers, of which training had none."""
        count = 0 if self.has_missing else as_column(values).n_missing
        return Remark(self.name, count, f"the median {self.median:.6g}") if count else None


@dataclass(frozen=True)
class TimeColumn:
    """Parts of dates and times as numbers, standardised, with medians and indicators where one is missing.

    Attributes
    ----------
    name : str
    form : str
        How dates are written, of `FORMS`.
    chain : EncodingChain
        `TIME_ENCODINGS`, of the rows learnt from. Parts that were the same in all of them are left out.
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
        # One by one, since all of them are far more than the file.
        others = side_by_side([EncodingChain.learn(NUMBER_ENCODINGS, column, label=labelled(name)) for column in columns])
        return cls.of_chains(name, form, parts, others)

    @classmethod
    def of_chains(cls, name: str, form: str, parts: EncodingChain, others: EncodingChain) -> TimeColumn:
        """Of what dates become, and of what becomes of that."""
        return cls(name, form, EncodingChain((*parts.encodings, *others.encodings), (*parts.learned, *others.learned), 1))

    @property
    def has_missing(self) -> bool:
        return bool(self.chain.learned[-1]["has_indicator"].any())

    @property
    def parts(self) -> list[str]:
        """What is seen of a date: ``["elapsed", "month"]``."""
        encoding, learned = self.chain.encodings[0], self.chain.learned[0]
        named = encoding.names([""], learned)
        return list(dict.fromkeys(name[1:].removesuffix("_sin").removesuffix("_cos") for name in named))

    @property
    def width(self) -> int:
        return self.chain.n_encoded

    def encode(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write the column into `out`, shape ``(n_rows, width)``; returns what the user should know."""
        times, codes = parse_distinct_times(self.name, self.form, values, place)
        encoded = self.chain.encode(times[:, None], dtype=out.dtype, label=labelled(self.name))
        out[:] = encoded[codes]
        count = 0 if self.has_missing else as_column(values).n_missing
        return Remark(self.name, count, "the median date of training") if count else None

    @property
    def raw_width(self) -> int:
        """Columns of `encode_raw`."""
        return self.width

    #: The parts of dates are numbers already, and those of missing dates are filled.
    encode_raw = encode


@dataclass(frozen=True)
class CategoricalColumn:
    """One code for each level, one for "missing" and one for "any other", where training had such; -1 for what training did not have.

    Few codes become a column of zeros and ones each; many stay one column, for an `nncore.Embedding` to give each a vector.

    Attributes
    ----------
    name : str
    levels : tuple of str
        Sorted; each as it is written most often. Values that are equal, as 1 and 1.0, are one level.
    has_missing : bool
        A missing value is a level of its own.
    has_other : bool
        Only the most frequent levels have a code of their own; the others share one.
    is_coded : bool
        The column stays one of codes.
    as_text : bool
        The user says that it is categorical: what is written otherwise is another level, as 1E5 and 100000.
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
        """Of how often each level is there."""
        # Ties are broken by the alphabet, so that the order of the rows does not matter.
        frequent = sorted(counts, key=lambda level: (-counts[level], level))[:most]
        has_other = len(counts) > most
        is_coded = len(frequent) + has_missing + has_other > most_one_hot
        return cls(name, tuple(sorted(frequent)), has_missing, has_other, is_coded, as_text)

    @property
    def n_codes(self) -> int:
        return len(self.levels) + self.has_missing + self.has_other

    @cached_property
    def chain(self) -> EncodingChain:
        """From codes to inputs."""
        encodings = ["ordinal"] if self.is_coded else [{"name": "one_hot", "binary": False}]
        return EncodingChain.learn(encodings, np.array([[-1]]), n_levels=[self.n_codes])

    @property
    def width(self) -> int:
        return self.chain.n_encoded

    @property
    def n_levels(self) -> int:
        """`n_codes`, as embeddings call it."""
        return self.n_codes

    @property
    def raw_width(self) -> int:
        """Columns of `encode_raw`."""
        return 1

    def encode(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write the column into `out`, shape ``(n_rows, width)``; returns what the user should know."""
        codes = np.empty((len(values), 1), np.int64)
        remark = self.encode_raw(values, place, codes)
        self.chain.encode(codes, out=out)
        return remark

    def encode_raw(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write codes into `out`, shape ``(n_rows, 1)``."""
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
