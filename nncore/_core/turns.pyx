"""`Turn`: threads that share a network use it one after the other. The lock is in waiting.c; here are Python's signals, and forks."""

import os
import time
import weakref

from cpython.exc cimport PyErr_CheckSignals

from nncore.errors import BusyError


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil


#: Every turn there is, so that a forked child can free those of threads that it does not have.
_all = weakref.WeakSet()

#: What each thread waits for, by its number.
_awaited = {}


cdef class Turn:
    """A lock that a thread may take several times, and that goes to those that wait in the order in which they came.

    Whoever holds it for long calls `give_way` now and then. A thread that waits obeys Ctrl-C. Where waiting could not end, since each of
    some threads waits for what another one holds, `BusyError` is raised.
    """

    def __cinit__(self):
        if not nnc_open_turn(&self.turn):
            raise MemoryError
        _all.add(self)

    def __dealloc__(self):
        nnc_close_turn(&self.turn)

    def __reduce__(self):
        return Turn, ()  # a copy is for other threads to take

    @property
    def owner(self) -> int:
        """The thread whose turn it is, 0 for none."""
        return self.turn.owner

    @property
    def is_awaited(self) -> bool:
        """Whether another thread waits for it."""
        return self.turn.n_waiting > 0

    cdef int enter(self) except -1:
        if not nnc_take_turn(&self.turn, PyThread_get_thread_ident()):
            self.wait(-1, True)
        return 0

    cpdef leave(self):
        """Undo one `take`."""
        if not nnc_is_turn_of(&self.turn, PyThread_get_thread_ident()):
            raise RuntimeError("this thread leaves a turn that it has not taken")
        nnc_leave_turn(&self.turn)

    cdef bint wait(self, double timeout, bint may_fail) except -1:
        cdef nnc_waiter waiter
        cdef uint64_t thread = PyThread_get_thread_ident()
        cdef bint is_taken = False
        if self.trouble is not None:
            raise BusyError(self.trouble)
        end = time.monotonic() + timeout
        nnc_join_queue(&self.turn, &waiter)
        _awaited[thread] = self
        try:
            while not is_taken:
                with nogil:
                    is_taken = nnc_wait_for_turn(&self.turn, &waiter, thread)
                if is_taken or not may_fail:
                    continue
                PyErr_CheckSignals()
                if _is_endless(thread):
                    raise BusyError(
                        "this thread waits for a network that another thread uses, and that one waits for a network which this thread "
                        "uses: let the threads use them in the same order"
                    )
                if 0 <= timeout and time.monotonic() >= end:
                    break
        finally:
            del _awaited[thread]
            if not is_taken:
                nnc_give_up_turn(&self.turn, &waiter)
        return is_taken

    def take(self, double timeout=-1) -> bool:
        """Wait until it is this thread's turn, for so many seconds if `timeout` is not negative; whether it is."""
        return nnc_take_turn(&self.turn, PyThread_get_thread_ident()) or self.wait(timeout, True)

    def __enter__(self):
        self.enter()
        return self

    def __exit__(self, *_):
        self.leave()

    def give_way(self):
        """Let the threads that wait have their turns first. In a turn that was taken inside of another one they go on waiting."""
        if self.turn.n_waiting > 0 and self.turn.depth == 1:
            self.leave()
            self.wait(-1, False)

    def pause(self):
        """A context in which others may have their turns; if this turn was taken inside of another one, it stays this thread's."""
        return _Pause(self)

    def reset(self):
        """In the child of a fork: it is free, unless it was this thread's."""
        nnc_reset_turn(&self.turn, PyThread_get_thread_ident())
        if self.trouble is not None:
            nnc_shut_turn(&self.turn)

    def shut(self, str trouble):
        """Let whoever wants it get a `BusyError` that says this."""
        self.trouble = trouble
        nnc_shut_turn(&self.turn)


cdef class _Pause:
    cdef Turn turn
    cdef bint is_left

    def __cinit__(self, Turn turn):
        self.turn = turn

    def __enter__(self):
        self.is_left = self.turn.turn.depth == 1
        if self.is_left:
            self.turn.leave()

    def __exit__(self, *_):
        # Not even Ctrl-C may keep the turn from being taken again: whoever paused is going to leave it.
        if self.is_left and not nnc_take_turn(&self.turn.turn, PyThread_get_thread_ident()):
            self.turn.wait(-1, False)


def _is_endless(thread) -> bool:
    """Whether a thread waits for one that waits, and so on, for itself."""
    seen = set()
    waiting = thread
    while (turn := _awaited.get(waiting)) is not None and waiting not in seen:
        seen.add(waiting)
        waiting = turn.owner
    return waiting == thread


def _after_fork():
    """Threads do not survive a fork, nor do their turns."""
    _awaited.clear()
    for turn in list(_all):
        turn.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
