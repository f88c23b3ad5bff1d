/* The averaging weight of schedule-free optimizers. */

/* lr^2 of step t over the sum of lr^2 of steps 1 to t, where lr rises linearly for `warmup` steps. */
static double weight_of_newest(double t, double warmup) {
    if (t <= warmup) return 6 * t / ((t + 1) * (2 * t + 1));
    double of_warmup = warmup > 0 ? (warmup + 1) * (2 * warmup + 1) / (6 * warmup) : 0;
    return 1 / (of_warmup + t - warmup);
}
