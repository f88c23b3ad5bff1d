"""`Descent`: the vectors of a minimisation by L-BFGS. The work is done in kernels/lbfgs.c; this is its Python interface."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from nncore._core.compiled cimport address, given
from nncore._core.gil cimport give_gil_away, take_gil_back

import numpy as np

from nncore._core import native
from nncore.errors import ShapeError


cdef extern from "kernels/lbfgs.h":
    ctypedef struct nnc_descent:
        int64_t n
        double *point
        double *gradient
        double *origin
        double *origin_gradient
        double *direction
        int64_t capacity, n_kept, newest
        double *steps
        double *changes
        double *curvatures
        double *shares
    ctypedef struct nnc_lbfgs:
        double (*largest)(const nnc_descent *) noexcept nogil
        double (*aim)(nnc_descent *) noexcept nogil
        void (*go)(nnc_descent *, double step) noexcept nogil
        double (*slope)(const nnc_descent *) noexcept nogil
        double (*square)(const nnc_descent *) noexcept nogil
        void (*learn)(nnc_descent *, double step, double curvature) noexcept nogil


#: The functions of L-BFGS at the CPU level that was chosen when `native` was imported.
cdef const nnc_lbfgs *lbfgs = <const nnc_lbfgs *>PyCapsule_GetPointer(native.lbfgs, "nncore._core.lbfgs")

#: A rough estimate: seconds for one number of a few vectors that are in a cache.
cdef double SECONDS = 1e-9

_FLOAT64 = np.dtype(np.float64)


cdef class Descent:
    """The state of a minimisation: its point, its search direction, and its last steps.

    Parameters
    ----------
    point : ndarray of shape (n,), float64, C-contiguous
        Where the function is evaluated; moved in place.
    gradient : ndarray of shape (n,), float64, C-contiguous
        The gradient at the point, which the caller writes.
    capacity : int
        Number of steps that are stored.
    """

    cdef nnc_descent descent
    cdef object point, gradient, vectors, numbers  # kept alive

    def __init__(self, point, gradient, int64_t capacity):
        cdef nnc_descent *descent = &self.descent
        cdef double *vectors
        descent.point = <double *>given(point, _FLOAT64, 1, True, "point")
        descent.gradient = <double *>given(gradient, _FLOAT64, 1, True, "gradient")
        if len(gradient) != len(point) or capacity < 1:
            raise ShapeError(f"a point of {len(point)} numbers with a gradient of {len(gradient)}, and {capacity} steps to remember")
        descent.n, descent.capacity, descent.newest = len(point), capacity, capacity - 1
        self.point, self.gradient = point, gradient
        self.vectors, self.numbers = np.empty((2 * capacity + 3, descent.n)), np.empty((2, capacity))
        vectors = <double *>address(self.vectors)
        descent.origin, descent.origin_gradient, descent.direction = vectors, vectors + descent.n, vectors + 2 * descent.n
        descent.steps, descent.changes = vectors + 3 * descent.n, vectors + (3 + capacity) * descent.n
        descent.curvatures, descent.shares = <double *>address(self.numbers[0]), <double *>address(self.numbers[1])

    @property
    def n_kept(self):
        """Number of stored steps."""
        return self.descent.n_kept

    def largest(self):
        """The largest absolute number of the gradient, NaN if one is NaN."""
        return lbfgs.largest(&self.descent)

    def aim(self):
        """Begin a line search at the point, in the quasi-Newton direction. Return the function's slope there."""
        given_away = give_gil_away((1 + self.descent.n_kept) * self.descent.n * SECONDS, 1)
        slope = lbfgs.aim(&self.descent)
        take_gil_back(given_away)
        return slope

    def length(self):
        """The length of the direction."""
        return lbfgs.square(&self.descent) ** 0.5

    def go(self, double step):
        """Move the point to `step` times the direction from the origin of the line."""
        given_away = give_gil_away(self.descent.n * SECONDS, 1)
        lbfgs.go(&self.descent, step)
        take_gil_back(given_away)

    def slope(self):
        """The function's slope along the line, at the point."""
        return lbfgs.slope(&self.descent)

    def go_back(self):
        """Move the point back to the origin of the line, and restore the gradient there."""
        memcpy(self.descent.point, self.descent.origin, self.descent.n * sizeof(double))
        memcpy(self.descent.gradient, self.descent.origin_gradient, self.descent.n * sizeof(double))

    def learn(self, double step, double curvature):
        """Store the step from the origin of the line to the point; `curvature` (above 0) is its product with the change of the gradient."""
        given_away = give_gil_away(2 * self.descent.n * SECONDS, 1)
        lbfgs.learn(&self.descent, step, curvature)
        take_gil_back(given_away)

    def forget(self):
        """Drop all steps: the next line goes down the gradient."""
        self.descent.n_kept = 0
