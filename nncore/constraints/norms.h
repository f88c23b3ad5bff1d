/* Scales the weights of each unit to a norm. Units are the columns of a part that has all rows, or the rows of a part that has all
 * columns. A template: include after float32.h or float64.h. */

/* The factor for the weights of a unit whose squares add up to `squares`. A unit of zeros has no direction, and keeps its weights. */
NNC_INLINE double F(unit_factor)(double squares, double limit, int at_most) {
    double norm = sqrt(squares);
    return at_most ? (norm > limit ? limit / norm : 1) : (norm > 0 ? limit / norm : 1);
}

#define FEW_COLUMNS 64

/* Sets norms over the rows (axis 0) or over the columns (axis 1) to `limit`, or limits them to it if `at_most`. */
static void F(scale_units)(const nnc_constraint_call *call, int axis, double limit, int at_most) {
    if (axis == 1) {
        for (int64_t i = 0; i < call->n_rows; i++) {
            T *w = (T *)call->w + i * call->stride;
            double sums[8] = {0}; /* eight partial sums, so that it vectorises; their number affects the bits */
            int64_t j = 0;
            for (; j + 8 <= call->n_columns; j += 8)
                for (int64_t lane = 0; lane < 8; lane++) sums[lane] += (double)w[j + lane] * (double)w[j + lane];
            for (; j < call->n_columns; j++) sums[0] += (double)w[j] * (double)w[j];
            for (int64_t lane = 1; lane < 8; lane++) sums[0] += sums[lane];
            double factor = F(unit_factor)(sums[0], limit, at_most);
            for (j = 0; j < call->n_columns; j++) w[j] = (T)((double)w[j] * factor);
        }
        return;
    }
    for (int64_t first = 0; first < call->n_columns; first += FEW_COLUMNS) {
        int64_t n = nnc_least(call->n_columns - first, FEW_COLUMNS);
        double factors[FEW_COLUMNS] = {0}; /* sums of squares at first */
        T *begin = (T *)call->w + first;
        for (int64_t i = 0; i < call->n_rows; i++)
            for (int64_t j = 0; j < n; j++) factors[j] += (double)begin[i * call->stride + j] * (double)begin[i * call->stride + j];
        for (int64_t j = 0; j < n; j++) factors[j] = F(unit_factor)(factors[j], limit, at_most);
        for (int64_t i = 0; i < call->n_rows; i++)
            for (int64_t j = 0; j < n; j++) begin[i * call->stride + j] = (T)((double)begin[i * call->stride + j] * factors[j]);
    }
}

#undef FEW_COLUMNS
