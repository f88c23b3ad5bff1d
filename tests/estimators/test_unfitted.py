"""Methods of every estimator that need a fit raise `NotFittedError`, as scikit-learn's tools expect."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from nncore import estimators

X, Y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), np.array([0, 1, 1, 0])
GIVEN = {"X": X, "y": Y, "x": X[0], "path": "never.nncore", "n_members": 2, "X_calibration": X}
#: Methods that need no fit.
BEFORE = {"fit", "partial_fit", "load", "get_params", "set_params", "get_metadata_routing", "set_callbacks"}


def members() -> Iterator[Any]:
    for name in estimators.__all__:
        cls = getattr(estimators, name)
        if not hasattr(cls, "fit"):  # MPNeuron's weights are given
            continue
        for member in dir(cls):
            if not member.startswith("_") and member not in BEFORE and not member.endswith("_request"):
                yield pytest.param(cls, member, id=f"{name}.{member}")


@pytest.mark.parametrize(("cls", "member"), list(members()))
def test_what_needs_a_fit_says_so(cls: type, member: str) -> None:
    model = cls()
    if isinstance(inspect.getattr_static(cls, member), property):
        with pytest.raises(NotFittedError, match="not fitted"):
            getattr(model, member)
        assert not hasattr(model, member)
        return
    method = getattr(model, member)
    needed = {name: GIVEN[name] for name, parameter in inspect.signature(method).parameters.items() if name in GIVEN}
    with pytest.raises(NotFittedError, match="not fitted"):
        method(**needed)


def test_there_are_such_members() -> None:
    found = {(param.values[0].__name__, param.values[1]) for param in members()}
    assert {("MLPRegressor", "score"), ("MLPClassifier", "predict_log_proba"), ("Perceptron", "decision_function")} <= found
