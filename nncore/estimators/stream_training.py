"""Encoded streams for the fit of a network."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nncore.contract import Loss
from nncore.data import HeldOut as Part, SparseSamples, Stream, StreamBlock
from nncore.errors import DataError, ParameterError
from nncore.estimators.column_blocks import told
from nncore.estimators.column_encoder import ColumnEncoder
from nncore.estimators.held_out import HeldOut, HeldOutStream
from nncore.estimators.network_estimator import Weigher, checked_weights
from nncore.estimators.parameters import asked_dtype
from nncore.estimators.streamed_rows import StreamedRows
from nncore.estimators.training_data import NO_FRACTION, TrainingData, penalty_of

#: Largest number of samples to initialise a network with, and to check whether a fit failed.
_SHOWN = 2**14


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
    """

    def __init__(
        self,
        raw: Stream,
        encode: Callable[[StreamBlock], StreamBlock],
        width: int,
        sizes: list[int] | None = None,
        kept: list[int] | None = None,
        part: Part | None = None,
    ) -> None:
        self._raw, self._encode, self._part = raw, encode, part
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
        first = self._begins[piece] if self._part is not None else 0
        with closing(self._raw.opened(piece, n_rows)) as blocks:
            for block in blocks:
                n = int(block.X.shape[0])
                if not n:
                    continue
                with told(first):
                    encoded = self._encode(block)
                yield encoded if self._part is None else encoded.chosen(np.flatnonzero(self._part.mask(first, n)))
                first += n


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

    def look_through(self, columns: ColumnEncoder | None) -> None:
        """Count samples, classes and weights, and fit columns, or use those of the estimator."""
        estimator = self._estimator
        if columns is None:
            for _ in self._pass(self.facts):
                continue
        else:
            wanted = iter([self.facts])
            dtype = columns.learn_blocks(estimator, lambda: self._pass(next(wanted, None)), is_sparse=self._raw.is_sparse)
            estimator._columns = columns
            asked = asked_dtype(self._given)
            self._dtype = dtype if asked is None else asked
        if not sum(self.facts.kept) or (self.part is not None and sum(self.facts.kept) == sum(self.facts.sizes)):
            n = sum(self.facts.sizes)
            raise DataError(f"validation_fraction leaves no training samples, or no validation samples, of {n}: change it")

    def data(self, loss: Loss, weigh: Weigher) -> StreamedData:
        """The training data."""
        stream = self._encoded(loss, weigh, self._rest, self.facts.kept)
        return StreamedData(stream, _first_of(stream), self.facts.weights(weigh), self._limit)

    def held_out(self, loss: Loss, weigh: Weigher) -> EncodedStream | None:
        """The held-out validation samples, if any."""
        if self.part is None:
            return None
        kept = [size - rest for size, rest in zip(self.facts.sizes, self.facts.kept, strict=True)]
        return self._encoded(loss, weigh, self.part, kept)

    def _encoded(self, loss: Loss, weigh: Weigher, part: Part | None, kept: list[int]) -> EncodedStream:
        encode = partial(encoded, self._estimator, loss, weigh, self._dtype)
        return EncodedStream(self._raw, encode, self._estimator._columns.n_inputs, self.facts.sizes, kept, part)


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
