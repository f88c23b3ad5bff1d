# The C contract of nncore/plugin.h for Cython: `from nncore.abi cimport nnc_optimizer`. Declarations only; nothing to link.

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "nncore/plugin.h" nogil:
    const uint32_t NNC_ABI_MAJOR
    const uint32_t NNC_ABI_MINOR

    ctypedef struct nnc_head:
        uint32_t abi_major
        uint32_t abi_minor
        uint64_t struct_size

    ctypedef int32_t (*nnc_activation_forward_f32)(const float *z, float *a, int64_t n_rows, int64_t n_columns,
                                                   const double *hyper) noexcept nogil
    ctypedef int32_t (*nnc_activation_forward_f64)(const double *z, double *a, int64_t n_rows, int64_t n_columns,
                                                   const double *hyper) noexcept nogil
    ctypedef int32_t (*nnc_activation_backward_f32)(const float *z, const float *a, const float *d_a, float *d_z,
                                                    int64_t n_rows, int64_t n_columns, const double *hyper) noexcept nogil
    ctypedef int32_t (*nnc_activation_backward_f64)(const double *z, const double *a, const double *d_a, double *d_z,
                                                    int64_t n_rows, int64_t n_columns, const double *hyper) noexcept nogil

    ctypedef struct nnc_activation:
        nnc_head head
        nnc_activation_forward_f32 forward_f32
        nnc_activation_forward_f64 forward_f64
        nnc_activation_backward_f32 backward_f32
        nnc_activation_backward_f64 backward_f64

    ctypedef int32_t (*nnc_loss_real_f32)(const float *output, const float *target, const float *weight, float *loss, float *d_output,
                                          int64_t n_rows, int64_t n_outputs, int64_t n_targets, const double *hyper) noexcept nogil
    ctypedef int32_t (*nnc_loss_real_f64)(const double *output, const double *target, const double *weight, double *loss, double *d_output,
                                          int64_t n_rows, int64_t n_outputs, int64_t n_targets, const double *hyper) noexcept nogil
    ctypedef int32_t (*nnc_loss_labels_f32)(const float *output, const int64_t *labels, const float *weight, float *loss, float *d_output,
                                            int64_t n_rows, int64_t n_outputs, const double *hyper) noexcept nogil
    ctypedef int32_t (*nnc_loss_labels_f64)(const double *output, const int64_t *labels, const double *weight, double *loss,
                                            double *d_output, int64_t n_rows, int64_t n_outputs, const double *hyper) noexcept nogil

    ctypedef struct nnc_loss:
        nnc_head head
        nnc_loss_real_f32 real_f32
        nnc_loss_real_f64 real_f64
        nnc_loss_labels_f32 labels_f32
        nnc_loss_labels_f64 labels_f64

    const int32_t NNC_ROLE_WEIGHT
    const int32_t NNC_ROLE_BIAS
    const int32_t NNC_ROLE_SCALE

    ctypedef struct nnc_tensor:
        int64_t offset
        int64_t rows
        int64_t columns
        int32_t layer
        int32_t role

    ctypedef int32_t (*nnc_step_f32)(float *w, const float *g, float *state, int64_t n, int64_t t, const double *hyper,
                                     int64_t stride) noexcept nogil
    ctypedef int32_t (*nnc_step_f64)(double *w, const double *g, double *state, int64_t n, int64_t t, const double *hyper,
                                     int64_t stride) noexcept nogil
    ctypedef int32_t (*nnc_step_tensors_f32)(float *w, const float *g, float *state, int64_t n, int64_t t, const double *hyper,
                                             const nnc_tensor *tensors, int64_t n_tensors) noexcept nogil
    ctypedef int32_t (*nnc_step_tensors_f64)(double *w, const double *g, double *state, int64_t n, int64_t t, const double *hyper,
                                             const nnc_tensor *tensors, int64_t n_tensors) noexcept nogil

    ctypedef struct nnc_optimizer:
        nnc_head head
        nnc_step_f32 step_f32
        nnc_step_f64 step_f64
        nnc_step_tensors_f32 step_tensors_f32
        nnc_step_tensors_f64 step_tensors_f64

    ctypedef struct nnc_layer_call:
        const void *x
        void *y
        const void *d_y
        void *d_x
        const void *parameters
        void *d_parameters
        void *buffers
        void *cache
        void *scratch
        const double *hyper
        int64_t n_rows
        int64_t n_inputs
        int64_t n_outputs
        int64_t first_row
        int64_t begin_column
        int64_t end_column
        int64_t begin_parameter
        int64_t end_parameter
        uint64_t seed
        int64_t step
        int32_t layer
        int32_t training

    ctypedef int32_t (*nnc_layer_function)(const nnc_layer_call *call) noexcept nogil

    ctypedef struct nnc_layer:
        nnc_head head
        nnc_layer_function forward_f32
        nnc_layer_function forward_f64
        nnc_layer_function backward_f32
        nnc_layer_function backward_f64
        nnc_layer_function gradient_f32
        nnc_layer_function gradient_f64
