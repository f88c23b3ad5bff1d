/* The vectors of L-BFGS, in double: the point, the search direction, and the last steps with their changes of the gradient. Compiled
 * once per CPU level. */
#ifndef NNCORE_LBFGS_H
#define NNCORE_LBFGS_H

#include <stdint.h>

typedef struct nnc_descent {
    int64_t n;
    double *point, *gradient;         /* (n,) the caller's, which writes the gradient at the point */
    double *origin, *origin_gradient; /* (n,) where the current line search begins */
    double *direction;                /* (n,) of that line */
    int64_t capacity, n_kept, newest; /* steps are stored in a ring: the one before slot 0 is in the last slot */
    double *steps, *changes;          /* (capacity, n) of the point, and of the gradient with it */
    double *curvatures;               /* (capacity,) step . change, above 0 */
    double *shares;                   /* (capacity,) working memory of aim */
    double scale;                     /* curvature / change . change of the newest step */
} nnc_descent;

typedef struct nnc_lbfgs {
    /* The largest |gradient|, or NaN if one is. */
    double (*largest)(const nnc_descent *descent);

    /* Makes the point the origin of a new line search, and computes its direction. Returns the slope there, gradient . direction. */
    double (*aim)(nnc_descent *descent);

    /* Sets the point to origin + step * direction. */
    void (*go)(nnc_descent *descent, double step);

    /* gradient . direction */
    double (*slope)(const nnc_descent *descent);

    /* direction . direction */
    double (*square)(const nnc_descent *descent);

    /* Stores the step from the origin to the point, and the change of the gradient over it. `curvature` is their product. */
    void (*learn)(nnc_descent *descent, double step, double curvature);
} nnc_lbfgs;

#define NNC_LBFGS_(level) nnc_lbfgs_##level
#define NNC_LBFGS(level) NNC_LBFGS_(level)

#endif
