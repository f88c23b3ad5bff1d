"""Targets of classes have the type that scikit-learn determines."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.multiclass import type_of_target

from nncore.estimators.class_targets import ClassTargets

RNG = np.random.default_rng(0)
OF_THREE, OF_TWO = RNG.integers(3, size=50), RNG.integers(2, size=50)


@pytest.mark.parametrize(
    "y",
    [
        OF_THREE,
        OF_TWO,
        np.zeros(5, int),
        np.zeros(1, bool),
        OF_THREE.astype(str),
        np.array(["a", "b"]),
        np.arange(3),
        np.array([3], np.uint8),
        np.array([0.0, 1.0, 2.0] * 5),
    ],
    ids=lambda y: f"{len(y)} {y.dtype}",
)
def test_the_kind_is_what_scikit_learn_says(y: np.ndarray) -> None:
    assert ClassTargets(y).kind == type_of_target(y)


def test_scikit_learns_warning_of_numbers_that_may_be_no_classes_stays() -> None:
    with pytest.warns(UserWarning, match="number of unique classes is greater than 50%"):
        ClassTargets(np.arange(30))
