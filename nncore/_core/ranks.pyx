"""`Ranks`: the processes that do a run together, as the core meets them."""

from cpython.buffer cimport PyBUF_WRITE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free

from nncore._core.compiled cimport runner
from nncore._core.runner cimport nnc_ranks

import numpy as np

from nncore.errors import CollectiveError


cdef class Ranks:
    """Processes that a run is shared with.

    Parameters
    ----------
    collective : nncore.plugin.Collective
    """

    def __cinit__(self, collective not None):
        cdef nnc_ranks *ranks = &self.ranks
        self.collective = collective
        ranks.rank, ranks.size = collective.rank, collective.size
        ranks.gather, ranks.context = gather, <void *>self

    def __dealloc__(self):
        free(self.ranks.room)
        free(self.ranks.strips)
        free(self.ranks.begins)
        free(self.ranks.ends)

    def agree(self, int64_t verdict):
        """The largest number that a process brings, none below 0."""
        cdef int64_t agreed
        with nogil:
            agreed = runner.agree(&self.ranks, verdict)
        self.finish()
        return agreed

    cdef int finish(self) except -1:
        """Raises what has kept the processes from meeting, if anything has."""
        if not self.ranks.is_broken:
            return 0
        error, self.error = self.error, None
        raise error if error is not None else CollectiveError("this process has lost the others it trains with: start all of them again")


cdef int32_t gather(void *context, char *room, const int64_t *ends) noexcept with gil:
    """Lets the collective bring together what lies in the room; an exception is kept for the caller of the run."""
    ranks = <Ranks>context
    cdef int32_t r
    try:
        places = [ends[r] for r in range(ranks.ranks.size)]
        buffer = np.frombuffer(PyMemoryView_FromMemory(room, places[ranks.ranks.size - 1], PyBUF_WRITE), np.uint8)
        ranks.collective.all_gather(buffer, places)
    except BaseException as error:
        ranks.error = error
        return -1
    return 0
