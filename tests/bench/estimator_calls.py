"""Instructions of a call of an estimator.

``PYTHONPATH=tests python -m bench.estimator_calls`` compares them with ``estimator_calls.json``; with ``--record`` it writes that file.
Most of the minute that it takes is the import of scikit-learn.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from bench.counting import Guard, Run, again

from nncore.estimators import MLPClassifier


def calling(call: Callable[[Any, np.ndarray], object]) -> Callable[[], Run]:
    """A case: a call with a classifier 4-16-16-3 that has been trained, and a sample for it as the row of an array."""

    def prepare() -> Run:
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((30, 4), np.float32), rng.integers(3, size=30)
        model = MLPClassifier((16, 16), max_iter=1, random_state=0, n_threads=1).fit(X, y)
        return again(lambda: call(model, X[:1]))

    return prepare


CASES = {
    "predict, 4-16-16-3 at 1": calling(lambda model, X: model.predict(X)),
    "predict_proba, 4-16-16-3 at 1": calling(lambda model, X: model.predict_proba(X)),
    "predict_one, 4-16-16-3": calling(lambda model, X: model.predict_one(X[0])),
}

GUARD = Guard("bench.estimator_calls", CASES, fewer=20, more=120, tolerance=0.02, of_python=True)

if __name__ == "__main__":
    sys.exit(GUARD.main())
