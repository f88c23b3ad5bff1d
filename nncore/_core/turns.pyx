"""`Turn`: a lock by which threads that share a network use it one after the other. The lock is in waiting.c; this file handles Python's
signals, and forks."""

import os
import time
import weakref

from cpython.exc cimport PyErr_CheckSignals

from nncore.errors import BusyError


cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident() nogil


#: All turns, so that a forked child can free those of threads that it does not have.
_all = weakref.WeakSet()

#: The turn that each thread waits for, by thread number.
_awaited = {}


cdef class Turn:
    """A reentrant, fair lock: waiting threads get it in the order in which they came.

    A thread that holds it for long calls `give_way` now and then. Ctrl-C interrupts a waiting thread. A deadlock, in which threads wait for
    what the others hold, raises `BusyError`.
    """

    def __cinit__(self):
        if not nnc_open_turn(&self.turn):
            raise MemoryError
        _all.add(self)

    def __dealloc__(self):
        nnc_close_turn(&self.turn)

    def __reduce__(self):
        return Turn, ()  # a copy is a new lock

    @property
    def owner(self) -> int:
        """The thread that holds the turn, 0 for none."""
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
        """Wait for the turn, at most `timeout` seconds if that is not negative. Return whether this thread has it."""
        return nnc_take_turn(&self.turn, PyThread_get_thread_ident()) or self.wait(timeout, True)

    def __enter__(self):
        self.enter()
        return self

    def __exit__(self, *_):
        self.leave()

    def give_way(self):
        """Let waiting threads have their turns first, unless this thread has taken the turn several times."""
        if self.turn.n_waiting > 0 and self.turn.depth == 1:
            self.leave()
            self.wait(-1, False)

    def pause(self):
        """A context in which others may have their turns. A thread that has taken the turn several times keeps it."""
        return _Pause(self)

    def reset(self):
        """Free the turn in the child of a fork, unless this thread holds it."""
        nnc_reset_turn(&self.turn, PyThread_get_thread_ident())
        if self.trouble is not None:
            nnc_shut_turn(&self.turn)

    def shut(self, str trouble):
        """From now on, raise a `BusyError` with this message in threads that wait for it."""
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
        # Even after Ctrl-C the turn must be taken again: the thread that paused is going to leave it.
        if self.is_left and not nnc_take_turn(&self.turn.turn, PyThread_get_thread_ident()):
            self.turn.wait(-1, False)


def _is_endless(thread) -> bool:
    """Whether a thread is in a deadlock: the threads that it waits for wait for it."""
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
