# runner.h for Cython: what program.pyx fills in and calls. Declarations only; nothing to link.

from libc.stdint cimport int32_t, int64_t, uint64_t

from nncore.abi cimport (
    nnc_activation, nnc_batch_sums, nnc_layer, nnc_layer_call, nnc_loss, nnc_loss_call, nnc_constraint, nnc_optimizer,
    nnc_regularizer, nnc_site, nnc_tensor, nnc_transform, nnc_transform_call,
)


cdef extern from "ranks.h" nogil:
    ctypedef struct nnc_strip:
        pass
    ctypedef struct nnc_ranks:
        int32_t rank, size, is_broken
        int32_t (*gather)(void *context, char *room, const int64_t *ends) noexcept nogil
        int32_t (*deal)(void *context, char *sent, const int64_t *sent_ends, char *received, const int64_t *received_ends) noexcept nogil
        void *context
        char *sums
        char *room
        nnc_strip *strips
        int64_t *begins
        int64_t *ends

cdef extern from "runner.h" nogil:
    enum:
        NNC_OK, NNC_LOSS_NOT_FINITE, NNC_GRADIENT_NOT_FINITE, NNC_PYTHON_RAISED, NNC_INPUT_NOT_FINITE
        NNC_RULE_NOT_FINITE, NNC_STEP_NOT_FINITE, NNC_NO_MEMORY, NNC_RANKS_APART
        NNC_FORWARD, NNC_BACKWARD, NNC_LOSS, NNC_LOSS_GRADIENT, NNC_UPDATE, NNC_RULE, NNC_TRANSFORM, NNC_PERTURB
        NNC_OP_LAYER, NNC_OP_ACTIVATION, NNC_OP_PYTHON, NNC_OP_SUM, NNC_OP_CONCAT, NNC_OP_FORK
        NNC_IS_LOSS, NNC_IS_OPTIMIZER
        NNC_ON_RANGES, NNC_ON_TENSORS, NNC_IN_PYTHON
        NNC_BLOCK, NNC_HIGHEST_TREE
    int64_t NNC_SITE(int64_t op)
    ctypedef struct nnc_branch:
        const void *y
        void *d_y
        int64_t n_columns
    ctypedef struct nnc_sparse:
        int64_t tensor, offset, rows, columns, group
        void *state
    ctypedef struct nnc_op:
        int32_t kind, runs_backward, is_trained, split_rows, split_columns
        const nnc_layer *layer
        const nnc_activation *activation
        int64_t rows_per_sample, n_together
        int32_t leaves_slope
        int64_t first_parameter, n_parameters, n_tied, gradient_unit, cache_per_row, work, work_per_row, block_rows
        void *rooms
        void *sums
        nnc_batch_sums batch_sums
        int64_t n_batch_sums
        double gradient_bound, gradient_terms
        int32_t spreads_nan
        const nnc_sparse *sparse
        int64_t n_sparse
        nnc_branch *branches
        int64_t n_branches
        nnc_layer_call call
    ctypedef struct nnc_transformer:
        const nnc_transform *table
        const int64_t *kept
        int64_t n_kept
        int32_t mixes_targets
        nnc_transform_call call
    ctypedef struct nnc_note:
        int64_t op
        int32_t status
        char *message  # (NNC_MESSAGE_BYTES,) in place
    ctypedef struct nnc_stretch:
        int64_t begin, end, group
        void *state
    ctypedef struct nnc_tie:
        int64_t op, place, offset, rows, columns
        int32_t transposed, is_copied, adds, is_trained
    ctypedef struct nnc_group:
        int64_t first_tensor, n_tensors, n_parameters, state_stride
        int32_t how, perturbs, is_lazy, skips_zero
        nnc_optimizer optimizer
        int64_t first_around, n_around, own_slots, own_arrays
    ctypedef struct nnc_around:
        nnc_optimizer table
        int64_t first_number, first_slot, array
    ctypedef struct nnc_rule:
        const nnc_regularizer *regularizer
        const nnc_constraint *constraint
        int64_t rows, columns, group
    ctypedef struct nnc_piece:
        int64_t rule, first_row, n_rows, first_column, n_columns, place, stride
    ctypedef struct nnc_rounds:
        const nnc_piece *pieces
        int64_t n_pieces
        const int64_t *ends
        int64_t n_rounds
    ctypedef struct nnc_undo:
        void *live
        void *kept
        int64_t n_bytes
        int32_t number_bytes
    ctypedef struct nnc_task:
        int32_t what
        int64_t op, n_columns
        int32_t shared
    ctypedef int32_t (*nnc_python_callback)(void *context, int32_t what, int64_t op, int64_t n_rows) noexcept nogil
    ctypedef struct nnc_program:
        int32_t is_f64
        nnc_op *ops
        int64_t n_ops
        int32_t python_reads_input
        int64_t n_inputs, n_outputs, n_targets, max_rows, slice_rows
        int32_t max_parts, accepts_nan
        int32_t is_sparse, sorts_inputs
        int64_t *begins
        int64_t *ends
        void *sorted
        nnc_task *tasks
        nnc_site *sites
        int64_t n_sites
        nnc_note *notes
        void *room
        int64_t room_bytes
        void *input
        void *output
        void *d_output
        void *target
        int64_t *labels
        int32_t use_labels
        void *weight
        void *losses
        int64_t n_members, n_together
        void *member_output
        void *member_d_output
        void *member_losses
        const nnc_transformer *transforms
        int64_t n_transforms
        int32_t mixes_targets
        void *gathered_input
        void *gathered_target
        void *gathered_weight
        const nnc_loss *loss
        int32_t loss_needs_batch
        nnc_loss_call loss_call
        void *parameters
        void *gradients
        int64_t n_parameters
        const nnc_tensor *tensors
        int64_t n_tensors
        const nnc_stretch *stretches
        int64_t n_stretches
        const nnc_tie *ties
        int64_t n_ties
        const nnc_group *groups
        int64_t n_groups
        const nnc_around *around
        double *optimizer_hyper
        int64_t n_hyper
        const double *decays
        double clip_norm, clip_value
        double *block_sums
        void *accumulated
        void *shadow
        void *average_rest
        double average_decay
        int64_t average_begin
        int32_t n_shards
        void *waiting
        int64_t waiting_size, piece_size
        void *tiles
        int64_t tile_size
        uint64_t *touched
        int64_t touched_size, touched_words
        void *anchor
        void *buffers
        void *kept_buffers
        int64_t n_buffers
        double gradient_norm
        const nnc_rule *rules
        int64_t n_rules
        nnc_rounds regularizers, constraints
        double *values
        const nnc_undo *undo
        int64_t n_undo, n_undo_buffers
        double safe_gradient
        int32_t is_careful
        int32_t rounds, has_rounded
        int32_t training
        uint64_t seed
        int64_t step, draw
        int64_t number_of_pass "pass"
        nnc_python_callback python
        void *python_context
        int64_t failed_op
        const int32_t *n_waiting
        const int32_t *stop
        nnc_ranks *ranks
    ctypedef struct nnc_course:
        double *place
        int64_t stride
        double base
        const double *factors
    ctypedef struct nnc_samples:
        const void *inputs
        const void *targets
        const int64_t *labels
        const double *weights
        const int64_t *order
        int64_t n_samples
        const nnc_course *courses
        int64_t n_courses
    ctypedef struct nnc_progress:
        int64_t n_done
        double loss_sum
        double weight_sum
    ctypedef struct nnc_runner:
        int32_t (*forward)(nnc_program *, const void *x, int64_t n_rows, int32_t training, int32_t n_threads) noexcept nogil
        int32_t (*loss_value)(nnc_program *, int64_t n_rows, int32_t with_gradient, double *value, int32_t n_threads) noexcept nogil
        int32_t (*backward)(nnc_program *, const void *x, int64_t n_rows, double *value, int32_t n_threads) noexcept nogil
        int32_t (*value_and_gradient)(nnc_program *, const void *x, int64_t n_rows, double *value, int32_t n_threads) noexcept nogil
        int32_t (*update)(nnc_program *, int32_t n_threads) noexcept nogil
        int32_t (*train)(nnc_program *, const nnc_samples *, int64_t batch_size, int64_t accumulate, int32_t drop_last, double seconds,
                         nnc_progress *, int32_t n_threads) noexcept nogil
        int32_t (*evaluate)(nnc_program *, const nnc_samples *, void *outputs, double seconds, nnc_progress *,
                            int32_t n_threads) noexcept nogil
        int32_t (*predict)(nnc_program *, const void *inputs, int64_t n_rows, void *outputs, int32_t n_threads) noexcept nogil
        int64_t (*agree)(nnc_ranks *, int64_t verdict) noexcept nogil
        void (*permute)(int64_t *order, int64_t n, uint64_t seed, uint64_t epoch) noexcept nogil
        int32_t (*all_finite_f32)(const float *values, int64_t n, int32_t allow_nan) noexcept nogil
        int32_t (*all_finite_f64)(const double *values, int64_t n, int32_t allow_nan) noexcept nogil
