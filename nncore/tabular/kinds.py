"""Detect the kind of a column: numeric, categorical, dates, or useless."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nncore.tabular.column import Column, as_column
from nncore.tabular.columns import MOST_ONE_HOT, Place, count_levels
from nncore.tabular.dates import forms_of
from nncore.tabular.identifiers import identifier_reason, is_index_of_pandas
from nncore.tabular.table import Table
from nncore.tabular.values import are_dates, number_hint

#: Largest number of levels of a categorical column that are distinguished.
MOST_LEVELS = 500

#: Text with at least this share of distinct values identifies rows.
IDENTIFIER_SHARE = 0.7

#: Text with many values is useless if it has fewer rows a value than this, on average.
FEWEST_ROWS_A_LEVEL = 3

#: Text with at least this share of numbers was perhaps meant to be numeric.
NUMBERS_SHARE = 0.9


@dataclass(frozen=True)
class ColumnKind:
    """The kind of one column, and why it is left out or doubtful.

    Attributes
    ----------
    kind : {"numeric", "categorical", "time", "left out"}
    reason : str
        The reason for "left out", otherwise a remark for the user, or "".
    form : str
        For "time": how dates are written.
    as_text : bool
        For "categorical": whether each spelling is a level, because the user declared the column categorical.
    """

    kind: Literal["numeric", "categorical", "time", "left out"]
    reason: str = ""
    form: str = ""
    as_text: bool = False


def column_kind(values: Sequence[str | None], place: Place) -> ColumnKind:
    """Detect the kind of a column from all its values."""
    column = as_column(values)
    n_missing, n_present, n_words = column.n_missing, column.n_present, column.n_words
    if n_present == 0:
        return ColumnKind("left out", "empty")
    if not n_words:
        numbers = column.numbers
        if np.fmin.reduce(numbers) < np.fmax.reduce(numbers):
            return ColumnKind("numeric")
        return ColumnKind("left out", f"always {column[int((~column.is_missing).argmax())]}")
    if n_words < n_present and n_words <= (1 - NUMBERS_SHARE) * n_present:
        first = column.first_word
        word = column[first]
        remark = (
            f"treated as text: {n_words} of {n_present} values are not numbers, first {word!r} in {place(first)}; correct them, or add "
        )
        remark += f"--missing {shlex.quote(str(word))} if they mean missing"
        return ColumnKind("categorical", remark)
    coded = column.coded.used()
    texts, n_levels = coded.texts, count_levels(coded)
    if n_levels == 1 and not n_missing:
        return ColumnKind("left out", f"always {texts[0]!r}")
    words = [texts[i] for i in np.flatnonzero(np.isnan(coded.numbers_of_texts[:-1])).tolist()] if n_words < n_present else texts
    if are_dates(words) and n_levels > 1:
        return _time(list(texts))
    hint = number_hint(words)
    if hint and n_levels > MOST_ONE_HOT:
        return ColumnKind("left out", f"text, {n_levels} different values; they look like numbers: {hint}")
    if n_levels >= IDENTIFIER_SHARE * n_present and n_levels > 2:
        return ColumnKind("left out", f"text, {n_levels} different values in {n_present} rows{_nearly_numbers(column, words)}")
    has_few_rows_each = n_levels > MOST_ONE_HOT and n_present < FEWEST_ROWS_A_LEVEL * n_levels
    if has_few_rows_each or np.sort(np.bincount(coded.codes[coded.codes >= 0]))[-MOST_LEVELS:].sum() < n_present / 2:
        return ColumnKind("left out", f"text, {n_levels} different values, none frequent{_nearly_numbers(column, words)}")
    return ColumnKind("categorical", f"treated as text, although its values look like numbers: {hint}" if hint else "")


def _time(texts: list[str]) -> ColumnKind:
    """The kind of a date column."""
    forms = forms_of(texts)
    if len(forms) == 1:
        return ColumnKind("time", form=forms[0])
    why = f"whether {texts[0]} is {' or '.join(forms)} cannot be decided" if forms else "not all in one known form"
    return ColumnKind("left out", f"dates, {len(texts)} different, {why}; write 2024-01-31")


def _nearly_numbers(column: Column, words: Sequence[str]) -> str:
    """What to do about a text column in which more than half are numbers, or ""."""
    n_words, n_present = column.n_words, column.n_present
    if n_words >= n_present / 2:
        return ""
    counts = column.counts
    commonest = max(words, key=lambda word: counts[word])
    if counts[commonest] > n_words / 2:
        return f"; {n_present - n_words} are numbers: if {commonest!r} means missing, add --missing {shlex.quote(commonest)}"
    return ""


def counts_rows(values: Sequence[str | None]) -> bool:
    """Whether the values are 0, 1, 2, … or 1, 2, 3, … in the order of the file."""
    numbers = as_column(values).numbers
    return len(numbers) > 1 and numbers[0] in (0.0, 1.0) and np.array_equal(numbers, numbers[0] + np.arange(len(numbers)))


def column_kinds(
    table: Table, target: str, *, drop: Sequence[str] = (), keep: Sequence[str] = (), categorical: Sequence[str] = ()
) -> dict[str, ColumnKind]:
    """Detect the kind of every column except the target, in the order of the file.

    Parameters
    ----------
    table : Table
    target : str
        Column to predict.
    drop, keep : sequence of str
        Columns that the user leaves out, and columns to use although they look useless.
    categorical : sequence of str
        Columns to treat as categories, with each spelling a level.

    Notes
    -----
    The index of a pandas data frame, a first column that counts the rows, and identifiers (`identifier_reason`) are left out if other
    columns remain. They identify rows and do not describe them.
    """
    kinds: dict[str, ColumnKind] = {}
    dropped, kept, declared = set(drop), {*keep, *categorical}, set(categorical)
    for name in table.names:
        if name == target:
            continue
        if name in dropped:
            kinds[name] = ColumnKind("left out", "as asked")
        elif name in table.unreadable and name not in kept:
            kinds[name] = ColumnKind("left out", f"holds {table.unreadable[name]}, not numbers or text")
        else:
            column = table.column(name)
            kind = ColumnKind("categorical", as_text=True) if name in declared else column_kind(column, table.place)
            if name in kept and kind.kind == "left out":
                kind = ColumnKind("categorical" if column.n_words else "numeric", "kept as asked")
            kinds[name] = kind
    named = {name: reason for name in kinds if name not in kept and (reason := _names_rows(table, name, kinds[name]))}
    if any(kind.kind != "left out" and name not in named for name, kind in kinds.items()):
        return kinds | {name: ColumnKind("left out", reason) for name, reason in named.items()}
    # No other column is left.
    only = {name: f"used because there is no other column, although it looks like this: {reason}" for name, reason in named.items()}
    return kinds | {name: ColumnKind(kinds[name].kind, reason) for name, reason in only.items()}


def _names_rows(table: Table, name: str, kind: ColumnKind) -> str:
    """Why a column that is not left out only identifies rows, or ""."""
    if kind.kind == "left out":
        return ""
    if table.kind != "CSV" and (name in table.indexes or is_index_of_pandas(name)):
        return "the index of a pandas data frame"
    if kind.kind != "numeric":
        return ""
    if name == table.names[0] and counts_rows(table.column(name)):
        return "counts the rows"
    return identifier_reason(name, table.column(name), is_marked=name in table.indexes)
