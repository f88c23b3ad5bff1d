"""Learn encodings of columns and targets from blocks of rows, for `nncore train`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nncore.cli.row_columns import RowColumns, RowValues
from nncore.cli.settings import Settings
from nncore.cli.task import Task, find_task
from nncore.data import EncodingChain
from nncore.errors import DataError, NNCoreError
from nncore.tabular import ClassTarget, ColumnKind, EncoderLearner, RealTarget, RowWatcher, Table, TableEncoder, parse_numbers

#: Largest number of rows without a target whose numbers are remembered.
MOST_UNLABELLED = 2**18


class RowsLearner:
    """Fit an encoder, and the unit of rates, to blocks of rows.

    While `wants_rows` is True, pass all rows to `add` in blocks, then call `end_pass`.

    Parameters
    ----------
    task : Task
        Its table is not used.
    columns : mapping of str to ColumnKind
    """

    def __init__(self, task: Task, columns: Mapping[str, ColumnKind]) -> None:
        self._task = task
        self._encoder = EncoderLearner(columns, task.target, task.kind, target_range=task.loss.target_range)
        self._rates = None if task.row_columns.exposure is None else EncodingChain.learner(["unit_mean"], 1)

    @property
    def wants_rows(self) -> bool:
        """Whether another pass is needed."""
        return self._encoder.wants_rows or (self._rates is not None and self._rates.wants_rows)

    def add(self, table: Table, rows: NDArray[np.int64]) -> None:
        """Add the next block, of rows with a target. Its training rows are `rows`."""
        if self._encoder.wants_rows:
            self._encoder.add(table, rows)
        if self._rates is not None and self._rates.wants_rows and len(rows):
            some, target = table.select_rows(rows), self._task.target
            values = RowValues.read(used_in_training(self._task), some)
            assert values.exposure is not None, "asked for only with exposures"
            self._rates.add((parse_numbers(target, some.column(target), some.place) / values.exposure)[:, None], values.scale())

    def end_pass(self) -> None:
        """End a pass, after all rows were added."""
        for one in (self._encoder, self._rates):
            if one is not None and one.wants_rows:
                one.end_pass()

    def class_counts(self, target: ClassTarget) -> NDArray[np.int64]:
        """Number of training rows of each class."""
        return self._encoder.class_counts(target)

    def encoder(self, task: Task, **options: int) -> TableEncoder:
        """The fitted encoder, for the columns of a task. `options` are those of `EncoderLearner.encoder`."""
        encoder = self._encoder.encoder(task.table, task.missing, task.missing_target, kinds=task.columns, **options)
        if self._rates is None or not isinstance(encoder.target, RealTarget):
            return encoder
        return replace(encoder, target=replace(encoder.target, chain=EncodingChain.of_learners([self._rates])))


class FirstPass(RowWatcher):
    """Learns rows while they are counted, with the task that a sample of the first rows suggests.

    It sees the rows that are not kept in memory, which are training rows. The task is known when all rows were read: if the first rows
    suggested another one, what was learned is useless.

    Parameters
    ----------
    settings : Settings

    Attributes
    ----------
    unlabelled : list of ndarray of int64
        Numbers of rows without a target.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._task: Task | None = None
        self._columns: dict[str, ColumnKind] = {}
        self._learner: RowsLearner | None = None
        self.unlabelled: list[NDArray[np.int64]] = []

    def begin(self, table: Table) -> None:
        try:
            self._task = task = find_task(self._settings, lambda *_, **__: table)
        except NNCoreError:  # told of all rows
            self.has_failed = True
            return
        unused = {*self._settings.drop, *task.row_columns.named().values(), *table.unreadable}
        # Numbers that look useless in the first rows are learned, too: they may turn out to be a feature.
        self._columns = {
            name: ColumnKind("numeric") if kind.kind == "left out" and not (name in unused or task.table.column(name).n_words) else kind
            for name, kind in task.columns.items()
        }
        self._learner = RowsLearner(task, self._columns)

    def add(self, table: Table, numbers: NDArray[np.int64]) -> None:
        assert self._task is not None and self._learner is not None, "it has begun"  # noqa: PT018
        try:
            table = prepared(self._task, table)
            is_missing = table.column(self._task.target).is_missing
            if is_missing.any():
                self.unlabelled.append(numbers[is_missing])
                table = table.select_rows(np.flatnonzero(~is_missing))
            self._learner.add(table, np.arange(table.n_rows))
        except DataError:  # told in another pass, if it is an error for the kinds that all rows show
            self.has_failed = True
        if self.has_failed or sum(map(len, self.unlabelled)) > MOST_UNLABELLED:
            self.has_failed, self._learner, self.unlabelled = True, None, []

    def learner(self, task: Task) -> RowsLearner | None:
        """What has learned the rows, if the first rows suggested this task."""
        own = self._task
        if self.has_failed or own is None or self._learner is None:
            return None
        if (own.kind, own.missing, own.missing_target) != (task.kind, task.missing, task.missing_target):
            return None
        if own.table.decimal_comma != task.table.decimal_comma:
            return None
        used = {name: kind for name, kind in task.columns.items() if kind.kind != "left out"}
        return self._learner if all(_learned_as(self._columns[name]) == _learned_as(kind) for name, kind in used.items()) else None


def _learned_as(kind: ColumnKind) -> tuple[str, str, bool]:
    """What decides how a column is learned."""
    return kind.kind, kind.form, kind.as_text


def prepared(task: Task, table: Table) -> Table:
    """Replace words for missing values."""
    table = table.take_missing(task.missing, [name for name in table.names if name != task.target])
    return table.take_missing(task.missing_target, [task.target])


def used_in_training(task: Task) -> RowColumns:
    """Columns that are needed in training: weight and exposure."""
    return replace(task.row_columns, group=None, time=None)
