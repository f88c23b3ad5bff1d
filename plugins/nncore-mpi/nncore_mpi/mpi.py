"""MPI as a collective."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from nncore.errors import CollectiveError
from nncore.plugin import Collective


class MPI(Collective):
    """Connect the processes that ``mpiexec`` has started, by mpi4py.

    Making the first instance initialises MPI. It uses its own communicator, so that the program may send other messages.

    Raises
    ------
    CollectiveError
        If mpi4py finds no MPI library.
    """

    def __init__(self) -> None:
        _communicator()

    @property
    def rank(self) -> int:
        return int(_communicator().rank)

    @property
    def size(self) -> int:
        return int(_communicator().size)

    def exchange(self, peer: int, sent: np.ndarray, received: np.ndarray) -> None:
        _communicator().Sendrecv([sent, _bytes()], peer, recvbuf=[received, _bytes()], source=peer)

    def all_gather(self, buffer: np.ndarray, ends: Sequence[int]) -> None:
        if ends[-1] <= LARGEST:
            begins = [0, *ends[:-1]]
            counts = [end - begin for begin, end in zip(begins, ends, strict=True)]
            _communicator().Allgatherv(_in_place(), [buffer, counts, begins, _bytes()])
            return
        begin = 0  # MPI counts bytes of a call in 32 bits: one process after the other, a piece at a time
        for rank, end in enumerate(ends):
            self.broadcast(buffer[begin:end], rank)
            begin = end

    def broadcast(self, buffer: np.ndarray, root: int = 0) -> None:
        for begin in range(0, len(buffer), LARGEST):
            _communicator().Bcast([buffer[begin : begin + LARGEST], _bytes()], root)

    def barrier(self) -> None:
        _communicator().Barrier()

    def abort(self, reason: str) -> None:
        print(f"process {self.rank} of {self.size} ends all of them: {reason}", file=sys.stderr, flush=True)
        _communicator().Abort(1)


#: Largest number of bytes of one call.
LARGEST = 2**30

_own: list[Any] = []


def _communicator() -> Any:
    """One copy of MPI's world communicator for all instances, since all processes must make a copy together."""
    if not _own:
        try:
            from mpi4py import MPI as library  # begins MPI
        except (ImportError, RuntimeError) as error:
            raise CollectiveError(
                f"mpi4py cannot begin MPI: {error}; install a library of MPI (pip install mpich, or your system's), and start the program "
                "with its mpiexec"
            ) from error
        _own.append(library.COMM_WORLD.Dup())
    return _own[0]


def _bytes() -> Any:
    from mpi4py import MPI as library

    return library.BYTE


def _in_place() -> Any:
    from mpi4py import MPI as library

    return library.IN_PLACE
