/* The parts that touch numbers are a template over float and double; the rest picks one by program->is_f64. */
#ifndef T
#include "runner.h"

#include <math.h>
#include <string.h>
#include <time.h>

#if defined(__SSE2__)
#    include <immintrin.h>
#endif

/* Numbers too small for their exponent (subnormals) slow arithmetic a hundredfold and mean nothing to training: flushed to zero
 * while ops run; the caller's setting comes back afterwards. */
#if defined(__SSE2__)
static inline uint64_t float_mode(void) { return _mm_getcsr(); }
static inline void set_float_mode(uint64_t mode) { _mm_setcsr((unsigned)mode); }
#    define FLUSH 0x8040u
#elif defined(__aarch64__)
static inline uint64_t float_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
static inline void set_float_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#    define FLUSH (1u << 24)
#else
static inline uint64_t float_mode(void) { return 0; }
static inline void set_float_mode(uint64_t mode) { (void)mode; }
#    define FLUSH 0u
#endif

static inline void flush_subnormals(nnc_program *program) {
    program->caller_float_mode = float_mode();
    set_float_mode(program->caller_float_mode | FLUSH);
}

static double now(void) {
    struct timespec time;
    timespec_get(&time, TIME_UTC);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int32_t failed(nnc_program *program, int64_t op, int32_t status) {
    program->failed_op = op;
    return status;
}

static int32_t call_python(nnc_program *program, int32_t what, int64_t op, int64_t n_rows) {
    set_float_mode(program->caller_float_mode); /* Python code is the user's: it keeps its subnormals */
    int32_t status = program->python(program->python_context, what, op, n_rows);
    set_float_mode(program->caller_float_mode | FLUSH);
    return status == 0 ? NNC_OK : failed(program, op, NNC_PYTHON_RAISED);
}

#include "nncore/float32.h"
#include "runner.c"
#include "nncore/float64.h"
#include "runner.c"

#define PICK(function, ...) (program->is_f64 ? function##_f64(__VA_ARGS__) : function##_f32(__VA_ARGS__))

int32_t nnc_forward(nnc_program *program, const void *x, int64_t n_rows, int32_t training) {
    flush_subnormals(program);
    int32_t status = PICK(forward, program, x, n_rows, training);
    set_float_mode(program->caller_float_mode);
    return status;
}

int32_t nnc_loss_value(nnc_program *program, int64_t n_rows, int32_t with_gradient, double *value) {
    flush_subnormals(program);
    int32_t status = PICK(loss_value, program, n_rows, with_gradient, value);
    set_float_mode(program->caller_float_mode);
    return status;
}

int32_t nnc_backward(nnc_program *program, int64_t n_rows, double *value) {
    flush_subnormals(program);
    int32_t status = PICK(backward, program, n_rows, value);
    set_float_mode(program->caller_float_mode);
    return status;
}

int32_t nnc_update(nnc_program *program) {
    flush_subnormals(program);
    int32_t status = PICK(update, program);
    set_float_mode(program->caller_float_mode);
    return status;
}

int32_t nnc_train(nnc_program *program, const nnc_samples *samples, int64_t batch_size, int32_t drop_last, double seconds,
                  nnc_progress *progress) {
    flush_subnormals(program);
    int32_t status = PICK(train, program, samples, batch_size, drop_last, seconds, progress);
    set_float_mode(program->caller_float_mode);
    return status;
}

int32_t nnc_evaluate(nnc_program *program, const nnc_samples *samples, void *outputs, double seconds, nnc_progress *progress) {
    flush_subnormals(program);
    int32_t status = PICK(evaluate, program, samples, outputs, seconds, progress);
    set_float_mode(program->caller_float_mode);
    return status;
}

int32_t nnc_predict(nnc_program *program, const void *inputs, int64_t n_rows, void *outputs) {
    flush_subnormals(program);
    int32_t status = PICK(predict, program, inputs, n_rows, outputs);
    set_float_mode(program->caller_float_mode);
    return status;
}

#else

int32_t F(nnc_all_finite)(const T *values, int64_t n) {
    T lanes[16] = {0}; /* 0 * x is 0 for a finite x and NaN otherwise; sixteen sums so that it vectorises */
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int64_t lane = 0; lane < 16; lane++) lanes[lane] += 0 * values[i + lane];
    for (; i < n; i++) lanes[0] += 0 * values[i];
    for (int64_t lane = 1; lane < 16; lane++) lanes[0] += lanes[lane];
    return lanes[0] == 0;
}

static int32_t F(run_op)(nnc_program *program, int64_t number, int32_t what, int64_t n_rows) {
    nnc_op *op = &program->ops[number];
    nnc_layer_call *call = &op->call;
    int32_t status = 0;
    if (op->kind == NNC_OP_PYTHON) return call_python(program, what, number, n_rows);
    if (op->kind == NNC_OP_LAYER)
        status = (what == NNC_FORWARD ? op->layer->F(forward) : op->layer->F(backward))(call);
    else if (what == NNC_FORWARD)
        status = op->activation->F(forward)(call->x, call->y, n_rows, call->n_outputs, call->hyper);
    else
        status = op->activation->F(backward)(call->x, call->y, call->d_y, call->d_x, n_rows, call->n_outputs, call->hyper);
    return status == 0 ? NNC_OK : failed(program, number, NNC_KERNEL_FAILED);
}

