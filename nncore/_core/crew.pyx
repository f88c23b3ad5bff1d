"""`Crew`: threads that do jobs, which a dispatcher gives out. The work is done in crew.c; this is its Python interface."""

import os
import threading

from cpython.exc cimport PyErr_CheckSignals
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport int32_t

from nncore._core import native


cdef const nnc_crews *crews = <const nnc_crews *>PyCapsule_GetPointer(native.crew, "nncore._core.crew")

#: The crews of which each thread is the dispatcher, by thread number; inner ones last.
_dispatched = {}


cdef class Job:
    """Work that is done without Python. A subclass defines it, and begins and ends it."""


cdef object taken(nnc_job *job):
    """The Python object of a job that a crew returns."""
    if job == NULL:
        return None
    found = <object><PyObject *>job.owner
    Py_DECREF(found)
    return found


cdef void call_dispatch(void *context) noexcept with gil:
    crew = <Crew>context
    try:
        crew.dispatch()
    except BaseException as error:
        crew.error = error


cdef class Crew:
    """Threads of the pool that do jobs. This thread, the dispatcher, gives them out, takes finished ones, and does jobs itself in between.

    `run` calls a function of the dispatcher. Only that function may call the other methods, in the same thread.
    """

    cdef nnc_crew *crew
    cdef object dispatch
    cdef object error

    def __cinit__(self):
        self.crew = crews.open()
        if self.crew == NULL:
            raise MemoryError

    def __dealloc__(self):
        crews.close(self.crew)

    def run(self, int32_t n_members, dispatch):
        """Call ``dispatch()`` in this thread with a crew of at most `n_members` threads, this one included. It must leave no job undone."""
        cdef void *context = <void *>self
        own = _dispatched.setdefault(threading.get_ident(), [])
        own.append(self)
        self.dispatch, self.error = dispatch, None
        try:
            with nogil:
                crews.run(self.crew, n_members, call_dispatch, context)
        finally:
            own.pop()
            if not own:
                del _dispatched[threading.get_ident()]
            self.dispatch = None
        if self.error is not None:
            error, self.error = self.error, None
            raise error

    @property
    def n_workers(self) -> int:
        """Members other than the dispatcher."""
        return crews.n_workers(self.crew)

    def give(self, Job job not None):
        """Queue a job for the next free worker."""
        Py_INCREF(job)
        job.job.owner = <void *>job
        crews.give(self.crew, job.job)

    def take_back(self):
        """Take back a job that nobody has begun, or None."""
        return taken(crews.take_back(self.crew))

    def work(self, Job job not None):
        """Do a job in this thread. It ends early once a worker is idle while finished jobs wait for this thread."""
        with nogil:
            crews.work(self.crew, job.job)

    def done(self):
        """Take a finished job, or None."""
        return taken(crews.done(self.crew))

    def wait(self):
        """Wait for a finished job, but only for a while. Ctrl-C interrupts."""
        with nogil:
            crews.wait(self.crew)
        PyErr_CheckSignals()

    def keep(self, int32_t n_workers):
        """Let at most `n_workers` workers stay; others go back to the pool."""
        crews.keep(self.crew, n_workers)

    def pause(self):
        """End jobs early, and let no worker begin one."""
        with nogil:
            crews.pause(self.crew)

    def resume(self):
        crews.resume(self.crew)

    def forget_workers(self):
        """Drop the workers, which the child of a fork does not have."""
        crews.forget_workers(self.crew)


# A fork copies the process at one moment. No job may be in the middle of something then, so crews pause.


def _own() -> list:
    return _dispatched.get(threading.get_ident(), [])


def _before():
    for crew in _own():
        crew.pause()


def _after_in_parent():
    for crew in _own():
        crew.resume()


def _after_in_child():
    for crew in _own():
        crew.forget_workers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
