/* How rows and parameters are shared out, to threads and to the processes that train together. */
#ifndef NNCORE_PARTS_H
#define NNCORE_PARTS_H

#include "runner.h"

/* Where part `part` of n things begins, at a multiple of `unit`; part n_parts begins at n. */
static inline int64_t share(int64_t n, int64_t unit, int32_t part, int32_t n_parts) {
    return part == n_parts ? n : n * part / n_parts / unit * unit;
}

/* The last place up to `place` where gradients of an op, or of none, can be cut: between rows of tensors that are stepped on by rows, and
 * where a gradient function can begin. */
static inline int64_t cut(const nnc_op *op, int64_t place) {
    for (int64_t k = 0; k < op->n_sparse; k++) {
        int64_t inside = place - op->sparse[k].offset;
        if (inside > 0 && inside < op->sparse[k].rows * op->sparse[k].columns) return place - inside % op->sparse[k].columns;
    }
    int64_t inside = place - op->first_parameter;
    return inside >= 0 && inside < op->n_parameters && op->gradient_unit > 0 ? place - inside % op->gradient_unit : place;
}

/* Where a part of the parameters begin .. end - 1 begins: at about an equal share, where gradients can be cut. */
static inline int64_t begin_parameter(const nnc_program *program, int64_t begin, int64_t end, int32_t part, int32_t n_parts) {
    int64_t place = begin + share(end - begin, 1, part, n_parts);
    for (int64_t i = 0; i < program->n_ops && part < n_parts; i++) {
        int64_t at = cut(&program->ops[i], place);
        if (at < place) return at;
    }
    return place;
}

/* Whether the losses of a batch are taken of all rows at once. */
static inline int loss_is_whole(const nnc_program *program) { return program->loss == NULL || program->loss_needs_batch; }

/* Leaves of the tree that one process sums, where the sums of a batch are taken by shards (shards.h): the least power of two of them that leaves
 * no more branches than there are processes. */
static inline int32_t leaves_of_branch(const nnc_program *program, int32_t n_ranks) {
    int32_t n = 1;
    while ((program->n_shards + n - 1) / n > n_ranks) n *= 2;
    return n;
}

/* The first leaf of a process; that of one which has none is behind the last. */
static inline int32_t begin_leaf(const nnc_program *program, int32_t rank, int32_t n_ranks) {
    int64_t leaf = (int64_t)rank * leaves_of_branch(program, n_ranks);
    return leaf < program->n_shards ? (int32_t)leaf : program->n_shards;
}

/* The first of n rows of a batch that is a process's. */
static inline int64_t begin_row(const nnc_program *program, int64_t n, int32_t rank, int32_t n_ranks) {
    if (program->n_shards == 1) return share(n, 1, rank, n_ranks);
    return share(n, 1, begin_leaf(program, rank, n_ranks), program->n_shards);
}

#endif
