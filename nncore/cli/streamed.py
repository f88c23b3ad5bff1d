"""Training on a table larger than memory: when, what cannot be had then, and how: rows that are scored are kept, the others go by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from nncore.blocks import available_memory, rows_at_once
from nncore.cli.experiment import VALIDATION_FRACTION, Fitted, Parts, fit_network, weights_of_classes
from nncore.cli.row_columns import RowColumns, RowValues
from nncore.cli.settings import Settings, long_name
from nncore.cli.task import find_task, writing_of
from nncore.data import is_below
from nncore.errors import DataError, ParameterError
from nncore.tabular import (
    STDIN,
    ClassTarget,
    EncoderLearner,
    SomeRows,
    Table,
    TableEncoder,
    TableFiles,
    TableStream,
    Writing,
    chosen_blocks,
    is_one_file,
)

#: About how many times its size a file needs in memory, with all that is made of it.
TIMES = 4

#: Rows that are kept in memory, at most: a quarter of them for the score, as many to decide when to stop, the others as a sample of all.
KEPT, PARTS = 2**18, 4

#: About what a cell of them takes, and the part of the memory that they may have; and that of blocks in training.
KEPT_BYTES_A_CELL, KEPT_SHARE, BLOCKS_SHARE = 16, 8, 2

#: Memory that is used if nobody says how much, at most, and the part of what is free.
USUAL_LIMIT, FREE_SHARE = 2 * 2**30, 2

#: Rows of a block while columns are learned from.
LEARNED = 2**14

#: Options that need all rows at once, and why.
REFUSED = {
    "cv": "each part would be held out from a training of its own",
    "tune": "trials are trained side by side on folds of all rows",
    "n_cv": "folds need all rows in memory",
    "n_ens": "ensembles need all rows in memory",
    "n_refit": "ensembles need all rows in memory",
    "preset": "presets are of ensembles, which need all rows in memory",
    "search_space": "trials are trained side by side on folds of all rows",
    "trials_file": "trials are trained side by side on folds of all rows",
    "group_column": "groups are kept together by looking at all rows",
    "time_column": "the latest rows are known when all have been seen",
    "exposure_column": "rates are scaled by the exposures of all rows",
}


@dataclass(frozen=True)
class Streaming:
    """That a table is to be read in blocks.

    Attributes
    ----------
    limit : int
        Bytes that rows may take.
    why : str
        For a person.
    """

    limit: int
    why: str


def streaming_of(settings: Settings) -> Streaming | None:
    """Whether the table is to be read in blocks: what is said, else whether it may not fit in memory; None if it is read at once.

    Raises
    ------
    ParameterError
        If something else is asked for that needs all rows at once.
    """
    path = settings.data
    assert path is not None, "the command line asks for it"
    free = available_memory()
    room = settings.memory_limit if settings.memory_limit is not None else free
    one = is_one_file(path)
    if one and (str(path) == STDIN or not path.is_file()):
        if settings.stream:
            TableFiles.of(path, writing_of(settings))  # says why not
        return None
    if settings.stream is False:
        if not one:
            raise ParameterError(f"--no-stream: {path} is no single file, and several are read in blocks; leave it out")
        return None
    n_bytes = path.stat().st_size if one else 0
    if settings.stream:
        why = "as asked"
    elif not one:
        why = "several files"
    elif room is not None and TIMES * n_bytes > room:
        what = "--memory-limit allows" if settings.memory_limit is not None else "is free"
        why = f"{_size(n_bytes)}, of which about {TIMES} times as much would be in memory, and {_size(room)} {what}"
    else:
        return None
    if settings.model not in ("auto", "mlp"):
        raise ParameterError(f"--model {settings.model} needs all rows in memory ({why}); say --model mlp, or --no-stream if there is room")
    for name in settings.said(list(REFUSED)):
        raise ParameterError(
            f"--{long_name(name)}: {REFUSED[name]}, and the rows are read in blocks ({why}); leave it out, or say --no-stream"
        )
    usual = USUAL_LIMIT if free is None else max(min(free // FREE_SHARE, USUAL_LIMIT), 2**28)
    return Streaming(settings.memory_limit or usual, why)


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.3g} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.3g} MB"


class StreamedTable:
    """A table in files: a part of its rows kept, of which the task is found out, and columns learned from all.

    Parameters
    ----------
    settings : Settings
        With the model that is meant.
    limit : int
        Bytes that rows may take.

    Attributes
    ----------
    task : Task
        Of the rows that are kept.
    parts : Parts
        Of these rows: a sample of those to learn from, those that decide when to stop, those held out.
    encoder : TableEncoder
        Learned from all rows to learn from.
    n_training : int
        How many these are.
    """

    def __init__(self, settings: Settings, limit: int) -> None:
        assert settings.data is not None, "the command line asks for it"
        self._settings, self._limit = settings, limit
        self.files = TableFiles.of(settings.data, writing_of(settings))
        most = rows_at_once(KEPT_BYTES_A_CELL * len(self.files.names), KEPT, of=limit // KEPT_SHARE)
        found: list[SomeRows] = []

        def read(path: object, writing: Writing, *, needed: list[str]) -> Table:
            self.files.check(needed)
            found.append(self.files.drawn(most, settings.seed))
            return found[0].table

        self.task = find_task(settings, read)
        drawn = found[0]
        self._firsts: list[int] = np.cumsum([0, *self.files.piece_sizes(drawn.sizes)[:-1]]).tolist()
        n_most, self.n_rows = max(1, sum(self.files.most_rows)), sum(drawn.sizes)
        bound = most / PARTS / n_most
        self._test = min(settings.test_fraction, bound)
        aside = VALIDATION_FRACTION * (1 - self._test) if settings.mlp.patience > 0 else 0.0
        self._seen = self._test + min(aside, bound)
        places = np.searchsorted(np.asarray(drawn.table.lines), np.asarray(self.task.table.lines))
        self.parts = self._parts(drawn.numbers[places])
        self._learn()

    def _parts(self, numbers: np.ndarray) -> Parts:
        """Of rows in memory, by their numbers in all files."""
        seed = self._settings.seed
        is_test, is_seen = is_below(numbers, self._test, seed), is_below(numbers, self._seen, seed)
        return Parts(np.flatnonzero(~is_seen), np.flatnonzero(is_seen & ~is_test), np.flatnonzero(is_test))

    def _prepared(self, table: Table) -> Table:
        """Without words that stand for what is missing."""
        task = self.task
        table = table.take_missing(task.missing, [name for name in table.names if name != task.target])
        return table.take_missing(task.missing_target, [task.target])

    def _labelled(self, numbers: np.ndarray, table: Table) -> np.ndarray:
        return np.flatnonzero(~table.column(self.task.target).is_missing)

    def _for_training(self, numbers: np.ndarray, table: Table) -> np.ndarray:
        is_seen = is_below(numbers, self._seen, self._settings.seed)
        return np.flatnonzero(~is_seen & ~table.column(self.task.target).is_missing)

    def _blocks(self) -> Iterator[tuple[int, Table, np.ndarray]]:
        """All rows that have a target, with their piece and numbers."""
        for number, first in enumerate(self._firsts):
            for table, numbers in chosen_blocks(self.files, number, first, LEARNED, self._prepared, self._labelled):
                yield number, table, numbers

    def _learn(self) -> None:
        """What columns become, from the rows to learn from."""
        task, settings = self.task, self._settings
        learner = EncoderLearner(task.columns, task.target, task.kind, target_range=task.loss.target_range)
        counted = False
        self._sizes, n_labelled = [0] * len(self._firsts), 0
        while learner.wants_rows:
            for number, table, numbers in self._blocks():
                rows = np.flatnonzero(~is_below(numbers, self._seen, settings.seed))
                learner.add(table, rows)
                if not counted:
                    self._sizes[number] += len(rows)
                    n_labelled += table.n_rows
            counted = True
            if not sum(self._sizes):
                raise DataError(f"{self.files.source}: no rows are left to learn from; choose a smaller --test-fraction")
            learner.end_pass()
        self.encoder: TableEncoder = learner.encoder(task.table, task.missing, task.missing_target)
        self.n_training = sum(self._sizes)
        self.task = replace(task, n_unlabelled=self.n_rows - n_labelled, n_unread=n_labelled - task.table.n_rows)
        target = self.encoder.target
        if isinstance(target, ClassTarget):
            self.task = replace(self.task, classes=target.encode(task.table.column(task.target)))
        self._class_weights = (
            weights_of_classes(settings, target, learner.class_counts(target))
            if settings.class_weight is not None and isinstance(target, ClassTarget)
            else None
        )

    def _targets(self, table: Table) -> np.ndarray:
        encoder, loss = self.encoder, self.task.loss
        y = encoder.transform_target(table)
        if loss.targets == "real" and isinstance(encoder.target, ClassTarget):
            return np.eye(len(encoder.target.classes), dtype=np.float32)[y]
        return y

    def _weights(self, table: Table) -> np.ndarray | None:
        """By class and by the column of weights."""
        weight = RowValues.read(RowColumns(weight=self.task.row_columns.weight), table).weight
        if self._class_weights is None:
            return weight
        of_classes: np.ndarray = self._class_weights[self.encoder.transform_target(table)]
        return of_classes if weight is None else of_classes * weight

    def stream(self) -> TableStream:
        """The rows to learn from."""
        return TableStream(
            self.files,
            self.encoder,
            self._sizes,
            self._firsts,
            self._prepared,
            self._for_training,
            self._targets,
            self._weights,
        )

    def fit(self, *, progress: bool) -> Fitted:
        """Train the network of the settings."""
        X, _ = self.encoder.transform(self.task.table.select_rows(self.parts.validation))
        return fit_network(
            self._settings,
            self.task,
            self.parts,
            self.encoder,
            X,
            (self.stream(), None, None),
            n_streamed=self.n_training,
            memory_limit=self._limit // BLOCKS_SHARE,
            progress=progress,
        )


def in_words(streaming: Streaming, table: StreamedTable) -> str:
    """For a person: that rows are read in blocks, and what is seen of a sample."""
    kept = table.task.table.n_rows
    sample = "" if table.task.n_unread == 0 else f"; what columns are is seen of {kept} rows drawn evenly, their statistics of all"
    return f"{streaming.why}: rows are read in blocks, in at most {_size(streaming.limit)}{sample}"
