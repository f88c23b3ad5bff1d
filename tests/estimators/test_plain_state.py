"""The state of an estimator as plain data, without objects of nncore; restoring accepts only nncore's own data."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import nncore as nn
from nncore.errors import FileFormatError
from nncore.estimators import MLPClassifier
from nncore.estimators.plain_state import KEY, is_of_nncore, plain, revived

pytestmark = pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}")

X = np.random.default_rng(0).normal(size=(30, 3))


def fitted() -> MLPClassifier:
    return MLPClassifier((3,), max_iter=2, solver=nn.Adam(lr=0.1), standardize=True, random_state=0).fit(X, X[:, 0] > 0)


def objects_in(value: Any) -> list[type]:
    if isinstance(value, dict):
        return [kind for item in value.values() for kind in objects_in(item)]
    if isinstance(value, (list, tuple)):
        return [kind for item in value for kind in objects_in(item)]
    return [type(value)] if is_of_nncore(type(value)) else []


def test_no_object_of_nncore_is_left() -> None:
    assert objects_in(fitted().__getstate__()) == []


def test_it_comes_back_with_the_same_bits() -> None:
    model = fitted()
    again = MLPClassifier.__new__(MLPClassifier)
    again.__setstate__(model.__getstate__())
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.partial_fit(X, X[:, 0] > 0).predict_proba(X), model.partial_fit(X, X[:, 0] > 0).predict_proba(X))


def test_what_was_shared_is_shared_again() -> None:
    layer = nn.Dense(3)
    one, other = revived(plain([layer, layer]))
    assert one is other
    assert one is not layer
    first, second = revived(plain([layer, copy.deepcopy(layer)]))
    assert first is not second


def test_other_values_are_left_alone() -> None:
    array, ordered = np.arange(3), OrderedDict(a=nn.Dense(3))
    state = {"array": array, "ordered": ordered, "tuple": (1, None, "text"), KEY: {KEY: 1}, "function": len}
    again = revived(plain(state))
    assert again == state
    assert again["array"] is array
    assert again["ordered"] is ordered


NAMES = [
    "os:system", "nncore.cli:main", "nncore.cli.demo:run", "nncore.layers.dense:Dense.plan", "nncore.layers.dense:Buffer",
    "nncore.layers.absent:Absent", "nncore.layers.dense:", "nncore.layers..dense:Dense", "nncore._core.program:Program",
    "nncore.files:Path", 7, None, [1],
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_other_classes_are_not_made(name: Any) -> None:
    with pytest.raises(FileFormatError, match="damaged, or from another version"):
        revived({"network_": {KEY: name, "state": {}}})


def test_what_is_written_needs_no_more_than_json_and_arrays() -> None:
    state = fitted().__getstate__()
    json.dumps(state, default=lambda value: value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value))
