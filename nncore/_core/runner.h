/* Runs a compiled network: an array of ops over a few flat buffers, whole slices of an epoch without Python.
 * It knows no component; it calls the tables it is handed, or, for what has no compiled form, one callback into Python. */
#ifndef NNCORE_RUNNER_H
#define NNCORE_RUNNER_H

#include "nncore/plugin.h"

/* What a runner function returns: 0, or what stopped it. */
enum {
    NNC_OK = 0,
    NNC_KERNEL_FAILED = 1,       /* a table's function returned nonzero; failed_op says whose */
    NNC_LOSS_NOT_FINITE = 2,     /* nothing was updated */
    NNC_GRADIENT_NOT_FINITE = 3, /* nothing was updated */
    NNC_PYTHON_RAISED = 4,       /* the callback left an exception */
};

/* What the callback into Python is asked to do. */
enum { NNC_FORWARD = 0, NNC_BACKWARD = 1, NNC_LOSS = 2, NNC_LOSS_GRADIENT = 3, NNC_UPDATE = 4 };

enum { NNC_OP_LAYER = 0, NNC_OP_ACTIVATION = 1, NNC_OP_PYTHON = 2 };

/* failed_op values beside the ops' own numbers */
enum { NNC_IS_LOSS = -1, NNC_IS_OPTIMIZER = -2 };

typedef struct nnc_op {
    int32_t kind;
    const nnc_layer *layer;           /* NNC_OP_LAYER */
    const nnc_activation *activation; /* NNC_OP_ACTIVATION: z is call.x, a is call.y, d_a is call.d_y, d_z is call.d_x */
    nnc_layer_call call;
} nnc_op;

typedef int32_t (*nnc_python_callback)(void *context, int32_t what, int64_t op, int64_t n_rows);

typedef struct nnc_program {
    int32_t is_f64;
    nnc_op *ops; /* (n_ops,) in forward order */
    int64_t n_ops;
    int64_t first_trained_op; /* backward stops here */
    int64_t n_inputs, n_outputs, n_targets;
    int64_t max_rows;

    /* One batch. */
    void *input;    /* (max_rows, n_inputs) rows are gathered here unless they already lie in order */
    void *output;   /* (max_rows, n_outputs) of the last op */
    void *d_output; /* (max_rows, n_outputs) */
    void *target;   /* (max_rows, n_targets) */
    int64_t *labels; /* (max_rows,) */
    int32_t use_labels; /* which of the two the loss compares with */
    void *weight;   /* (max_rows,) sums to 1 over the batch */
    void *losses;   /* (max_rows,) per sample */

    const nnc_loss *loss; /* NULL: in Python */
    const double *loss_hyper;

    /* Flat vectors of the whole network. */
    void *parameters; /* (n_parameters,) */
    void *gradients;  /* (n_parameters,) */
    void *state;      /* (n_slots, n_parameters) */
    int64_t n_parameters;
    const nnc_tensor *tensors; /* (n_tensors,) */
    int64_t n_tensors;
    const nnc_optimizer *optimizer; /* NULL: in Python */
    double *optimizer_hyper; /* the first is the learning rate */
    double weight_decay; /* lambda of 1/2 lambda sum W^2 over tensors of role weight */

    uint64_t seed;
    int64_t step; /* updates done so far */

    nnc_python_callback python;
    void *python_context;
    uint64_t caller_float_mode; /* of the processor, before the run */
    int64_t failed_op; /* set when a status is not NNC_OK */
} nnc_program;

/* Samples to train on. */
typedef struct nnc_samples {
    const void *inputs;     /* (n, n_inputs) */
    const void *targets;    /* (n, n_targets) or NULL */
    const int64_t *labels;  /* (n,) or NULL */
    const void *weights;    /* (n,) or NULL for 1 each */
    const int64_t *order;   /* (n_samples,) rows to visit, or NULL for 0, 1, 2, ... */
    const double *rates;    /* learning rate for each batch, or NULL for the optimizer's own */
    int64_t n_samples;      /* how many to visit */
} nnc_samples;

/* Progress of a slice; sums over the samples done. */
typedef struct nnc_progress {
    int64_t n_done;      /* samples visited so far, moved on by every batch */
    double loss_sum;     /* sum of sample weight times loss (penalty included) */
    double weight_sum;
} nnc_progress;

/* Forward through all ops for the n_rows at x. */
int32_t nnc_forward(nnc_program *program, const void *x, int64_t n_rows, int32_t training);

/* Loss of the last forward against the batch's target and weight: value = sum of weight * loss. with_gradient also fills d_output. */
int32_t nnc_loss_value(nnc_program *program, int64_t n_rows, int32_t with_gradient, double *value);

/* Gradients of all parameters from d_output, L2 penalty included; its value is added to *value. */
int32_t nnc_backward(nnc_program *program, int64_t n_rows, double *value);

/* One update of the parameters; refuses gradients that are not finite. */
int32_t nnc_update(nnc_program *program);

/* Trains batch after batch until the samples are used up or `seconds` have passed. An incomplete last batch is trained on unless
 * drop_last is set. */
int32_t nnc_train(nnc_program *program, const nnc_samples *samples, int64_t batch_size, int32_t drop_last, double seconds,
                  nnc_progress *progress);

/* Sums losses over samples without training, and keeps the outputs (n_samples, n_outputs); stops like nnc_train. */
int32_t nnc_evaluate(nnc_program *program, const nnc_samples *samples, void *outputs, double seconds, nnc_progress *progress);

/* Outputs (n_rows, n_outputs) for inputs (n_rows, n_inputs), max_rows at a time. */
int32_t nnc_predict(nnc_program *program, const void *inputs, int64_t n_rows, void *outputs);

/* Whether all n numbers are finite. */
int32_t nnc_all_finite_f32(const float *values, int64_t n);
int32_t nnc_all_finite_f64(const double *values, int64_t n);

#endif
