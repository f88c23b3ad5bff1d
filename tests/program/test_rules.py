"""Regularizers and constraints inside the compiled loop: order, parts, threads, tiles, failures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.contract import SPLITS
from nncore.errors import NonFiniteError, ParameterError, PluginError
from nncore.plugin import Constraint, Optimizer, Regularizer, TensorSpan
from nncore.program.groups import FROZEN
from nncore.program.rules import Rule
from nncore.testing import numpy_twin, team_of

X = np.random.default_rng(0).normal(size=(64, 6))
Y = X @ np.random.default_rng(1).normal(size=(6, 2))
#: One of each built-in, with numbers that have an effect.
EVERY: dict[str, list[Any]] = {
    kind: [cls(**arguments) for cls in (registry.get(kind, name) for name in registry.names(kind)) for arguments in cls.examples or ({},)]
    for kind in ("regularizers", "constraints")
}


def network(width: int = 40, **rules: Any) -> nn.Sequential:
    return nn.Sequential(nn.Dense(width, activation="tanh", **rules), nn.Dense(2))


def fit(net: nn.Sequential, epochs: int = 3, **arguments: Any) -> nn.Sequential:
    settings = {"loss": "mse", "optimizer": nn.Momentum(lr=0.02), "dtype": None if net.is_built else "float64", "rng": 3} | arguments
    net.fit(X, Y, epochs=epochs, batch_size=16, progress=False, **settings)
    return net


def all_of(kind: str, twin: bool) -> list[Any]:
    return [numpy_twin(component) if twin else component for component in EVERY[kind]]


# ---- splits --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (1, 9000), (3, 5), (5000, 3), (3, 5000), (300, 200)])
@pytest.mark.parametrize("component", EVERY["regularizers"] + EVERY["constraints"], ids=repr)
def test_pieces_cover_every_number_once(component: Any, shape: tuple[int, int]) -> None:
    rule = Rule(component, TensorSpan("dense_1.weight", "weight", 0, 7, *shape), FROZEN, 0)
    seen = np.zeros(7 + shape[0] * shape[1] + 3, int)
    for _, n_rows, _, n_columns, place, stride in rule.pieces():
        for row in range(n_rows):
            seen[place + row * stride : place + row * stride + n_columns] += 1
    assert (seen[7:-3] == 1).all()
    assert seen.sum() == shape[0] * shape[1]


def test_every_split_is_among_the_built_ins_or_tried_here() -> None:
    used = {component.split for kind in EVERY for component in EVERY[kind]}
    assert used | {WholeTensor.split} == set(SPLITS)


# ---- many threads, both rungs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["momentum", "block_coordinate", "adam"])
@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_everything_at_once_has_the_same_bits_for_any_number_of_threads(twin: bool, optimizer: str) -> None:
    """All built-in rules on one tensor, with weight decay, clipping and an average, give the same bits for any number of threads."""
    ends, losses = [], []
    for n in (1, 2, 3):
        net = network(width=300, weight_regularizer=all_of("regularizers", twin), weight_constraint=all_of("constraints", twin))
        with team_of(n):
            history = net.fit(
                X, Y, loss="mse", optimizer={"name": optimizer, "lr": 0.02}, weight_decay=0.01, clip_norm=1.0, callbacks=["ema"], epochs=3,
                batch_size=16, accumulate=2, rng=3, progress=False,
            )  # fmt: skip
        ends.append((net.parameters.tobytes(), net.trajectory.tobytes()))
        losses.append(history["loss"].tolist())
    assert ends[1:] == ends[:1] * 2
    assert losses[1:] == losses[:1] * 2


def test_both_rungs_agree() -> None:
    nets = [
        fit(network(weight_regularizer=all_of("regularizers", twin), weight_constraint=all_of("constraints", twin), bias_regularizer="l1"))
        for twin in (False, True)
    ]
    np.testing.assert_allclose(nets[0].parameters, nets[1].parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n", [1, 3])
def test_a_network_with_tiles_keeps_its_constraints(n: int) -> None:
    """Constraints project last and exclude tiles only if they may fail; regularizers always exclude them."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(8, 700)).astype(np.float32), rng.normal(size=(8, 700)).astype(np.float32)
    ends = []
    for constraint in (nn.NonNegative(), numpy_twin(nn.NonNegative())):
        net = nn.Sequential(nn.Dense(700, weight_constraint=constraint), nn.Dense(700, weight_constraint=[nn.MaxNorm(1.5)]))
        with team_of(n):
            net.fit(inputs, targets, loss="mse", optimizer=nn.SGD(lr=0.1), epochs=2, batch_size=4, rng=0, progress=False)
        weights = net.named_parameters()
        assert (weights["dense_1.weight"] >= 0).all()
        assert np.linalg.norm(weights["dense_2.weight"], axis=0).max() < 1.5001
        ends.append(net.parameters.copy())
    np.testing.assert_array_equal(*ends)


