"""What a column is: numbers, categories, or nothing to learn from."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nncore.data import level_key
from nncore.tabular.columns import MOST_ONE_HOT, Place
from nncore.tabular.identifiers import identifier_reason, is_index_of_pandas
from nncore.tabular.table import Table
from nncore.tabular.values import are_dates, as_number, number_hint

#: Levels of a categorical column that are told apart.
MOST_LEVELS = 500

#: Text with this share of distinct values names its rows rather than grouping them.
IDENTIFIER_SHARE = 0.7

#: Text of many values with fewer rows for each than this, on average, has none that much could be learnt about.
FEWEST_ROWS_A_LEVEL = 3

#: Text with this share of numbers was perhaps meant to be numbers.
NUMBERS_SHARE = 0.9


@dataclass(frozen=True)
class ColumnKind:
    """The kind of one column, and why it is left out or doubtful.

    Attributes
    ----------
    kind : {"numeric", "categorical", "left out"}
    reason : str
        For "left out" the reason, else a remark worth showing, or "".
    """

    kind: Literal["numeric", "categorical", "left out"]
    reason: str = ""


def column_kind(values: Sequence[str | None], place: Place) -> ColumnKind:
    """Look at all values of a column."""
    counts = Counter(values)
    n_missing = counts.pop(None, 0)
    n_present = len(values) - n_missing
    if n_present == 0:
        return ColumnKind("left out", "empty")
    numbers = {text: as_number(text) for text in counts if text is not None}
    words = [text for text, number in numbers.items() if number is None]
    if not words:
        return ColumnKind("numeric") if len(set(numbers.values())) > 1 else ColumnKind("left out", f"always {next(iter(counts))}")
    n_levels = len({level_key(text) for text in numbers})
    if n_levels == 1 and not n_missing:
        return ColumnKind("left out", f"always {next(iter(counts))!r}")
    n_words = sum(counts[word] for word in words)
    if n_words <= (1 - NUMBERS_SHARE) * n_present:
        first = next(row for row, value in enumerate(values) if value is not None and numbers[value] is None)
        word = values[first]
        remark = f"taken as text: {n_words} of {n_present} values are not numbers, first {word!r} in {place(first)}; mend them, or say "
        remark += f"--missing {shlex.quote(str(word))} if nothing is known there"
        return ColumnKind("categorical", remark)
    if are_dates(words):
        return ColumnKind("left out", f"dates, {len(counts)} different; columns of month or weekday can stand for them")
    hint = number_hint(words)
    if hint and n_levels > MOST_ONE_HOT:
        return ColumnKind("left out", f"text, {n_levels} different values; they look like numbers: {hint}")
    if n_levels >= IDENTIFIER_SHARE * n_present and n_levels > 2:
        return ColumnKind("left out", f"text, {n_levels} different values in {n_present} rows{_nearly_numbers(counts, words)}")
    has_few_rows_each = n_levels > MOST_ONE_HOT and n_present < FEWEST_ROWS_A_LEVEL * n_levels
    if has_few_rows_each or sum(count for _, count in counts.most_common(MOST_LEVELS)) < n_present / 2:
        return ColumnKind("left out", f"text, {n_levels} different values, none frequent{_nearly_numbers(counts, words)}")
    return ColumnKind("categorical", f"taken as text, although its values look like numbers: {hint}" if hint else "")


def _nearly_numbers(counts: Counter[str | None], words: Sequence[str]) -> str:
    """What to do about text of which more than half are numbers, or ""."""
    n_words, n_present = sum(counts[word] for word in words), counts.total()
    commonest = max(words, key=lambda word: counts[word])
    if n_words < n_present / 2 and counts[commonest] > n_words / 2:
        return f"; {n_present - n_words} are numbers: if {commonest!r} means that nothing is known, say --missing {shlex.quote(commonest)}"
    return ""


def counts_rows(values: Sequence[str | None]) -> bool:
    """Whether the values go 0, 1, 2, … or 1, 2, 3, … down the file."""
    numbers = [None if value is None else as_number(value) for value in values[:2]]
    start = numbers[0]
    if start not in (0.0, 1.0) or len(values) < 2:
        return False
    return all(value is not None and as_number(value) == start + i for i, value in enumerate(values))


def column_kinds(table: Table, target: str, *, drop: Sequence[str] = (), keep: Sequence[str] = ()) -> dict[str, ColumnKind]:
    """The kind of every column except the target, in the order of the file.

    Parameters
    ----------
    table : Table
    target : str
        Column to predict.
    drop, keep : sequence of str
        Columns that the user leaves out, and columns to be used although they look useless.

    Notes
    -----
    The index of a frame of pandas, a first column that counts the rows, and numbers that name the rows (`identifier_reason`) are left out
    if others remain: they say which row of the file it was, not what it is.
    """
    kinds: dict[str, ColumnKind] = {}
    dropped, kept = set(drop), set(keep)
    for name in table.names:
        if name == target:
            continue
        if name in dropped:
            kinds[name] = ColumnKind("left out", "as asked")
        elif name in table.unreadable and name not in kept:
            kinds[name] = ColumnKind("left out", f"holds {table.unreadable[name]}, not numbers or text")
        else:
            values = table.column(name)
            kind = column_kind(values, table.place)
            if name in kept and kind.kind == "left out":
                is_numeric = all(value is None or as_number(value) is not None for value in values)
                kind = ColumnKind("numeric" if is_numeric else "categorical", "kept as asked")
            kinds[name] = kind
    named = {name: reason for name in kinds if name not in kept and (reason := _names_rows(table, name, kinds[name]))}
    if any(kind.kind != "left out" and name not in named for name, kind in kinds.items()):
        return kinds | {name: ColumnKind("left out", reason) for name, reason in named.items()}
    # Nothing else is there to learn from.
    only = {name: f"used since there is no other column, although it looks like this: {reason}" for name, reason in named.items()}
    return kinds | {name: ColumnKind(kinds[name].kind, reason) for name, reason in only.items()}


def _names_rows(table: Table, name: str, kind: ColumnKind) -> str:
    """Why a column that is not left out says no more than which row it is, or ""."""
    if kind.kind == "left out":
        return ""
    if table.kind != "CSV" and (name in table.indexes or is_index_of_pandas(name)):
        return "the index of a frame of pandas"
    if kind.kind != "numeric":
        return ""
    if name == table.names[0] and counts_rows(table.column(name)):
        return "counts the rows"
    return identifier_reason(name, table.column(name), is_marked=name in table.indexes)
