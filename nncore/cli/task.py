"""Find the task from the table: the target, classification or regression, and the kind of every column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from nncore import registry
from nncore.cli.arguments import component
from nncore.cli.asked_metric import AskedMetric, find_metric
from nncore.cli.row_columns import RowColumns, RowValues
from nncore.cli.settings import Settings, decimal_comma
from nncore.contract import Loss, is_inside
from nncore.data import Splitter
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.tabular import (
    ClassTarget,
    CodedColumn,
    Column,
    ColumnKind,
    Table,
    Writing,
    column_kinds,
    infer_target,
    level_counts,
    missing_words,
    parse_numbers,
    read_table,
)

#: Whole numbers are classes for a classification loss only if each occurs this often on average.
ROWS_A_CLASS = 5


@dataclass(frozen=True)
class Task:
    """A table with its target and the kinds of its columns.

    Attributes
    ----------
    table : Table
        Rows with a target. Classes have the spelling of `ClassTarget`.
    n_unlabelled : int
        Number of rows left out because they have no target.
    n_unread : int
        Number of rows with a target that are not in the table, but are streamed in training.
    target : str
    kind : {"classification", "regression"}
    why : str
        Reason for the kind, in words.
    columns : dict of str to ColumnKind
        Kind of every column except the target.
    loss : Loss
    classes : ndarray of shape (n_rows,), int64, or None
        Class number of each row, to stratify splits.
    missing, missing_target : tuple of str
        Words, in lower case, that mean a missing value in features, and in the target.
    usual_classes : tuple of str
        Classes whose name usually means a missing value, such as NA.
    row_columns, row_values : RowColumns, RowValues
        Columns of weights, exposures, groups and times, and their values.
    metric : AskedMetric or None
        The requested metric.
    """

    table: Table
    n_unlabelled: int
    target: str
    kind: str
    why: str
    columns: dict[str, ColumnKind]
    loss: Loss
    classes: np.ndarray | None
    missing: tuple[str, ...] = ()
    missing_target: tuple[str, ...] = ()
    usual_classes: tuple[str, ...] = ()
    row_columns: RowColumns = field(default_factory=RowColumns)
    row_values: RowValues = field(default_factory=RowValues)
    metric: AskedMetric | None = None
    n_unread: int = 0

    @property
    def n_in_file(self) -> int:
        """Number of rows of the file."""
        return self.table.n_rows + self.n_unlabelled + self.n_unread

    @property
    def splitter(self) -> Splitter:
        """The splitter of the rows: stratified, by groups, or by time."""
        return Splitter(self.classes, self.row_values.group, self.row_values.time)


def find_task(settings: Settings, read: Callable[..., Table] = read_table) -> Task:
    """Read the table, and detect the task. All settings about columns are checked.

    `read` has the arguments of `read_table`, and may return only some of the rows.
    """
    assert settings.data is not None, "the command line asks for it"
    assert settings.target is not None, "the command line asks for it"
    row_columns = _check_columns(settings)
    metric = None if settings.metric is None else find_metric(settings.metric)
    data, target = settings.data, settings.target
    if row_columns.exposure is not None and settings.loss is None:
        settings = replace(settings, loss="poisson")
    loss = None if settings.loss is None else registry.resolve("losses", component(settings.loss))
    if row_columns.exposure is not None and (loss is None or not loss.predicts_rates or settings.task == "classification"):
        other = "--task classification" if settings.task == "classification" else f"--loss {settings.loss}"
        raise ParameterError(
            f"--exposure-column needs --loss poisson (counts) or --loss tweedie (amounts), not {other}; leave one of them out"
        )
    needed = [target, *settings.drop, *settings.keep, *settings.categorical, *row_columns.named().values()]
    table = read(data, writing_of(settings), needed=needed)
    missing = missing_words(table.usual_missing, settings.missing, settings.not_missing)
    table = table.take_missing(missing, [name for name in table.names if name != target])
    table, missing_target = _target_words(table, settings, loss, missing)
    table, n_unlabelled = _labelled_rows(table, target)
    kind, why = _kind(settings, _values(table, target), loss)
    is_classification = kind == "classification"
    if settings.class_weight is not None and not is_classification:
        raise ParameterError(f"--class-weight: {target!r} is a number and has no classes; leave it out, or add --task classification")
    if loss is None:
        loss = registry.resolve("losses", component("softmax_cross_entropy" if is_classification else "mse"))
    classes: np.ndarray | None = None
    usual_classes: tuple[str, ...] = ()
    if is_classification:
        _check_one_hot(loss, settings)
        fitted = ClassTarget.fit(target, _values(table, target))
        classes = fitted.encode(table.column(target))
        table = table.replace_column(target, CodedColumn(classes, fitted.classes))
        usual_classes = tuple(label for label in fitted.classes if label.lower() in missing)
    else:
        _check_one_output(loss, settings)
        _check_range(loss, table, settings)
    values = RowValues.read(row_columns, table)
    columns = _kinds(table, row_columns, settings)
    return Task(
        table, n_unlabelled, target, kind, why, columns, loss, classes, missing, missing_target, usual_classes, row_columns, values, metric
    )


def _kinds(table: Table, row_columns: RowColumns, settings: Settings) -> dict[str, ColumnKind]:
    """Kind of every column except the target. Columns of weights, exposures, groups and times are not features unless requested."""
    assert settings.target is not None, "the command line asks for it"
    asked = {*settings.keep, *settings.categorical}
    uses = {name: f"{role} of each row" for role, name in row_columns.named().items() if name not in asked}
    kinds = column_kinds(table, settings.target, drop=[*settings.drop, *uses], keep=settings.keep, categorical=settings.categorical)
    return kinds | {name: replace(kinds[name], reason=reason) for name, reason in uses.items()}


def writing_of(settings: Settings) -> Writing:
    """Format of the file, as far as options set it."""
    return Writing(header=settings.header, separator=settings.separator, decimal_comma=decimal_comma(settings.decimal))


def _check_columns(settings: Settings) -> RowColumns:
    """The columns of weights, exposures, groups and times, checked for contradictions."""
    assert settings.target is not None, "the command line asks for it"
    row_columns = RowColumns(settings.weight_column, settings.exposure_column, settings.group_column, settings.time_column)
    row_columns.check(settings.target)
    for option, names in (("--drop", settings.drop), ("--keep", settings.keep), ("--categorical", settings.categorical)):
        if settings.target in names:
            raise ParameterError(f"{option} {settings.target}: this is the target; choose another column")
    for option, names in (("--keep", settings.keep), ("--categorical", settings.categorical)):
        if both := sorted(set(settings.drop) & set(names)):
            raise ParameterError(f"--drop {both[0]} and {option} {both[0]} contradict each other; use one of them")
    return row_columns


# ---- the target -------------------------------------------------------------------------------------------------------------


def _values(table: Table, target: str) -> Column:
    return table.column(target).present()


def _target_words(table: Table, settings: Settings, loss: Loss | None, missing: tuple[str, ...]) -> tuple[Table, tuple[str, ...]]:
    """Replace words for missing values in the target. Returns the table and these words.

    Words that the user has named are always missing. Others, such as NA, are missing in a numeric target, and a class otherwise.
    """
    assert settings.target is not None, "the command line asks for it"
    named = missing_words((), settings.missing)
    table = table.take_missing(named, [settings.target])
    without = table.take_missing(missing, [settings.target])
    if settings.target not in without.words or settings.task == "classification":
        return table, named
    try:
        kind, _ = _kind(settings, _values(without, settings.target), loss)
    except (DataError, ParameterError):  # reported later, for all values
        return table, named
    return (without, tuple(sorted({*named, *missing}))) if kind == "regression" else (table, named)


def _kind(settings: Settings, values: Column, loss: Loss | None) -> tuple[str, str]:
    """The task and the reason: from the user, otherwise from the loss, otherwise from the values."""
    assert settings.target is not None, "the command line asks for it"
    name, asked = settings.target, settings.task
    if loss is None or (loss.targets == "real" and asked == "classification"):
        return infer_target(name, values, asked)
    if loss.targets == "real":
        if asked is None and loss.has_yes_no_outputs and (seen := infer_target(name, values))[0] == "classification":
            return seen
        return infer_target(name, values, "regression", f"--loss {settings.loss} is for numbers" if asked is None else "as asked")
    if asked == "regression":
        raise ParameterError(f"--loss {settings.loss} is for classes, but --task regression for numbers; leave one of them out")
    if asked is None and infer_target(name, values)[0] == "regression":
        numbers = level_counts(values)
        if len(numbers) > len(values) / ROWS_A_CLASS or not all(float(number).is_integer() for number in numbers):
            what = f"is for classes, but {name!r} is a number with {len(numbers)} different values"
            raise ParameterError(f"--loss {settings.loss} {what}; use a loss for numbers, or add --task classification")
        return "classification", f"--loss {settings.loss} is for classes"
    return infer_target(name, values, asked)


def _labelled_rows(table: Table, target: str) -> tuple[Table, int]:
    """The rows with a target, and the number of rows without one."""
    rows = np.flatnonzero(~table.column(target).is_missing)
    if len(rows) < 2:
        raise DataError(f"{table.source} has {len(rows)} rows with a value for {target!r}; training needs at least 2")
    n_unlabelled = table.n_rows - len(rows)
    return (table.select_rows(rows) if n_unlabelled else table), n_unlabelled


# ---- the loss ---------------------------------------------------------------------------------------------------------------


def _check_one_hot(loss: Loss, settings: Settings) -> None:
    """Check that a loss for numbers can be used with 0 and 1 for each class."""
    if loss.targets == "real" and loss.target_range is not None and not is_inside(np.array([0.0, 1.0]), loss.target_range).all():
        what = f"takes numbers in {loss.target_range}, but classes are encoded as 0 and 1"
        raise ParameterError(f"--loss {settings.loss} {what}; choose another loss")


def _check_one_output(loss: Loss, settings: Settings) -> None:
    """Check that the loss takes one output for a number."""
    try:
        n_targets = loss.n_targets(1)
    except (ParameterError, ShapeError):
        raise ParameterError(
            f"--loss {settings.loss} needs several outputs for each number, but nncore train has one; use it in Python, or use another loss"
        ) from None
    if n_targets != 1:
        raise ParameterError(f"--loss {settings.loss} needs {n_targets} target columns, but nncore train has one; use it in Python")


def _check_range(loss: Loss, table: Table, settings: Settings) -> None:
    """Check that all targets are in the range of the loss."""
    if loss.target_range is None:
        return
    assert settings.target is not None, "the command line asks for it"
    numbers = parse_numbers(settings.target, table.column(settings.target), table.place)
    if (outside := ~is_inside(numbers, loss.target_range)).any():
        row = int(outside.argmax())
        where = f"column {settings.target!r}, {table.place(row)}: {numbers[row]:g}"
        raise DataError(f"{where} is outside {loss.target_range}, which --loss {settings.loss} takes; choose another loss")
