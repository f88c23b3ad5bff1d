/* The vectors of L-BFGS, in double: where a minimisation stands, where it goes, and what its last steps have taught it. Compiled once per
 * CPU level. */
#ifndef NNCORE_LBFGS_H
#define NNCORE_LBFGS_H

#include <stdint.h>

typedef struct nnc_descent {
    int64_t n;
    double *point, *gradient;         /* (n,) of the caller, who writes the gradient at the point */
    double *origin, *origin_gradient; /* (n,) where the line begins that is being searched */
    double *direction;                /* (n,) of that line */
    int64_t capacity, n_kept, newest; /* steps that are remembered; the one before slot 0 is in the last slot */
    double *steps, *changes;          /* (capacity, n) of the point, and of the gradient with it */
    double *curvatures;               /* (capacity,) step . change, above 0 */
    double *shares;                   /* (capacity,) for `aim` alone */
    double scale;                     /* curvature / change . change of the newest */
} nnc_descent;

typedef struct nnc_lbfgs {
    /* The largest |gradient|, or NaN if one is. */
    double (*largest)(const nnc_descent *descent);

    /* The point becomes the origin of a new line. Returns the slope of the function there, gradient . direction. */
    double (*aim)(nnc_descent *descent);

    /* The point becomes origin + step * direction. */
    void (*go)(nnc_descent *descent, double step);

    /* gradient . direction */
    double (*slope)(const nnc_descent *descent);

    /* direction . direction */
    double (*square)(const nnc_descent *descent);

    /* Remembers the step from the origin to the point, and its change of the gradient; their product is `curvature`. */
    void (*learn)(nnc_descent *descent, double step, double curvature);
} nnc_lbfgs;

#define NNC_LBFGS_(level) nnc_lbfgs_##level
#define NNC_LBFGS(level) NNC_LBFGS_(level)

#endif
