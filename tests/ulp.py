"""Distance of computed numbers from the exact ones in units in the last place."""

from __future__ import annotations

import numpy as np


def ulps(actual: np.ndarray, exact: np.ndarray) -> float:
    """Largest error of `actual` in ULP of its dtype at `exact`, which has more digits. Infinite and NaN entries must agree in kind."""
    rounded = exact.astype(actual.dtype)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(actual[~finite], rounded[~finite])
    assert np.isfinite(actual[finite]).all()
    if not finite.any():
        return 0.0
    unit = np.spacing(np.abs(rounded[finite])).astype(exact.dtype)
    return float((np.abs(actual[finite].astype(exact.dtype) - exact[finite]) / unit).max())
