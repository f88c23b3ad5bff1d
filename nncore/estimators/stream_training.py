"""What a fit trains on that goes by in blocks: what is found out about targets first, then samples as the network takes them."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Loss
from nncore.data import HeldOut as Part, Stream, StreamBlock, StreamMemory
from nncore.errors import DataError, ParameterError
from nncore.estimators.column_encoder import ColumnEncoder, told
from nncore.estimators.held_out import HeldOut, HeldOutStream
from nncore.estimators.network_estimator import Weigher, checked_weights
from nncore.estimators.training_data import NO_FRACTION, TrainingData, penalty_of

#: How many samples are looked at, at most, where a network is made, and where a fit may have come to nothing.
_SHOWN = 2**14


class TargetFacts:
    """Lengths, targets and weights of a stream, as they go by once.

    Parameters
    ----------
    is_numeric : bool
        Targets are real numbers; else classes, which are counted.
    part : Part or None
        Which samples are trained on; None is all.

    Attributes
    ----------
    sizes, kept : list of int
        How many samples each piece has, and how many of them are trained on.
    y : ndarray
        Stands for all targets: the first ones, or each class three times, as scikit-learn wants classes to be repeated.
    n_each : ndarray of shape (len(y),) or None
        Of classes: how many samples each row of `y` stands for.
    """

    def __init__(self, is_numeric: bool, part: Part | None) -> None:
        self._is_numeric, self._part = is_numeric, part
        self.sizes: list[int] = []
        self.kept: list[int] = []
        self.has_weights = False
        self._first_y: Any = None
        #: Of each class: samples, those trained on, the sum of the weights of these, and the largest.
        self._found: dict[Any, NDArray[np.float64]] = {}

    def begin_piece(self) -> None:
        """The next samples are of another piece."""
        self.sizes.append(0)
        self.kept.append(0)

    def add(self, y: Any, sample_weight: NDArray[np.floating] | None) -> None:
        """Take the next targets and weights, which are checked, into account."""
        n, first = len(y), sum(self.sizes)
        is_kept = np.ones(n, bool) if self._part is None else self._part.mask(first, n)
        self.sizes[-1] += n
        self.kept[-1] += int(is_kept.sum())
        self.has_weights = self.has_weights or sample_weight is not None
        weights = np.ones(n) if sample_weight is None else sample_weight
        if self._first_y is None:
            self._first_y = y
        elif y.shape[1:] != self._first_y.shape[1:]:
            raise DataError(f"some blocks of y have the shape {self._first_y.shape[1:]} for a sample, and others {y.shape[1:]}")
        keys: list[Any] = [None]
        if self._is_numeric:
            codes = np.zeros(n, np.int64)
        else:
            distinct, codes = np.unique(y, return_inverse=True, axis=0 if y.ndim > 1 and y.dtype.kind != "O" else None)
            codes, keys = codes.ravel(), [tuple(one) if isinstance(one, list) else one for one in distinct.tolist()]
        kept_weights = np.where(is_kept, weights, 0.0)
        largest = np.zeros(len(keys))
        np.maximum.at(largest, codes, kept_weights)
        columns = (np.bincount(codes), np.bincount(codes, is_kept), np.bincount(codes, kept_weights), largest)
        for key, *found in zip(keys, *columns, strict=True):
            known = self._found.setdefault(key, np.zeros(4))
            known[:3] += found[:3]
            known[3] = max(known[3], found[3])

    @property
    def y(self) -> Any:
        if self._is_numeric:
            return self._first_y
        dtype = self._first_y.dtype if self._first_y.dtype.kind in "biufO" else None
        return np.repeat(np.array(list(self._found), dtype), 3, axis=0)

    @property
    def n_each(self) -> NDArray[np.float64] | None:
        return None if self._is_numeric else np.repeat([known[0] / 3 for known in self._found.values()], 3)

    def weights(self, weigh: Callable[[Any, Any], Any]) -> tuple[float, float] | None:
        """Mean and largest weight of the samples trained on, by classes too; None if all count alike."""
        of_classes = weigh(self.y, None)
        if of_classes is None and not self.has_weights:
            return None
        factors = np.ones(len(self._found)) if of_classes is None else of_classes[::3]
        found = np.array(list(self._found.values()))
        return float((factors * found[:, 2]).sum() / max(1.0, found[:, 1].sum())), float((factors * found[:, 3]).max())


class EncodedStream(Stream):
    """The samples of a stream as a network takes them.

    Parameters
    ----------
    raw : Stream
        Of what users hold.
    encode : callable
        Makes a block of numbers of one of these.
    width : int
        Columns of these.
    sizes, kept : list of int or None
        How many samples each piece has, and how many of them belong to the part; None if that is not known.
    part : Part or None
        Which samples; None is all.
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
        self.bytes_per_row, self.bytes_a_piece = raw.bytes_per_row + 16 * width, raw.bytes_a_piece

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
    """Samples of a fit that go by in blocks; it has the face of `TrainingData`.

    Attributes
    ----------
    X : EncodedStream
        With targets and weights.
    sample : TrainingData
        Its first ones.
    mean_and_largest : tuple of float or None
        Of weights; None if there are none.
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
        """As that of `TrainingData`."""
        return penalty_of(alpha, batch_size, *(self.mean_and_largest or (1.0, 1.0)))


class StreamedTable:
    """The samples of a fit in blocks, of which everything is found out before there is a network.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    raw : Stream
    given : Given
    validation : tuple
        Of the user.
    random_state : RandomState
        Draws which samples are held out, if some are to be.

    Attributes
    ----------
    facts : TargetFacts
    part : Part or None
        The samples held out.
    """

    def __init__(
        self, estimator: Any, raw: Stream, given: Any, validation: tuple[Any, Any, Any], random_state: np.random.RandomState
    ) -> None:
        self._estimator, self._raw, self._limit = estimator, raw, given.memory_limit
        self._given, self._dtype = given, estimator.network_.dtype if "network_" in vars(estimator) else np.dtype(np.float64)
        self.part: Part | None = None
        self._rest: Part | None = None
        if validation[0] is None and given.early_stopping:
            if given.validation_fraction == 0:
                raise ParameterError(NO_FRACTION)
            seed = int(random_state.randint(np.iinfo(np.int32).max))
            self._rest, self.part = (Part(float(given.validation_fraction), seed, is_rest) for is_rest in (True, False))
        self.facts = TargetFacts(estimator._has_real_targets, self._rest)

    def look_through(self, columns: ColumnEncoder | None) -> None:
        """Count samples, classes and weights, and let columns learn, or take those that the estimator has."""
        estimator = self._estimator
        if columns is None:
            for _ in self._pass(self.facts):
                continue
        else:
            wanted = iter([self.facts])
            dtype = columns.learn_blocks(estimator, lambda: self._pass(next(wanted, None)))
            estimator._columns = columns
            self._dtype = dtype if self._given.dtype == "input" else np.dtype(self._given.dtype)
        if not sum(self.facts.kept) or (self.part is not None and sum(self.facts.kept) == sum(self.facts.sizes)):
            n = sum(self.facts.sizes)
            raise DataError(f"validation_fraction leaves none of {n} samples to train on, or none to judge by: change it")

    def _pass(self, facts: TargetFacts | None) -> Iterator[StreamBlock]:
        """All blocks with checked targets and weights; `facts` are told of them, if these are wanted."""
        sizes, first = self._raw.piece_rows, 0
        for piece in range(1 if sizes is None else len(sizes)):
            if facts is not None:
                facts.begin_piece()
            for block in _blocks(self._raw, piece, self._limit):
                with told(first):
                    y = self._estimator._checked_target(block.y)
                    weights = checked_weights(block.sample_weight, block.X)
                    if facts is not None:
                        facts.add(y, weights)
                yield StreamBlock(block.X, y, weights)
                first += int(block.X.shape[0])

    def targets(self) -> Iterator[tuple[Any, Any]]:
        """Blocks of targets and weights."""
        return ((block.y, block.sample_weight) for block in self._pass(None))

    def data(self, loss: Loss, weigh: Weigher) -> StreamedData:
        """What is trained on."""
        stream = self._encoded(loss, weigh, self._rest, self.facts.kept)
        return StreamedData(stream, _first_of(stream), self.facts.weights(weigh), self._limit)

    def held_out(self, loss: Loss, weigh: Weigher) -> EncodedStream | None:
        """What epochs are judged by, if some samples are held out for it."""
        if self.part is None:
            return None
        kept = [size - rest for size, rest in zip(self.facts.sizes, self.facts.kept, strict=True)]
        return self._encoded(loss, weigh, self.part, kept)

    def _encoded(self, loss: Loss, weigh: Weigher, part: Part | None, kept: list[int]) -> EncodedStream:
        encode = partial(encoded, self._estimator, loss, weigh, self._dtype)
        return EncodedStream(self._raw, encode, self._estimator._columns.n_inputs, self.facts.sizes, kept, part)


def encoded(estimator: Any, loss: Loss, weigh: Weigher, dtype: np.dtype, block: StreamBlock) -> StreamBlock:
    """A block as the network of an estimator takes it."""
    matrix, y = estimator._checked_samples(block.X, block.y, dtype=dtype)
    estimator._check_target(y)
    weights = checked_weights(block.sample_weight, matrix)
    return StreamBlock(matrix[:], estimator._encode_target(y, loss), weigh(y, weights))


def encoded_stream(estimator: Any, raw: Stream, loss: Loss, weigh: Weigher) -> EncodedStream:
    """Other samples than those of the training."""
    return EncodedStream(raw, partial(encoded, estimator, loss, weigh, estimator.network_.dtype), estimator._columns.n_inputs)


def blocks_of(raw: Stream, memory_limit: Any) -> Iterator[StreamBlock]:
    """All blocks of a stream that have samples."""
    sizes = raw.piece_rows
    for piece in range(1 if sizes is None else len(sizes)):
        yield from _blocks(raw, piece, memory_limit)


def _blocks(raw: Stream, piece: int, memory_limit: Any) -> Iterator[StreamBlock]:
    n_rows = StreamMemory.by(memory_limit, None).rows_at_once(raw)
    with closing(raw.opened(piece, n_rows)) as blocks:
        yield from (block for block in blocks if block.X.shape[0])


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
    """Raise `ParameterError` for what needs all samples in memory."""
    why = "X goes by in blocks" if memory_limit is None else f"with memory_limit={memory_limit!r} X goes by in blocks"
    if incremental:
        raise ParameterError(
            f"partial_fit takes samples in memory, and {why}: use fit, or leave memory_limit at None and pass some samples"
        )
    if is_lbfgs:
        raise ParameterError(f"solver='lbfgs' looks at all samples at once, and {why}: use 'adam', or have X in memory and no memory_limit")
