"""Focal losses: their limits, their weights, and rare classes."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.estimators import MLPClassifier
from nncore.losses.binary_cross_entropy import BinaryCrossEntropy
from nncore.losses.binary_focal import BinaryFocal
from nncore.losses.focal import Focal
from nncore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncore.testing.losses import Rung
from nncore.testing.twin import numpy_twin

Z = np.random.default_rng(0).normal(0, 3, (12, 4))
LABELS = np.random.default_rng(1).integers(4, size=12)
SHARES = np.random.default_rng(2).uniform(size=(12, 4))


def test_without_focus_they_are_cross_entropies() -> None:
    for focal, entropy, target in ((Focal(0.0), SoftmaxCrossEntropy(), LABELS), (BinaryFocal(0.0), BinaryCrossEntropy(), SHARES)):
        for rung in (focal, numpy_twin(focal)):
            for is_, should in zip(Rung(rung)(Z, target, np.ones(12)), Rung(entropy)(Z, target, np.ones(12)), strict=True):
                np.testing.assert_allclose(is_, should, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 3.7])
def test_one_yes_no_output_is_the_difference_of_two_classes(gamma: float) -> None:
    z, yes = Z[:, :1], SHARES[:, :1]
    value, d_z = Rung(BinaryFocal(gamma))(z, yes, np.ones(12))
    two, d_two = Rung(Focal(gamma))(np.hstack([np.zeros_like(z), z]), np.hstack([1 - yes, yes]), np.ones(12))
    np.testing.assert_allclose(value, two, rtol=1e-13)
    np.testing.assert_allclose(d_z[:, 0], d_two[:, 1], rtol=1e-12, atol=1e-15)


def test_weights_multiply_the_loss_of_their_class() -> None:
    alpha = (0.5, 2.0, 0.0, 1.25)
    for rung in (Focal(alpha=alpha), numpy_twin(Focal(alpha=alpha))):
        value, d_z = Rung(rung)(Z, LABELS, np.ones(12))
        plain, d_plain = Rung(Focal())(Z, LABELS, np.ones(12))
        np.testing.assert_allclose(value, plain * np.array(alpha)[LABELS], rtol=1e-14)
        np.testing.assert_allclose(d_z, d_plain * np.array(alpha)[LABELS][:, None], rtol=1e-13, atol=1e-17)
    yes, _ = Rung(BinaryFocal(alpha=0.25))(Z, np.ones((12, 4)), np.ones(12))
    no, _ = Rung(BinaryFocal(alpha=0.25))(-Z, np.zeros((12, 4)), np.ones(12))
    np.testing.assert_allclose(3 * yes, no, rtol=1e-13)


@pytest.mark.parametrize("alpha", [-1, np.nan, (), (1, -1), "balanced", np.inf])
def test_weights_are_checked(alpha: object) -> None:
    with pytest.raises(ParameterError, match="alpha must be a number of at least 0, one for each class, or None"):
        Focal(alpha=alpha)  # type: ignore[arg-type]


def test_as_many_weights_as_classes_are_needed() -> None:
    with pytest.raises(ParameterError, match="alpha has 2 numbers for a network with 3 outputs"):
        nn.Sequential(nn.Dense(3)).fit(np.zeros((4, 2)), np.zeros(4, int), loss=nn.Focal(alpha=(1, 2)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("loss", ["focal", "binary_focal", nn.Focal(1.0, alpha=(0.25, 0.75)), nn.BinaryFocal(alpha=0.75)], ids=repr)
def test_classifiers_take_them(loss: object) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(400, 2))
    y = np.where(X[:, 0] + 0.3 * rng.normal(size=400) > 1, "yes", "no")
    model = MLPClassifier((8,), loss=loss, learning_rate_init=0.02, max_iter=60, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.9
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_labels_that_go_together() -> None:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 2))
    model = MLPClassifier((8,), loss="binary_focal", learning_rate_init=0.02, max_iter=80, random_state=0).fit(X, X > 0.5)
    assert (model.predict(X) == (X > 0.5)).mean() > 0.95
