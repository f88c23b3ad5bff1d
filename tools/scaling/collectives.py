"""Processes that are not there, and a network that is slower than it is."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from nncore.plugin import Collective
from scaling.links import KINDS, Link, seconds_of


class Pretended(Collective):
    """The first of `size` processes, of which there are no others.

    They seem to bring the same as this one while a fit is being agreed on, and zeros once numbers are sent.

    Attributes
    ----------
    calls, sent : dict of str to int
        Of each kind of message how many there were, and their bytes.
    seconds : float
        Of the processor, that pretending has taken.
    """

    #: Bytes of a share: longer ones are numbers.
    LONGEST_WORDS = 4096

    def __init__(self, size: int) -> None:
        self._size, self.seconds = size, 0.0
        self.calls, self.sent = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)

    @property
    def rank(self) -> int:
        return 0

    @property
    def size(self) -> int:
        return self._size

    def exchange(self, peer: int, sent: np.ndarray, received: np.ndarray) -> None:
        began = time.process_time()
        received[...] = 0
        self._count("exchange", len(sent), began)

    def all_gather(self, buffer: np.ndarray, ends: Sequence[int]) -> None:
        began, own = time.process_time(), buffer[: ends[0]]
        if len(own) <= self.LONGEST_WORDS and all(end == (number + 1) * len(own) for number, end in enumerate(ends)):
            buffer[...] = np.tile(own, len(ends))
        else:
            buffer[len(own) :] = 0
        self._count("all_gather", len(buffer), began)

    def abort(self, reason: str) -> None:
        raise RuntimeError(reason)

    def _count(self, kind: str, n_bytes: int, began: float) -> None:
        self.calls[kind] += 1
        self.sent[kind] += n_bytes
        self.seconds += time.process_time() - began


class Delayed(Collective):
    """Another collective over a slower network: each message waits first, for as long as the model says it takes.

    Attributes
    ----------
    calls, sent : dict of str to int
        As of `Pretended`.
    link : Link or None
        None waits for nothing.
    """

    def __init__(self, inner: Collective, link: Link | None) -> None:
        self._inner, self.link = inner, link
        self.calls, self.sent = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)

    @property
    def rank(self) -> int:
        return self._inner.rank

    @property
    def size(self) -> int:
        return self._inner.size

    def exchange(self, peer: int, sent: np.ndarray, received: np.ndarray) -> None:
        self._wait("exchange", max(len(sent), len(received)))
        self._inner.exchange(peer, sent, received)

    def all_gather(self, buffer: np.ndarray, ends: Sequence[int]) -> None:
        self._wait("all_gather", len(buffer))
        self._inner.all_gather(buffer, ends)

    def abort(self, reason: str) -> None:
        self._inner.abort(reason)

    def _wait(self, kind: str, n_bytes: int) -> None:
        self.calls[kind] += 1
        self.sent[kind] += n_bytes
        if self.link is not None:
            time.sleep(seconds_of(kind, 1, n_bytes, self.size, self.link))
