"""`Stream`: data larger than memory, read in blocks, once for each epoch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.data.samples import Samples, some_rows
from nncore.data.sparse_samples import SparseSamples, bytes_per_sparse_row


@dataclass(frozen=True, slots=True)
class StreamBlock:
    """Consecutive samples of a stream, as the source holds them. They are not checked or converted yet.

    Attributes
    ----------
    X : ndarray or SparseSamples of shape (n, *shape)
        Features: real numbers, NaN where missing.
    y : ndarray of shape (n,) or (n, n_targets), or None
        Targets. None if the stream has none.
    sample_weight : ndarray of shape (n,) or None
        Sample weights. None: all are 1.
    """

    X: Any
    y: np.ndarray | None = None
    sample_weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.X)

    def chosen(self, rows: slice | np.ndarray) -> StreamBlock:
        """The samples of some rows."""
        return StreamBlock(some_rows(self.X, rows), *(None if part is None else part[rows] for part in (self.y, self.sample_weight)))


class Stream(ABC):
    """Training data larger than memory: samples are read in blocks, once for each epoch. Base class of data sources.

    A stream consists of pieces: row groups of a file, files of a folder, ranges of a memory-mapped array. Each epoch reads the pieces in a
    new order. A source that can only be read from front to back is a single piece.

    A subclass sets `shape`, `n_samples` and `bytes_per_row`, returns the length of each piece in `piece_rows`, and implements `read`. Each
    call of `read` opens its own files, and closes them when its iterator ends or is closed: several threads may read pieces at once.
    A piece must give the same samples in the same order each time.

    Attributes
    ----------
    shape : tuple of int
        Shape of a sample.
    n_samples : int or None
        Number of samples. None if it is known only after reading all of them.
    names : tuple of str or None, default None
        Names of the features. None if the source has no names.
    has_targets : bool, default True
        Whether blocks hold `y`.
    can_repeat : bool, default True
        Whether the stream can be read more than once.
    is_sparse : bool, default False
        Whether blocks hold sparse samples.
    source : str, default "the stream"
        Name of the source in error messages.
    bytes_per_row : int
        Approximate memory of one sample in a block, in bytes.
    bytes_a_piece : int, default 0
        Approximate memory that reading a piece takes in addition to its block, in bytes.
    """

    shape: tuple[int, ...]
    n_samples: int | None
    names: tuple[str, ...] | None = None
    has_targets: bool = True
    can_repeat: bool = True
    is_sparse: bool = False
    source: str = "the stream"
    bytes_per_row: int
    bytes_a_piece: int = 0

    @property
    def piece_rows(self) -> np.ndarray | None:
        """Number of samples in each piece, int64 of shape ``(n_pieces,)``. None for a single piece of unknown length."""
        return None if self.n_samples is None else np.array([self.n_samples], np.int64)

    @abstractmethod
    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        """Yield the samples of a piece in order, at most `n_rows` at a time.

        Parameters
        ----------
        piece : int
            Number of the piece, from 0.
        n_rows : int
            Largest number of samples in a block. It limits memory; blocks may be smaller.
        """

    def opened(self, piece: int, n_rows: int) -> Generator[StreamBlock, None, None]:
        """`read` as a generator, which can be closed, whatever iterator a subclass returns."""
        blocks = self.read(piece, n_rows)
        try:
            yield from blocks
        finally:
            if (close := getattr(blocks, "close", None)) is not None:
                close()

    def peek(self) -> StreamBlock | None:
        """The first samples, without using them up: `read` yields them too. None if only `read` knows them.

        A stream that can be read only once must return them."""
        return None


def bytes_of_row(X: Samples) -> int:
    """Approximate memory of a row of samples, in bytes."""
    if isinstance(X, SparseSamples):
        return bytes_per_sparse_row(X)
    return int(X.dtype.itemsize) * math.prod(X.shape[1:])


class ArrayStream(Stream):
    """Arrays or memory-mapped arrays as a stream.

    Parameters
    ----------
    X : ndarray or Rows of shape (n_samples, *shape)
    y : ndarray of shape (n_samples,) or (n_samples, n_targets), or None
    sample_weight : ndarray of shape (n_samples,) or None
    rows_a_piece : int
    source : str, default "X"
    """

    def __init__(self, X: Samples, y: Any, sample_weight: Any, rows_a_piece: int, source: str = "X") -> None:
        self._X, self._y, self._sample_weight, self._step = X, y, sample_weight, rows_a_piece
        self.shape, self.n_samples, self.has_targets, self.source = X.shape[1:], len(X), y is not None, source
        self.bytes_per_row, self.is_sparse = bytes_of_row(X), isinstance(X, SparseSamples)

    @property
    def piece_rows(self) -> np.ndarray:
        n_samples, step = len(self._X), self._step
        return np.minimum(step, n_samples - np.arange(0, n_samples, step))

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        whole = StreamBlock(self._X, self._y, self._sample_weight)
        begin = piece * self._step
        end = min(begin + self._step, len(self._X))
        for start in range(begin, end, n_rows):
            yield whole.chosen(slice(start, min(start + n_rows, end)))