static int32_t F(forward)(nnc_program *program, const void *x, int64_t n_rows, int32_t training) {
    if (program->ops[0].kind == NNC_OP_PYTHON && x != program->input) { /* Python sees the arrays it was given, not pointers */
        memcpy(program->input, x, (size_t)(n_rows * program->n_inputs) * sizeof(T));
        x = program->input;
    }
    for (int64_t i = 0; i < program->n_ops; i++) {
        nnc_layer_call *call = &program->ops[i].call;
        if (i == 0) call->x = x;
        call->n_rows = n_rows;
        call->seed = program->seed;
        call->step = program->step + 1;
        call->training = training;
        int32_t status = F(run_op)(program, i, NNC_FORWARD, n_rows);
        if (status != NNC_OK) return status;
    }
    return NNC_OK;
}

static int32_t F(loss_value)(nnc_program *program, int64_t n_rows, int32_t with_gradient, double *value) {
    const T *output = program->output, *weight = program->weight;
    T *losses = program->losses, *d_output = with_gradient ? program->d_output : NULL;
    if (program->loss == NULL) {
        int32_t status = call_python(program, with_gradient ? NNC_LOSS_GRADIENT : NNC_LOSS, NNC_IS_LOSS, n_rows);
        if (status != NNC_OK) return status;
    } else {
        int32_t status = program->use_labels
            ? program->loss->F(labels)(output, program->labels, weight, losses, d_output, n_rows, program->n_outputs, program->loss_hyper)
            : program->loss->F(real)(output, program->target, weight, losses, d_output, n_rows, program->n_outputs, program->n_targets,
                                     program->loss_hyper);
        if (status != 0) return failed(program, NNC_IS_LOSS, NNC_KERNEL_FAILED);
    }
    double sum = 0;
    for (int64_t i = 0; i < n_rows; i++) sum += (double)weight[i] * (double)losses[i];
    *value = sum;
    return isfinite(sum) ? NNC_OK : failed(program, NNC_IS_LOSS, NNC_LOSS_NOT_FINITE);
}

/* Adds 1/2 lambda sum W^2 to the value and lambda W to the gradient. */
static void F(add_penalty)(nnc_program *program, double *value) {
    T lambda = (T)program->weight_decay;
    for (int64_t i = 0; i < program->n_tensors; i++) {
        const nnc_tensor *tensor = &program->tensors[i];
        if (tensor->role != NNC_ROLE_WEIGHT) continue;
        const T *w = (const T *)program->parameters + tensor->offset; /* (n,) */
        T *g = (T *)program->gradients + tensor->offset;              /* (n,) */
        int64_t n = tensor->rows * tensor->columns, j = 0;
        double squares[8] = {0}; /* eight sums so that it vectorises */
        for (; j + 8 <= n; j += 8)
            for (int64_t lane = 0; lane < 8; lane++) {
                g[j + lane] += lambda * w[j + lane];
                squares[lane] += (double)w[j + lane] * (double)w[j + lane];
            }
        for (; j < n; j++) {
            g[j] += lambda * w[j];
            squares[0] += (double)w[j] * (double)w[j];
        }
        for (int64_t lane = 0; lane < 8; lane++) *value += 0.5 * program->weight_decay * squares[lane];
    }
}

static int32_t F(backward)(nnc_program *program, int64_t n_rows, double *value) {
    for (int64_t i = program->n_ops - 1; i >= program->first_trained_op; i--) {
        int32_t status = F(run_op)(program, i, NNC_BACKWARD, n_rows);
        if (status != NNC_OK) return status;
    }
    if (program->weight_decay != 0) F(add_penalty)(program, value);
    return NNC_OK;
}

static int32_t F(update)(nnc_program *program) {
    int64_t n = program->n_parameters, t = program->step + 1;
    const nnc_optimizer *optimizer = program->optimizer;
    if (!F(nnc_all_finite)(program->gradients, n)) return failed(program, NNC_IS_OPTIMIZER, NNC_GRADIENT_NOT_FINITE);
    if (optimizer == NULL) {
        int32_t status = call_python(program, NNC_UPDATE, NNC_IS_OPTIMIZER, 0);
        if (status != NNC_OK) return status;
    } else {
        int32_t status = optimizer->F(step) != NULL
            ? optimizer->F(step)(program->parameters, program->gradients, program->state, n, t, program->optimizer_hyper)
            : optimizer->F(step_tensors)(program->parameters, program->gradients, program->state, n, t, program->optimizer_hyper,
                                         program->tensors, program->n_tensors);
        if (status != 0) return failed(program, NNC_IS_OPTIMIZER, NNC_KERNEL_FAILED);
    }
    program->step = t;
    return NNC_OK;
}

