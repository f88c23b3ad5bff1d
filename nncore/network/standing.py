"""The last parameters of an interrupted fit, if a callback restored others (the best ones) at its end.

They are stored like the state of a callback, so that files and copies need no special case.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from nncore.contract import Snapshot
from nncore.errors import ParameterError
from nncore.network.remembering import Memory

#: Used instead of a callback's class and arguments.
TRAINING = "training"


class Standing:
    """The parameters and buffers of a network when its fit is interrupted.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Any) -> None:
        self._snapshot, self._stood = Snapshot(network), _fingerprint(network)

    def memory(self, network: Any) -> Memory | None:
        """The state to store; None if the network still has the same parameters."""
        shown = _fingerprint(network)
        return None if shown == self._stood else Memory(TRAINING, {"stood": self._stood, "shown": shown}, self._snapshot.arrays())


def divided(memories: Sequence[Memory]) -> tuple[Memory | None, tuple[Memory, ...]]:
    """The last parameters, if they were stored, and the states of callbacks."""
    others = tuple(memory for memory in memories if memory.callback != TRAINING)
    return next((memory for memory in memories if memory.callback == TRAINING), None), others


def check_standing(network: Any, memory: Memory) -> Snapshot:
    """The parameters to continue from.

    Raises
    ------
    ParameterError
        If they are from another network. Or if the network's parameters were set since the fit, so that it is not clear which ones to use.
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
