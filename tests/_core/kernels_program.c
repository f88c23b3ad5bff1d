/* The kernels of every CPU level that this machine runs, without Python: against plain loops and the C library, and float32 against float64.
 * Compiled by tools/cross_compile.py, for systems on which the tests in Python cannot be run. Prints how many results were looked at at each
 * level and how many of them were wrong. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cpu.h"
#include "nncore/plugin.h"
#include "threads.h"

#define COMPONENT(kind, name, level) extern const nnc_##kind nnc_##kind##_##name##_##level;
#define LEVEL(level) COMPONENTS(level)
#include "native_list.h"
LEVELS
#undef COMPONENT
#undef LEVEL

enum { ROWS = 37, COLUMNS = 29, INPUTS = 83, PARAMETERS = (INPUTS + 1) * COLUMNS, T = 3 };

static int64_t n_results, n_wrong;

static void compare(const char *what, double found, double expected, double tolerance) {
    n_results++;
    if (fabs(found - expected) <= tolerance * (1 + fabs(expected))) return;
    if (n_wrong++ < 10) printf("%s: %.9g instead of %.9g\n", what, found, expected);
}

/* Numbers between -4 and 4. */
static void fill(float *f32, double *f64, int64_t n, uint64_t seed) {
    for (int64_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        f64[i] = f32[i] = (float)((double)(seed >> 40) / (1 << 21) - 4);
    }
}

static void check_activation(const char *name, const nnc_activation *table) {
    static float z[ROWS * COLUMNS], a[ROWS * COLUMNS], d[ROWS * COLUMNS];
    static double z64[ROWS * COLUMNS], a64[ROWS * COLUMNS], d64[ROWS * COLUMNS];
    const double hyper[] = {COLUMNS}; /* for softmax_heads the width of its only head, for others a slope or the like */
    fill(z, z64, ROWS * COLUMNS, 1);
    fill(d, d64, ROWS * COLUMNS, 2);
    const nnc_site site = {.struct_size = sizeof site, .hyper = hyper};
    const nnc_activation_call call = {sizeof call, &site, z, a, d, d, ROWS, COLUMNS};
    const nnc_activation_call call64 = {sizeof call64, &site, z64, a64, d64, d64, ROWS, COLUMNS};
    int failed = table->forward_f32(&call) | table->forward_f64(&call64);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        compare(name, a[i], a64[i], 1e-5);
        if (strcmp(name, "tanh") == 0) compare(name, a[i], tanh(z64[i]), 1e-6);
        if (strcmp(name, "sigmoid") == 0) compare(name, a64[i], 1 / (1 + exp(-z64[i])), 1e-14);
        if (strcmp(name, "exp") == 0) compare(name, a64[i], exp(z64[i]), 1e-14);
    }
    compare(name, failed, 0, 0);
    failed = table->backward_f32(&call);
    compare(name, table->backward_f64(&call64), failed, 0);
    for (int i = 0; i < ROWS * COLUMNS && !failed; i++) /* steps have no derivative, and say so */
        compare(name, d[i], d64[i], 1e-3);              /* what cancels in float32 does not in float64 */
}

