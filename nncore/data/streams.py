"""Samples that come in blocks and can be gone through again and again: what a fit reads that is larger than memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.data.samples import Samples


@dataclass(frozen=True, slots=True)
class StreamBlock:
    """Some samples in a row, as their source holds them: not checked and not converted yet.

    Attributes
    ----------
    X : ndarray of shape (n, *shape)
        Real numbers. What is missing is NaN.
    y : ndarray of shape (n,) or (n, n_targets), or None
        None if the stream has no targets.
    sample_weight : ndarray of shape (n,) or None
        None stands for 1 each.
    """

    X: np.ndarray
    y: np.ndarray | None = None
    sample_weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.X)

    def chosen(self, rows: slice | np.ndarray) -> StreamBlock:
        """The samples of some rows."""
        return StreamBlock(self.X[rows], *(None if part is None else part[rows] for part in (self.y, self.sample_weight)))


class Stream(ABC):
    """Samples that are read in blocks, as often as there are epochs, and are never in memory together.

    A stream consists of pieces that can be read in any order: row groups of a file, files of a folder, ranges of a memory-mapped array. So
    an epoch can go through them in an order of its own. A source that can only be read from front to back is a single piece.

    A subclass sets `shape` and `n_samples`, says in `piece_rows` how the samples are cut, and implements `read`. Each call of `read` opens
    what it needs, and closes it when its iterator ends or is closed. So several pieces can be read at the same time, by any thread.
    The samples of a piece and their order are the same each time.

    Attributes
    ----------
    shape : tuple of int
        Of a sample.
    n_samples : int or None
        None where only reading to the end tells.
    names : tuple of str or None
        Of the features, where the source names them.
    has_targets : bool
        Whether blocks hold `y`.
    can_repeat : bool
        Whether it can be read more than once.
    source : str
        What it is, for messages.
    bytes_per_row : int
        About how much a sample takes in a block.
    bytes_a_piece : int
        About how much a piece takes that is being read, beside its block.
    """

    shape: tuple[int, ...]
    n_samples: int | None
    names: tuple[str, ...] | None = None
    has_targets: bool = True
    can_repeat: bool = True
    source: str = "the stream"
    bytes_per_row: int
    bytes_a_piece: int = 0

    @property
    def piece_rows(self) -> np.ndarray | None:
        """How many samples each piece has, shape ``(n_pieces,)``, int64; None for a single piece whose length is not known."""
        return None if self.n_samples is None else np.array([self.n_samples], np.int64)

    @abstractmethod
    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        """The samples of a piece in their order, at most `n_rows` at a time.

        Parameters
        ----------
        piece : int
            Its number, from 0.
        n_rows : int
            A bound of memory: smaller blocks are as good.
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
        """The first samples, which `read` gives as well, if they are known without it: always of a stream that can be read once alone."""
        return None


class ArrayStream(Stream):
    """Arrays, memory-mapped or not, read range by range.

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
        self.bytes_per_row = X.dtype.itemsize * X[:0].size if len(X) == 0 else X[0].nbytes

    @property
    def piece_rows(self) -> np.ndarray:
        n_samples, step = len(self._X), self._step
        return np.minimum(step, n_samples - np.arange(0, n_samples, step))

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        whole = StreamBlock(self._X, self._y, self._sample_weight)  # type: ignore[arg-type]
        begin = piece * self._step
        end = min(begin + self._step, len(self._X))
        for start in range(begin, end, n_rows):
            yield whole.chosen(slice(start, min(start + n_rows, end)))
