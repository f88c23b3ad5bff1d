"""Tables larger than memory: scored rows and a sample of the others are kept in memory; all rows are read in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from nncore.blocks import rows_at_once
from nncore.cli.experiment import Parts, targets, weights_of_classes
from nncore.cli.recipes import recipe_of
from nncore.cli.row_columns import RowValues
from nncore.cli.rows_learner import FirstPass, RowsLearner, prepared, used_in_training, with_model
from nncore.cli.settings import Settings
from nncore.cli.streamed_division import Division, Held, RowPlaces, StreamedParts, is_learnt
from nncore.cli.streamed_learning import Learned, Membership
from nncore.cli.streaming import Streaming, size_text
from nncore.cli.task import find_task, writing_of
from nncore.cli.training_table import TrainingTable
from nncore.data import StreamBlock
from nncore.errors import DataError
from nncore.tabular import (
    Chooser,
    ClassTarget,
    SomeRows,
    Table,
    TableFiles,
    TableStream,
    Writing,
    chosen_blocks,
)

#: Largest number of rows in memory: a quarter for the score, a quarter for early stopping, and a sample of the others.
KEPT, PARTS = 2**18, 4

#: Approximate bytes of a cell in memory, as text and as a number; fractions of the memory limit for these rows, and for blocks in training.
#: Fewer pieces are read together where one takes much memory. One is always read: it counts as at most this fraction of that of blocks.
KEPT_BYTES_A_CELL, KEPT_SHARE, BLOCKS_SHARE, PIECE_SHARE = 48, 8, 2, 8

#: Rows of a block while encodings are fitted, and while rows are counted by their numbers.
LEARNED, COUNTED = 2**14, 2**16


class StreamedRows(TrainingTable):
    """A table in files. The task is detected from the rows in memory, and encodings are fitted to all rows.

    Parameters
    ----------
    settings : Settings
    streaming : Streaming

    Attributes
    ----------
    files : TableFiles
    blocks_limit : int
        Memory limit of blocks in training, in bytes.
    places : RowPlaces
        Numbers, groups and times of the rows in memory.
    task : Task
        Task of the rows in memory.
    parts : list of StreamedParts
        The rows in memory: a sample of the training rows, rows for early stopping, and held-out rows.
    """

    parts: list[StreamedParts]

    def __init__(self, settings: Settings, streaming: Streaming) -> None:
        assert settings.data is not None, "the command line asks for it"
        self.blocks_limit = streaming.limit // BLOCKS_SHARE
        self.files = TableFiles.of(settings.data, writing_of(settings))
        share = KEPT_SHARE * (1 if settings.tune is None else 2)  # a search encodes the rows in memory again for each fold
        most = rows_at_once(KEPT_BYTES_A_CELL * len(self.files.names), KEPT, of=streaming.limit // share)
        found: list[SomeRows] = []
        # The parts of groups depend on the rows of each group, times on those drawn, and each part of --cv has an encoder of its own.
        divides_by_number = settings.cv is None and settings.group_column is None and settings.time_column is None
        first = FirstPass(settings) if divides_by_number else None

        def read(path: object, writing: Writing, *, needed: list[str]) -> Table:
            self.files.check(needed)
            found.append(self.files.drawn(most, settings.seed, first))
            return found[0].table

        self.task = find_task(settings, read)
        drawn = found[0]
        self.settings = with_model(settings, self.task)
        self._firsts: list[int] = np.cumsum([0, *self.files.piece_sizes(drawn.sizes)[:-1]]).tolist()
        self._n_rows, self._n_drawn = sum(drawn.sizes), drawn.table.n_rows
        kept = np.searchsorted(np.asarray(drawn.table.lines), np.asarray(self.task.table.lines))
        self._like = ""
        self._numbers, self._unlabelled = drawn.numbers[kept], np.delete(drawn.numbers, kept)
        self._has_all = self._n_rows == self._n_drawn
        self.places = self._places(self._numbers, self.task.table)
        if self.task.row_columns.time is not None:
            self._like = self.places.kind_and_times[0]
        self.division = Division(self.settings, self.task, self.places, drawn.share * max(1.0, most / self._n_rows) / PARTS)
        self.parts = [self.division.divide()] if settings.cv is None else self.division.folds()
        rows = None if first is None or self._has_all else (first, _some(self._prepared(drawn.table), kept))
        self._known: tuple[StreamedParts, Learned] = self.parts[0], self._learn(self.parts[0], rows)
        self.memory_text = self._in_words(streaming)

    def _in_words(self, streaming: Streaming) -> str:
        """Tell the user that rows are read in blocks, and what is derived from a sample."""
        kept = self.task.table.n_rows
        sample = f"; column kinds are detected on a sample of {kept} rows, statistics on all rows" if self.task.n_unread else ""
        return f"{streaming.why}: rows are read in blocks, in at most {size_text(streaming.limit)}{sample}"

    def _places(self, numbers: np.ndarray, table: Table) -> RowPlaces:
        return RowPlaces(numbers, table, self.task.row_columns, self.settings.seed, self._like)

    def everything(self) -> StreamedParts:
        return self.division.everything()

    # ---- reading rows -------------------------------------------------------------------------------------------------

    def _prepared(self, table: Table) -> Table:
        """Replace words for missing values."""
        return prepared(self.task, table)

    def _labelled(self, numbers: np.ndarray, table: Table) -> np.ndarray:
        """Mask of the rows with a target."""
        return np.flatnonzero(~table.column(self.task.target).is_missing)

    def _chooser(self, held: tuple[Held, ...]) -> Chooser:
        """The function that selects the training rows, if `held` are held out."""

        def chosen(numbers: np.ndarray, table: Table) -> np.ndarray:
            rows = self._labelled(numbers, table)
            labelled = table if len(rows) == table.n_rows else table.select_rows(rows)
            own: np.ndarray = rows[is_learnt(held, self._places(numbers[rows], labelled), len(rows))]
            return own

        return chosen

    def blocks(self, chosen: Chooser) -> Iterator[tuple[int, Table, np.ndarray]]:
        """Blocks of chosen rows, with their piece and their row numbers. The file is read only if some of its rows are not in memory."""
        if self._has_all:
            yield from self._blocks_in_memory(chosen)
            return
        for number, first in enumerate(self._firsts):
            for table, numbers in chosen_blocks(self.files, number, first, LEARNED, self._prepared, chosen):
                yield number, table, numbers

    def _blocks_in_memory(self, chosen: Chooser) -> Iterator[tuple[int, Table, np.ndarray]]:
        table = self.task.table
        for number, (first, end) in enumerate(zip(self._firsts, [*self._firsts[1:], self._n_rows], strict=True)):
            start, stop = np.searchsorted(self._numbers, [first, end]).tolist()
            for begin in range(start, stop, LEARNED):
                rows = np.arange(begin, min(begin + LEARNED, stop))
                some = table.select_rows(rows)
                own = chosen(self._numbers[rows], some)
                yield number, (some if len(own) == some.n_rows else some.select_rows(own)), self._numbers[rows[own]]

    def learnt_blocks(self, held: tuple[Held, ...]) -> Iterator[Table]:
        """Blocks of the training rows, if `held` are held out."""
        return (table for _, table, numbers in self.blocks(self._chooser(held)) if len(numbers))

    def stream(self, learned: Learned, held: tuple[Held, ...], samples: Callable[[Table], StreamBlock], width: int) -> TableStream:
        """Stream of the training rows, if `held` are held out. `samples` converts a table to a block."""
        stream = TableStream(self.files, learned.sizes[held], self._firsts, self._prepared, self._chooser(held), samples, width)
        stream.bytes_a_piece = min(stream.bytes_a_piece, self.blocks_limit // PIECE_SHARE)
        return stream

    # ---- learning -----------------------------------------------------------------------------------------------------------

    def estimated(self, parts: Parts) -> int:
        """Approximate number of training rows; exact if all rows are in memory."""
        return round(len(parts.training) * self._n_rows / self._n_drawn)

    def members(self, parts: StreamedParts) -> Membership | None:
        """The folds of the ensemble for some parts; None for a single network."""
        if self.settings.model == "mlp":
            return None
        recipe = recipe_of(self.settings, self.task, self.estimated(parts))
        return Membership(recipe, *self.division.members(parts, recipe))

    def learned(self, parts: StreamedParts) -> Learned:
        """Fit encodings to all training rows, and count the training rows of each network."""
        if self._known[0] is not parts or self._known[1].is_used_up:
            self._known = parts, self._learn(parts)
        return self._known[1]

    def _learn(self, parts: StreamedParts, first: tuple[FirstPass, Table] | None = None) -> Learned:
        """`first` is the pass that drew the rows, and the rows drawn, from which it has not learned."""
        task, settings = self.task, self.settings
        members = self.members(parts)
        everything: tuple[Held, ...] = ()
        trained = [everything, parts.held, *(() if members is None else ((*parts.held, fold.held) for fold in members.folds))]
        folds = None if members is None else [fold.held for fold in members.folds]
        learner, sizes = None if first is None else first[0].learner(task, folds), {held: [0] * len(self._firsts) for held in trained}
        if first is not None and learner is not None:
            learner.add(first[1], np.flatnonzero(is_learnt(parts.held, self.places, len(self._numbers))), self.places)
            self._count(sizes, np.sort(np.concatenate([*first[0].unlabelled, self._unlabelled])))
        else:
            learner = RowsLearner(task, settings, task.columns, folds)
            for number, table, numbers in self.blocks(self._labelled):
                places = self._places(numbers, table)
                learner.add(table, np.flatnonzero(is_learnt(parts.held, places, len(numbers))), places)
                for held, counts in sizes.items():
                    counts[number] += int(is_learnt(held, places, len(numbers)).sum())
        if not all(map(sum, sizes.values())):
            raise DataError(f"{self.files.source}: no rows are left for training; choose a smaller --test-fraction, or fewer folds")
        learner.end()
        encoder = learner.encoder(task, **({} if members is None else {"most_one_hot": members.recipe.max_one_hot - 1}))
        classes, class_weights = task.classes, None
        if isinstance(encoder.target, ClassTarget):
            classes = encoder.target.encode(task.table.column(task.target))
            if settings.class_weight is not None:
                class_weights = weights_of_classes(settings, encoder.target, learner.class_counts(encoder.target))
        n_labelled = sum(sizes[everything])
        self.task = replace(task, n_unlabelled=self._n_rows - n_labelled, n_unread=n_labelled - task.table.n_rows, classes=classes)
        return Learned(encoder, members, class_weights, sizes, None if members is None else learner)

    def _count(self, sizes: Mapping[tuple[Held, ...], list[int]], unlabelled: np.ndarray) -> None:
        """Count the training rows of each piece by their numbers alone, which decide their parts without groups and times."""
        for piece, (first, end) in enumerate(zip(self._firsts, [*self._firsts[1:], self._n_rows], strict=True)):
            for start in range(first, end, COUNTED):
                stop = min(start + COUNTED, end)
                begin, past = np.searchsorted(unlabelled, [start, stop])
                numbers = np.delete(np.arange(start, stop), unlabelled[begin:past] - start)
                places = self._places(numbers, self.task.table)
                for held, counts in sizes.items():
                    counts[piece] += int(is_learnt(held, places, len(numbers)).sum())

    def targets_and_weights(self, learned: Learned, table: Table) -> tuple[np.ndarray, np.ndarray | None]:
        """Targets and weights of the rows of a block. Weights depend on class, weight and exposure."""
        own = replace(self.task, table=table, row_values=RowValues.read(used_in_training(self.task), table))
        found = [values for values in (own.row_values.scale(),) if values is not None]
        if learned.class_weights is not None:
            found.append(learned.class_weights[learned.encoder.transform_target(table)])
        return targets(learned.encoder, own, np.arange(table.n_rows)), np.prod(found, axis=0) if found else None


def _some(table: Table, rows: np.ndarray) -> Table:
    """The given rows, without a copy if these are all."""
    return table if len(rows) == table.n_rows else table.select_rows(rows)