static void check_dense(const nnc_layer *table) {
    static float x[ROWS * INPUTS], w[PARAMETERS], y[ROWS * COLUMNS], d_y[ROWS * COLUMNS], d_x[ROWS * INPUTS], d_w[PARAMETERS];
    static double x64[ROWS * INPUTS], w64[PARAMETERS], d_y64[ROWS * COLUMNS];
    const double hyper[] = {1};
    fill(x, x64, ROWS * INPUTS, 3);
    fill(w, w64, PARAMETERS, 4);
    fill(d_y, d_y64, ROWS * COLUMNS, 5);
    const nnc_site site = {.struct_size = sizeof site, .hyper = hyper, .training = 1};
    nnc_layer_call call = {.struct_size = sizeof call,
                           .site = &site,
                           .x = x,
                           .y = y,
                           .d_y = d_y,
                           .d_x = d_x,
                           .parameters = w,
                           .d_parameters = d_w,
                           .n_rows = ROWS,
                           .n_inputs = INPUTS,
                           .n_outputs = COLUMNS,
                           .end_column = COLUMNS,
                           .end_parameter = PARAMETERS};
    int failed = table->forward_f32(&call);
    call.end_column = INPUTS;
    failed |= table->backward_f32(&call) | table->gradient_f32(&call);
    compare("dense", failed, 0, 0);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++) {
            double sum = w64[INPUTS * COLUMNS + j];
            for (int k = 0; k < INPUTS; k++) sum += x64[i * INPUTS + k] * w64[k * COLUMNS + j];
            compare("dense forward", y[i * COLUMNS + j], sum, 1e-4);
        }
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < INPUTS; k++) {
            double sum = 0;
            for (int j = 0; j < COLUMNS; j++) sum += d_y64[i * COLUMNS + j] * w64[k * COLUMNS + j];
            compare("dense backward", d_x[i * INPUTS + k], sum, 1e-4);
        }
    for (int k = 0; k <= INPUTS; k++)
        for (int j = 0; j < COLUMNS; j++) {
            double sum = 0;
            for (int i = 0; i < ROWS; i++) sum += (k < INPUTS ? x64[i * INPUTS + k] : 1) * d_y64[i * COLUMNS + j];
            compare("dense gradient", d_w[k * COLUMNS + j], sum, 1e-4);
        }
}

static void check_optimizer(const char *name, const nnc_optimizer *table) {
    static float w[PARAMETERS], g[PARAMETERS], state[3 * PARAMETERS];
    static double w64[PARAMETERS], g64[PARAMETERS], state64[3 * PARAMETERS];
    const double hyper[] = {0.01, 0.9, 0.99, 1e-6, 0.01, 0, 0, 0, 0, 0, 0, 0};
    if (table->step_f32 == NULL) return; /* it has functions around the step of another one */
    const char *of_tensors[] = {"block_coordinate", "adafactor", "lamb", "muon"};
    for (size_t i = 0; i < sizeof of_tensors / sizeof *of_tensors; i++)
        if (strcmp(name, of_tensors[i]) == 0) return;
    const nnc_site site = {.struct_size = sizeof site, .hyper = hyper, .training = 1};
    nnc_optimizer_call call = {
        .struct_size = sizeof call, .site = &site, .w = w, .g = g, .state = state, .n = PARAMETERS, .stride = PARAMETERS};
    nnc_optimizer_call call64 = {
        .struct_size = sizeof call, .site = &site, .w = w64, .g = g64, .state = state64, .n = PARAMETERS, .stride = PARAMETERS};
    fill(w, w64, PARAMETERS, 6);
    fill(g, g64, PARAMETERS, 7);
    memset(state, 0, sizeof state);
    memset(state64, 0, sizeof state64);
    for (int t = 1; t <= T; t++) {
        call.t = call64.t = t;
        int failed = table->step_f32(&call);
        compare(name, failed | table->step_f64(&call64), 0, 0);
    }
    for (int i = 0; i < PARAMETERS; i++) compare(name, w[i], w64[i], 1e-4);
}

/* Called for each table; only those of the kinds above are looked at. */
#define check_table_activation(name, table) check_activation(name, table)
#define check_table_optimizer(name, table) check_optimizer(name, table)
#define check_table_layer(name, table) \
    if (strcmp(name, "dense") == 0) check_dense(table)
#define check_table_loss(name, table) (void)(table)
#define check_table_regularizer(name, table) (void)(table)
#define check_table_constraint(name, table) (void)(table)
#define check_table_transform(name, table) (void)(table)
#define check_table_metric(name, table) (void)(table)

int main(void) {
    int64_t all_wrong = 0;
    double begin = nnc_now();
#define COMPONENT(kind, name, level) check_table_##kind(#name, &nnc_##kind##_##name##_##level);
#define LEVEL(level)                                                                                \
    if (nnc_machine_can_run(#level)) {                                                              \
        n_results = n_wrong = 0;                                                                    \
        COMPONENTS(level)                                                                           \
        printf("%s: %lld results, %lld wrong\n", #level, (long long)n_results, (long long)n_wrong); \
        all_wrong += n_wrong;                                                                       \
    }
    LEVELS
    if (nnc_now() < begin || nnc_bound_processors() < 0) all_wrong++;
    return all_wrong != 0;
}
