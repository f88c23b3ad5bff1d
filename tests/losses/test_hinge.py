"""Hinge loss for one output and for several."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import hinge_loss

import nncore as nn
from nncore.errors import DataError, ParameterError
from nncore.losses.hinge import Hinge
from nncore.plugin import Loss
from nncore.testing.losses import Rung
from nncore.testing.twin import numpy_twin


def rungs(loss: Loss) -> list[Rung]:
    return [Rung(loss), Rung(numpy_twin(loss))]


def test_one_output_closed_form() -> None:
    output, target, weight = np.array([[2.0], [0.25], [0.25], [1.0]]), np.array([[1.0], [1.0], [-1.0], [1.0]]), np.ones(4)
    for rung in rungs(Hinge()):
        value, d_output = rung(output, target, weight)
        np.testing.assert_array_equal(value, [0, 0.75, 1.25, 0])
        np.testing.assert_array_equal(d_output[:, 0], [0, -1, 1, 0])
    for rung in rungs(Hinge(margin=0.5, squared=True)):
        value, d_output = rung(output, target, weight)
        np.testing.assert_array_equal(value, [0, 0.0625, 0.5625, 0])
        np.testing.assert_array_equal(d_output[:, 0], [0, -0.5, 1.5, 0])


def test_several_outputs_closed_form() -> None:
    """Values with several outputs: right by more than the margin, by less, wrong, and two tied wrong classes, of which the first counts."""
    output = np.array([[3.0, 1.0, 0.0], [0.5, 1.0, 0.0], [2.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    labels, weight = np.array([0, 1, 2, 1]), np.ones(4)
    for rung in rungs(Hinge()):
        value, d_output = rung(output, labels, weight)
        np.testing.assert_array_equal(value, [0, 0.5, 2, 2])
        np.testing.assert_array_equal(d_output, [[0, 0, 0], [1, -1, 0], [1, 0, -1], [1, -1, 0]])


def test_the_mean_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    output, labels = rng.normal(size=(60, 4)), np.arange(60) % 4
    np.testing.assert_allclose(Hinge().forward(output, labels).mean(), hinge_loss(labels, output), rtol=1e-14)
    one, signs = rng.normal(size=(60, 1)), np.where(labels % 2, 1.0, -1.0)
    np.testing.assert_allclose(Hinge().forward(one, signs[:, None]).mean(), hinge_loss(signs, one[:, 0]), rtol=1e-14)


@pytest.mark.parametrize("at", [0, 1, 2, 3])
@pytest.mark.parametrize("squared", [False, True])
def test_nan_in_any_output_shows(at: int, squared: bool) -> None:
    output, labels = np.array([[0.5, 2.0, 1.0, 0.0]] * 4), np.array([0, 1, 2, 3])
    output[:, at] = np.nan
    for rung in rungs(Hinge(squared=squared)):
        value, d_output = rung(output, labels, np.ones(4))
        assert np.isnan(value).all()
        assert np.isnan(d_output).any(axis=1).all()


@pytest.mark.parametrize("y", [[0, 1, 1], [1.0, -1.0, 0.5]])
def test_targets_of_one_output_are_signs(y: list[float]) -> None:
    with pytest.raises(DataError, match=r"y is 0\S* at row \d; with one output hinge takes -1 and 1 \(2 \* y - 1 for 0 and 1\)"):
        nn.Sequential(nn.Dense(1)).fit(np.zeros((3, 2)), np.array(y), loss="hinge")


def test_targets_of_several_outputs_are_classes() -> None:
    with pytest.raises(DataError, match="classes are 0 to 1"):
        nn.Sequential(nn.Dense(2)).fit(np.zeros((3, 2)), np.array([1, -1, 1]), loss="hinge")


@pytest.mark.parametrize("arguments", [{"margin": 0}, {"margin": -1.0}, {"squared": 1}, {"squared": "yes"}])
def test_arguments_are_checked(arguments: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        Hinge(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("n_classes", [1, 3])
def test_separates_what_can_be_separated(n_classes: int, squared: bool) -> None:
    """Separable data are separated, by the sign of one output or the largest of several; beyond the margin the loss is exactly 0."""
    rng = np.random.default_rng(1)
    centres = np.array([[3.0, 0.0], [-3.0, 1.0], [0.0, -4.0]])
    labels = np.arange(90) % max(n_classes, 2)
    X = centres[labels] + rng.uniform(-1, 1, (90, 2))
    y = 2 * labels - 1 if n_classes == 1 else labels
    net = nn.Sequential(nn.Dense(n_classes))
    net.fit(X, y, loss=nn.Hinge(squared=squared), optimizer=nn.Momentum(lr=0.1), epochs=200, rng=0, progress=False)
    scores = net.evaluate(X, y)
    assert scores["accuracy"] == 1
    assert scores["loss"] < 1e-3
    answer = net.predict(X)
    np.testing.assert_array_equal(np.sign(answer[:, 0]) if n_classes == 1 else answer.argmax(axis=1), y)
