"""How much of a stream is in memory: blocks, data read ahead, and the shuffle buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nncore.arguments import n_bytes, whole_number
from nncore.blocks import BLOCK, rows_at_once
from nncore.data.prefetching import DEPTH
from nncore.data.stream_order import Mixing
from nncore.data.streams import Stream
from nncore.errors import ParameterError

#: Default memory limit of a stream, in bytes.
DEFAULT_LIMIT = 512 * 2**20
#: Smallest memory limit. Less would leave almost no shuffle buffer.
LEAST_LIMIT = 10**6
#: Fraction of the limit that a piece may take, as a denominator, where pieces are read in sequence without a shuffle buffer.
IN_TURN = 2
#: Fractions of the limit, as denominators: for the shuffle buffer, for open pieces, and for blocks on their way to the core.
_BUFFER, _PIECES, _BLOCKS = 2, 4, 4
#: Blocks on their way to the core: the current one, the one waiting, the one being made, and the data it is made of.
_ON_THEIR_WAY = DEPTH + 3
#: Bytes for the position of a row in the buffer, while a random order is drawn.
_BYTES_OF_PLACES = 24
#: Number of pieces read in turn, each an open file; and the smallest block of each in bytes, where memory is scarce.
MOST_TOGETHER, _LEAST_BLOCK = 64, 2**16


@dataclass(frozen=True)
class StreamMemory:
    """Memory limit of a stream.

    Attributes
    ----------
    limit : int
        Limit in bytes.
    buffer_rows : int or None
        Samples in the shuffle buffer; None for as many as the limit allows.
    """

    limit: int = DEFAULT_LIMIT
    buffer_rows: int | None = None

    @classmethod
    def by(cls, memory_limit: Any, shuffle_buffer: Any) -> StreamMemory:
        """Make one from the arguments of a fit."""
        return cls(
            DEFAULT_LIMIT if memory_limit is None else n_bytes("memory_limit", memory_limit, LEAST_LIMIT),
            None if shuffle_buffer is None else whole_number("shuffle_buffer", shuffle_buffer, 1),
        )

    @property
    def _most_of_block(self) -> int:
        """Largest size of a block in bytes."""
        return self.limit // _BLOCKS // _ON_THEIR_WAY

    def most_rows(self, bytes_per_row: int) -> int:
        """Largest number of rows of a block that need not consist of whole steps."""
        return rows_at_once(bytes_per_row, of=self._most_of_block)

    def block_rows(self, step: int, bytes_per_row: int) -> int:
        """Rows of a block for the core: whole steps of `step` samples of `bytes_per_row` each.

        Raises
        ------
        ParameterError
            If a step takes too much memory.
        """
        most = self._most_of_block
        needed = step * bytes_per_row
        if needed > most:
            raise ParameterError(
                f"a step of {step} samples takes {_shown(needed)}, and memory_limit={_shown(self.limit)} leaves {_shown(most)} to a block: "
                f"use a smaller batch_size or accumulate, or memory_limit={needed * _BLOCKS * _ON_THEIR_WAY}"
            )
        return step * rows_at_once(step * bytes_per_row, of=min(BLOCK, most))

    def rows_at_once(self, stream: Stream, together: int = 1) -> int:
        """Rows to read at a time from each of `together` open pieces."""
        return rows_at_once(stream.bytes_per_row, of=min(BLOCK, self.limit // _PIECES // together))

    def check_block(self, stream: Stream, n_rows: int, n_bytes: int) -> None:
        """Raise `ParameterError` for a block that the source has made too large for the limit."""
        most = max(BLOCK, self.limit // _PIECES)
        if n_bytes > most:
            raise ParameterError(
                f"{stream.source} gives {n_rows} samples at once, {_shown(n_bytes)}, and memory_limit={_shown(self.limit)} leaves "
                f"{_shown(most)} to a block: yield fewer, or use memory_limit={n_bytes * _PIECES}"
            )

    def check_piece(self, stream: Stream, share: int) -> None:
        """Raise `ParameterError` if reading a piece of the stream takes more than limit/`share` bytes."""
        if stream.bytes_a_piece > self.limit // share:
            raise ParameterError(
                f"a piece of {stream.source} takes {_shown(stream.bytes_a_piece)} while it is read, and memory_limit={_shown(self.limit)} "
                f"leaves {_shown(self.limit // share)} to that: use memory_limit={stream.bytes_a_piece * share}, or write the data in "
                "smaller pieces"
            )

    def check_kept(self, n_samples: int, bytes_per_row: int, what: str) -> None:
        """Raise `ParameterError` if keeping `what` of so many samples takes too much memory. It is counted twice, since joining blocks
        copies it."""
        if 2 * n_samples * bytes_per_row > self.limit:
            raise ParameterError(
                f"{what} needs the predictions for all {n_samples} samples at once, {_shown(2 * n_samples * bytes_per_row)}, and "
                f"memory_limit={_shown(self.limit)}: use metrics that are means over samples, fewer samples, or "
                f"memory_limit={2 * n_samples * bytes_per_row}"
            )

    def mixing(self, stream: Stream, step: int, bytes_per_row: int, n_samples: int | None) -> Mixing:
        """How to shuffle samples that take `bytes_per_row` each in the buffer.

        Raises
        ------
        ParameterError
            If the requested buffer, or one piece of the stream, takes too much memory.
        """
        budget = self.limit // _PIECES
        n_pieces = 1 if stream.piece_rows is None else max(1, len(stream.piece_rows))
        self.check_piece(stream, _PIECES)
        together = min(n_pieces, MOST_TOGETHER, budget // (stream.bytes_a_piece + _LEAST_BLOCK))
        bytes_per_row += _BYTES_OF_PLACES
        most = max(step, self.limit // _BUFFER // bytes_per_row)
        wanted = most if self.buffer_rows is None else self.buffer_rows
        if wanted > most:
            raise ParameterError(
                f"shuffle_buffer={wanted} samples take {_shown(wanted * bytes_per_row)}, and memory_limit={_shown(self.limit)} leaves "
                f"{_shown(self.limit // _BUFFER)} to them: use shuffle_buffer={most}, or memory_limit={wanted * bytes_per_row * _BUFFER}"
            )
        if n_samples is not None:
            wanted = min(wanted, n_samples)
        buffer = -(-wanted // step) * step  # whole steps, so that no step is cut where a buffer ends
        together = max(1, min(together, buffer))
        return Mixing(buffer, together, self.rows_at_once(stream, together))


def _shown(n: int) -> str:
    """A number of bytes for messages, with a unit."""
    return f"{n / 1e9:.3g} GB" if n >= 1e8 else f"{n / 1e6:.3g} MB"
