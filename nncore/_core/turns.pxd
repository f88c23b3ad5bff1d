from libc.stdint cimport int32_t, int64_t, uint64_t


cdef extern from "waiting.h":
    ctypedef struct nnc_waiter:
        pass
    ctypedef struct nnc_turn:
        uint64_t owner
        int64_t depth
        int32_t n_waiting
        void *queue
    int32_t nnc_open_turn(nnc_turn *turn) nogil
    void nnc_close_turn(nnc_turn *turn) nogil
    int32_t nnc_is_turn_of(nnc_turn *turn, uint64_t thread) nogil
    int32_t nnc_take_turn(nnc_turn *turn, uint64_t thread) nogil
    void nnc_leave_turn(nnc_turn *turn) nogil
    void nnc_join_queue(nnc_turn *turn, nnc_waiter *self) nogil
    int32_t nnc_wait_for_turn(nnc_turn *turn, nnc_waiter *self, uint64_t thread) nogil
    void nnc_give_up_turn(nnc_turn *turn, nnc_waiter *self) nogil
    void nnc_reset_turn(nnc_turn *turn, uint64_t thread) nogil
    void nnc_shut_turn(nnc_turn *turn) nogil


cdef class Turn:
    cdef nnc_turn turn
    cdef object __weakref__
    cdef str trouble
    cdef int enter(self) except -1
    cpdef leave(self)
    cdef bint wait(self, double timeout, bint may_fail) except -1
