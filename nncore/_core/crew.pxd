from libc.stdint cimport int32_t


cdef extern from "crew.h":
    ctypedef struct nnc_crew:
        pass
    ctypedef const int32_t *nnc_stop
    ctypedef struct nnc_job:
        void (*work)(nnc_job *self, nnc_stop stop) noexcept nogil
        void *owner
        double seconds
    ctypedef struct nnc_crews:
        nnc_crew *(*open)() noexcept nogil
        void (*close)(nnc_crew *) noexcept nogil
        void (*run)(nnc_crew *, int32_t n_members, void (*dispatch)(void *context) noexcept with gil, void *context) noexcept nogil
        int32_t (*n_workers)(nnc_crew *) noexcept nogil
        void (*give)(nnc_crew *, nnc_job *job) noexcept nogil
        nnc_job *(*take_back)(nnc_crew *) noexcept nogil
        void (*work)(nnc_crew *, nnc_job *job) noexcept nogil
        nnc_job *(*done)(nnc_crew *) noexcept nogil
        void (*wait)(nnc_crew *) noexcept nogil
        void (*keep)(nnc_crew *, int32_t n_workers) noexcept nogil
        void (*pause)(nnc_crew *) noexcept nogil
        void (*resume)(nnc_crew *) noexcept nogil
        void (*forget_workers)(nnc_crew *) noexcept nogil


cdef class Job:
    cdef nnc_job *job
