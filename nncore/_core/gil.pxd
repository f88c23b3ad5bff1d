# Whether other threads may run Python while the core works.

from libc.stdint cimport int32_t

cdef extern from "Python.h":
    ctypedef struct PyThreadState:
        pass
    PyThreadState *PyEval_SaveThread()
    void PyEval_RestoreThread(PyThreadState *state)

cdef enum:
    # Work of fewer microseconds is done with the GIL held. A thread that gives it away gets it back when another one lets go of it, which a
    # thread busy with Python does every 5 ms; and each change of threads costs some tens of microseconds.
    WORTH_GIVING_AWAY = 10


cdef inline PyThreadState *give_gil_away(double seconds, int32_t n_threads):
    """Before work without Python that takes about so many seconds; NULL if the GIL is kept.

    Work of several threads gives it away at any length: another member of the team may have a component in Python to call.
    """
    return PyEval_SaveThread() if n_threads > 1 or seconds * 1e6 >= WORTH_GIVING_AWAY else NULL


cdef inline void take_gil_back(PyThreadState *given):
    if given != NULL:
        PyEval_RestoreThread(given)
