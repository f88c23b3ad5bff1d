"""Train on a table that is read in blocks."""

from __future__ import annotations

import time
from dataclasses import replace

from nncore.cli.bagging import EnsembleShape
from nncore.cli.experiment import Fitted, Parts, fit_network
from nncore.cli.streamed_division import StreamedParts
from nncore.cli.streamed_ensemble import fit_streamed_ensemble
from nncore.cli.streamed_learning import Learned
from nncore.cli.streamed_rows import StreamedRows
from nncore.cli.training_table import Overview
from nncore.data import StreamBlock
from nncore.tabular import Table


class StreamedTable(StreamedRows):
    """A table in files, read in blocks, and the training of networks on it."""

    def overview(self, parts: Parts) -> Overview:
        own = _streamed(parts)
        learned = self.learned(own)
        n, members = learned.n_training(own), learned.members
        if members is None:
            return Overview(learned.encoder, n, None)
        first = members.folds[0]
        n_train = sum(learned.sizes[(*own.held, first.held)])
        shape = EnsembleShape(members.recipe, len(members.folds), members.n_starts, n_train, len(first.validation))
        return Overview(learned.encoder, n, shape)

    def fit(self, parts: Parts, *, epochs: int | None = None, progress: bool = False) -> Fitted:
        own, began = _streamed(parts), time.perf_counter()
        learned = self.learned(own)
        if learned.members is not None:
            fitted = fit_streamed_ensemble(self, learned, own, progress=progress)
        else:
            fitted = self._fit_network(learned, own, epochs, progress=progress)
        return replace(fitted, seconds=time.perf_counter() - began, n_streamed=learned.n_training(own))

    def _fit_network(self, learned: Learned, parts: StreamedParts, epochs: int | None, *, progress: bool) -> Fitted:
        encoder = learned.encoder

        def samples(table: Table) -> StreamBlock:
            return StreamBlock(encoder.transform(table)[0], *self.targets_and_weights(learned, table))

        X, _ = encoder.transform(self.task.table.select_rows(parts.validation))
        return fit_network(
            self.settings,
            self.task,
            parts,
            encoder,
            X,
            (self.stream(learned, parts.held, samples, encoder.n_inputs), None, None),
            n_streamed=learned.n_training(parts),
            memory_limit=self.blocks_limit,
            epochs=epochs,
            progress=progress,
        )


def _streamed(parts: Parts) -> StreamedParts:
    assert isinstance(parts, StreamedParts), "they are of this table"
    return parts
