"""The order in which a stream is read: from front to back, or with shuffled pieces and a shuffle buffer for rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from nncore._core import permutation
from nncore.data.streams import Stream, StreamBlock
from nncore.errors import DataError

#: Upper bound of the number of buffers in an epoch, so that each permutation has its own number.
_MOST_BUFFERS = 2**32


@dataclass(frozen=True)
class Mixing:
    """Sizes that decide how well a stream is shuffled.

    Attributes
    ----------
    buffer : int
        Rows in the shuffle buffer.
    together : int
        Number of pieces that are open at a time and fill the buffer.
    rows_at_once : int
        Rows of each open piece in memory.
    """

    buffer: int
    together: int
    rows_at_once: int

    @property
    def share(self) -> int:
        """Rows taken from a piece before the next one's turn."""
        return -(-self.buffer // self.together)


def shuffled_rows(n_rows: int, seed: int, epoch: int, number: int) -> np.ndarray:
    """Random order of the rows of buffer `number` of an epoch, counted from 1. Number 0 is the order of the pieces."""
    return permutation(n_rows, seed, epoch * _MOST_BUFFERS + number)


def in_turn(stream: Stream, rows_at_once: int) -> Iterator[tuple[int, StreamBlock]]:
    """All blocks from front to back, each with the number of its first sample."""
    n_pieces = 1 if stream.piece_rows is None else len(stream.piece_rows)
    first = 0
    for piece in range(n_pieces):
        before = first
        with closing(stream.opened(piece, rows_at_once)) as blocks:
            for block in blocks:
                if len(block):
                    yield first, block
                first += len(block)
        if stream.piece_rows is not None:
            _check_length(stream, piece, first - before)
    if stream.n_samples is None:
        stream.n_samples = first


def by_pieces(stream: Stream, mixing: Mixing, seed: int, epoch: int) -> Iterator[tuple[int, StreamBlock]]:
    """Blocks of pieces in random order, from several pieces in turn, each with the number of its first sample."""
    sizes = stream.piece_rows
    if sizes is None or len(sizes) == 1:
        yield from in_turn(stream, mixing.rows_at_once)
        return
    begins = np.cumsum(sizes) - sizes
    waiting = deque(int(piece) for piece in shuffled_rows(len(sizes), seed, epoch, 0) if sizes[piece])
    open_pieces: deque[_OpenPiece] = deque()
    try:
        while waiting or open_pieces:
            while waiting and len(open_pieces) < mixing.together:
                piece = waiting.popleft()
                open_pieces.append(_OpenPiece(stream, piece, int(begins[piece]), mixing.rows_at_once))
            yield from open_pieces[0].next_rows(mixing.share)
            if open_pieces[0].n_left:
                open_pieces.rotate(-1)
            else:
                open_pieces.popleft().close()
    finally:
        for one in open_pieces:
            one.close()


class _OpenPiece:
    """A piece that is being read."""

    def __init__(self, stream: Stream, piece: int, begin: int, rows_at_once: int) -> None:
        assert stream.piece_rows is not None, "there are several"
        self._stream, self._piece = stream, piece
        self._blocks = stream.opened(piece, rows_at_once)
        self._rest: StreamBlock | None = None
        self._next, self._size = begin, int(stream.piece_rows[piece])
        self.n_left = self._size

    def next_rows(self, n: int) -> Iterator[tuple[int, StreamBlock]]:
        """The next `n` rows, or those left, in blocks. At the end of the piece, it is closed and its length checked."""
        n = min(n, self.n_left)
        while n:
            block = self._rest
            if block is None and (block := next(self._blocks, None)) is None:
                _check_length(self._stream, self._piece, self._size - self.n_left)
            assert block is not None, "else its length is wrong"
            part = block if len(block) <= n else block.chosen(slice(0, n))
            self._rest = None if part is block else block.chosen(slice(n, len(block)))
            if len(part):
                yield self._next, part
            self._next, self.n_left, n = self._next + len(part), self.n_left - len(part), n - len(part)
        if self.n_left == 0:
            further = 0 if self._rest is None else len(self._rest)
            _check_length(self._stream, self._piece, self._size + further + sum(map(len, self._blocks)))

    def close(self) -> None:
        self._rest = None
        self._blocks.close()


def _check_length(stream: Stream, piece: int, n_rows: int) -> None:
    assert stream.piece_rows is not None, "else nothing is known of its length"
    expected = int(stream.piece_rows[piece])
    if n_rows != expected:
        where = stream.source if len(stream.piece_rows) == 1 else f"piece {piece} of {stream.source}"
        raise DataError(f"{where} had {expected} samples at first, and has {n_rows} now: a stream gives the same samples each time")
