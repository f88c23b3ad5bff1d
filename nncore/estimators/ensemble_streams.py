"""Train ensembles on streams: folds by hashes of row numbers, with validation samples in memory."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.blocks import blocks
from nncore.contract import Loss, row_hashes
from nncore.data import HeldOut as Part, Stream, StreamBlock
from nncore.ensembles import InputLayout, Recipe, RowSummary, Samples, StreamedFold, StreamedSamples
from nncore.errors import DataError, ParameterError
from nncore.estimators.column_blocks import cut_anew, told
from nncore.estimators.columns import TableColumns
from nncore.estimators.columns_learner import ColumnsLearner
from nncore.estimators.frame_streams import raw_stream
from nncore.estimators.given import Given
from nncore.estimators.held_out import LOSS, Judge
from nncore.estimators.network_estimator import Weigher
from nncore.estimators.stream_folds import StreamFolds
from nncore.estimators.stream_training import EncodedStream, encoded
from nncore.estimators.streamed_rows import StreamedRows, blocks_of, joined_blocks
from nncore.estimators.training_data import NO_WEIGHT
from nncore.tabular import KeptRows

#: Fractions of `memory_limit`, as denominators, for validation samples in the pass, for them with their inputs, and for samples to
#: initialise networks with.
_RAW_SHARE, _KEPT_SHARE, _SHOWN_SHARE = 8, 4, 16

#: Largest number of samples to initialise a network with.
_SHOWN = 2**14


def refuse_for_ensembles(given: Given, raw: Stream, groups: Any, times: Any, validation: tuple[Any, Any, Any]) -> None:
    """Raise `ParameterError` for arguments that need all samples in memory, before any is read."""
    why = f"{raw.source} is read in blocks"
    if given.tune is not None:
        raise ParameterError(
            f"tune={given.tune!r} needs all samples in memory, but {why}: tune on some of the samples, then fit without tune"
        )
    for name, value, reason in (("groups", groups, "keep groups together"), ("times", times, "find the latest samples")):
        if value is not None:
            raise ParameterError(f"{name} needs all samples in memory to {reason}, but {why}: pass X_val and y_val instead of {name}")
    check_shared(given, why)
    X_val, y_val, weights_val = validation
    raw_val = None if X_val is None else raw_stream(X_val, y_val, weights_val, "validation ")
    if raw_val is not None and raw_val.is_sparse:
        raise ParameterError(f"{raw_val.source} gives sparse batches, but X dense ones: let the batches of both be sparse, or of none")
    is_in_memory = X_val is not None and raw_val is None
    judge = Judge(given.scoring, LOSS)
    if judge.needs_estimator and not is_in_memory:
        raise ParameterError(f"scoring={judge.spec!r} needs samples in memory, but {why}: pass X_val and y_val, or name a metric")


def check_shared(given: Given, why: str) -> None:
    """Raise `ParameterError` if members of TabM ask for batches of their own, although `why`."""
    if given.has("share_training_batches") and given.unread("share_training_batches") not in (None, True):
        raise ParameterError(f"share_training_batches=False needs dense samples in memory, but {why}: leave it at None")


class EnsembleRows(StreamedRows, StreamedSamples):
    """The streamed samples of an ensemble's fit.

    Parameters
    ----------
    estimator : Ensemble
    raw : Stream
    memory_limit : int, str or None
    """

    _encoded: Callable[[StreamBlock], StreamBlock]
    _folds: StreamFolds

    def look_through(
        self, columns: TableColumns, recipe: Recipe, seed: int, counts: Callable[[Any, Any], NDArray[np.bool_] | None], *, holds_out: bool
    ) -> Recipe:
        """Go through all samples once: count samples and classes, fit columns, and learn what encodings of all folds need.

        Parameters
        ----------
        columns : TableColumns
        recipe : Recipe
            The recipe for any number of samples.
        seed : int
            Decides, with the number of a sample, which fold holds it out.
        counts : callable
            See `StreamFolds`.
        holds_out : bool
            Whether to make folds.

        Returns
        -------
        Recipe
            The recipe for the number of samples.
        """
        learner = ColumnsLearner(columns, self._estimator)
        most = max(1, self._room(8 * (self._raw.shape[0] + 1), _RAW_SHARE))
        is_real = self._estimator._has_real_targets
        self._folds = StreamFolds(learner, recipe, self._raw.n_samples, seed, most, counts, scales_targets=is_real, holds_out=holds_out)

        def numbers() -> Iterator[tuple[NDArray[np.floating], None]]:
            for block, rows in learner.learned(block for _, block in self._pass()):
                self._folds.add(block, rows)
                yield rows.numbers, None

        for samples, _ in cut_anew(numbers()):
            learner.look_at_numbers(samples)
        learner.tell()
        self._folds.end()
        self._estimator._columns = columns
        return self._folds.recipe

    def take_target(self, loss: Loss, weigh: Weigher) -> None:
        """Encode targets and weights for the loss from now on.

        Raises
        ------
        DataError
            If all weights are 0.
        """
        found = self.facts.weights(weigh)
        if found is not None and found[1] == 0:
            raise DataError(NO_WEIGHT)
        self._encoded = partial(encoded, self._estimator, loss, weigh, None)
        self._finish = lambda y, weights: (self._estimator._encode_target(y, loss), weigh(y, weights))

    @property
    def n_samples(self) -> int:
        """All of them."""
        return sum(self.facts.sizes)

    def divide(self, layout: InputLayout) -> tuple[Samples | None, list[StreamedFold], StreamedFold]:
        """Encode the samples in memory: those for validation, and those to initialise networks with.

        Parameters
        ----------
        layout : InputLayout

        Returns
        -------
        samples : Samples or None
            Validation samples; None without folds.
        folds : list of StreamedFold
        whole : StreamedFold
            All samples.

        Raises
        ------
        DataError
            If a fold has no training samples, or no validation samples.
        """
        n, found = self.n_samples, self._folds
        parts, share = found.division.parts, found.division.share
        row_bytes = 8 * (layout.n_columns + len(layout.numbers) + int(layout.hot_levels.sum()) + self._estimator.n_outputs_)
        self._n_kept = max(1, self._room(row_bytes, _KEPT_SHARE))
        n_shown = max(1, min(_SHOWN, self._room(row_bytes, _SHOWN_SHARE) // (len(parts) + 1)))
        whole = StreamedFold(None, n, found.sampled(-1, n_shown, self._finish).matrix, None)
        if not parts:
            return None, [], whole
        judging, of_folds = found.judging(max(1, self._n_kept // len(parts)), self._finish)
        folds = []
        for number, part in enumerate(parts):
            train = replace(part, is_rest=True)
            n_train, shown = sum(self._kept_of(train)), found.sampled(number, n_shown, self._finish).matrix
            if not len(shown) or not len(of_folds[number]):
                what = f"validation_fraction={share:g}" if len(parts) == 1 else f"n_cv={len(parts)} folds"
                raise DataError(
                    f"{what} of {n} samples, split by hashes of their numbers, leaves no training or no validation samples: change it, "
                    "or give more data"
                )
            folds.append(StreamedFold(train, n_train, shown, of_folds[number]))
        return judging, folds, whole

    def summary(self, fold: StreamedFold, layout: InputLayout, *, with_targets: bool) -> RowSummary:
        parts = self._folds.division.parts
        number = -1 if fold.train is None else parts.index(replace(fold.train, is_rest=False))
        return self._folds.summary(number, layout, self._finish)

    def forget(self) -> None:
        del self._folds

    def kept(self, raw: Stream, seed: int) -> Samples:
        """Samples of another stream; those with the smallest hashes if not all fit into memory."""
        gathered = KeptRows[StreamBlock](1, self._n_kept, StreamBlock.chosen)
        for first, block in self._numbered(raw):
            rows = np.arange(first, first + len(block))
            gathered.add(block, row_hashes(rows, seed), np.ones((1, len(rows)), bool))
        found = joined_blocks(list(gathered.blocks)).chosen(gathered.places(0)) if gathered.blocks else None
        if found is None or not len(found):
            raise DataError(f"{raw.source} has no samples to validate on")
        assert found.y is not None, "it has been looked at"
        return Samples(found.X, found.y, found.sample_weight, len(found))

    def _numbered(self, raw: Stream) -> Iterator[tuple[int, StreamBlock]]:
        """Encoded blocks of a stream, each with the number of its first row."""
        first = 0
        for block in blocks_of(raw, self._limit):
            with told(first):
                found = self._encoded(block)
            yield first, found
            first += len(found)

    def _kept_of(self, part: Part | None) -> list[int]:
        """Number of samples of each piece that belong to a part."""
        sizes = self.facts.sizes
        if part is None:
            return sizes
        firsts = np.cumsum([0, *sizes])
        cut = ([slice(rows.start + first, rows.stop + first) for rows in blocks(n, 8)] for n, first in zip(sizes, firsts, strict=False))
        return [sum(int(part.mask(rows.start, rows.stop - rows.start).sum()) for rows in piece) for piece in cut]

    # ---- what members are trained on ----------------------------------------------------------------------------------------

    def blocks(self, part: Part | None) -> Iterator[tuple[NDArray[np.floating], np.ndarray, NDArray[np.floating] | None]]:
        for first, block in self._numbered(self._raw):
            own = block if part is None else block.chosen(np.flatnonzero(part.mask(first, len(block))))
            if len(own):
                assert own.y is not None, "it has been looked at"
                yield own.X, own.y, own.sample_weight

    def stream(
        self, part: Part | None, encode: Callable[[NDArray[np.floating], np.ndarray], tuple[np.ndarray, np.ndarray]], width: int
    ) -> Stream:
        def inputs(block: StreamBlock) -> StreamBlock:
            found = self._encoded(block)
            assert found.y is not None, "it has been looked at"
            return StreamBlock(*encode(found.X, found.y), found.sample_weight)

        return EncodedStream(self._raw, inputs, width, self.facts.sizes, self._kept_of(part), part, self.first)
