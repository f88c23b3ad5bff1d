/* The update of Adam and of optimizers that derive from it. A template: include after float32.h or float64.h, with <tgmath.h> before. */

/* 1 - beta^t. After 40 / (1 - beta) steps the power is too small to matter, and it is 1. */
static double F(without_power)(double beta, int64_t t) { return (1 - beta) * (double)t > 40 ? 1 : 1 - pow(beta, (double)t); }

/* Updates m and v by g, and then w = keep w - m_scale m / (sqrt(v_scale v + inside) + outside). */
static inline void F(adam_update)(T *w, const T *g, T *m, T *v, int64_t n, double beta1, double beta2, double m_scale, double v_scale,
                                  double inside, double outside, double keep) {
    T of_m = (T)m_scale, of_v = (T)v_scale, b1 = (T)beta1, b2 = (T)beta2, rest1 = (T)(1 - beta1), rest2 = (T)(1 - beta2);
    T epsilon_inside = (T)inside, epsilon_outside = (T)outside, kept = (T)keep;
#pragma GCC unroll 2
    for (int64_t i = 0; i < n; i++) {
        m[i] = F(nnc_fma)(b1, m[i], rest1 * g[i]);
        v[i] = F(nnc_fma)(b2, v[i], rest2 * g[i] * g[i]);
        w[i] = F(nnc_fma)(kept, w[i], -(of_m * m[i]) / (sqrt(F(nnc_fma)(of_v, v[i], epsilon_inside)) + epsilon_outside));
    }
}

/* One step of Adam. w is first multiplied by `keep`. One of the two epsilons is 0: `inside` is added under the root, `outside` to it. */
static inline void F(adam_pass)(T *w, const T *g, T *m, T *v, int64_t n, int64_t t, double lr, double beta1, double beta2, double inside,
                                double outside, double keep) {
    /* In double: in float32 the bias corrections lose all digits where beta2 is close to 1. */
    F(adam_update)(w, g, m, v, n, beta1, beta2, lr / F(without_power)(beta1, t), 1 / F(without_power)(beta2, t), inside, outside, keep);
}

/* The same for AMSGrad, with `top`, the highest v so far, in place of v. */
static inline void F(adam_pass_of_highest)(T *w, const T *g, T *m, T *v, T *top, int64_t n, int64_t t, double lr, double beta1,
                                           double beta2, double inside, double outside, double keep) {
    T of_m = (T)(lr / F(without_power)(beta1, t)), of_v = (T)(1 / F(without_power)(beta2, t));
    T b1 = (T)beta1, b2 = (T)beta2, rest1 = (T)(1 - beta1), rest2 = (T)(1 - beta2);
    T epsilon_inside = (T)inside, epsilon_outside = (T)outside, kept = (T)keep;
    for (int64_t i = 0; i < n; i++) {
        m[i] = F(nnc_fma)(b1, m[i], rest1 * g[i]);
        v[i] = F(nnc_fma)(b2, v[i], rest2 * g[i] * g[i]);
        top[i] = top[i] > v[i] ? top[i] : v[i];
        w[i] = F(nnc_fma)(kept, w[i], -(of_m * m[i]) / (sqrt(F(nnc_fma)(of_v, top[i], epsilon_inside)) + epsilon_outside));
    }
}
