"""`Ranks`: the processes that share a run, and how the core exchanges data with them."""

from cpython.buffer cimport PyBUF_WRITE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free

from nncore._core.compiled cimport runner
from nncore._core.runner cimport nnc_ranks

import numpy as np

from nncore.errors import CollectiveError


cdef class Ranks:
    """Processes that share a run.

    Parameters
    ----------
    collective : nncore.plugin.Collective
    """

    def __cinit__(self, collective not None):
        cdef nnc_ranks *ranks = &self.ranks
        self.collective = collective
        ranks.rank, ranks.size = collective.rank, collective.size
        ranks.gather, ranks.deal, ranks.context = gather, deal, <void *>self

    def __dealloc__(self):
        free(self.ranks.sums)
        free(self.ranks.room)
        free(self.ranks.strips)
        free(self.ranks.begins)
        free(self.ranks.ends)

    def agree(self, int64_t verdict):
        """The largest verdict of all processes; none is below 0."""
        cdef int64_t agreed
        with nogil:
            agreed = runner.agree(&self.ranks, verdict)
        self.finish()
        return agreed

    cdef int finish(self) except -1:
        """Raises the error that broke an exchange, if there is one."""
        if not self.ranks.is_broken:
            return 0
        error, self.error = self.error, None
        raise error if error is not None else CollectiveError("this process has lost the others it trains with: start all of them again")


cdef int32_t gather(void *context, char *room, const int64_t *ends) noexcept with gil:
    """Calls `all_gather` of the collective. Keeps an exception for the caller of the run."""
    ranks = <Ranks>context
    try:
        places = listed(ends, ranks.ranks.size)
        ranks.collective.all_gather(bytes_at(room, places), places)
    except BaseException as error:
        ranks.error = error
        return -1
    return 0


cdef int32_t deal(void *context, char *sent, const int64_t *sent_ends, char *received, const int64_t *received_ends) noexcept with gil:
    """Calls `all_to_all` of the collective in the same way."""
    ranks = <Ranks>context
    try:
        theirs, own = listed(sent_ends, ranks.ranks.size), listed(received_ends, ranks.ranks.size)
        ranks.collective.all_to_all(bytes_at(sent, theirs), theirs, bytes_at(received, own), own)
    except BaseException as error:
        ranks.error = error
        return -1
    return 0


cdef list listed(const int64_t *ends, int32_t n):
    cdef int32_t r
    return [ends[r] for r in range(n)]


cdef object bytes_at(char *place, list ends):
    return np.asarray(PyMemoryView_FromMemory(place, ends[len(ends) - 1], PyBUF_WRITE))
