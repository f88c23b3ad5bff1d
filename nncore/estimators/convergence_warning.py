"""The warning that a fit of an estimator ended before it converged."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from sklearn import exceptions

from nncore import errors


class ConvergenceWarning(errors.ConvergenceWarning, exceptions.ConvergenceWarning):
    """Training ended before it converged: a filter for scikit-learn's warning applies, and one for nncore's does too."""
