"""`fit`: errors before anything is changed, state kept from earlier fits, and learning."""

from __future__ import annotations

import numpy as np
import pytest
from network import fitting
from network.small import X, Y, built

import nncore as nn
from nncore.errors import NotTrainableError, ParameterError, ShapeError
from nncore.plugin import Sampler

# ---- arguments --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": -1}, "epochs"), ({"epochs": 1.5}, "epochs"), ({"batch_size": 0}, "batch_size"), ({"batch_size": True}, "batch_size"),
        ({"weight_decay": -1}, "weight_decay"), ({"n_threads": 0}, "n_threads"), ({"callbacks": [3]}, "callback"),
        ({"callbacks": "early_stopping"}, "callbacks must be a list"), ({"callbacks": None}, "callbacks must be a list"),
        ({"metrics": "accuracy"}, "metrics must be a list"), ({"metrics": {"name": "accuracy"}}, "metrics must be a list"),
        ({"validation": fitting.X}, "validation"), ({"drop_last": True, "batch_size": 301}, "drop_last"),
        ({"dtype": "float64"}, "built in float32"), ({"rng": -1}, "rng"), ({"rng": "seed"}, "rng"),
    ],
)  # fmt: skip
def test_bad_arguments_change_nothing(arguments: dict[str, object], message: str) -> None:
    net = fitting.network()
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match=message):
        fitting.fit(net, **arguments)
    np.testing.assert_array_equal(net.parameters, before)
    assert net.n_steps == 0


@pytest.mark.parametrize(
    "metric", ["r2", "mae", "rmse", nn.get("metrics", "accuracy")(mode="labels"), {"name": "head_accuracy", "n_classes": (2, 2)}]
)
def test_a_metric_that_does_not_fit_the_targets_is_refused_before_training(metric: object) -> None:
    net = nn.Sequential(nn.Dense(2))
    with pytest.raises(ShapeError, match=r"do not fit|needs a target for each"):
        fitting.fit(net, loss="softmax_cross_entropy", metrics=[metric], validation=(fitting.X, fitting.Y))
    assert not net.is_built


def test_no_epochs_is_a_build() -> None:
    net = nn.Sequential(nn.Dense(2))
    assert len(net.fit(fitting.X, fitting.Y, loss="softmax_cross_entropy", epochs=0, rng=0)) == 0
    assert net.is_built


@pytest.mark.parametrize("name", ["step", "sign"])
def test_training_through_a_step_is_refused(name: str) -> None:
    net = nn.Sequential(nn.Dense(3, activation=name), nn.Dense(3))
    with pytest.raises(NotTrainableError, match=r"dense_1: .* has no useful derivative"):
        net.fit(X, Y, loss="softmax_cross_entropy", progress=False)
    assert not net.is_built
    assert np.isin(nn.Sequential(nn.Dense(3, activation=name)).build(4).predict(X), [-1, 0, 1]).all()


@pytest.mark.parametrize("name", ["step", "sign"])
@pytest.mark.parametrize("layer", [nn.Dense(6, name="fixed"), nn.Residual([nn.Dense(4)], name="fixed")], ids=["dense", "residual"])
def test_what_is_frozen_needs_no_gradient(name: str, layer: nn.Layer) -> None:
    net = nn.Sequential(layer, nn.ActivationLayer(name), nn.Dense(3)).build(4, rng=0)
    before = {key: view.copy() for key, view in net.named_parameters().items()}
    net.fit(X, Y, loss="softmax_cross_entropy", groups={"fixed*": {"frozen": True}}, epochs=2, progress=False)
    net.train_on_batch(X, Y)
    for key, view in net.named_parameters().items():
        assert (view == before[key]).all() == key.startswith("fixed")
    with pytest.raises(NotTrainableError, match="freeze its tensors and those before it by groups"):
        net.fit(X, Y, groups={}, progress=False)


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(NotTrainableError, match="no parameters to train"):
        nn.Sequential(nn.Flatten()).fit(X, Y, loss="softmax_cross_entropy")


# ---- changed arguments ------------------------------------------------------------------------------------------------------


def test_equal_optimizer_keeps_its_state_another_starts_afresh() -> None:
    net = built(optimizer=nn.Adam(lr=0.01))
    net.fit(X, Y, epochs=1, progress=False)
    net.fit(X, Y, epochs=1, optimizer=nn.Adam(lr=0.01), progress=False)
    assert net.n_steps == 2
    net.fit(X, Y, epochs=1, optimizer=nn.Adam(lr=0.02), progress=False)
    assert net.n_steps == 1
    net.fit(X, Y, epochs=1, optimizer="momentum", progress=False)
    assert list(net.optimizer_state) == [f"{name}/slot_0" for name in net.named_parameters()]


def test_loss_can_be_changed() -> None:
    net = built()
    net.fit(X, Y, epochs=1, progress=False)
    net.fit(X, np.eye(3)[Y], loss="mse", epochs=1, progress=False)
    assert list(net.evaluate(X, np.eye(3)[Y])) == ["loss", "r2"]


# ---- learning ---------------------------------------------------------------------------------------------------------------


def test_it_learns_exclusive_or() -> None:
    inputs, outputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(1))
    net.fit(inputs, outputs, loss="binary_cross_entropy", optimizer=nn.Adam(lr=0.05), epochs=300, batch_size=4, rng=0, progress=False)
    np.testing.assert_array_equal(net.predict(inputs)[:, 0] > 0, outputs == 1)


# ---- plans ------------------------------------------------------------------------------------------------------------------


class Meddling(Sampler):
    """Changes the network while a fit is being prepared, as another thread might."""

    def length(self, samples: object) -> int:
        NETWORKS[-1].layers[0].n_outputs = 7
        return super().length(samples)

    def order(self, samples: object, seed: int, epoch: int) -> None:
        return None


NETWORKS: list[nn.Sequential] = []


def test_a_layer_that_changes_before_the_first_values_counts() -> None:
    NETWORKS.append(nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(3)))
    net = NETWORKS[-1]
    net.fit(X, Y, loss="softmax_cross_entropy", epochs=1, sampler=Meddling(), progress=False, rng=0)
    assert net.named_parameters()["dense_1.weight"].shape == (X.shape[1], 7)
    other = nn.Sequential(nn.Dense(7, activation="relu"), nn.Dense(3))
    other.fit(X, Y, loss="softmax_cross_entropy", epochs=1, shuffle=False, progress=False, rng=0)
    np.testing.assert_array_equal(net.parameters, other.parameters)