/* Brings samples first .. first + n_rows - 1 of the visit into the program's batch buffers. Returns where the inputs lie;
 * *weight_sum is the sum of their weights before they are scaled to sum to 1. */
static const void *F(load_batch)(nnc_program *program, const nnc_samples *samples, int64_t first, int64_t n_rows, double *weight_sum) {
    int64_t n_inputs = program->n_inputs, n_targets = program->n_targets;
    const int64_t *order = samples->order;
    const T *inputs = samples->inputs, *targets = samples->targets, *weights = samples->weights;
    T *input = program->input, *target = program->target, *weight = program->weight;

    program->use_labels = samples->labels != NULL;
    double sum = 0;
    for (int64_t i = 0; i < n_rows; i++) {
        int64_t row = order != NULL ? order[first + i] : first + i;
        if (order != NULL) memcpy(input + i * n_inputs, inputs + row * n_inputs, (size_t)n_inputs * sizeof(T));
        if (program->use_labels)
            program->labels[i] = samples->labels[row];
        else
            memcpy(target + i * n_targets, targets + row * n_targets, (size_t)n_targets * sizeof(T));
        weight[i] = weights != NULL ? weights[row] : 1;
        sum += (double)weight[i];
    }
    T scale = sum > 0 ? (T)(1 / sum) : 0;
    for (int64_t i = 0; i < n_rows; i++) weight[i] *= scale;
    *weight_sum = sum;
    return order != NULL ? input : inputs + first * n_inputs;
}

static int32_t F(train)(nnc_program *program, const nnc_samples *samples, int64_t batch_size, int32_t drop_last, double seconds,
                        nnc_progress *progress) {
    double begin = now();
    int64_t steps = 0, look_at_clock = 1; /* a look costs as much as a small step: rarer once steps turn out short */
    while (progress->n_done < samples->n_samples) {
        int64_t left = samples->n_samples - progress->n_done, n_rows = left < batch_size ? left : batch_size;
        if (n_rows < batch_size && drop_last) {
            progress->n_done += n_rows;
            break;
        }
        double value = 0, weight_sum = 0;
        if (samples->rates != NULL) program->optimizer_hyper[0] = samples->rates[progress->n_done / batch_size];
        const void *x = F(load_batch)(program, samples, progress->n_done, n_rows, &weight_sum);
        int32_t status = F(forward)(program, x, n_rows, 1);
        if (status == NNC_OK) status = F(loss_value)(program, n_rows, 1, &value);
        if (status == NNC_OK) status = F(backward)(program, n_rows, &value);
        if (status == NNC_OK) status = F(update)(program);
        if (status != NNC_OK) return status;
        progress->n_done += n_rows;
        progress->loss_sum += value * weight_sum;
        progress->weight_sum += weight_sum;
        if (++steps == look_at_clock) {
            double elapsed = now() - begin;
            if (elapsed >= seconds || elapsed < 0) break;
            int64_t affordable = elapsed > 0 ? (int64_t)(0.1 * seconds / (elapsed / (double)steps)) : steps;
            look_at_clock = steps + (affordable < 1 ? 1 : affordable > steps ? steps : affordable);
        }
    }
    return NNC_OK;
}

static int32_t F(evaluate)(nnc_program *program, const nnc_samples *samples, void *outputs, double seconds,
                           nnc_progress *progress) {
    double begin = now();
    while (progress->n_done < samples->n_samples) {
        int64_t left = samples->n_samples - progress->n_done, n_rows = left < program->max_rows ? left : program->max_rows;
        double value = 0, weight_sum = 0;
        const void *x = F(load_batch)(program, samples, progress->n_done, n_rows, &weight_sum);
        int32_t status = F(forward)(program, x, n_rows, 0);
        if (status == NNC_OK) status = F(loss_value)(program, n_rows, 0, &value);
        if (status != NNC_OK && status != NNC_LOSS_NOT_FINITE) return status; /* an infinite loss is a fact worth reporting */
        memcpy((T *)outputs + progress->n_done * program->n_outputs, program->output, (size_t)(n_rows * program->n_outputs) * sizeof(T));
        progress->n_done += n_rows;
        progress->loss_sum += value * weight_sum;
        progress->weight_sum += weight_sum;
        if (now() - begin >= seconds) break;
    }
    return NNC_OK;
}

static int32_t F(predict)(nnc_program *program, const void *inputs, int64_t n_rows, void *outputs) {
    for (int64_t first = 0; first < n_rows; first += program->max_rows) {
        int64_t rows = n_rows - first < program->max_rows ? n_rows - first : program->max_rows;
        const T *x = (const T *)inputs + first * program->n_inputs;
        int32_t status = F(forward)(program, x, rows, 0);
        if (status != NNC_OK) return status;
        memcpy((T *)outputs + first * program->n_outputs, program->output, (size_t)(rows * program->n_outputs) * sizeof(T));
    }
    return NNC_OK;
}

#endif
