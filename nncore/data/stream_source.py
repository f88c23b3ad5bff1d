"""The stream of a fit or an evaluation: sampled before anything begins, and checked for each use."""

from __future__ import annotations

from contextlib import closing
from functools import cached_property, reduce

import numpy as np

from nncore.blocks import rows_at_once
from nncore.contract import Loss
from nncore.data.held_out import HeldOut
from nncore.data.samples import warn_of_lost_digits
from nncore.data.sparse_samples import SparseSamples
from nncore.data.stream_memory import StreamMemory
from nncore.data.stream_order import in_turn
from nncore.data.streamed_dataset import StreamedDataset
from nncore.data.streams import Stream, StreamBlock
from nncore.data.targets import TargetsWanted
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.program import Blueprint, check_sparse

#: Number of places that are sampled in a stream, and bytes of each.
_PLACES, _LOOKED_AT = 16, 2**20


class StreamSource:
    """A stream, with what is known before it is read.

    Parameters
    ----------
    stream : Stream
    memory : StreamMemory
    role : str, default ""
        Prefix of names in messages, like ``"validation "``.
    """

    def __init__(self, stream: Stream, memory: StreamMemory, role: str = "") -> None:
        self.stream, self._memory, self._role = stream, memory, role

    def fit_to(self, blueprint: Blueprint, *, changes: bool = False) -> None:
        """Raise `DtypeError` for sparse samples that a network cannot read. `changes` has no effect: transforms are checked later."""
        if self.stream.is_sparse:
            check_sparse(blueprint, f"{self._role}X")

    def sample_shape(self, shape: tuple[int, ...] | None) -> tuple[int, ...]:
        """Shape of a sample. Raises an error if it is not `shape`, unless that is None."""
        found = self.stream.shape
        if shape is not None and found != shape:
            raise ShapeError(f"{self._role}X has samples of shape {found}, this network takes {shape}")
        return found

    @cached_property
    def sample(self) -> list[tuple[int, StreamBlock]]:
        """Some blocks from all over the stream, or the first block of a single piece, each with the number of its first sample.

        Raises
        ------
        DataError
            If there are no samples.
        """
        stream = self.stream
        sizes, rows = stream.piece_rows, rows_at_once(stream.bytes_per_row, of=_LOOKED_AT)
        if (first := stream.peek()) is not None and len(first):
            return [(0, first.chosen(slice(0, rows)))]
        filled = np.array([0]) if sizes is None else np.flatnonzero(sizes)
        begins = np.array([0]) if sizes is None else np.cumsum(sizes) - sizes
        places = np.unique(np.linspace(0, len(filled) - 1, min(len(filled), _PLACES)).astype(np.int64)) if len(filled) else ()
        found = []
        for piece in (int(filled[place]) for place in places):
            with closing(stream.opened(piece, rows)) as blocks:
                block = next((block for block in blocks if len(block)), None)
            if block is not None:
                found.append((int(begins[piece]), block.chosen(slice(0, rows))))
        if not found:
            raise DataError(f"{self._role}X has no samples")
        return found

    def some(self, wanted: slice) -> np.ndarray:
        """Samples for data-dependent initializers, from those of `sample`."""
        parts = [block.X for _, block in self.sample]
        if isinstance(parts[0], SparseSamples):
            return reduce(SparseSamples.followed_by, parts).select(wanted)[:]
        return np.concatenate(parts)[wanted]

    @property
    def n_looked_at(self) -> int:
        """Number of samples that `some` chooses from."""
        return sum(len(block) for _, block in self.sample)

    def count(self, why: str) -> int:
        """Number of samples. Reads the whole stream if necessary.

        Parameters
        ----------
        why : str
            What the number is needed for, for messages.

        Raises
        ------
        ParameterError
            If the stream can be read only once, and counting would use it up.
        """
        stream = self.stream
        self.check_repeats(why)
        if stream.n_samples is None:
            for _ in in_turn(stream, self._memory.rows_at_once(stream)):
                continue
        assert stream.n_samples is not None, "it was gone through to its end"
        return stream.n_samples

    def check_repeats(self, why: str) -> None:
        """Raise `ParameterError` if the stream can be iterated only once."""
        if not self.stream.can_repeat:
            raise ParameterError(
                f"{self.stream.source} can be iterated only once, but {why}: pass a list of batches, an object whose __iter__ starts "
                "anew, or a function that returns a new iterator"
            )

    def part(self, held_out: HeldOut) -> HeldOut:
        """A part of the samples, for `dataset`."""
        held_out.count(self.count("a part of it that is held out would be gone through again"))
        return held_out

    def dataset(
        self,
        shape: tuple[int, ...] | None,
        loss: Loss,
        n_outputs: int,
        dtype: np.dtype,
        allow_nan: bool,
        part: HeldOut | None = None,
        *,
        copies: bool = False,
    ) -> StreamedDataset:
        """Dataset of all samples or a part of them. `copies` has no effect: blocks are always copies."""
        self.sample_shape(shape)
        wanted = TargetsWanted.by(loss, n_outputs)
        found = StreamedDataset(self.stream, self.sample, wanted, dtype, allow_nan, self._memory, part, self._role)
        if not self._role:
            for _, block in self.sample[:1]:
                warn_of_lost_digits(block.X, "X", dtype)
        return found
