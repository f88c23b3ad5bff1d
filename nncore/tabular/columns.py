"""How one column becomes numbers: standardised, or one-hot. Fitted on the rows to learn from, then the same for all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from nncore.data import level_key
from nncore.errors import DataError
from nncore.tabular.column import as_column
from nncore.tabular.remarks import Remark, examples
from nncore.tabular.texts import Texts
from nncore.tabular.values import number_hint

#: A category of more codes than this is one column of them instead of one column for each.
MOST_ONE_HOT = 16

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


def level_counts(values: Sequence[str | None]) -> dict[str, int]:
    """How often each level is there; one that is written in several ways by the commonest, of equally common ones the shortest."""
    counts = as_column(values).counts
    writings: dict[Hashable, Counter[str]] = {}
    for value, key in zip(counts, level_keys(list(counts)), strict=True):
        writings.setdefault(key, Counter())[value] = counts[value]
    return {min(found, key=lambda value: (-found[value], len(value), value)): found.total() for found in writings.values()}


def level_keys(texts: list[str]) -> list[Hashable]:
    """For each of some distinct texts what equal levels have in common: `level_key`, which only those need whose number others are too."""
    numbers = Texts.of(texts).numbers()
    _, place, n_equal = np.unique(numbers, return_inverse=True, return_counts=True)
    is_alone = (n_equal[place] == 1) & ~np.isnan(numbers)
    return [text if alone else level_key(text) for text, alone in zip(texts, is_alone.tolist(), strict=True)]


def mean_and_std(name: str, values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation, the latter 1 where all values are equal, so that nothing divides by 0."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(values.mean()), float(values.std())
    if not np.isfinite(std):
        raise DataError(f"column {name!r} holds numbers too large to be standardised; divide them first")
    # A column of one value has a standard deviation of rounding noise at most.
    return mean, std if std > 1e-12 * abs(mean) else 1.0


@dataclass(frozen=True)
class NumericColumn:
    """(x − mean)/std, with the median where x is missing, and beside it, where training had such, 1 if it is and 0 if not.

    Attributes
    ----------
    name : str
    median, mean, std : float
        Of the rows learnt from; mean and std after the median is filled in.
    has_missing : bool
        There is the second input. Its weights and the median together are a value that the network learns.
    """

    name: str
    median: float
    mean: float
    std: float
    has_missing: bool

    @classmethod
    def fit(cls, name: str, values: Sequence[str | None], place: Place) -> NumericColumn:
        numbers = parse_numbers(name, values, place)
        is_missing = np.isnan(numbers)
        median = float(np.median(numbers[~is_missing])) if not is_missing.all() else 0.0
        mean, std = mean_and_std(name, np.where(is_missing, median, numbers))
        return cls(name, median, mean, std, bool(is_missing.any()))

    @property
    def width(self) -> int:
        return 1 + self.has_missing

    def encode(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write the column into `out`, shape ``(n_rows, width)``; returns what the user should know."""
        numbers = parse_numbers(self.name, values, place)
        is_missing = np.isnan(numbers)
        standardised = (np.where(is_missing, self.median, numbers) - self.mean) / self.std
        if (too_large := np.abs(standardised) > np.finfo(out.dtype).max).any():
            row = int(too_large.argmax())
            raise DataError(
                f"column {self.name!r}, {place(row)}: {values[row]} is too large beside the numbers of training, about {self.mean:.6g}"
            )
        out[:, 0] = standardised
        if self.has_missing:
            out[:, 1] = is_missing
            return None
        count = int(is_missing.sum())
        return Remark(self.name, count, f"the median {self.median:.6g}") if count else None


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
    """

    name: str
    levels: tuple[str, ...]
    has_missing: bool
    has_other: bool
    is_coded: bool = False

    @classmethod
    def fit(cls, name: str, values: Sequence[str | None], most: int, most_one_hot: int = MOST_ONE_HOT) -> CategoricalColumn:
        column = as_column(values)
        has_missing = column.n_missing > 0
        counts = level_counts(column)
        # Ties are broken by the alphabet, so that the order of the rows does not matter.
        frequent = sorted(counts, key=lambda level: (-counts[level], level))[:most]
        has_other = len(counts) > most
        is_coded = len(frequent) + has_missing + has_other > most_one_hot
        return cls(name, tuple(sorted(frequent)), has_missing, has_other, is_coded)

    @property
    def n_codes(self) -> int:
        return len(self.levels) + self.has_missing + self.has_other

    @property
    def width(self) -> int:
        return 1 if self.is_coded else self.n_codes

    def encode(self, values: Sequence[str | None], place: Place, out: np.ndarray) -> Remark | None:
        """Write the column into `out`, shape ``(n_rows, width)``; returns what the user should know."""
        column = as_column(values)
        coded = column.coded
        position = {level_key(level): i for i, level in enumerate(self.levels)}
        unknown = self.n_codes - 1 if self.has_other else -1
        missing = len(self.levels) if self.has_missing else unknown
        places = np.array([*(position.get(level_key(text), unknown) for text in coded.texts), missing])[coded.codes]
        rows = np.flatnonzero(places >= 0)
        if self.is_coded:
            out[:, 0] = places
        else:
            out[:] = 0
            out[rows, places[rows]] = 1
        if self.has_other or len(rows) == len(column):
            return None
        strangers = [repr(text) for text in coded.counts if level_key(text) not in position]
        strangers += ["missing"] if missing < 0 and column.n_missing else []
        return Remark(self.name, len(column) - len(rows), "none of the known", examples(strangers))