# ---- results ------------------------------------------------------------------------------------------------------------------


def test_l2_is_weight_decay() -> None:
    with_penalty = fit(network(), weight_decay=0.1)
    with_rule = fit(network(), groups={"*.weight": {"regularizer": nn.L2(0.1)}})
    np.testing.assert_allclose(with_rule.parameters, with_penalty.parameters, rtol=1e-10, atol=1e-13)
    rows = [net.fit(X, Y, epochs=1, progress=False)["loss"] for net in (with_rule, with_penalty)]
    np.testing.assert_allclose(*rows, rtol=1e-10)


def test_the_loss_includes_them_and_evaluate_leaves_them_out() -> None:
    net = fit(network(weight_regularizer=[nn.L1(0.1), nn.GroupLasso(0.2)]), groups={"dense_2.bias": {"regularizer": "l2"}})
    weights = net.named_parameters()
    term = nn.L1(0.1).value(weights["dense_1.weight"]) + nn.GroupLasso(0.2).value(weights["dense_1.weight"])
    term += nn.L2().value(weights["dense_2.bias"][None])
    data = net.evaluate(X, Y)["loss"]
    net.forward(X, training=True)
    assert net.backward(Y) == pytest.approx(data + term, rel=1e-12)
    net.forward(X, training=True)
    assert net.backward(d_output=np.zeros_like(Y)) == pytest.approx(term, rel=1e-12)
    gradient = np.zeros((1, 2))
    nn.L2().add_gradient(weights["dense_2.bias"][None], gradient)
    np.testing.assert_allclose(net.named_gradients()["dense_2.bias"], gradient[0], rtol=1e-12)
    assert net.train_on_batch(X, Y) == pytest.approx(data + term, rel=1e-12)


def test_regularizers_come_before_clipping_and_constraints_after_the_step() -> None:
    net = network(weight_regularizer=nn.L1(100.0), weight_constraint=nn.MaxNorm(0.5))
    net.build(6, loss="mse", optimizer=nn.SGD(lr=1e-3), rng=0, dtype="float64")
    net.clip_value = 1e-2
    before = net.named_parameters()["dense_1.weight"].copy()
    net.train_on_batch(X, Y)
    expected = before - 1e-3 * 1e-2 * np.sign(before)  # clipping limits the regularizer's gradient of 100, too
    nn.MaxNorm(0.5).project(expected, 0.0)
    np.testing.assert_allclose(net.named_parameters()["dense_1.weight"], expected, rtol=1e-12)


def test_the_average_is_that_of_projected_parameters() -> None:
    net = network(weight_constraint="non_negative").build(6, loss="mse", optimizer=nn.SGD(lr=0.5), rng=0, dtype="float64")
    seen = []
    for _ in range(3):
        net.train_on_batch(X[:16], Y[:16])
        seen.append(net.named_parameters()["dense_1.weight"].copy())
    other = network(weight_constraint="non_negative").build(6, loss="mse", optimizer=nn.SGD(lr=0.5), rng=0, dtype="float64")
    other.fit(X[:16], Y[:16], epochs=3, batch_size=16, shuffle=False, callbacks=[nn.EMA(decay=0.999)], progress=False)
    np.testing.assert_allclose(other.named_parameters()["dense_1.weight"], np.mean(seen, axis=0), rtol=1e-12, atol=1e-15)


