"""Collectives: how processes that train one network together reach each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.contract.configurable import Configurable


class Collective(Configurable):
    """How processes that train one network together reach each other.

    All of them call the same functions in the same order, each with buffers of the same sizes, from one thread at a time. What they send
    are bytes: C-contiguous arrays of uint8. `exchange` and `abort` are all that must be written; what else there is rests on it, and may
    be overridden by something faster. Whatever fails raises `CollectiveError`, and nothing waits for ever for a process that is gone.

    Attributes
    ----------
    rank : int
        Of this process, from 0 on.
    size : int
        How many processes there are.
    """

    @property
    def rank(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}.rank")

    @property
    def size(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}.size")

    def exchange(self, peer: int, sent: np.ndarray, received: np.ndarray) -> None:
        """Send bytes to another process, which calls this at the same time, and receive what it sends.

        Parameters
        ----------
        peer : int
            Its rank.
        sent : ndarray of uint8, shape (n,)
            May be empty.
        received : ndarray of uint8, shape (m,)
            Filled. The peer sends as many.
        """
        raise NotImplementedError(f"{type(self).__name__}.exchange")

    def all_gather(self, buffer: np.ndarray, ends: Sequence[int]) -> None:
        """Give every process the shares of all, in place.

        Parameters
        ----------
        buffer : ndarray of uint8, shape (n,)
            That of process r ends at ``ends[r]``, where the one of process r + 1 begins. The own share is there already; the others are
            filled in.
        ends : sequence of int
            As many as there are processes, none before the one in front of it. The last is n.
        """
        own = buffer[ends[self.rank - 1] if self.rank > 0 else 0 : ends[self.rank]]
        for turn in range(self.size):  # in each, every process meets another one, or nobody
            peer = (turn - self.rank) % self.size
            if peer != self.rank:
                self.exchange(peer, own, buffer[ends[peer - 1] if peer > 0 else 0 : ends[peer]])

    def all_to_all(self, sent: np.ndarray, sent_ends: Sequence[int], received: np.ndarray, received_ends: Sequence[int]) -> None:
        """Give every process what the others have for it.

        Parameters
        ----------
        sent : ndarray of uint8, shape (n,)
            What is for process r ends at ``sent_ends[r]``, where that for process r + 1 begins.
        sent_ends : sequence of int
            As many as there are processes, none before the one in front of it. The last is n.
        received : ndarray of uint8, shape (m,)
            Filled, in the same way: what comes from process r ends at ``received_ends[r]``.
        received_ends : sequence of int
            Process r sends as much as there is room for it.
        """
        for turn in range(self.size):
            peer = (turn - self.rank) % self.size
            theirs = sent[sent_ends[peer - 1] if peer > 0 else 0 : sent_ends[peer]]
            place = received[received_ends[peer - 1] if peer > 0 else 0 : received_ends[peer]]
            if peer == self.rank:
                place[...] = theirs
            else:
                self.exchange(peer, theirs, place)

    def broadcast(self, buffer: np.ndarray, root: int = 0) -> None:
        """Fill the buffers of all processes with that of one.

        Parameters
        ----------
        buffer : ndarray of uint8, shape (n,)
            As large everywhere.
        root : int, default 0
            Whose it is.
        """
        self.all_gather(buffer, [0 if rank < root else len(buffer) for rank in range(self.size)])

    def barrier(self) -> None:
        """Wait until all processes have come here."""
        self.all_gather(np.zeros(self.size, np.uint8), range(1, self.size + 1))

    def abort(self, reason: str) -> None:
        """End all processes, or let them fail, since this one cannot go on: none may be left waiting.

        Parameters
        ----------
        reason : str
            For a person to read.
        """
        raise NotImplementedError(f"{type(self).__name__}.abort")
