"""Encoded streams for the fit of a network."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nncore.contract import Loss, row_hashes
from nncore.data import HeldOut as Part, SparseSamples, Stream, StreamBlock
from nncore.ensembles import TargetStatistics
from nncore.errors import DataError, ParameterError
from nncore.estimators.column_blocks import told
from nncore.estimators.column_encoder import ColumnEncoder
from nncore.estimators.held_out import HeldOut, HeldOutStream
from nncore.estimators.network_estimator import Weigher, checked_weights
from nncore.estimators.parameters import asked_dtype
from nncore.estimators.streamed_rows import StreamedRows, chosen_rows, joined_blocks
from nncore.estimators.training_data import NO_FRACTION, TrainingData, penalty_of
from nncore.tabular import KeptRows

#: Largest number of samples to check whether a fit failed.
_SHOWN = 2**14

#: Fractions of `memory_limit`, as denominators, for validation samples in the user's form, and encoded.
_RAW_SHARE, _ENCODED_SHARE = 8, 4


class EncodedStream(Stream):
    """A stream of samples encoded for a network.

    Parameters
    ----------
    raw : Stream
        Stream in the user's form.
    encode : callable
        Encodes a block as numbers.
    width : int
        Number of encoded columns.
    sizes, kept : list of int or None
        Number of samples of each piece, and number of those in the part; None if unknown.
    part : Part or None
        Part of the samples; None: all.
    first : list of StreamBlock
        Blocks of the first samples in the user's form, if they are known.
    """

    def __init__(
        self,
        raw: Stream,
        encode: Callable[[StreamBlock], StreamBlock],
        width: int,
        sizes: list[int] | None = None,
        kept: list[int] | None = None,
        part: Part | None = None,
        first: Sequence[StreamBlock] = (),
    ) -> None:
        self._raw, self._encode, self._part, self._first = raw, encode, part, first
        self._begins = [0] if sizes is None else [sum(sizes[:number]) for number in range(len(sizes))]
        self._kept = None if kept is None else np.array(kept, np.int64)
        self.shape, self.source, self.has_targets, self.can_repeat = (width,), raw.source, raw.has_targets, raw.can_repeat
        self.n_samples = raw.n_samples if self._kept is None else int(self._kept.sum())
        self.is_sparse, self.bytes_a_piece = raw.is_sparse, raw.bytes_a_piece
        self.bytes_per_row = raw.bytes_per_row + (raw.bytes_per_row if raw.is_sparse else 16 * width)

    @property
    def piece_rows(self) -> np.ndarray | None:
        return self._raw.piece_rows if self._kept is None else self._kept

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        with closing(self._raw.opened(piece, n_rows)) as blocks:
            yield from self._encoded(blocks, self._begins[piece] if self._part is not None else 0)

    def _encoded(self, blocks: Iterable[StreamBlock], first: int) -> Iterator[StreamBlock]:
        """Encode blocks from sample number `first` on, and choose those of the part."""
        for block in blocks:
            n = int(block.X.shape[0])
            if not n:
                continue
            with told(first):
                encoded = self._encode(block)
            yield encoded if self._part is None else encoded.chosen(np.flatnonzero(self._part.mask(first, n)))
            first += n

    def beginning(self) -> StreamBlock | None:
        """The first samples, if they are known: nothing is read."""
        found = [block for block in self._encoded(self._first, 0) if len(block)]
        return joined_blocks(found) if found else None

    def peek(self) -> StreamBlock | None:
        sizes = self.piece_rows
        return self.beginning() if sizes is None or len(sizes) == 1 else None


@dataclass
class StreamedData:
    """Streamed samples of a fit, with the interface of `TrainingData`.

    Attributes
    ----------
    X : EncodedStream
        Encoded stream with targets and weights.
    sample : TrainingData
        The first samples.
    mean_and_largest : tuple of float or None
        Mean and largest weight; None without weights.
    memory_limit : int, str or None
    held_out : HeldOut or None
    """

    X: EncodedStream
    sample: TrainingData
    mean_and_largest: tuple[float, float] | None
    memory_limit: Any
    held_out: HeldOut | HeldOutStream | None = None
    target: None = None
    weights: None = None

    def __len__(self) -> int:
        assert self.X.n_samples is not None, "they have been counted"
        return self.X.n_samples

    def penalty(self, alpha: float, batch_size: int) -> float:
        """See `TrainingData.penalty`."""
        return penalty_of(alpha, batch_size, *(self.mean_and_largest or (1.0, 1.0)))


class StreamedTable(StreamedRows):
    """The streamed samples of a fit, which are analysed before a network is made.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    raw : Stream
    given : Given
    validation : tuple
        The user's validation data.
    random_state : RandomState
        Draws the samples to hold out, if any.

    Attributes
    ----------
    part : Part or None
        The samples held out.
    """

    def __init__(
        self, estimator: Any, raw: Stream, given: Any, validation: tuple[Any, Any, Any], random_state: np.random.RandomState
    ) -> None:
        part: Part | None = None
        rest: Part | None = None
        if validation[0] is None and given.early_stopping:
            if given.validation_fraction == 0:
                raise ParameterError(NO_FRACTION)
            seed = int(random_state.randint(np.iinfo(np.int32).max))
            rest, part = (Part(float(given.validation_fraction), seed, is_rest) for is_rest in (True, False))
        super().__init__(estimator, raw, given.memory_limit, rest)
        self._given, self._dtype = given, estimator.network_.dtype if "network_" in vars(estimator) else np.dtype(np.float64)
        self._rest, self.part = rest, part
        self._judging = KeptRows[StreamBlock](1, max(1, self._room(raw.bytes_per_row, _RAW_SHARE)), chosen_rows)
        self._targets: TargetStatistics | None = None

    def look_through(self, columns: ColumnEncoder | None) -> None:
        """Go through all samples once: count samples, classes and weights, fit columns, or use those of the estimator, and keep the
        samples held out."""
        estimator = self._estimator
        if columns is None:
            for _ in self._kept():
                continue
        else:
            dtype = columns.learn_blocks(estimator, self._kept(), is_sparse=self._raw.is_sparse)
            estimator._columns = columns
            asked = asked_dtype(self._given)
            self._dtype = dtype if asked is None else asked
        if not sum(self.facts.kept) or (self.part is not None and sum(self.facts.kept) == sum(self.facts.sizes)):
            n = sum(self.facts.sizes)
            raise DataError(f"validation_fraction leaves no training samples, or no validation samples, of {n}: change it")

    def _kept(self) -> Iterator[StreamBlock]:
        """All blocks, of which targets are learned, and the samples held out are kept."""
        for first, block in self._pass():
            if self.part is not None:
                rows = np.arange(first, first + int(block.X.shape[0]))
                self._judging.add(block, row_hashes(rows, self.part.seed), self.part.mask_of(rows)[np.newaxis])
            if self._estimator._has_real_targets:
                assert block.y is not None, "it has been checked"
                self._targets = self._targets or TargetStatistics(1 if block.y.ndim == 1 else block.y.shape[1])
                self._targets.add(block.y, block.sample_weight)
            yield block

    def target_statistics(self) -> TargetStatistics:
        """Statistics of real targets."""
        assert self._targets is not None, "asked for only of real targets, after the pass"
        return self._targets

    def data(self, loss: Loss, weigh: Weigher) -> StreamedData:
        """The training data."""
        encode = partial(encoded, self._estimator, loss, weigh, self._dtype)
        width = self._estimator._columns.n_inputs
        stream = EncodedStream(self._raw, encode, width, self.facts.sizes, self.facts.kept, self._rest, self.first)
        return StreamedData(stream, _first_of(stream), self.facts.weights(weigh), self._limit)

    def held_out(self, loss: Loss, weigh: Weigher) -> StreamBlock:
        """The samples held out, encoded; of many, those of the smallest hashes that fit into memory. They can be asked for once."""
        kept = self._judging
        del self._judging
        n_bytes = self._raw.bytes_per_row if self._raw.is_sparse else self._dtype.itemsize * self._estimator._columns.n_inputs
        places = kept.places(0, max(1, self._room(n_bytes, _ENCODED_SHARE)))
        encode = partial(encoded, self._estimator, loss, weigh, self._dtype)
        return joined_blocks(list(map(encode, kept.chosen(places, frees=True))))


def encoded(estimator: Any, loss: Loss, weigh: Weigher, dtype: np.dtype | None, block: StreamBlock) -> StreamBlock:
    """Encode a block by the columns of an estimator, in a dtype if they round to one."""
    matrix, y = estimator._checked_samples(block.X, block.y, **{} if dtype is None else {"dtype": dtype})
    estimator._check_target(y)
    weights = checked_weights(block.sample_weight, matrix)
    return StreamBlock(matrix if isinstance(matrix, SparseSamples) else matrix[:], estimator._encode_target(y, loss), weigh(y, weights))


def encoded_stream(estimator: Any, raw: Stream, loss: Loss, weigh: Weigher) -> EncodedStream:
    """Encode a stream of other samples than the training data."""
    return EncodedStream(raw, partial(encoded, estimator, loss, weigh, estimator.network_.dtype), estimator._columns.n_inputs)


def _first_of(stream: EncodedStream) -> TrainingData:
    """The first samples of a stream."""
    if (known := stream.beginning()) is not None:
        assert known.y is not None, "it has been looked at"
        return TrainingData(known.X, known.y, known.sample_weight)
    sizes = stream.piece_rows
    for piece in range(1 if sizes is None else len(sizes)):
        with closing(stream.opened(piece, _SHOWN)) as blocks:
            for block in blocks:
                if len(block):
                    assert block.y is not None, "it has been looked at"
                    return TrainingData(block.X, block.y, block.sample_weight)
    raise DataError(f"{stream.source} has no samples to train on")


def refuse_for_streams(memory_limit: Any, *, incremental: bool, is_lbfgs: bool) -> None:
    """Raise `ParameterError` for arguments that need all samples in memory."""
    why = "X is read in blocks" if memory_limit is None else f"with memory_limit={memory_limit!r} X is read in blocks"
    if incremental:
        raise ParameterError(f"partial_fit needs samples in memory, but {why}: use fit, or pass some samples, with memory_limit=None")
    if is_lbfgs:
        raise ParameterError(f"solver='lbfgs' needs all samples at once, but {why}: use 'adam', or X in memory with memory_limit=None")
