"""Describe the columns of a table in words."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

import numpy as np

from nncore.arguments import listed
from nncore.cli.task import Task
from nncore.cli.terminal import percent, significant
from nncore.tabular import (
    MOST_LEVELS,
    SEPARATOR_NAMES,
    CategoricalColumn,
    ClassTarget,
    ColumnKind,
    NumericColumn,
    Table,
    TableEncoder,
    TimeColumn,
    missing_in_words,
    parse_numbers,
)


def describe_columns(task: Task, encoder: TableEncoder) -> Iterator[tuple[str, str]]:
    """Labelled sentences."""
    table, kinds, n_unlabelled = task.table, task.columns, task.n_unlabelled
    blank = f" ({blank_lines(table.n_blank)})" if table.n_blank else ""
    yield "file", f"{table.source}: {task.n_in_file} rows{blank}, {len(table.names)} columns, {_written(table)}"
    yield "target", _target(table, encoder, task.why) + (f"; {n_unlabelled} rows without a target are not used" if n_unlabelled else "")
    for label, texts in (
        ("numbers", [_numeric(table, column) for column in encoder.columns if isinstance(column, NumericColumn)]),
        ("dates", [_time(table, column) for column in encoder.columns if isinstance(column, TimeColumn)]),
        ("categories", [_categorical(column) for column in encoder.columns if isinstance(column, CategoricalColumn)]),
        ("left out", _left_out(kinds)),
    ):
        if texts:
            yield label, listed(texts, most=30)
    for text in column_notes(task, encoder):
        yield "note", text


def column_notes(task: Task, encoder: TableEncoder) -> list[str]:
    """Remarks on doubtful columns."""
    doubts = [f"{name}: {kind.reason}" for name, kind in task.columns.items() if kind.kind != "left out" and kind.reason]
    doubts += _capitals(encoder)
    tell_tales = _giveaways(task.table, encoder)
    used = {column.name for column in encoder.columns} | {task.target}
    missing = missing_in_words({name: counts for name, counts in task.table.words.items() if name in used})
    doubts += missing + [
        f"{label!r} is treated as a class; if it means missing, add --missing {quote(label)}" for label in task.usual_classes
    ]
    return doubts + [f"{name} determines the target exactly; if it is not known when predicting, add --drop {name}" for name in tell_tales]


def _capitals(encoder: TableEncoder) -> list[str]:
    """Values of a column that differ only in capitals."""
    values = {column.name: column.levels for column in encoder.columns if isinstance(column, CategoricalColumn)}
    if isinstance(encoder.target, ClassTarget):
        values[encoder.target.name] = encoder.target.classes
    found = []
    for name, levels in values.items():
        alike: dict[str, list[str]] = {}
        for level in levels:
            alike.setdefault(level.casefold(), []).append(repr(level))
        pairs = [" and ".join(group) for group in alike.values() if len(group) > 1]
        if pairs:
            found.append(f"{name}: {listed(pairs, most=3)} are different values; use one spelling if they mean the same")
    return found


def _written(table: Table) -> str:
    if not table.delimiter:
        return table.kind
    header = "with a header" if table.has_header else "no header, columns are named c1, c2, …"
    separator = SEPARATOR_NAMES.get(table.delimiter, f"{table.delimiter!r} between columns")
    commas = ", decimal commas" + (
        f" ({table.thousands} is {table.thousands.replace('.', '').replace(',', '.')})" if table.thousands else ""
    )
    return f"{separator}{commas if table.decimal_comma else ''}, {header}"


def blank_lines(n: int) -> str:
    return "1 blank line, skipped" if n == 1 else f"{n} blank lines, skipped"


def _target(table: Table, encoder: TableEncoder, why: str) -> str:
    target = encoder.target
    if isinstance(target, ClassTarget):
        counts = table.column(target.name).counts
        shares = [f"{label} ({percent(counts.get(label, 0) / table.n_rows)})" for label in target.classes]
        return f"{target.name}: classification, {why}; {len(shares)} classes: {listed(shares, most=12)}"
    return f"{target.name}: regression, {why}; {_distribution(table, target.name)}"


def _left_out(kinds: dict[str, ColumnKind]) -> list[str]:
    """Columns that are left out, grouped by reason."""
    names: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        if kind.kind == "left out":
            names.setdefault(kind.reason, []).append(name)
    return [f"{listed(group, most=8)} ({reason})" for reason, group in names.items()]


def _distribution(table: Table, name: str) -> str:
    numbers = parse_numbers(name, table.column(name), table.place)
    return f"mean {significant(float(numbers.mean()))}, standard deviation {significant(float(numbers.std()))}"


def _numeric(table: Table, column: NumericColumn) -> str:
    count = table.column(column.name).n_missing
    return column.name + (f" ({count} missing)" if count else "")


def _time(table: Table, column: TimeColumn) -> str:
    count = table.column(column.name).n_missing
    return f"{column.name} ({', '.join(column.parts)}{f'; {count} missing' if count else ''})"


def _categorical(column: CategoricalColumn) -> str:
    levels = f"the {MOST_LEVELS} most frequent and other" if column.has_other else str(len(column.levels))
    vectors = ", each a learned vector" if column.is_coded else ""
    return f"{column.name} ({levels}{' and missing' if column.has_missing else ''}{vectors})"


def _giveaways(table: Table, encoder: TableEncoder) -> list[str]:
    """Columns with few values, each of which always has the same class: possible leaks of the target."""
    if not isinstance(encoder.target, ClassTarget):
        return []
    target = table.column(encoder.target.name).coded
    most = int(min(MOST_LEVELS, table.n_rows / 5))
    found = []
    for column in encoder.columns:
        values = table.column(column.name)
        if values.has_more_than(most):
            continue
        values = values.coded
        pairs = (values.codes.astype(np.int64) + 1) * (len(target.texts) + 1) + target.codes
        if len(np.unique(pairs)) == len(np.unique(values.codes)):
            found.append(column.name)
    return found
