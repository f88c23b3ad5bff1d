"""Memory of `standardize`."""

from __future__ import annotations

import tracemalloc
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from nncore.estimators import MLPClassifier


def test_a_copy_is_standardized_where_it_is():
    """Copies are standardised in place, since integers are converted to float64 anyway; the caller's array is unchanged."""
    pixels = np.random.default_rng(0).integers(0, 256, size=(4000, 2000)).astype(np.uint8)
    y = pixels[:, 0] > 127

    def peak(X):
        model = MLPClassifier((2,), standardize=True, max_iter=1, batch_size=40, random_state=0)
        before = X.copy()
        tracemalloc.start()
        try:
            model.fit(X, y[: len(X)])
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        np.testing.assert_array_equal(X, before)
        return most, model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peak(pixels[:40])
        (of_pixels, one), (_, other) = peak(pixels), peak(pixels.astype(np.float64))
    assert of_pixels < 1.9 * 8 * pixels.size
    np.testing.assert_array_equal(one.predict_proba(pixels), other.predict_proba(pixels.astype(np.float64)))
