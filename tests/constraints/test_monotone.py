"""Networks whose outputs increase with some features and decrease with others."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.estimators import MLPRegressor

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (60, 3))
#: Increases with the first feature, decreases with the second, goes up and down with the third; with noise.
Y = X[:, 0] - X[:, 1] + np.sin(4 * X[:, 2]) + 0.6 * RNG.normal(size=60)


def steepest(net: nn.Sequential, feature: int) -> tuple[float, float]:
    """The least and the greatest slope along one feature, at random places of the others."""
    places = np.random.default_rng(1).uniform(-1, 1, (50, 1, 3))
    lines = np.repeat(places, 101, axis=1)
    lines[:, :, feature] = np.linspace(-1.5, 1.5, 101)
    slopes = np.diff(net.predict(lines.reshape(-1, 3)).reshape(50, 101), axis=1)
    return slopes.min(), slopes.max()


def trained(first: object, rest: object, **options: object) -> nn.Sequential:
    net = nn.Sequential(
        nn.Dense(24, activation="tanh", weight_constraint=first),
        nn.Dense(24, activation="softplus", weight_constraint=rest),
        nn.Dense(1, weight_constraint=rest),
    )
    net.fit(X, Y, loss="mse", optimizer=nn.Adam(lr=0.02), epochs=300, batch_size=20, rng=0, dtype="float64", progress=False, **options)
    return net


def test_a_network_rises_and_falls_as_it_is_told() -> None:
    net = trained(nn.Monotone(increasing=[0], decreasing=[1]), "non_negative")
    assert steepest(net, 0)[0] >= 0
    assert steepest(net, 1)[1] <= 0
    assert steepest(net, 2)[0] < -0.01 < 0.01 < steepest(net, 2)[1], "the third feature is free"
    assert net.evaluate(X, Y, metrics=["r2"])["r2"] > 0.5


def test_without_it_noise_bends_the_network() -> None:
    assert steepest(trained(None, None), 0)[0] < 0


def test_the_first_weight_alone_is_not_enough() -> None:
    assert steepest(trained(nn.Monotone(increasing=[0]), None), 0)[0] < 0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_take_it_by_groups() -> None:
    """Estimators accept the constraints by groups, also for standardised features, whose direction is unchanged."""
    groups = {
        "dense_1.weight": {"constraint": {"name": "monotone", "increasing": [0], "decreasing": [1]}},
        "dense_2.weight": {"constraint": "non_negative"},
    }
    model = MLPRegressor(
        hidden_layer_sizes=(24,), activation="tanh", groups=groups, standardize=True, learning_rate_init=0.02, max_iter=300, random_state=0
    )
    model.fit(5 + 3 * X, Y)
    grid = np.repeat([[5.0, 5.0, 5.0]], 50, axis=0)
    grid[:, 0] = np.linspace(0, 10, 50)
    assert (np.diff(model.predict(grid)) >= 0).all()
    grid[:, 0], grid[:, 1] = 5, np.linspace(0, 10, 50)
    assert (np.diff(model.predict(grid)) <= 0).all()


def test_first_values_have_the_signs_and_files_keep_them(tmp_path) -> None:
    net = nn.Sequential(nn.Dense(5, weight_constraint=nn.Monotone([0, 2], [1]))).build(4, rng=0)
    weight = net.named_parameters()["dense_1.weight"]
    assert (weight[[0, 2]] >= 0).all()
    assert (weight[1] <= 0).all()
    assert (weight[3] < 0).any()
    net.save(tmp_path / "net.nncore")
    assert repr(nn.load(tmp_path / "net.nncore").layers[0].weight_constraint) == "Monotone(increasing=(0, 2), decreasing=(1,))"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs features"),
        ({"increasing": [0, 1], "decreasing": [1]}, "feature 1 is named twice"),
        ({"increasing": [0, 0]}, "feature 0 is named twice"),
        ({"increasing": [-1]}, "increasing must be a sequence of feature indices"),
        ({"decreasing": [0.5]}, "decreasing must be a sequence of feature indices"),
        ({"increasing": "area"}, "increasing must be a sequence of feature indices"),
        ({"increasing": 1}, "increasing must be a sequence of feature indices"),
    ],
)
def test_features_are_checked(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        nn.Monotone(**arguments)


def test_a_feature_that_is_not_there_is_refused_before_anything_is_built() -> None:
    net = nn.Sequential(nn.Dense(1, weight_constraint=nn.Monotone([3])))
    with pytest.raises(ShapeError, match=r"no feature 3 among the 3 rows of the weight, which are 0 to 2"):
        net.fit(X, Y, loss="mse", epochs=1)
    assert not net.is_built
