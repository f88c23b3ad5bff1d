"""Dataset of a stream: samples, targets and weights are checked and converted block by block."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from nncore._core import as_c_array
from nncore.data.dataset import Block
from nncore.data.held_out import HeldOut
from nncore.data.prefetching import Prefetched
from nncore.data.samples import as_numbers, as_rows, check_finite
from nncore.data.sparse_samples import SparseSamples, bytes_per_sparse_row, rows_apart, rows_joined
from nncore.data.stream_memory import IN_TURN, StreamMemory
from nncore.data.stream_order import Mixing, by_pieces, in_turn, shuffled_rows
from nncore.data.streams import Stream, StreamBlock
from nncore.data.targets import Targets, TargetsWanted
from nncore.errors import DataError, NNCoreError, ParameterError, ShapeError

#: Largest weight, so that sums stay finite. Weights are not scaled by the largest one, which is unknown before the end.
LARGEST_WEIGHT = 1e100
#: Seconds after which a block of a slow source goes to the core at the end of a step, although it is not full.
PATIENCE_SECONDS = 0.1


class StreamedDataset:
    """Samples of a stream, or a part of them.

    Parameters
    ----------
    stream : Stream
    sample : list of (int, StreamBlock)
        Some blocks of the stream, each with the number of its first sample. They come from all over it where it can be read anywhere.
    wanted : TargetsWanted
    dtype : dtype
        The network's.
    allow_nan : bool
    memory : StreamMemory
    part : HeldOut, optional
        Part of the samples; None for all.
    role : str, default ""
        Prefix of names in messages, like ``"validation "``.

    Attributes
    ----------
    seconds_waited : float
        How long the consumer has waited for blocks.
    targets : Targets
        Targets of `sample`, which show the kind of targets.

    Raises
    ------
    DataError, DtypeError, ShapeError
        If the samples in `sample` cannot be trained on. The others are checked when they are read.
    """

    in_place = False

    def __init__(
        self,
        stream: Stream,
        sample: Sequence[tuple[int, StreamBlock]],
        wanted: TargetsWanted,
        dtype: np.dtype,
        allow_nan: bool,
        memory: StreamMemory,
        part: HeldOut | None = None,
        role: str = "",
    ) -> None:
        self.stream, self.dtype, self._memory, self._part, self._role = stream, dtype, memory, part, role
        self._wanted, self._allow_nan, self._sample = wanted, allow_nan, sample
        self.seconds_waited = 0.0
        if not stream.has_targets:
            raise ParameterError(f"{role}y is missing: {stream.source} gives samples without targets")
        checked = [found for first, block in sample if (found := self._checked(first, block, whole=True)) is not None]
        self.targets = Targets(_joined(found.labels for found in checked), _joined(found.reals for found in checked))
        self.has_weights = checked[0].weights is not None

    @property
    def is_sparse(self) -> bool:
        """Whether samples are rows of sparse matrices."""
        return self.stream.is_sparse

    @cached_property
    def _n_of_part(self) -> int:
        assert self._part is not None, "else all samples are meant"
        assert self.stream.n_samples is not None, "they were counted before a part was held out"
        return self._part.count(self.stream.n_samples)

    @property
    def n_samples(self) -> int | None:
        """Number of samples. None before the first pass, if the stream does not know it."""
        return self.stream.n_samples if self._part is None else self._n_of_part

    @property
    def target_shape(self) -> tuple[int, ...]:
        """Shape of the target of one sample: ``()`` for class indices."""
        return self.targets.values.shape[1:]

    @property
    def bytes_per_row(self) -> int:
        """Bytes of a converted sample."""
        n_targets = math.prod(self.target_shape)
        of_inputs = self.stream.bytes_per_row if self.is_sparse else math.prod(self.stream.shape) * self.dtype.itemsize
        return of_inputs + n_targets * self.targets.values.itemsize + 8 * self.has_weights

    @property
    def most_rows(self) -> int:
        """Largest number of rows of a block."""
        return self._memory.most_rows(self.bytes_per_row)

    @cached_property
    def digest(self) -> str:
        """A hash of shape, length, pieces and the sampled blocks of the stream."""
        digest, sizes = hashlib.blake2b(digest_size=16), self.stream.piece_rows
        known = (self.stream.shape, self.stream.n_samples, self.stream.names, self._part)
        digest.update(repr(known).encode())
        parts = [sizes, *(part for _, block in self._sample for part in (block.X, block.y, block.sample_weight))]
        for part in parts:
            if isinstance(part, SparseSamples):
                part.add_to(digest)
            else:
                digest.update(b"-" if part is None else np.ascontiguousarray(part).data)
        return digest.hexdigest()

    def mixing(self, step: int) -> Mixing:
        """How samples are shuffled for steps of `step` samples."""
        self._memory.block_rows(step, self.bytes_per_row)
        return self._memory.mixing(self.stream, step, self.bytes_per_row, self.n_samples)

    def check_steps(self, step: int) -> None:
        """Raise `ParameterError` if steps of `step` samples, in the order of the stream, take too much memory."""
        self._memory.block_rows(step, self.bytes_per_row)
        self._memory.check_piece(self.stream, IN_TURN)

    def check_kept(self, n_samples: int, n_outputs: int, what: str) -> None:
        """Raise `ParameterError` if predictions and targets of `n_samples`, which `what` needs at once, take too much memory."""
        targets = self.targets.values
        bytes_per_row = n_outputs * self.dtype.itemsize + targets.itemsize * math.prod(targets.shape[1:]) + 8 * self.has_weights
        self._memory.check_kept(n_samples, bytes_per_row, what)

    def blocks(self, order: None, step: int) -> Iterator[Block]:
        """All samples in the order of the stream, in blocks of whole steps."""
        assert order is None, "rows of a stream are not there to be chosen"
        return self._ahead(self._ready(self._cut(self._in_turn(), step)))

    def mixed_blocks(self, step: int, mixing: Mixing, seed: int, epoch: int) -> Iterator[Block]:
        """All samples, shuffled by the seed and the epoch."""
        return self._ahead(self._ready(self._mixed(step, mixing, seed, epoch)))

    def _ready(self, made: Generator[Block, None, None]) -> Generator[Block, None, None]:
        """The blocks as the core reads them: sparse rows, which lie one by one, are joined."""
        with closing(made):
            for block in made:
                if self.is_sparse:
                    block = replace(block, inputs=rows_joined(block.matrix, math.prod(self.stream.shape)))
                yield block

    def _ahead(self, made: Generator[Block, None, None]) -> Iterator[Block]:
        has_weight = False
        with Prefetched(made) as blocks:
            while True:
                before = blocks.seconds_waited
                block = next(blocks, None)
                self.seconds_waited += blocks.seconds_waited - before
                if block is None:
                    break
                has_weight = has_weight or block.weights is None or bool(block.weights.any())
                yield block
        if not has_weight:
            raise DataError(f"{self._role}sample_weight must not be all zero")

    def _in_turn(self) -> Iterator[Block]:
        for first, block in in_turn(self.stream, self._memory.rows_at_once(self.stream)):
            if (checked := self._checked(first, block)) is not None:
                yield checked

    def _checked(self, first: int, block: StreamBlock, *, whole: bool = False) -> Block | None:
        """Check and convert a block, or its samples that belong to the part; None if there are none. `first` is the number of its first
        sample."""
        stream, role = self.stream, self._role
        try:
            X = as_rows(block.X, f"{role}X", stream.shape)
            if self.is_sparse and not isinstance(X, SparseSamples):
                raise DataError(f"{role}X is dense, but the first batch was sparse: make all batches sparse, or none")
            self._memory.check_block(stream, len(X), _bytes_of(X))
            if block.y is None:
                raise DataError(f"{role}y is missing")
            chosen: Any = slice(None) if self._part is None or whole else np.flatnonzero(self._part.mask(first, len(X)))
            if len(block.y) != len(X):
                raise ShapeError(f"{role}X has {len(X)} samples, {role}y has {len(block.y)}")
            targets = self._wanted.checked(as_numbers(block.y, f"{role}y"), self.dtype, f"{role}y")
            check_finite(X, f"{role}X", self.dtype, self._allow_nan)
            weights = self._weights(block, len(X))
            if not isinstance(chosen, slice) and len(chosen) == 0:
                return None
        except NNCoreError as error:
            if error.args and isinstance(error.args[0], str):
                where = f", row 0 of which is row {first}" if first else ""
                error.args = (f"in a block of {stream.source}{where}: {error.args[0]}", *error.args[1:])
            raise
        if self.is_sparse and isinstance(X, SparseSamples):
            inputs = rows_apart(X.select(chosen).in_dtype(self.dtype))
        else:
            inputs = as_c_array(X[chosen], self.dtype)
            inputs = inputs.reshape(len(inputs), -1)
        reals, labels = (None if part is None else part[chosen] for part in (targets.reals, targets.labels))
        return Block(inputs, reals, labels, None if weights is None else weights[chosen], None)

    def _weights(self, block: StreamBlock, n: int) -> np.ndarray | None:
        if block.sample_weight is None:
            return None
        name = f"{self._role}sample_weight"
        weights = as_c_array(as_numbers(block.sample_weight, name), np.dtype(np.float64))
        if weights.shape != (n,):
            raise ShapeError(f"{name} has shape {weights.shape}, one number for each of {n} samples is needed")
        check_finite(weights, name, weights.dtype)
        if (weights < 0).any() or (weights > LARGEST_WEIGHT).any():
            raise DataError(f"{name} must lie between 0 and {LARGEST_WEIGHT:g}")
        return weights

    def _cut(self, blocks: Iterator[Block], step: int) -> Generator[Block, None, None]:
        """Cut blocks again into whole steps, except for the last one."""
        feed, most = _Feed(blocks), self._memory.block_rows(step, self.bytes_per_row)
        while (first := feed.next_rows(most)) is not None:
            if len(first) == most:
                yield first
                continue
            room, n, wanted, began = _empty_like(first, most), len(first), most, time.perf_counter()
            _put(room, slice(0, n), first)
            while n < wanted and (more := feed.next_rows(wanted - n)) is not None:
                _put(room, slice(n, n + len(more)), more)
                n += len(more)
                if time.perf_counter() - began > PATIENCE_SECONDS:
                    wanted = -(-n // step) * step
            yield _rows_of(room, slice(0, n))

    def _mixed(self, step: int, mixing: Mixing, seed: int, epoch: int) -> Generator[Block, None, None]:
        """Samples from a shuffle buffer, in random order. New rows replace them at once, so that reading never pauses for long."""
        numbered = by_pieces(self.stream, mixing, seed, epoch)
        feed = _Feed(checked for first, block in numbered if (checked := self._checked(first, block)) is not None)
        rows_a_block = self._memory.block_rows(step, self.bytes_per_row)
        if (first_rows := feed.next_rows(mixing.buffer)) is None:
            return
        buffer = _empty_like(first_rows, mixing.buffer)
        _put(buffer, slice(0, len(first_rows)), first_rows)
        n = len(first_rows) + feed.fill(buffer, np.arange(len(first_rows), mixing.buffer))
        places, number = np.arange(n), 0
        while n:
            number += 1
            places = places[shuffled_rows(n, seed, epoch, number)]
            n = 0
            for start in range(0, len(places), rows_a_block):
                here = places[start : start + rows_a_block]
                yield _rows_of(buffer, here)
                n += feed.fill(buffer, here)
            places = places[:n]


def _joined(parts: Iterable[np.ndarray | None]) -> np.ndarray | None:
    found = [part for part in parts if part is not None]
    return np.concatenate(found) if found else None


def _bytes_of(X: Any) -> int:
    """Memory of samples; 0 for those that are made when they are read."""
    if isinstance(X, SparseSamples):
        return len(X) * bytes_per_sparse_row(X)
    return X.nbytes if isinstance(X, np.ndarray) else 0


def _rows_of(block: Block, rows: slice | np.ndarray) -> Block:
    reals, labels, weights = (None if part is None else part[rows] for part in (block.reals, block.labels, block.weights))
    return Block(block.inputs[rows], reals, labels, weights, None)


def _empty_like(block: Block, n_rows: int) -> Block:
    reals, labels, weights = (
        None if part is None else np.empty((n_rows, *part.shape[1:]), part.dtype) for part in (block.reals, block.labels, block.weights)
    )
    return Block(np.empty((n_rows, *block.matrix.shape[1:]), block.matrix.dtype), reals, labels, weights, None)


def _put(block: Block, places: slice | np.ndarray, rows: Block) -> None:
    """Write rows into places of a block."""
    for array, part in zip(block.fields, rows.fields, strict=True):
        if (array is None) != (part is None):
            raise DataError("some blocks of the stream have sample weights and others have none: add them to all")
        if array is not None and part is not None:
            assert isinstance(array, np.ndarray), "sparse rows lie one by one here"
            array[places] = part


class _Feed:
    """Blocks that are cut to the requested number of rows."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._rest: Block | None = None

    def next_rows(self, most: int) -> Block | None:
        """The next rows, at most `most` and from one block; None at the end."""
        block = next(self._blocks, None) if self._rest is None else self._rest
        self._rest = None
        if block is None or len(block) <= most:
            return block
        self._rest = _rows_of(block, slice(most, len(block)))
        return _rows_of(block, slice(0, most))

    def fill(self, room: Block, places: np.ndarray) -> int:
        """Write the next rows into places of a block, and return their number. It is less than requested only at the end."""
        n = 0
        while n < len(places) and (rows := self.next_rows(len(places) - n)) is not None:
            _put(room, places[n : n + len(rows)], rows)
            n += len(rows)
        return n
