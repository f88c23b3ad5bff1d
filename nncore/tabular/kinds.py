"""What a column is: numbers, categories, or nothing to learn from."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from nncore.tabular.columns import MOST_ONE_HOT, Place
from nncore.tabular.table import Table
from nncore.tabular.values import as_number

#: Levels of a categorical column that are told apart.
MOST_LEVELS = 500

#: Text with this share of distinct values names its rows rather than grouping them.
IDENTIFIER_SHARE = 0.7

#: Text of many values with fewer rows for each than this, on average, has none that much could be learnt about.
FEWEST_ROWS_A_LEVEL = 3

_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}($|[ T])")

#: 1,234 and 12 % and $5.
_UNITS = re.compile(r"[$€£¥]? ?[+-]?\d[\d,.' ]* ?[%$€£¥]?")

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
    if len(set(numbers.values())) == 1 and not words:
        return ColumnKind("left out", f"always {next(iter(counts))}")
    if not words:
        return ColumnKind("numeric")
    if len(counts) == 1 and not n_missing:
        return ColumnKind("left out", f"always {next(iter(counts))!r}")
    n_words = sum(counts[word] for word in words)
    if n_words <= (1 - NUMBERS_SHARE) * n_present:
        first = next(row for row, value in enumerate(values) if value is not None and numbers[value] is None)
        word = values[first]
        remark = f"taken as text: {n_words} of {n_present} values are not numbers, first {word!r} in {place(first)}; mend them, or say "
        remark += f"--missing {shlex.quote(str(word))} if nothing is known there"
        return ColumnKind("categorical", remark)
    if len(counts) >= IDENTIFIER_SHARE * n_present and len(counts) > 2:
        return ColumnKind("left out", f"text, {len(counts)} different values in {n_present} rows{_nearly_numbers(counts, words)}")
    if all(_DATE.match(word) for word in words):
        return ColumnKind("left out", f"dates, {len(counts)} different; columns of month or weekday can stand for them")
    has_few_rows_each = len(counts) > MOST_ONE_HOT and n_present < FEWEST_ROWS_A_LEVEL * len(counts)
    if has_few_rows_each or sum(count for _, count in counts.most_common(MOST_LEVELS)) < n_present / 2:
        return ColumnKind("left out", f"text, {len(counts)} different values, none frequent")
    return ColumnKind("categorical")


def _nearly_numbers(counts: Counter[str | None], words: Sequence[str]) -> str:
    """What to do about text that was perhaps meant to be numbers, or ""."""
    n_words, n_present = sum(counts[word] for word in words), counts.total()
    commonest = max(words, key=lambda word: counts[word])
    if n_words < n_present / 2 and counts[commonest] > n_words / 2:
        return f"; {n_present - n_words} are numbers: if {commonest!r} means that nothing is known, say --missing {shlex.quote(commonest)}"
    if all(_UNITS.fullmatch(word) for word in words):
        return f"; they look like numbers: write {commonest!r} without separators and units"
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
    A first column that counts the rows is left out if others remain: it says where a row stood in the file, not what it is.
    """
    kinds: dict[str, ColumnKind] = {}
    for name in table.names:
        if name == target:
            continue
        values = table.column(name)
        kind = ColumnKind("left out", "as asked") if name in drop else column_kind(values, table.place)
        if name in keep and kind.kind == "left out":
            is_numeric = all(value is None or as_number(value) is not None for value in values)
            kind = ColumnKind("numeric" if is_numeric else "categorical", "kept as asked")
        kinds[name] = kind
    first = table.names[0]
    others = [name for name, kind in kinds.items() if kind.kind != "left out" and name != first]
    if first in kinds and first not in (*drop, *keep) and len(others) > 1 and counts_rows(table.column(first)):
        kinds[first] = ColumnKind("left out", "counts the rows")
    return kinds
