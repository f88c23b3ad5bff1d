"""Mean absolute percentage error of a regression."""

from __future__ import annotations

import numpy as np

from nncore.metrics.regression import RegressionMetric, errors

#: Smallest magnitude of a target, as in scikit-learn.
_LEAST = np.finfo(np.float64).eps


class MAPE(RegressionMetric):
    """Mean absolute percentage error: 0.1 is an error of 10 % of the target.

    Σᵢ wᵢ |yᵢ − Yᵢ| / |Yᵢ| / Σᵢ wᵢ, the mean over outputs. As in scikit-learn's ``mean_absolute_percentage_error``, a target of 0 is
    replaced by 2.2e-16, so that any error there is huge. Use it for targets away from 0. NaN if the weights sum to 0.

    References
    ----------
    Armstrong, "Long-range forecasting", 1985.
    """

    higher_is_better = False

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        true = np.abs(np.asarray(target, np.float64).reshape(output.shape))
        return np.abs(errors(output, target)) / np.maximum(true, _LEAST)