def test_first_values_keep_constraints_also_those_of_groups() -> None:
    net = network(weight_constraint="unit_norm").build(6, rng=0)
    np.testing.assert_allclose(np.linalg.norm(net.named_parameters()["dense_1.weight"], axis=0), 1, rtol=1e-6)
    seen = []

    def look(training: Any) -> None:
        seen.append(training.network.named_parameters()["dense_2.weight"].min())

    fit(network(), epochs=1, optimizer=nn.SGD(lr=0.0), groups={"dense_2.weight": {"constraint": "non_negative"}}, callbacks=[look])
    assert seen[0] >= 0


def test_soft_threshold_uses_the_rate_of_step_group_and_schedule() -> None:
    rates = []

    class Watching(nn.SoftThreshold):
        kernel = None

        def project(self, w: np.ndarray, rate: float) -> None:
            rates.append(rate)
            super().project(w, rate)

    nets = []
    for threshold in (nn.SoftThreshold(0.3), Watching(0.3)):
        net = network(weight_constraint=threshold)
        nets.append(fit(net, optimizer=nn.SGD(lr=0.1), schedule={"name": "step"}, epochs=4, groups={"dense_1.*": {"lr_factor": 0.5}}))
    assert rates[0] == 0  # initial values
    assert rates[1] == pytest.approx(0.05)
    assert min(rates[1:]) < 0.05
    np.testing.assert_allclose(nets[0].parameters, nets[1].parameters, rtol=1e-9, atol=1e-13)


# ---- changes during training ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_what_is_set_counts_from_the_next_step(twin: bool) -> None:
    def made(component: Any) -> Any:
        return numpy_twin(component) if twin else component

    changes = {
        "layer": lambda net: setattr(net.layers[0].weight_regularizer, "strength", 0.5),
        "layer, another": lambda net: setattr(net.layers[0], "weight_regularizer", made(nn.L1(0.5))),
        "group": lambda net: setattr(net.groups["dense_1.bias"]["regularizer"], "strength", 0.5),
        "groups": lambda net: setattr(net, "groups", {"dense_1.bias": {"regularizer": made(nn.L1(0.5))}}),
    }
    for what, change in changes.items():
        nets = []
        for how in ("before", "callback"):
            groups = {"dense_1.bias": {"regularizer": made(nn.L1(0.01))}}
            net = network(weight_regularizer=made(nn.L1(0.01)))
            if how == "callback":
                fit(net, 2, groups=groups, callbacks=[lambda training, do=change: do(training.network) if training.epoch == 1 else None])
            else:
                fit(net, 1, groups=groups)
                change(net)
                fit(net, 1, rng=None)
            nets.append(net)
        assert nets[0].parameters.tobytes() == nets[1].parameters.tobytes(), what
        unchanged = fit(network(weight_regularizer=made(nn.L1(0.01))), 2, groups={"dense_1.bias": {"regularizer": made(nn.L1(0.01))}})
        assert nets[0].parameters.tobytes() != unchanged.parameters.tobytes(), what


def test_a_rate_that_is_not_there_is_asked_for_in_vain() -> None:
    class NoRate(Optimizer):
        def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
            w -= 0.1 * g

    with pytest.raises(ParameterError, match=r"uses the learning rate, and NoRate.* has no lr: use another optimizer"):
        fit(network(weight_constraint="soft_threshold"), optimizer=NoRate())
    net = fit(network(weight_constraint="non_negative"), optimizer=NoRate())
    for change in (lambda: setattr(net.layers[0], "weight_constraint", "soft_threshold"), lambda: setattr(net, "groups", SOFT)):
        with pytest.raises(ParameterError, match="has no lr"):
            change()
    assert type(net.layers[0].weight_constraint) is nn.NonNegative


