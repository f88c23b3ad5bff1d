"""Train ensembles on a table that is read in blocks; rows in memory validate them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.cli.bagging import Trained, new_ensemble_fit, of_trials, train
from nncore.cli.experiment import Fitted, row_weights, targets
from nncore.cli.rows_learner import SampledRows
from nncore.cli.search import search, search_space
from nncore.cli.streamed_division import Held, StreamedParts
from nncore.cli.streamed_learning import Learned, Membership
from nncore.cli.streamed_rows import StreamedRows
from nncore.data import Fold, Stream, StreamBlock
from nncore.ensembles import (
    InputLayout,
    RowSummary,
    Samples,
    StreamedFit,
    StreamedFold,
    StreamedSamples,
    gathered,
)
from nncore.tabular import Table

#: Largest number of rows for the initialisation of a network.
SHOWN = 2**14


class TableSamples(StreamedSamples):
    """The rows of a table as samples of an ensemble. A part consists of the training rows for given held-out rows.

    Parameters
    ----------
    table : StreamedRows
    learned : Learned
    parts : sequence of tuple
        The held-out rows of a network of all rows, and of those of each fold.

    Attributes
    ----------
    is_last : bool
        Whether no other ensemble is trained on these samples.
    """

    is_last = True

    def __init__(self, table: StreamedRows, learned: Learned, parts: Sequence[tuple[Held, ...]]) -> None:
        self._table, self._learned, self._parts = table, learned, list(parts)

    def _samples(self, table: Table) -> tuple[NDArray[np.floating], np.ndarray, NDArray[np.floating] | None]:
        return self._learned.encoder.matrix(table)[0], *self._table.targets_and_weights(self._learned, table)

    def blocks(self, part: tuple[Held, ...]) -> Iterator[tuple[NDArray[np.floating], np.ndarray, NDArray[np.floating] | None]]:
        return map(self._samples, self._table.learnt_blocks(part))

    def summary(self, fold: StreamedFold, layout: InputLayout, *, with_targets: bool) -> RowSummary:
        learned = self._learned
        assert learned.rows is not None, "no summary is asked for after the last"

        def samples(table: Table) -> SampledRows:
            matrix, _, weights = self._samples(table)
            return matrix, weights

        return learned.rows.summary(self._parts.index(fold.train) - 1, learned.encoder, layout, samples)

    def forget(self) -> None:
        if self.is_last:
            self._learned.rows = None

    def stream(
        self, part: tuple[Held, ...], encode: Callable[[NDArray[np.floating], np.ndarray], tuple[np.ndarray, np.ndarray]], width: int
    ) -> Stream:
        def samples(table: Table) -> StreamBlock:
            matrix, target, weights = self._samples(table)
            return StreamBlock(*encode(matrix, target), weights)

        return self._table.stream(self._learned, part, samples, width)


def fit_streamed_ensemble(table: StreamedRows, learned: Learned, parts: StreamedParts, *, progress: bool) -> Fitted:
    """Train an ensemble on all training rows. Those in memory are used for early stopping."""
    began, settings, task, rows = time.monotonic(), table.settings, table.task, parts.training
    encoder, members = learned.encoder, learned.members
    assert members is not None, "asked for only of ensembles"
    kept = Samples(
        encoder.matrix(task.table.select_rows(rows))[0],
        targets(encoder, task, rows),
        row_weights(settings, encoder, task, rows),
        len(rows),
    )
    rng = np.random.default_rng([settings.seed, 2])

    def new_seed() -> int:
        return int(rng.integers(2**31))

    shared: dict[str, Any] = {"encoder": encoder, "samples": kept, "rows": rows, "began": began}
    source = TableSamples(table, learned, [parts.held, *((*parts.held, fold.held) for fold in members.folds)])
    streamed = partial(StreamedFit, source=source, memory_limit=table.blocks_limit)
    whole = StreamedFold(parts.held, learned.n_training(parts), _shown(kept.matrix), None)
    divided = [
        StreamedFold(
            (*parts.held, fold.held),
            sum(learned.sizes[(*parts.held, fold.held)]),
            _shown(np.delete(kept.matrix, fold.validation, axis=0)),
            fold.validation,
        )
        for fold in members.folds
    ]

    def trained_by(recipe: Any, time_limit: float | None) -> Trained:
        new_fit = partial(new_ensemble_fit, replace(settings, time_limit=time_limit), task, **shared, progress=progress, kind=streamed)
        return train(recipe, new_fit, whole, divided, members.n_starts, new_seed)

    if settings.tune is None:
        trained = trained_by(members.recipe, settings.time_limit)
    else:
        trained = _train_best(table, members, kept, source, shared, trained_by, new_seed)
    return trained.fitted(encoder, parts, (len(divided), members.n_starts), time.monotonic() - began)


def _train_best(
    table: StreamedRows,
    members: Membership,
    kept: Samples,
    source: TableSamples,
    shared: dict[str, Any],
    trained_by: Callable[..., Trained],
    new_seed: Callable[[], int],
) -> Trained:
    """Search recipes on the rows in memory, then train members of the best on all rows."""
    settings, task, recipe, began = table.settings, table.task, members.recipe, shared["began"]
    everything = np.arange(len(kept.matrix))
    splits = [Fold(np.setdiff1d(everything, fold.validation), fold.validation) for fold in members.folds]
    found = search(
        settings,
        recipe,
        partial(new_ensemble_fit, settings, task, **shared, progress=False),
        kept,
        splits,
        members.n_starts,
        space=search_space(settings, task, recipe),
        seed=new_seed(),
        began=began,
        is_first_half=True,
    )
    so_far = of_trials(found, settings)
    if found.search.interrupted:
        return so_far
    all_trained: list[Trained] = []
    for number, trial in enumerate(found.chosen):
        limit = None
        if settings.time_limit is not None:  # an equal share of the time left
            past = time.monotonic() - began
            limit = past + max(settings.time_limit - past, 0.001) / (len(found.chosen) - number)
        source.is_last = number == len(found.chosen) - 1
        trained = trained_by(trial.fit.recipe, limit)
        all_trained.append(trained)
        trial.members = list(trained.members)
        if trained.interruption is not None or any(history.interrupted for history in trained.histories):
            break
    return Trained(
        gathered(found.chosen[: len(all_trained)])[0],
        [history for trained in all_trained for history in trained.histories],
        [epoch for trained in all_trained for epoch in trained.best_epochs],
        so_far.most_epochs,
        [text for trained in all_trained for text in trained.diverged],
        so_far.search,
        min(trained.n_refit for trained in all_trained),
        next((trained.interruption for trained in all_trained if trained.interruption), None),
    )


def _shown(matrix: NDArray[np.floating]) -> NDArray[np.floating]:
    """Rows for the initialisation of a network, from all over the files."""
    return matrix[:: -(-len(matrix) // SHOWN)]
