"""Room for numbers on the way: each dtype has one array on the stack, whose parts are used again once nothing needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Buffer:
    """Numbers that a statement writes and later ones read; it may write them over those of `over`, if nothing needs these later."""

    dtype: str
    size: int
    begin: int
    end: int
    over: tuple[int, ...] = ()
    offset: int = 0


def share_room(buffers: Mapping[int, Buffer]) -> dict[str, int]:
    """Place each buffer so that it does not overlap those needed at the same time. Returns the total size for each dtype."""
    rooms: dict[str, int] = {}
    placed: list[Buffer] = []
    for buffer in buffers.values():
        given = (buffers[one] for one in buffer.over)
        last = next((one for one in given if one.end == buffer.begin and (one.dtype, one.size) == (buffer.dtype, buffer.size)), None)
        if last is None:
            _beside(buffer, placed)
        else:
            buffer.offset = last.offset
        placed.append(buffer)
        rooms[buffer.dtype] = max(rooms.get(buffer.dtype, 0), buffer.offset + buffer.size)
    return rooms


def _beside(buffer: Buffer, placed: list[Buffer]) -> None:
    """The first gap between those that are still needed."""
    others = sorted((one for one in placed if one.dtype == buffer.dtype and one.end >= buffer.begin), key=lambda one: one.offset)
    for one in others:
        if buffer.offset + buffer.size <= one.offset:
            break
        buffer.offset = max(buffer.offset, one.offset + one.size)
