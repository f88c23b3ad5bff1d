"""Columns inside a chain of encodings: checked, fitted to and encoded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nncore._core import all_finite, is_c_array
from nncore.arguments import is_whole, shown
from nncore.contract import Encoding, Learned, Statistic
from nncore.errors import DataError, DtypeError, ParameterError, ShapeError

Label: TypeAlias = Callable[[int], str]

#: Largest number of encoded columns. A file with more is damaged.
MOST_COLUMNS = 2**24
NO_WORDS = np.zeros(0, np.uint64)

#: NumPy kinds that columns of each kind may have, and the dtype that encodings receive.
DTYPES = {"numbers": ("fiub", np.dtype(np.float64)), "levels": ("iu", np.dtype(np.int64)), "times": ("M", np.dtype("datetime64[us]"))}


@dataclass(frozen=True)
class Part:
    """Some columns of some rows between two encodings of a chain.

    Attributes
    ----------
    columns : ndarray of shape (n_rows, n_columns)
    origins : ndarray of shape (n_columns,), int64
        The number of the table's column that each column is made from.
    label : callable or None
        Returns the name of a table's column in messages, given its number.
    seeds : ndarray of shape (n_columns,), uint64, or None
    """

    columns: NDArray[Any]
    origins: NDArray[np.int64]
    label: Label | None
    seeds: NDArray[np.uint64] | None = None

    def show_to(self, statistics: Sequence[Statistic], weights: NDArray[np.float64] | None) -> None:
        """Update statistics with the rows."""
        self.columns.flags.writeable = False
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            for statistic in statistics:
                statistic.add(self.columns, weights)

    def learned_by(self, encoding: Encoding, statistics: Sequence[Statistic], n_levels: NDArray[np.int64] | None, number: int) -> Learned:
        """Fit an encoding, `number` in its chain, to the statistics of these columns."""
        drawn = None
        if encoding.draws and self.seeds is not None:
            drawn = np.concatenate([NO_WORDS, *(random_words([seed, number], 1) for seed in self.seeds.tolist())])
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            learned = encoding.learn(statistics, self.columns.shape[1], n_levels=n_levels, seeds=drawn)
        for array in learned.values():
            if not np.isfinite(array).all():
                bad = ~np.isfinite(array.reshape(len(array), -1)).all(axis=1)
                these = self.origins[bad.argmax()] if len(array) == len(self.origins) else np.unique(self.origins)
                label = ", ".join(label_of(self.label, column) for column in np.atleast_1d(these).tolist())
                raise DataError(f"{label} holds numbers too large to be encoded ({encoding!r}): divide them first")
        return learned

    def encoded_by(self, encoding: Encoding, learned: Learned, following: Encoding | None) -> Part:
        """The columns after an encoding, in the form that the `following` one takes."""
        self.columns.flags.writeable = False
        n_rows, n_columns = self.columns.shape
        widths = encoding.widths(learned, n_columns)
        in_columns = self.columns.strides[0] == self.columns.itemsize
        out = np.empty((n_rows, int(widths.sum())), order="F" if in_columns else "C")
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            encoding.encode(self.columns, learned, out)
        origins = np.repeat(self.origins, widths)
        seeds = None if self.seeds is None else np.concatenate([NO_WORDS, *map(_seeds, self.seeds.tolist(), widths.tolist())])
        if following is not None and following.takes == "levels":
            return Part(out.astype(np.int64), origins, self.label, seeds)
        return Part(out, origins, self.label, seeds)


def random_words(seed: int | list[int], count: int) -> NDArray[np.uint64]:
    """Random numbers from a seed."""
    return np.asarray(np.random.SeedSequence(seed).generate_state(count, np.uint64), np.uint64)


def _seeds(seed: int, width: int) -> NDArray[np.uint64]:
    """Seeds for the columns that one column became. A single column keeps its seed."""
    return np.array([seed], np.uint64) if width == 1 else random_words(seed, width)


def checked_columns(columns: Any, takes: str) -> NDArray[Any]:
    """Check that an encoding can take the dtype of the columns. Nothing is converted yet."""
    array = np.asarray(columns)
    if array.ndim != 2:
        raise ShapeError(f"columns to encode have shape {array.shape}, (n_samples, n_columns) is needed")
    if array.dtype.kind not in DTYPES[takes][0]:
        raise DtypeError(f"the encoding takes {takes}, as {DTYPES[takes][1]}, and the columns are of {array.dtype}: convert them first")
    return array


def level_counts(n_levels: Any, n_columns: int) -> NDArray[np.int64]:
    """Check the number of levels of each column."""
    counts = [] if n_levels is None else list(n_levels)
    if n_levels is None or len(counts) != n_columns or not all(is_whole(count) and 0 <= count <= MOST_COLUMNS for count in counts):
        raise ParameterError(
            f"n_levels must be whole numbers from 0 to {MOST_COLUMNS}, one for each of the {n_columns} columns, got {shown(n_levels)}"
        )
    return np.array(counts, np.int64)


def check_codes(part: Part, n_levels: NDArray[np.int64]) -> None:
    """Check that codes are levels or -1."""
    largest, least = part.columns.max(axis=0, initial=-1), part.columns.min(axis=0, initial=-1)
    is_wrong = (largest >= n_levels) & (largest >= 0) | (least < -1)
    if is_wrong.any():
        column = int(is_wrong.argmax())
        label = label_of(part.label, int(part.origins[column]))
        raise DataError(f"{label} holds codes that are neither -1 nor 0 to {n_levels[column] - 1}, one for each of its levels")


def refuse_infinite(part: Part, what: str) -> None:
    """Raise `DataError` for infinite numbers; NaN is allowed."""
    if has_infinite(part.columns):
        column = np.isinf(part.columns).any(axis=0).argmax()
        raise DataError(f"{label_of(part.label, int(part.origins[column]))} {what}")


def has_infinite(numbers: NDArray[Any]) -> bool:
    """Whether a number is infinite; NaN is not."""
    if numbers.dtype.kind != "f":
        return False
    return not all_finite(numbers, True) if is_c_array(numbers, numbers.dtype) else bool(np.isinf(numbers).any())


def label_of(label: Label | None, column: int) -> str:
    """The name of a table's column in messages."""
    return f"column {column}" if label is None else label(column)
