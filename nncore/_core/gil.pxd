# Releases the GIL while the core works, if the work is long enough.

from libc.stdint cimport int32_t

cdef extern from "Python.h":
    ctypedef struct PyThreadState:
        pass
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *state)

cdef enum:
    # Work of fewer microseconds is done with the GIL held. A thread that releases it gets it back when another one lets go of it; a thread
    # busy with Python does so every 5 ms. Each change of threads costs some tens of microseconds.
    WORTH_GIVING_AWAY = 10


cdef inline PyThreadState *give_gil_away(double seconds, int32_t n_threads):
    """Releases the GIL before work without Python that takes about `seconds`. Returns NULL if the GIL is kept.

    For work of several threads it always does: another member of the team may have to call a component in Python.
    """
    return PyEval_SaveThread() if n_threads > 1 or seconds * 1e6 >= WORTH_GIVING_AWAY else NULL


cdef inline void take_gil_back(PyThreadState *given):
    if given != NULL:
        PyEval_RestoreThread(given)
