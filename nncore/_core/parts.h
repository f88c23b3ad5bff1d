/* How rows and parameters are shared out, to threads and to the processes that train together. */
#ifndef NNCORE_PARTS_H
#define NNCORE_PARTS_H

#include "runner.h"

/* Where part `part` of n things begins, at a multiple of `unit`; part n_parts begins at n. */
static inline int64_t share(int64_t n, int64_t unit, int32_t part, int32_t n_parts) {
    return part == n_parts ? n : n * part / n_parts / unit * unit;
}

/* Where a part of the parameters begin .. end - 1 begins: at about an equal share, where a gradient function can begin. */
static inline int64_t begin_parameter(const nnc_program *program, int64_t begin, int64_t end, int32_t part, int32_t n_parts) {
    int64_t place = begin + share(end - begin, 1, part, n_parts);
    for (int64_t i = 0; i < program->n_ops && part < n_parts; i++) {
        const nnc_op *op = &program->ops[i];
        int64_t inside = place - op->first_parameter;
        if (inside >= 0 && inside < op->n_parameters && op->gradient_unit > 0) return place - inside % op->gradient_unit;
    }
    return place;
}

#endif
