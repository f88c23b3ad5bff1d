"""Columns that are not features but say how a row is used: weight, exposure, group and time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np

from nncore.data import level_key
from nncore.errors import DataError, FileFormatError, ParameterError
from nncore.tabular import Column, Table, as_number, parse_numbers

#: Key of these columns in the notes of a model file.
KEY = "rows"


@dataclass(frozen=True)
class RowColumns:
    """Names of the columns; None for a missing one. They are not features unless ``--keep`` makes them so.

    Attributes
    ----------
    weight : str or None
        Weight of a row, in training and in scores.
    exposure : str or None
        Duration or population in which a row's events were counted. The network predicts the rate: events for one unit of exposure.
    group : str or None
        Group of a row. A group is never on both sides of a split.
    time : str or None
        Time of a row. Training rows are earlier than the rows they are scored on.
    """

    weight: str | None = None
    exposure: str | None = None
    group: str | None = None
    time: str | None = None

    def named(self) -> dict[str, str]:
        """Names of the existing columns, by purpose."""
        return {f.name: name for f in fields(self) if (name := getattr(self, f.name)) is not None}

    def in_words(self) -> list[str]:
        """Describe the columns for the user."""
        said = {
            "weight": "weighted by {!r}",
            "exposure": "rates per unit of {!r}",
            "group": "groups of {!r} kept together",
            "time": "split by time ({!r})",
        }
        return [said[role].format(name) for role, name in self.named().items()]

    def check(self, target: str) -> None:
        """Raise `ParameterError` for contradictory columns."""
        named = self.named()
        for role, name in named.items():
            if name == target:
                raise ParameterError(f"--{role}-column {name}: this is the target; choose another column")
        if self.weight is not None and self.weight == self.exposure:
            raise ParameterError(
                f"--weight-column and --exposure-column are both {self.weight}; an exposure is already a weight, so use one"
            )
        if self.group is not None and self.time is not None:
            raise ParameterError("--group-column and --time-column split the rows in different ways; use one of them")

    def to_json(self) -> dict[str, str | None]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_json(cls, notes: Mapping[str, Any]) -> Self:
        """Read the columns from the notes of a file. Raises `FileFormatError` for anything that `to_json` does not write."""
        described = notes.get(KEY, {})
        names = {f.name for f in fields(cls)}
        if not isinstance(described, dict) or not set(described) <= names or not all(isinstance(v, str | None) for v in described.values()):
            raise FileFormatError(
                "the description of the columns is damaged: it does not name the columns of weights, exposures, groups and times"
            )
        return cls(**described)


@dataclass(frozen=True)
class RowValues:
    """Values of the `RowColumns`, each of shape ``(n_rows,)``, or None.

    Attributes
    ----------
    weight, exposure : ndarray, float64, or None
    group : ndarray, int64, or None
        Group number of each row.
    time : ndarray, float64, or None
        Numbers, or seconds for dates.
    """

    weight: np.ndarray | None = None
    exposure: np.ndarray | None = None
    group: np.ndarray | None = None
    time: np.ndarray | None = None

    @classmethod
    def read(cls, columns: RowColumns, table: Table) -> Self:
        """Read the values of a table, which has all `columns`. Raises `DataError` with the place of an invalid value."""
        return cls(**{role: READERS[role](table, name) for role, name in columns.named().items()})

    def scale(self, rows: np.ndarray | None = None) -> np.ndarray | None:
        """Weights of rows for fitting rates: weight times exposure, shape ``(n_rows,)``; None if all are equal.

        A Poisson loss of rates with these weights equals that of counts with the logarithm of the exposure as an offset.
        """
        found = [values for values in (self.weight, self.exposure) if values is not None]
        if not found:
            return None
        product: np.ndarray = np.prod(found, axis=0)
        return product if rows is None else product[rows]

    def weight_of(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.weight is None else self.weight[rows]

    def exposure_of(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.exposure is None else self.exposure[rows]


def weights(table: Table, name: str) -> np.ndarray:
    """Read weights: numbers of at least 0."""
    return _numbers(table, name, "weight", "is below 0", lambda values: values < 0)


def exposures(table: Table, name: str) -> np.ndarray:
    """Read exposures: numbers above 0."""
    return _numbers(table, name, "exposure", "is not above 0", lambda values: values <= 0)


def groups(table: Table, name: str) -> np.ndarray:
    """Read groups: a number for each distinct value."""
    keys, places = group_keys(table, name)
    codes: dict[Hashable, int] = {}
    found = np.array([codes.setdefault(key, len(codes)) for key in keys], np.int64)
    if len(codes) < 2:
        raise DataError(f"column {name!r} has only one group, so no rows can be held out; choose another --group-column")
    numbers: np.ndarray = found[places]
    return numbers


def group_keys(table: Table, name: str) -> tuple[list[Hashable], np.ndarray]:
    """Keys of groups (equal for equal groups, possibly with duplicates), and the index of each row's key. The rows may be a part of all."""
    column = table.column(name)
    _check_present(table, name, "group", column.is_missing)
    distinct = {text: place for place, text in enumerate(column.counts)}
    return [level_key(text) for text in distinct], _by_text(column, distinct, np.int64)


