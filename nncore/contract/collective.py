"""Collectives: communication of processes that train a network together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.contract.configurable import Configurable


class Collective(Configurable):
    """Base class of collectives: communication of processes that train a network together.

    All processes call the same functions in the same order with buffers of the same sizes, from one thread at a time. They send bytes:
    C-contiguous arrays of uint8. Write `exchange` and `abort`; the other methods use them, and may be overridden by faster ones. A failure
    must raise `CollectiveError`, and no process may wait forever for one that is gone.

    Attributes
    ----------
    rank : int
        Number of this process, from 0 on.
    size : int
        Number of processes.
    """

    @property
    def rank(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}.rank")

    @property
    def size(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}.size")

    def exchange(self, peer: int, sent: np.ndarray, received: np.ndarray) -> None:
        """Send bytes to another process and receive its bytes; both call this at the same time.

        Parameters
        ----------
        peer : int
            Rank of the other process.
        sent : ndarray of uint8, shape (n,)
            Bytes to send; may be empty.
        received : ndarray of uint8, shape (m,)
            Array to fill. The peer sends m bytes.
        """
        raise NotImplementedError(f"{type(self).__name__}.exchange")

    def all_gather(self, buffer: np.ndarray, ends: Sequence[int]) -> None:
        """Gather the shares of all processes in every process, in place.

        Parameters
        ----------
        buffer : ndarray of uint8, shape (n,)
            The share of process r ends at ``ends[r]``, where that of process r + 1 begins. The own share is there already; the others are
            filled in.
        ends : sequence of int
            One for each process, ascending. The last is n.
        """
        own = buffer[ends[self.rank - 1] if self.rank > 0 else 0 : ends[self.rank]]
        for turn in range(self.size):  # in each, a process exchanges with one other process, or with none
            peer = (turn - self.rank) % self.size
            if peer != self.rank:
                self.exchange(peer, own, buffer[ends[peer - 1] if peer > 0 else 0 : ends[peer]])

    def all_to_all(self, sent: np.ndarray, sent_ends: Sequence[int], received: np.ndarray, received_ends: Sequence[int]) -> None:
        """Send every process its part, and receive the parts of the others.

        Parameters
        ----------
        sent : ndarray of uint8, shape (n,)
            The part for process r ends at ``sent_ends[r]``, where that for process r + 1 begins.
        sent_ends : sequence of int
            One for each process, ascending. The last is n.
        received : ndarray of uint8, shape (m,)
            Array to fill: the part from process r ends at ``received_ends[r]``.
        received_ends : sequence of int
            One for each process, ascending. The last is m.
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
        """Copy the buffer of one process to all others.

        Parameters
        ----------
        buffer : ndarray of uint8, shape (n,)
            Of the same size in all processes.
        root : int, default 0
            Rank of the process that sends.
        """
        self.all_gather(buffer, [0 if rank < root else len(buffer) for rank in range(self.size)])

    def barrier(self) -> None:
        """Wait until all processes have called this."""
        self.all_gather(np.zeros(self.size, np.uint8), range(1, self.size + 1))

    def abort(self, reason: str) -> None:
        """End all processes, or make them fail, since this one cannot continue: none may be left waiting.

        Parameters
        ----------
        reason : str
            Message for users.
        """
        raise NotImplementedError(f"{type(self).__name__}.abort")