SOFT = {"dense_1.bias": {"constraint": "soft_threshold"}}


# ---- failures --------------------------------------------------------------------------------------------------------------------


class WholeTensor(Regularizer):
    """The square of the sum, which parts cannot compute."""

    split = "tensor"

    def value(self, w: np.ndarray) -> float:
        return float(w.sum()) ** 2

    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        g += 2 * w.sum()


class Failing(Constraint):
    """Raises, or makes NaN, at a step."""

    def __init__(self, at: int = 4, how: str = "raise") -> None:
        self.at = at
        self.how = how

    def validate(self) -> None:
        self.calls = 0

    def project(self, w: np.ndarray, rate: float) -> None:
        self.calls += 1
        w *= 0.5
        if self.calls == self.at:
            if self.how == "raise":
                raise ArithmeticError("no projection")
            w[0, 0] = np.nan


def state_of(net: nn.Sequential) -> dict[str, bytes]:
    return {name: view.tobytes() for name, view in net.optimizer_state.items()}


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("optimizer", [nn.Momentum(lr=0.02), numpy_twin(nn.Momentum(lr=0.02))], ids=["native", "numpy"])
@pytest.mark.parametrize("how", ["raise", "nan"])
def test_a_constraint_that_fails_leaves_the_last_finished_step(how: str, optimizer: Any, n: int) -> None:
    error = ArithmeticError if how == "raise" else NonFiniteError
    rules = {"weight_constraint": [Failing(how=how), nn.NonNegative()]}
    with team_of(n):
        # The first call is the one for initial values, which copies of the component do not count.
        net = network(**rules).build(6, loss="mse", optimizer=optimizer, rng=3, dtype="float64")
        seen = []

        def steps() -> None:
            while True:
                net.train_on_batch(X, Y)
                seen.append((net.parameters.tobytes(), state_of(net), net.n_steps))

        with pytest.raises(error):
            steps()
    assert len(seen) >= 2
    assert (net.parameters.tobytes(), state_of(net), net.n_steps) == seen[-1]


def test_a_value_that_is_not_finite_stops_before_the_step() -> None:
    class Growing(WholeTensor):
        calls = 0

        def value(self, w: np.ndarray) -> float:
            type(self).calls += 1
            return float("inf") if type(self).calls > 2 else 1.0

    net = network(weight_regularizer=Growing()).build(6, loss="mse", optimizer="sgd", rng=0)
    for _ in range(2):
        net.train_on_batch(X, Y)
    before = net.parameters.copy()
    with pytest.raises(NonFiniteError, match=r"the value of Growing\(\) for dense_1.weight became NaN or infinite at step 3"):
        net.train_on_batch(X, Y)
    with pytest.raises(NonFiniteError, match="the value of Growing"):
        net.fit(X, Y, epochs=1, progress=False)
    np.testing.assert_array_equal(net.parameters, before)


def test_a_value_that_is_no_number_is_named() -> None:
    class Array(WholeTensor):
        def value(self, w: np.ndarray) -> Any:
            return np.abs(w)

    with pytest.raises(PluginError, match=r"Array\(\).value must return a number, it returned an array of shape \(6, 40\)"):
        fit(network(weight_regularizer=Array()))


def test_a_split_that_there_is_not_is_named() -> None:
    class Halves(WholeTensor):
        split = "halves"

    with pytest.raises(PluginError, match="split is 'halves'; it must be one of elements, rows, columns, tensor"):
        network(weight_regularizer=Halves()).build(6)


def test_first_values_that_become_nan_are_refused() -> None:
    with pytest.raises(PluginError, match=r"project of dense_1\.weight gives numbers that are not finite for its first values"):
        network(weight_constraint=Failing(at=1, how="nan")).build(6)
