/* The loop of MSE and half MSE. A template: include after float32.h or float64.h.
 *
 * loss = sum_j (y_j - Y_j)^2 / divisor; d_y = 2 (y - Y) / divisor. Arguments have the shapes of those in `nnc_loss_call`. */
static int32_t F(squared_error)(const T *output, const T *target, const T *weight, T *loss, T *d_output, int64_t n_rows, int64_t n_outputs,
                                T divisor) {
    for (int64_t row = 0; row < n_rows; row++) {
        const T *y = output + row * n_outputs, *Y = target + row * n_outputs;
        T sum = 0;
        for (int64_t j = 0; j < n_outputs; j++) sum += (y[j] - Y[j]) * (y[j] - Y[j]);
        loss[row] = sum / divisor;
        if (d_output == NULL) continue;
        T *d_y = d_output + row * n_outputs;
        T factor = weight[row] * 2 / divisor;
        for (int64_t j = 0; j < n_outputs; j++) d_y[j] = factor * (y[j] - Y[j]);
    }
    return 0;
}
