"""The perceptron algorithm's inner loop: one call is one pass over the samples, without the GIL."""

from libc.stdint cimport int64_t

import numpy as np

# Independent partial sums: one alone would wait for each addition to finish before it starts the next.
cdef enum:
    PARTIAL_SUMS = 8


cdef double dot(const double* a, const double* b, Py_ssize_t n) noexcept nogil:
    cdef double partial[PARTIAL_SUMS]
    cdef double total = 0
    cdef Py_ssize_t i = 0, k
    for k in range(PARTIAL_SUMS):
        partial[k] = 0
    while i + PARTIAL_SUMS <= n:
        for k in range(PARTIAL_SUMS):
            partial[k] += a[i + k] * b[i + k]
        i += PARTIAL_SUMS
    while i < n:
        total += a[i] * b[i]
        i += 1
    for k in range(PARTIAL_SUMS):
        total += partial[k]
    return total


cdef class PerceptronTrainer:
    """The weights during training, and the best ones so far (the pocket).

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64, C-contiguous
        Not copied, not written to.
    sign : ndarray of shape (n_samples,), float64
        Class of each sample, -1 or 1.
    weights : ndarray of shape (n_features + 1,), float64
        Initial weights, the bias last; updated in place.
    fit_intercept : bool
        False leaves the bias as it is.

    Attributes
    ----------
    best_weights : ndarray of shape (n_features + 1,)
        The weights with the fewest errors among those examined. Weights are examined at the end of each epoch, and after a longer run of
        correct samples than at the ratchet's last turn.
    best_errors : int
        Samples whose margin is not positive under `best_weights`; ``n_samples + 1`` before the first epoch.

    References
    ----------
    Gallant, "Perceptron-based learning algorithms", IEEE Transactions on Neural Networks 1(2), 1990.
    """

    cdef const double[:, ::1] X
    cdef const double[::1] sign
    cdef double[::1] weights, best
    cdef double bias_input
    cdef Py_ssize_t run, best_run
    cdef readonly object best_weights
    cdef readonly Py_ssize_t best_errors

    def __init__(self, const double[:, ::1] X not None, const double[::1] sign not None, double[::1] weights not None, bint fit_intercept):
        if sign.shape[0] != X.shape[0] or weights.shape[0] != X.shape[1] + 1:
            raise ValueError(f"X of shape ({X.shape[0]}, {X.shape[1]}) with {sign.shape[0]} signs and {weights.shape[0]} weights")
        for array in (X.base, sign.base, weights.base):
            if not array.flags.aligned:
                raise ValueError("an array does not begin at a multiple of 8 bytes, the size of its numbers: pass a copy")
        self.X = X
        self.sign = sign
        self.weights = weights
        self.bias_input = fit_intercept
        self.run = self.best_run = 0
        self.best_errors = X.shape[0] + 1
        self.best_weights = np.array(weights)
        self.best = self.best_weights

    cdef double margin(self, Py_ssize_t i) noexcept nogil:
        cdef Py_ssize_t n_features = self.X.shape[1]
        return self.sign[i] * (dot(&self.X[i, 0], &self.weights[0], n_features) + self.weights[n_features])

    cdef void update(self, Py_ssize_t i) noexcept nogil:
        cdef Py_ssize_t n_features = self.X.shape[1], j
        for j in range(n_features):
            self.weights[j] += self.sign[i] * self.X[i, j]
        self.weights[n_features] += self.sign[i] * self.bias_input

    cdef bint keep_if_better(self) noexcept nogil:
        """Keep the current weights if they make fewer errors than the pocket's. Counting stops as soon as they do not."""
        cdef Py_ssize_t n_errors = 0, i
        for i in range(self.X.shape[0]):
            if not self.margin(i) > 0:
                n_errors += 1
                if n_errors >= self.best_errors:
                    return False
        self.best_errors = n_errors
        self.best[:] = self.weights
        return True

    def epoch(self, const int64_t[::1] order not None, int64_t[::1] mistakes not None, double[::1] margins not None):
        """Visit the samples once and update on every mistake.

        Parameters
        ----------
        order : ndarray of shape (n_visits,), int64
            Samples in the order of their visits; trusted to lie in ``range(n_samples)``.
        mistakes, margins : ndarray of shape (n_visits,), int64 and float64
            Filled from the front with the sample and the margin of each mistake.

        Returns
        -------
        int
            Number of mistakes.
        """
        if mistakes.shape[0] < order.shape[0] or margins.shape[0] < order.shape[0]:
            raise ValueError(f"{order.shape[0]} visits need as much room for mistakes")
        cdef Py_ssize_t n_mistakes = 0, k
        cdef int64_t i
        cdef double margin
        with nogil:
            for k in range(order.shape[0]):
                i = order[k]
                margin = self.margin(i)
                if margin > 0:
                    self.run += 1
                    continue
                # Gallant's ratchet: only a longer run than the pocket's makes it worth counting all errors.
                if self.run > self.best_run and self.keep_if_better():
                    self.best_run = self.run
                self.run = 0
                mistakes[n_mistakes] = i
                margins[n_mistakes] = margin
                n_mistakes += 1
                self.update(i)
            self.keep_if_better()
        return n_mistakes
