"""The neuron with weights set by hand: logic gates, images, activations from the registry."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.activations.sigmoid import Sigmoid
from nncore.errors import DataError, DtypeError, ParameterError, ShapeError, UnknownComponentError
from nncore.estimators import MPNeuron

TRUTH_TABLE = [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("weight", "bias", "answers"),
    [([1, 1], -1.5, [0, 0, 0, 1]), ([1, 1], -0.5, [0, 1, 1, 1]), ([-1, -1], 1.5, [1, 1, 1, 0]), ([-1, -1], 0.5, [1, 0, 0, 0])],
    ids=["and", "or", "nand", "nor"],
)
def test_gates(weight, bias, answers):
    assert MPNeuron(weight, bias).predict(TRUTH_TABLE).tolist() == answers


def test_not():
    assert MPNeuron([-1], 0.5).predict([[0], [1]]).tolist() == [1, 0]


def test_xor_takes_two_layers():
    either, not_both, both = MPNeuron([1, 1], -0.5), MPNeuron([-1, -1], 1.5), MPNeuron([1, 1], -1.5)
    hidden = np.column_stack([either.predict(TRUTH_TABLE), not_both.predict(TRUTH_TABLE)])
    assert both.predict(hidden).tolist() == [0, 1, 1, 0]


def test_decision_by_hand():
    neuron = MPNeuron([2, -3], bias=0.5)
    assert neuron.decision([[1, 1], [0, 0], [2, 1]]).tolist() == [-0.5, 0.5, 1.5]
    assert neuron.predict([[1, 1], [0, 0], [2, 1]]).tolist() == [0, 1, 1]


def test_images_are_flattened():
    rng = np.random.default_rng(0)
    images, weight = rng.random((5, 28, 28, 3)), rng.normal(size=(28, 28, 3))
    expected = [sum(w * x for w, x in zip(weight.ravel(), image.ravel(), strict=True)) - 1 for image in images]
    for form in (weight, weight.ravel()):
        neuron = MPNeuron(form, -1.0, "identity")
        assert neuron.weight.shape == (2352,)
        np.testing.assert_allclose(neuron.decision(images), expected, rtol=1e-12, atol=1e-10)
        np.testing.assert_allclose(neuron.predict(images.reshape(5, 2352)), expected, rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        ("sigmoid", lambda z: 1 / (1 + np.exp(-z))),
        (Sigmoid(), lambda z: 1 / (1 + np.exp(-z))),
        ({"name": "leaky_relu", "slope": 0.25}, lambda z: np.where(z > 0, z, 0.25 * z)),
        ("sign", np.sign),
        ("tanh", np.tanh),
    ],
)
def test_any_activation(activation, formula):
    X = np.random.default_rng(1).normal(size=(9, 4))
    neuron = MPNeuron([1, -2, 0.5, 3], 0.25, activation)
    np.testing.assert_allclose(neuron.predict(X), formula(X @ [1, -2, 0.5, 3] + 0.25), rtol=1e-12)


def test_nothing_of_the_users_is_kept_or_changed():
    weight, X = np.array([1.0, 2.0]), np.array([[1.0, 2.0]])
    neuron = MPNeuron(weight, activation="identity")
    weight[:] = 0
    assert neuron.predict(X).tolist() == [5]
    assert X.tolist() == [[1, 2]]


def test_no_samples():
    assert MPNeuron([1, 2]).predict(np.empty((0, 2))).shape == (0,)


@pytest.mark.parametrize("X", [[1, 2], 3.0, [[1, 2, 3]], np.empty((0, 3)), np.zeros((2, 1, 1))])
def test_wrong_shapes(X):
    with pytest.raises(ShapeError, match="2 numbers a sample"):
        MPNeuron([1, 2]).predict(X)


def test_values_that_are_not_numbers():
    neuron = MPNeuron([1, 2])
    with pytest.raises(DataError, match="NaN at row 1, column 0"):
        neuron.decision([[0, 1], [np.nan, 2]])
    with pytest.raises(DataError, match="inf at row 0, column 1, 0"):
        neuron.decision([[[0], [np.inf]]])
    with pytest.raises(DtypeError, match="numbers"):
        neuron.decision([["a", "b"]])
    with pytest.raises(ShapeError, match="rectangular"):
        neuron.decision([[1, 2], [1]])


@pytest.mark.parametrize(
    "arguments", [{"weight": []}, {"weight": [np.nan]}, {"weight": ["w"]}, {"weight": [1], "bias": np.inf}, {"weight": [1], "bias": [0.0]}]
)
def test_parameters_out_of_range(arguments):
    with pytest.raises(ParameterError, match="weight" if len(arguments) == 1 else "bias"):
        MPNeuron(**arguments)


def test_unknown_activation():
    with pytest.raises(UnknownComponentError, match="stepp"):
        MPNeuron([1], activation="stepp")


def test_repr_tells_all():
    assert repr(MPNeuron([1, 2], 0.5)) == "MPNeuron(weight=[1.0, 2.0], bias=0.5, activation=Step())"
