"""How much of a stream is in memory at a time: blocks, what is read ahead of them, and the buffer in which samples are mixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nncore.arguments import n_bytes, whole_number
from nncore.blocks import BLOCK, rows_at_once
from nncore.data.prefetching import DEPTH
from nncore.data.stream_order import Mixing
from nncore.data.streams import Stream
from nncore.errors import ParameterError

#: Bytes that a stream takes if nobody says how many it may.
DEFAULT_LIMIT = 512 * 2**20
#: A limit below this holds no buffer worth the name.
LEAST_LIMIT = 10**6
#: Part of the limit that a piece may take where pieces are read one after the other, without a buffer.
IN_TURN = 2
#: Parts of the limit: for the buffer, for pieces that are open, for blocks on their way to the core.
_BUFFER, _PIECES, _BLOCKS = 2, 4, 4
#: Blocks on their way: what the core is at, what waits for it, what is being made, and what that is made of.
_ON_THEIR_WAY = DEPTH + 3
#: Of a row in the buffer: its place there, while orders are drawn.
_BYTES_OF_PLACES = 24
#: Pieces that are read by turns: each is a file that is open. And what the block of each takes at least, where memory is scarce.
MOST_TOGETHER, _LEAST_BLOCK = 64, 2**16


@dataclass(frozen=True)
class StreamMemory:
    """What a stream may take.

    Attributes
    ----------
    limit : int
        Bytes.
    buffer_rows : int or None
        Samples that are mixed with one another; None for as many as the limit allows.
    """

    limit: int = DEFAULT_LIMIT
    buffer_rows: int | None = None

    @classmethod
    def by(cls, memory_limit: Any, shuffle_buffer: Any) -> StreamMemory:
        """As the arguments of a fit say it."""
        return cls(
            DEFAULT_LIMIT if memory_limit is None else n_bytes("memory_limit", memory_limit, LEAST_LIMIT),
            None if shuffle_buffer is None else whole_number("shuffle_buffer", shuffle_buffer, 1),
        )

    @property
    def _most_of_block(self) -> int:
        """Bytes."""
        return self.limit // _BLOCKS // _ON_THEIR_WAY

    def most_rows(self, bytes_per_row: int) -> int:
        """Of a block that need not consist of whole steps."""
        return rows_at_once(bytes_per_row, of=self._most_of_block)

    def block_rows(self, step: int, bytes_per_row: int) -> int:
        """Rows of a block that is handed to the core: whole steps of `step` samples, which take so many bytes each.

        Raises
        ------
        ParameterError
            If a step takes too much.
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
        """Rows of each of some open pieces that are asked for at a time."""
        return rows_at_once(stream.bytes_per_row, of=min(BLOCK, self.limit // _PIECES // together))

    def check_block(self, stream: Stream, n_rows: int, n_bytes: int) -> None:
        """Raise `ParameterError` for a block that the source has made larger than is bearable."""
        most = max(BLOCK, self.limit // _PIECES)
        if n_bytes > most:
            raise ParameterError(
                f"{stream.source} gives {n_rows} samples at once, {_shown(n_bytes)}, and memory_limit={_shown(self.limit)} leaves "
                f"{_shown(most)} to a block: let it give fewer, or use memory_limit={n_bytes * _PIECES}"
            )

    def check_piece(self, stream: Stream, share: int) -> None:
        """Raise `ParameterError` if a piece of the stream takes more, while it is read, than one part in `share` of the limit."""
        if stream.bytes_a_piece > self.limit // share:
            raise ParameterError(
                f"a piece of {stream.source} takes {_shown(stream.bytes_a_piece)} while it is read, and memory_limit={_shown(self.limit)} "
                f"leaves {_shown(self.limit // share)} to that: use memory_limit={stream.bytes_a_piece * share}, or write the data in "
                "smaller pieces"
            )

    def check_kept(self, n_samples: int, bytes_per_row: int, what: str) -> None:
        """Raise `ParameterError` if what is kept of so many samples takes too much, which is there twice while it is joined."""
        if 2 * n_samples * bytes_per_row > self.limit:
            raise ParameterError(
                f"{what} needs the predictions for all {n_samples} samples at once, {_shown(2 * n_samples * bytes_per_row)}, and "
                f"memory_limit={_shown(self.limit)}: use metrics that are means over samples, fewer samples, or "
                f"memory_limit={2 * n_samples * bytes_per_row}"
            )

    def mixing(self, stream: Stream, step: int, bytes_per_row: int, n_samples: int | None) -> Mixing:
        """How samples are mixed, each of which takes so many bytes in the buffer.

        Raises
        ------
        ParameterError
            If the buffer asked for, or one piece of the stream, takes too much.
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
    """A number of bytes as a person reads it."""
    return f"{n / 1e9:.3g} GB" if n >= 1e8 else f"{n / 1e6:.3g} MB"
