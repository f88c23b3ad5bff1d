/* How rows and parameters are split over threads, and over the processes that train together. */
#ifndef NNCORE_PARTS_H
#define NNCORE_PARTS_H

#include "runner.h"

/* Where part `part` of n things begins, at a multiple of `unit`; part n_parts begins at n. */
static inline int64_t share(int64_t n, int64_t unit, int32_t part, int32_t n_parts) {
    return part == n_parts ? n : n * part / n_parts / unit * unit;
}

/* The rows of an op that n rows of the batch are. Nearly always as many, and a division takes as long as a small op. */
static inline int64_t rows_of(const nnc_op *op, int64_t n) { return __builtin_expect(op->n_together > 1, 0) ? n / op->n_together : n; }

/* The last place up to `place` where the gradients of an op can be split: between rows of tensors with sparse gradients, and at
 * multiples of its gradient unit. A place outside of the op is not changed. */
static inline int64_t cut(const nnc_op *op, int64_t place) {
    for (int64_t k = 0; k < op->n_sparse; k++) {
        int64_t inside = place - op->sparse[k].offset;
        if (inside > 0 && inside < op->sparse[k].rows * op->sparse[k].columns) return place - inside % op->sparse[k].columns;
    }
    int64_t inside = place - op->first_parameter;
    return inside >= 0 && inside < op->n_parameters && op->gradient_unit > 0 ? place - inside % op->gradient_unit : place;
}

/* The first parameter of a part of parameters begin .. end - 1: about an equal share, at a place where gradients can be split. */
static inline int64_t begin_parameter(const nnc_program *program, int64_t begin, int64_t end, int32_t part, int32_t n_parts) {
    int64_t place = begin + share(end - begin, 1, part, n_parts);
    for (int64_t i = 0; i < program->n_ops && part < n_parts; i++) {
        int64_t at = cut(&program->ops[i], place);
        if (at < place) return at;
    }
    return place;
}

/* Whether the loss is called with all rows of a batch at once. */
static inline int loss_is_whole(const nnc_program *program) { return program->loss == NULL || program->loss_needs_batch; }

/* Leaves of the tree of shards (shards.h) that one process sums: the smallest power of two that leaves no more branches than processes. */
static inline int32_t leaves_of_branch(const nnc_program *program, int32_t n_ranks) {
    int32_t n = 1;
    while ((program->n_shards + n - 1) / n > n_ranks) n *= 2;
    return n;
}

/* The first leaf of a process. If it has none, this is behind the last leaf. */
static inline int32_t begin_leaf(const nnc_program *program, int32_t rank, int32_t n_ranks) {
    int64_t leaf = (int64_t)rank * leaves_of_branch(program, n_ranks);
    return leaf < program->n_shards ? (int32_t)leaf : program->n_shards;
}

/* The first row of a process, of the n rows of a batch. */
static inline int64_t begin_row(const nnc_program *program, int64_t n, int32_t rank, int32_t n_ranks) {
    if (program->n_shards == 1) return share(n, program->n_together, rank, n_ranks);
    return share(n, program->n_together, begin_leaf(program, rank, n_ranks), program->n_shards);
}

#endif