def times(table: Table, name: str) -> np.ndarray:
    """Read times: numbers, or ISO 8601 dates as Python parses them, in seconds."""
    _, values = time_values(table, name)
    if len(np.unique(values)) < 2:
        raise DataError(f"column {name!r} is always {table.column(name)[0]!r}: no row is later than another; choose another --time-column")
    return values


def time_values(table: Table, name: str, like: str = "") -> tuple[str, np.ndarray]:
    """The kind of times ("number" or "date"), and the times. The rows may be a part of all; `like` is the kind of the others."""
    column = table.column(name)
    distinct = {text: _time(text) for text in column.counts}
    _check_present(table, name, "time", column.is_missing)
    kinds = {kind for kind, _ in distinct.values()} | ({like} if like else set())
    if len(kinds) > 1 or "" in kinds:
        wrong = ("",) if "" in kinds else ({"number", "date"} - {like}) if like else ("number",)
        odd = next(cell for cell, (kind, _) in distinct.items() if kind in wrong)
        what = (
            "is neither a number nor a date such as 2024-01-31 or 2024-01-31 18:30"
            if "" in kinds
            else "has another form than the other times"
        )
        raise DataError(f"column {name!r}, {table.place(column.index(odd))}: {odd!r} {what}; write all times in one of these forms")
    return next(iter(kinds), like), _by_text(column, {text: time for text, (_, time) in distinct.items()}, np.float64)


def _by_text(column: Column, found: Mapping[str, float], dtype: type) -> np.ndarray:
    """Expand values of distinct texts to rows."""
    of_texts: np.ndarray = np.array([found.get(text, 0) for text in column.coded.texts], dtype)
    return of_texts[column.coded.codes]


#: Readers of the columns.
READERS: Mapping[str, Callable[[Table, str], np.ndarray]] = {"weight": weights, "exposure": exposures, "group": groups, "time": times}


def _time(cell: str) -> tuple[str, float]:
    """The kind of a time, and its value. A date without a time zone is in UTC."""
    if (number := as_number(cell)) is not None:
        return "number", number
    try:
        moment = datetime.fromisoformat(f"{cell}-01" if len(cell) == len("2024-01") else cell)
    except ValueError:
        return "", np.nan
    return "date", (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()


def _numbers(table: Table, name: str, role: str, complaint: str, is_wrong: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    numbers = parse_numbers(name, table.column(name), table.place)
    _check_present(table, name, role, np.isnan(numbers))
    if (wrong := is_wrong(numbers)).any():
        row = int(wrong.argmax())
        raise DataError(f"column {name!r}, {table.place(row)}: the {role} {numbers[row]:g} {complaint}; correct it or leave the row out")
    return numbers


def _check_present(table: Table, name: str, role: str, is_missing: np.ndarray) -> None:
    if is_missing.any():
        n, place = int(is_missing.sum()), table.place(int(is_missing.argmax()))
        rows = "1 row has" if n == 1 else f"{n} rows have"
        raise DataError(f"column {name!r}: {rows} no {role}, the first in {place}; fill it in or leave these rows out")
