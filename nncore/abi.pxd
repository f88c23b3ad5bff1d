# The C contract of nncore/plugin.h for Cython: `from nncore.abi cimport nnc_optimizer_call`. Declarations only; nothing to link.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "nncore/plugin.h" nogil:
    const uint32_t NNC_ABI_MAJOR
    const uint32_t NNC_ABI_MINOR
    const int32_t NNC_MESSAGE_BYTES

    ctypedef struct nnc_head:
        uint32_t abi_major
        uint32_t abi_minor
        uint64_t struct_size

    ctypedef struct nnc_gemm_call:
        uint64_t struct_size
        const void *a
        const void *b
        const void *start
        void *c
        int64_t m
        int64_t n
        int64_t k
        int64_t a_stride
        int64_t b_stride
        int64_t start_stride
        int64_t c_stride
        int32_t a_transposed
        int32_t b_transposed

    ctypedef void (*nnc_gemm)(const nnc_gemm_call *call) noexcept nogil
    ctypedef void (*nnc_random_words)(uint64_t seed, int64_t step, int32_t layer, int64_t first, int64_t n, uint32_t *words) noexcept nogil
    ctypedef void (*nnc_map_f32)(const float *x, float *y, int64_t n) noexcept nogil
    ctypedef void (*nnc_map_f64)(const double *x, double *y, int64_t n) noexcept nogil

    ctypedef struct nnc_host:
        uint64_t struct_size
        nnc_gemm gemm_f32
        nnc_gemm gemm_f64
        nnc_random_words random_words
        nnc_map_f32 exp_f32
        nnc_map_f64 exp_f64
        nnc_map_f32 log_f32
        nnc_map_f64 log_f64
        nnc_map_f32 tanh_f32
        nnc_map_f64 tanh_f64
        nnc_map_f32 sigmoid_f32
        nnc_map_f64 sigmoid_f64
        nnc_map_f32 sinpi_f32
        nnc_map_f64 sinpi_f64
        nnc_map_f32 cospi_f32
        nnc_map_f64 cospi_f64

    ctypedef struct nnc_site:
        uint64_t struct_size
        const nnc_host *host
        const double *hyper
        const int64_t *numbers
        const int64_t *input_shape
        const int64_t *output_shape
        void *work
        char *message
        uint64_t seed
        int64_t step
        int32_t layer
        int32_t training
        int32_t part
        int32_t n_numbers
        int32_t n_input_dims
        int32_t n_output_dims

    int32_t nnc_fail(const nnc_site *site, const char *why)

    ctypedef struct nnc_activation_call:
        uint64_t struct_size
        const nnc_site *site
        const void *z
        void *a
        const void *d_a
        void *d_z
        int64_t n_rows
        int64_t n_columns

    ctypedef int32_t (*nnc_activation_function)(const nnc_activation_call *call) noexcept nogil

    ctypedef struct nnc_activation:
        nnc_head head
        nnc_activation_function forward_f32
        nnc_activation_function forward_f64
        nnc_activation_function backward_f32
        nnc_activation_function backward_f64
        nnc_activation_function forward_with_slope_f32
        nnc_activation_function forward_with_slope_f64

    ctypedef struct nnc_loss_call:
        uint64_t struct_size
        const nnc_site *site
        const void *output
        const void *target
        const int64_t *labels
        const void *weight
        void *loss
        void *d_output
        int64_t n_rows
        int64_t n_outputs
        int64_t n_targets
        int64_t first_row
        int64_t batch_rows

    ctypedef int32_t (*nnc_loss_function)(const nnc_loss_call *call) noexcept nogil

    ctypedef struct nnc_loss:
        nnc_head head
        nnc_loss_function real_f32
        nnc_loss_function real_f64
        nnc_loss_function labels_f32
        nnc_loss_function labels_f64

    ctypedef struct nnc_metric_call:
        uint64_t struct_size
        const nnc_site *site
        const void *output
        const void *target
        const int64_t *labels
        double *terms
        int64_t n_rows
        int64_t n_outputs
        int64_t n_targets
        int64_t n_terms

    ctypedef int32_t (*nnc_metric_function)(const nnc_metric_call *call) noexcept nogil

    ctypedef struct nnc_metric:
        nnc_head head
        nnc_metric_function real_f32
        nnc_metric_function real_f64
        nnc_metric_function labels_f32
        nnc_metric_function labels_f64

    const int32_t NNC_ROLE_WEIGHT
    const int32_t NNC_ROLE_BIAS
    const int32_t NNC_ROLE_SCALE
    const int32_t NNC_TOUCHED_ROWS

    ctypedef struct nnc_tensor:
        void *w
        const void *g
        void *const *state
        int64_t offset
        int64_t rows
        int64_t columns
        int32_t layer
        int32_t role

    ctypedef struct nnc_optimizer_call:
        uint64_t struct_size
        const nnc_site *site
        void *w
        const void *g
        void *state
        const nnc_tensor *tensors
        int64_t n_tensors
        int64_t begin_tensor
        int64_t end_tensor
        int64_t n
        int64_t stride
        int64_t t
        double norm

    ctypedef int32_t (*nnc_optimizer_function)(const nnc_optimizer_call *call) noexcept nogil

    ctypedef struct nnc_optimizer:
        nnc_head head
        nnc_optimizer_function step_f32
        nnc_optimizer_function step_f64
        nnc_optimizer_function perturb_f32
        nnc_optimizer_function perturb_f64
        nnc_optimizer_function before_step_f32
        nnc_optimizer_function before_step_f64
        nnc_optimizer_function after_step_f32
        nnc_optimizer_function after_step_f64

    ctypedef struct nnc_regularizer_call:
        uint64_t struct_size
        const nnc_site *site
        const void *w
        void *g
        double *value
        int64_t n_rows
        int64_t n_columns
        int64_t stride
        int64_t first_row
        int64_t first_column
        int64_t tensor_rows
        int64_t tensor_columns

    ctypedef int32_t (*nnc_regularizer_function)(const nnc_regularizer_call *call) noexcept nogil

    ctypedef struct nnc_regularizer:
        nnc_head head
        nnc_regularizer_function value_f32
        nnc_regularizer_function value_f64
        nnc_regularizer_function add_gradient_f32
        nnc_regularizer_function add_gradient_f64

    ctypedef struct nnc_constraint_call:
        uint64_t struct_size
        const nnc_site *site
        void *w
        int64_t n_rows
        int64_t n_columns
        int64_t stride
        int64_t first_row
        int64_t first_column
        int64_t tensor_rows
        int64_t tensor_columns
        double rate

    ctypedef int32_t (*nnc_constraint_function)(const nnc_constraint_call *call) noexcept nogil

    ctypedef struct nnc_constraint:
        nnc_head head
        nnc_constraint_function project_f32
        nnc_constraint_function project_f64

    ctypedef struct nnc_batch_sums:
        double *own
        const double *other
        int64_t other_rows
    ctypedef struct nnc_touched:
        int64_t tensor
        uint64_t *rows
        uint64_t *filled
        int64_t *before
    ctypedef struct nnc_sparse_rows:
        uint64_t struct_size
        const int64_t *begins
        const int64_t *ends
        const int32_t *columns
        const void *values
        const int32_t *sorted_columns
        const int32_t *sorted_rows
        const void *sorted_values
        int64_t n_sorted

    ctypedef struct nnc_layer_call:
        uint64_t struct_size
        const nnc_site *site
        const void *x
        void *y
        const void *d_y
        void *d_x
        const void *parameters
        const void *const *tensors
        void *d_parameters
        void *const *d_tensors
        void *buffers
        void *cache
        int64_t n_tensors
        int64_t n_rows
        int64_t n_inputs
        int64_t n_outputs
        int64_t first_row
        int64_t batch_rows
        int64_t begin_column
        int64_t end_column
        int64_t begin_parameter
        int64_t end_parameter
        const nnc_activation *activation
        const nnc_batch_sums *sums
        const nnc_touched *touched
        const nnc_sparse_rows *sparse

    ctypedef int32_t (*nnc_layer_function)(const nnc_layer_call *call) noexcept nogil

    ctypedef struct nnc_layer:
        nnc_head head
        nnc_layer_function forward_f32
        nnc_layer_function forward_f64
        nnc_layer_function backward_f32
        nnc_layer_function backward_f64
        nnc_layer_function gradient_f32
        nnc_layer_function gradient_f64
        nnc_layer_function forward_sums_f32
        nnc_layer_function forward_sums_f64
        nnc_layer_function backward_sums_f32
        nnc_layer_function backward_sums_f64
        nnc_layer_function join_sums_f32
        nnc_layer_function join_sums_f64
        nnc_layer_function touch_f32
        nnc_layer_function touch_f64
        nnc_layer_function touched_gradient_f32
        nnc_layer_function touched_gradient_f64

    ctypedef struct nnc_transform_call:
        uint64_t struct_size
        const nnc_site *site
        const void *source
        const void *source_target
        const void *source_weight
        void *target
        void *weight
        void *x
        const uint8_t *columns
        int64_t n_rows
        int64_t n_inputs
        int64_t n_targets
        int64_t first_row
        int64_t batch_rows

    ctypedef int32_t (*nnc_transform_function)(const nnc_transform_call *call) noexcept nogil

    ctypedef struct nnc_transform:
        nnc_head head
        nnc_transform_function apply_f32
        nnc_transform_function apply_f64
