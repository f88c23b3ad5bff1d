"""Where training stands, beside what a network shows: a callback may put the best parameters back at the end of a fit that was cut short.

It is kept as if a callback remembered it, so that files and copies need not know of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from nncore.contract import Snapshot
from nncore.errors import ParameterError
from nncore.network.remembering import Memory

#: In the place of a callback's class and arguments.
TRAINING = "training"


class Standing:
    """The parameters and buffers of a network at the moment when its fit is cut short.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Any) -> None:
        self._snapshot, self._stood = Snapshot(network), _fingerprint(network)

    def memory(self, network: Any) -> Memory | None:
        """What the network must keep; None if it still shows the same."""
        shown = _fingerprint(network)
        return None if shown == self._stood else Memory(TRAINING, {"stood": self._stood, "shown": shown}, self._snapshot.arrays())


def divided(memories: Sequence[Memory]) -> tuple[Memory | None, tuple[Memory, ...]]:
    """Where training stands, if that was kept, and what callbacks remember."""
    others = tuple(memory for memory in memories if memory.callback != TRAINING)
    return next((memory for memory in memories if memory.callback == TRAINING), None), others


def check_standing(network: Any, memory: Memory) -> Snapshot:
    """What to put back.

    Raises
    ------
    ParameterError
        If it is that of another network, or if the network shows neither that nor what the callback had put there: somebody set its
        parameters, and it is not clear which ones are meant.
    """
    snapshot = Snapshot(network)
    snapshot.take(memory.arrays)
    if _fingerprint(network) not in memory.numbers.values():
        raise ParameterError(
            "the last fit was cut short, and the parameters were changed since then: call net.forget_fit() to train from the parameters "
            "that it has now"
        )
    return snapshot


def _fingerprint(network: Any) -> int:
    checksum = zlib.crc32(network.parameters)
    for buffer in network.named_buffers().values():
        checksum = zlib.crc32(buffer.tobytes(), checksum)
    return checksum
