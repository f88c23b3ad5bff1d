"""Train ensembles on streams: folds by hashes of row numbers, with validation samples in memory."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.blocks import blocks
from nncore.contract import Loss
from nncore.data import HeldOut as Part, Stream, StreamBlock, StreamMemory
from nncore.ensembles import InputLayout, Recipe, Samples, StreamedFold, StreamedSamples
from nncore.errors import DataError, ParameterError
from nncore.estimators.column_blocks import NumberFacts, cut_anew, told
from nncore.estimators.columns import TableColumns
from nncore.estimators.columns_learner import learn_kinds
from nncore.estimators.frame_streams import raw_stream
from nncore.estimators.given import Given
from nncore.estimators.held_out import LOSS, Judge
from nncore.estimators.network_estimator import Weigher
from nncore.estimators.stream_training import EncodedStream, encoded
from nncore.estimators.streamed_rows import StreamedRows, blocks_of
from nncore.estimators.training_data import NO_WEIGHT

#: Fractions of `memory_limit`, as denominators, for validation samples with their inputs, and for samples to initialise networks with.
_KEPT_SHARE, _SHOWN_SHARE = 4, 16

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

    def learn_categories(self, columns: TableColumns) -> None:
        """Count samples and classes, and fit categories and dates of columns, in one pass."""
        wanted = iter([self.facts])
        learn_kinds(columns, self._estimator, lambda: self._pass(next(wanted, None)))
        self._estimator._columns = columns

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

    @property
    def n_samples(self) -> int:
        """All of them."""
        return sum(self.facts.sizes)

    def divide(
        self, recipe: Recipe, seed: int, layout: InputLayout, *, holds_out: bool
    ) -> tuple[Samples, list[StreamedFold], StreamedFold]:
        """Fit the numbers of columns, and keep validation samples and samples to initialise networks with, in one pass.

        Parameters
        ----------
        recipe : Recipe
        seed : int
            Decides, with the number of a sample, which fold holds it out.
        layout : InputLayout
            Layout as far as it is known, for the memory of a sample.
        holds_out : bool
            Whether to make folds.

        Returns
        -------
        samples : Samples
            Validation samples.
        folds : list of StreamedFold
        whole : StreamedFold
            All samples.

        Raises
        ------
        DataError
            If a fold has no training samples, or no validation samples.
        """
        n, n_folds = self.n_samples, recipe.n_cv if holds_out else 0
        share = recipe.validation_fraction if n_folds == 1 else 1 / max(1, n_folds)
        begins = [fold / n_folds for fold in range(n_folds)]
        self._row_bytes = 8 * (layout.n_columns + len(layout.numbers) + int(layout.hot_levels.sum()) + self._estimator.n_outputs_)
        kept = min(share, self._room(_KEPT_SHARE) / max(1, n_folds) / n)
        shown = min(_SHOWN, self._room(_SHOWN_SHARE) / (n_folds + 1)) / n
        # Samples to initialise with follow the validation samples by hash, so that they are distinct.
        judging = [_Gathered(Part(kept, seed, False, begin)) for begin in begins]
        showing = [_Gathered(Part(min(shown, 1 - share), seed, False, (begin + share) % 1.0)) for begin in begins]
        of_all = _Gathered(Part(min(shown, 1.0), seed, False))
        self._learn_numbers([*judging, *showing, of_all])
        ends = np.cumsum([0, *map(len, judging)])
        folds = []
        for number, (begin, own) in enumerate(zip(begins, showing, strict=True)):
            train = Part(share, seed, True, begin)
            n_train = sum(self._kept_of(train))
            if not n_train or not len(own) or ends[number] == ends[number + 1]:
                what = f"validation_fraction={share:g}" if n_folds == 1 else f"n_cv={n_folds} folds"
                raise DataError(
                    f"{what} of {n} samples, split by hashes of their numbers, leaves no training or no validation samples: change it, "
                    "or give more data"
                )
            folds.append(StreamedFold(train, n_train, own.samples().matrix, np.arange(ends[number], ends[number + 1])))
        whole = StreamedFold(None, n, of_all.samples().matrix, None)
        return _joined([one.samples() for one in judging or [of_all]]), folds, whole

    def _room(self, share: int) -> int:
        """Number of samples, with their inputs, that fit into 1/`share` of the memory."""
        return max(1, StreamMemory.by(self._limit, None).limit // share // self._row_bytes)

    def _learn_numbers(self, gathered: list[_Gathered]) -> None:
        facts = NumberFacts(self._estimator._columns.n_columns)

        def matrices() -> Iterator[tuple[NDArray[np.floating], None]]:
            for first, block in self._numbered(self._raw):
                for one in gathered:
                    one.add(first, block)
                yield block.X, None

        for samples, _ in cut_anew(matrices()):
            facts.add(samples)
        facts.tell(self._estimator._columns)

    def kept(self, raw: Stream, seed: int) -> Samples:
        """Samples of another stream; those with the smallest hashes if not all fit into memory."""
        n = raw.n_samples
        if n is None:
            n = sum(int(block.X.shape[0]) for block in blocks_of(raw, self._limit))
        gathered = _Gathered(Part(min(1.0, self._room(_KEPT_SHARE) / max(1, n)), seed, False))
        for first, block in self._numbered(raw):
            gathered.add(first, block)
        if not len(gathered):
            raise DataError(f"{raw.source} has no samples to validate on")
        return gathered.samples()

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

        return EncodedStream(self._raw, inputs, width, self.facts.sizes, self._kept_of(part), part)


class _Gathered:
    """Collects the samples of a part.

    Parameters
    ----------
    part : Part
    """

    def __init__(self, part: Part) -> None:
        self._part, self._found, self._n = part, list[StreamBlock](), 0

    def __len__(self) -> int:
        return self._n

    def add(self, first: int, block: StreamBlock) -> None:
        """Add the samples of a block that belong to the part. `first` is the number of the block's first row."""
        own = block.chosen(np.flatnonzero(self._part.mask(first, len(block))))
        if len(own) or not self._found:  # keep the columns even without samples
            self._found.append(own)
            self._n += len(own)

    def samples(self) -> Samples:
        """All of them."""
        return _joined([Samples(one.X, one.y, one.sample_weight, len(one)) for one in self._found])  # type: ignore[arg-type]


def _joined(parts: list[Samples]) -> Samples:
    weights = [one.weights for one in parts if one.weights is not None]
    matrix, target = (np.concatenate([getattr(one, name) for one in parts]) for name in ("matrix", "target"))
    return Samples(matrix, target, np.concatenate(weights) if len(weights) == len(parts) else None, len(matrix))
