"""Learn encodings of columns and targets from blocks of rows in one pass, for `nncore train`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nncore.cli.bagging import OF_ENSEMBLES, model_name
from nncore.cli.recipes import recipe_of
from nncore.cli.row_columns import RowColumns, RowValues
from nncore.cli.settings import Settings
from nncore.cli.streamed_division import Held, RowPlaces, folds_by_number
from nncore.cli.task import Task, find_task
from nncore.contract import sample_rows
from nncore.data import EncodingChain, level_key
from nncore.ensembles import FoldStatistics, InputLayout, RowSummary
from nncore.errors import DataError, NNCoreError
from nncore.tabular import ClassTarget, CodedColumn, ColumnKind, EncoderLearner, RealTarget, RowWatcher, Table, TableEncoder

#: Largest number of rows without a target whose numbers are remembered.
MOST_UNLABELLED = 2**18

#: The matrix and the weights of some rows.
SampledRows = tuple[NDArray[np.floating], NDArray[np.floating] | None]


class RowsLearner:
    """Learn all that training needs to know of a table from blocks of its rows, in one pass: pass all rows to `add`, then call `end`.

    Parameters
    ----------
    task : Task
        Its table is not used.
    settings : Settings
    columns : mapping of str to ColumnKind
    folds : sequence of Held or None
        What the folds of an ensemble hold out; None for one network, which has no encodings of its own.

    Attributes
    ----------
    folds : sequence of Held or None
    """

    def __init__(self, task: Task, settings: Settings, columns: Mapping[str, ColumnKind], folds: Sequence[Held] | None) -> None:
        self._task, self._settings, self.folds = task, settings, folds
        self._encoder = EncoderLearner(columns, task.target, task.kind, target_range=task.loss.target_range)
        self._rates = None if task.row_columns.exposure is None else EncodingChain.learner(["unit_mean"], 1)
        self._used = used_in_training(task)
        self._needed = self._encoder.names | set(self._used.named().values())
        n_numbers = sum(kind.kind == "numeric" for kind in columns.values())
        self._statistics = None if folds is None else FoldStatistics[_NumberedRows](len(folds), n_numbers, _NumberedRows.chosen)

    def add(self, table: Table, rows: NDArray[np.int64], places: RowPlaces) -> None:
        """Add the next block, of rows with a target. Its training rows are `rows`; `places` are those of all."""
        values = self._encoder.add(table, rows)
        if not len(rows) or (self._rates is None and self._statistics is None):
            return
        some = table.select_rows(rows)
        of_rows = RowValues.read(self._used, some)
        weights, target = of_rows.scale(), values.target
        if of_rows.exposure is not None and target is not None:
            target = target / of_rows.exposure
        if self._rates is not None and target is not None:
            self._rates.add(target[:, None], weights)
        if self._statistics is None or self.folds is None:
            return
        held = np.array([one.mask(places)[rows] for one in self.folds], bool).reshape(len(self.folds), len(rows))
        needed = some.select_columns([name for name in some.names if name in self._needed])
        counted = self._counted(some, weights)
        numbers = places.numbers[rows]
        self._statistics.add(numbers, _NumberedRows(needed, numbers), replace(values, target=target), held, counted, weights)

    def _counted(self, table: Table, weights: NDArray[np.floating] | None) -> NDArray[np.bool_] | None:
        """Mask of the rows of a weight above 0; None for all."""
        counted = None if weights is None else weights > 0
        asked = self._settings.class_weight
        if not isinstance(asked, dict) or all(asked.values()):
            return counted
        without = {level_key(label) for label, weight in asked.items() if not weight}
        coded = table.column(self._task.target).coded
        of_classes = np.array([*(level_key(text) not in without for text in coded.texts), True])[coded.codes]
        return of_classes if counted is None else counted & of_classes

    def end(self) -> None:
        """End the pass, after all rows were added."""
        self._encoder.end()
        if self._rates is not None:
            self._rates.end_pass()

    def class_counts(self, target: ClassTarget) -> NDArray[np.int64]:
        """Number of training rows of each class."""
        return self._encoder.class_counts(target)

    def encoder(self, task: Task, **options: int) -> TableEncoder:
        """The fitted encoder, for the columns of a task. `options` are those of `EncoderLearner.encoder`."""
        encoder = self._encoder.encoder(task.table, task.missing, task.missing_target, kinds=task.columns, **options)
        if self._rates is None or not isinstance(encoder.target, RealTarget):
            return encoder
        return replace(encoder, target=replace(encoder.target, chain=EncodingChain.of_learners([self._rates])))

    # ---- what encodings of an ensemble learn --------------------------------------------------------------------------------------

    def summary(self, number: int, encoder: TableEncoder, layout: InputLayout, samples: Callable[[Table], SampledRows]) -> RowSummary:
        """What encodings learn from the training rows of a fold, or from all for `number` -1.

        Parameters
        ----------
        number : int
        encoder : TableEncoder
            Result of `encoder`.
        layout : InputLayout
        samples : callable
            ``samples(table)`` returns the matrix and the weights of some rows.
        """
        assert self._statistics is not None, "asked for only of ensembles"
        kept = list(self._statistics.sampled(number, sample_rows(len(layout.numbers))))
        order = np.argsort(np.concatenate([own.numbers for own in kept]))  # rows that stay in memory were added last
        found = [samples(own.table) for own in kept]
        matrix = np.concatenate([own for own, _ in found])[order]
        weights = None if any(own is None for _, own in found) else np.concatenate([own for _, own in found if own is not None])[order]
        edges, targets = self._statistics.edges(number), self._statistics.targets(number)
        of_matrix = self._encoder.edges(encoder, edges.numbers, edges.parts)
        codes = self._encoder.codes(encoder, edges.codes)
        if targets is not None and isinstance(encoder.target, RealTarget):
            targets = targets.behind(encoder.target.chain)
        return RowSummary.of(layout, matrix, weights, of_matrix, codes, targets)


class FirstPass(RowWatcher):
    """Learns rows while they are counted, with the task and the folds that a sample of the first rows suggests.

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

    def begin(self, table: Table, n_rows: int) -> None:
        try:
            self._task = task = find_task(self._settings, lambda *_, **__: table)
            settings = with_model(self._settings, task)
            recipe = None if settings.model == "mlp" else recipe_of(settings, task, round(n_rows * (1 - settings.test_fraction)))
        except NNCoreError:  # told of all rows
            self.has_failed = True
            return
        unused = {*self._settings.drop, *task.row_columns.named().values(), *table.unreadable}
        # Numbers that look useless in the first rows are learned, too: they may turn out to be a feature.
        self._columns = {
            name: ColumnKind("numeric") if kind.kind == "left out" and not (name in unused or task.table.column(name).n_words) else kind
            for name, kind in task.columns.items()
        }
        self._learner = RowsLearner(task, settings, self._columns, None if recipe is None else folds_by_number(recipe))

    def add(self, table: Table, numbers: NDArray[np.int64]) -> None:
        assert self._task is not None and self._learner is not None, "it has begun"  # noqa: PT018
        try:
            table = prepared(self._task, table)
            is_missing = table.column(self._task.target).is_missing
            if is_missing.any():
                self.unlabelled.append(numbers[is_missing])
                table, numbers = table.select_rows(np.flatnonzero(~is_missing)), numbers[~is_missing]
            places = RowPlaces(numbers, table, self._task.row_columns, self._settings.seed)
            self._learner.add(table, np.arange(table.n_rows), places)
        except DataError:  # told in another pass, if it is an error for the kinds that all rows show
            self.has_failed = True
        if self.has_failed or sum(map(len, self.unlabelled)) > MOST_UNLABELLED:
            self.has_failed, self._learner, self.unlabelled = True, None, []

    def learner(self, task: Task, folds: Sequence[Held] | None) -> RowsLearner | None:
        """What has learned the rows, if the first rows suggested this task and these folds."""
        own = self._task
        if self.has_failed or own is None or self._learner is None or self._learner.folds != folds:
            return None
        if (own.kind, own.missing, own.missing_target) != (task.kind, task.missing, task.missing_target):
            return None
        if own.table.decimal_comma != task.table.decimal_comma:
            return None
        used = {name: kind for name, kind in task.columns.items() if kind.kind != "left out"}
        return self._learner if all(_learned_as(self._columns[name]) == _learned_as(kind) for name, kind in used.items()) else None


def with_model(settings: Settings, task: Task) -> Settings:
    """Settings with the chosen model: a single network unless options name an ensemble, each of whose networks reads all rows."""
    is_open = settings.model == "auto" and not settings.said(OF_ENSEMBLES)
    return replace(settings, model=model_name(replace(settings, model="mlp") if is_open else settings, task))


@dataclass(frozen=True)
class _NumberedRows:
    """Rows of a table, and their numbers."""

    table: Table
    numbers: NDArray[np.int64]

    def chosen(self, places: NDArray[np.int64]) -> _NumberedRows:
        """Copy some rows, and only the texts that they have."""
        some = self.table.select_rows(places)
        columns = [column.used() if isinstance(column, CodedColumn) else column for column in some.columns]
        return _NumberedRows(replace(some, columns=columns), self.numbers[places])


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
