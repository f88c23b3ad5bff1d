"""A different optimizer for different parameter groups: each has its own tensors, numbers and state."""

from __future__ import annotations

import copy
import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.contract import with_settings
from nncore.errors import BusyError, NonFiniteError, ParameterError, PluginError
from nncore.plugin import Optimizer
from nncore.program import group_tensors
from nncore.testing import numpy_twin, team_of

#: Without optimizers of two passes: their second gradient would be taken where only *some* tensors have moved.
NAMES = [name for name in nn.names("optimizers") if nn.get("optimizers", name)().n_passes == 1]
PAIRS = [*itertools.pairwise([*NAMES, NAMES[0]])]  # every optimizer in both places


def made(name: str, twin: bool = False) -> Optimizer:
    optimizer = with_settings(nn.get("optimizers", name)(), {"lr": 0.01})
    return numpy_twin(optimizer) if twin else optimizer


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(96, 5))
    return X, X @ rng.normal(size=(5, 2))


def network(optimizer: Any, groups: Any = None) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(8, activation="tanh"), nn.Dense(2))
    net.build(5, loss="mse", optimizer=optimizer, rng=3, dtype="float64")
    net.groups = groups or {}
    return net


def fit(net: nn.Sequential, epochs: int = 3, **settings: Any) -> nn.Sequential:
    net.fit(*data(), epochs=epochs, batch_size=32, progress=False, **settings)
    return net


def tensors_like(net: nn.Sequential, other: nn.Sequential, name: str) -> None:
    np.testing.assert_array_equal(net.named_parameters()[name], other.named_parameters()[name], err_msg=name)
    for key, kept in net.optimizer_state.items():
        if key.startswith(f"{name}/") and key in other.optimizer_state:
            np.testing.assert_array_equal(kept, other.optimizer_state[key], err_msg=key)


# ---- each optimizer trains its own tensors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "twins", [(False, False), (True, False), (False, True), (True, True)], ids=["C-C", "NumPy-C", "C-NumPy", "NumPy-NumPy"]
)
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_step_of_each_is_the_step_of_a_network_of_its_own(first: str, second: str, twins: tuple[bool, bool]) -> None:
    """In the first step gradients equal those of networks with one optimizer; elementwise optimizers then agree bit for bit."""
    if "block_coordinate" in (first, second):  # its order of blocks depends on the number of tensors
        pytest.skip("its first block is another one where it trains fewer tensors")
    one, other = made(first, twins[0]), made(second, twins[1])
    net = network(one, {"*.weight": {"optimizer": other}})
    alone, other_alone = network(one), network(other)
    for each in (net, alone, other_alone):
        each.train_on_batch(*data())
    for name in net.named_parameters():
        tensors_like(net, other_alone if name.endswith("weight") else alone, name)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("name", NAMES)
def test_an_equal_optimizer_in_a_group_changes_no_bit(name: str, twin: bool) -> None:
    if name == "block_coordinate":
        pytest.skip("each of the two has its own order of blocks")
    plain, grouped = fit(network(made(name, twin))), fit(network(made(name, twin), {"*.bias": {"optimizer": made(name, twin)}}))
    for tensor in plain.named_parameters():
        tensors_like(grouped, plain, tensor)


@pytest.mark.parametrize("twins", [(False, False), (True, False), (False, True)], ids=["C-C", "NumPy-C", "C-NumPy"])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_same_bits_for_any_team_and_after_a_file(first: str, second: str, twins: tuple[bool, bool], tmp_path: Path) -> None:
    groups = {"*.weight": {"optimizer": made(second, twins[1])}, "dense_2.*": {"lr": 0.02}, "dense_3.bias": {"frozen": True}}
    ends = []
    for n_parts in (1, 2, 3):
        with team_of(n_parts):
            ends.append(fit(network(made(first, twins[0])), groups=groups))
    for end in ends[1:]:
        np.testing.assert_array_equal(end.parameters, ends[0].parameters)
        np.testing.assert_equal(end.optimizer_state, ends[0].optimizer_state)
    half = fit(network(made(first, twins[0])), 1, groups=groups)
    if any(twins):  # twins have no name in files
        half = copy.deepcopy(half)
    else:
        half.save(tmp_path / "net.nncore")
        half = nn.load(tmp_path / "net.nncore")
    fit(half, 2)
    np.testing.assert_array_equal(half.parameters, ends[0].parameters)
    np.testing.assert_equal(half.optimizer_state, ends[0].optimizer_state)


def test_a_pickle_goes_on_with_the_same_bits() -> None:
    whole = fit(network("adam", {"*.weight": {"optimizer": "momentum"}}))
    again = fit(pickle.loads(pickle.dumps(fit(network("adam", {"*.weight": {"optimizer": "momentum"}}), 1))), 2)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    before = again.version
    again.groups["*.weight"]["optimizer"].lr = 0.5  # the copy owns its optimizers
    assert again.version > before


def test_state_holds_what_each_group_needs_and_nothing_of_frozen_tensors() -> None:
    net = network("adam", {"*.weight": {"optimizer": "momentum"}, "dense_2.*": {"frozen": True}})
    assert list(net.optimizer_state) == [
        "dense_1.weight/slot_0", "dense_1.bias/slot_0", "dense_1.bias/slot_1",
        "dense_3.weight/slot_0", "dense_3.bias/slot_0", "dense_3.bias/slot_1",
    ]  # fmt: skip
    assert net.optimizer_state["dense_1.weight/slot_0"].shape == (5, 8)
    assert net.optimizer_state["dense_1.bias/slot_1"].shape == (8,)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_an_average_follows_all_optimizers(twin: bool) -> None:
    groups = {"*.weight": {"optimizer": made("block_coordinate", twin)}}
    plain, averaged = fit(network("sgd", groups)), fit(network("sgd", groups), callbacks=[nn.EMA(decay=0.5)])
    assert averaged.trajectory is not None
    np.testing.assert_array_equal(averaged.trajectory, plain.parameters)
    for name, value in averaged.named_parameters().items():
        assert not np.array_equal(value, plain.named_parameters()[name]), name


# ---- numbers -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("number", [{"lr": 0.3}, {"beta1": 0.5}, {"beta2": 0.9, "epsilon": 1e-3}, {"lr": 0.2, "lr_factor": 0.5}], ids=str)
def test_numbers_of_a_group_count_there(number: dict[str, float], twin: bool) -> None:
    own = {name: value for name, value in number.items() if name != "lr_factor"}
    own |= {"lr": 0.1} if "lr_factor" in number else {}
    adam, other = nn.Adam(lr=0.01), nn.Adam(**{"lr": 0.01} | own)
    if twin:
        adam, other = numpy_twin(adam), numpy_twin(other)
    grouped, alone = network(adam, {"*.bias": number}), network(other)
    for net in (grouped, alone):
        net.train_on_batch(*data())
    np.testing.assert_allclose(grouped.named_parameters()["dense_1.bias"], alone.named_parameters()["dense_1.bias"], rtol=1e-14)
    assert grouped.optimizer.lr == 0.01


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_a_schedule_moves_every_optimizer_from_its_own_rate(twin: bool) -> None:
    groups = {"*.weight": {"optimizer": made("momentum", twin)}, "*.bias": {"lr": 0.05}}
    scheduled = fit(network(made("sgd", twin), groups), 1, schedule={"name": "constant"})
    plain = fit(network(made("sgd", twin), groups), 1)
    np.testing.assert_array_equal(scheduled.parameters, plain.parameters)
    moved = fit(network(made("sgd", twin), groups), 2, schedule="cosine")
    for name, value in moved.named_parameters().items():
        assert not np.array_equal(value, fit(network(made("sgd", twin), groups), 2).named_parameters()[name]), name


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_a_number_of_an_own_optimizer_may_change(twin: bool) -> None:
    net = fit(network(made("adam", twin), {"*.weight": {"optimizer": made("momentum", twin)}}), 1)
    net.groups["*.weight"]["optimizer"].lr = 0.5
    other = fit(network(made("adam", twin), {"*.weight": {"optimizer": made("momentum", twin)}}), 1)
    given = copy.deepcopy(other.groups["*.weight"]["optimizer"])
    given.lr = 0.25
    other.groups = {"*.weight": {"optimizer": other.groups["*.weight"]["optimizer"], "lr": 0.5}}
    assert other.n_steps == 3, "an equal optimizer keeps its state"
    np.testing.assert_array_equal(fit(net, 1).parameters, fit(other, 1).parameters)
    with pytest.raises(ParameterError, match="lr must be a number"):
        net.groups["*.weight"]["optimizer"].lr = -1.0
    assert other.groups["*.weight"]["optimizer"].lr == 0.01, "the network must have a copy"


def test_weight_decay_of_a_group_is_that_of_its_optimizer_or_the_penalty() -> None:
    grouping = group_tensors(
        {"*.weight": {"optimizer": nn.AdamW(), "weight_decay": 0.5}, "*.bias": {"weight_decay": 0.25}},
        network("sgd")._built,
    )
    sgd = nn.SGD()
    assert grouping.hyper(sgd)[0, 4] == 0.5
    decays = dict(zip((tensor.name for tensor in grouping.tensors), grouping.penalties(0.1, sgd), strict=True))
    assert {name: decay for name, decay in decays.items() if name.startswith("dense_1")} == {"dense_1.weight": 0.1, "dense_1.bias": 0.25}


# ---- settings ------------------------------------------------------------------------------------------------------------------


def test_other_optimizers_start_with_fresh_state_other_numbers_do_not() -> None:
    net = fit(network("adam"), 1)
    fit(net, 1, groups={"*.bias": {"lr": 0.1}})
    assert net.n_steps == 6
    fit(net, 1, groups={"*.bias": {"optimizer": "momentum"}})
    assert net.n_steps == 3
    fit(net, 1, groups={"*.bias": {"optimizer": "momentum"}})
    assert net.n_steps == 6
    fit(net, 1, groups={"*.bias": {"optimizer": "momentum"}, "dense_1.*": {"frozen": True}})
    assert net.n_steps == 9
    fit(net, 1, groups={})
    assert net.n_steps == 3


def test_state_stays_with_its_tensors_when_others_are_frozen() -> None:
    net = fit(network("adam", {"*.weight": {"optimizer": "momentum"}}), 1)
    before = copy.deepcopy(net.optimizer_state)
    net.groups = {"*.weight": {"optimizer": "momentum"}, "dense_1.*": {"frozen": True}}
    for name, kept in net.optimizer_state.items():
        np.testing.assert_array_equal(kept, before[name], err_msg=name)
    net.groups = {"*.weight": {"optimizer": "momentum"}}
    assert not net.optimizer_state["dense_1.weight/slot_0"].any()
    np.testing.assert_array_equal(net.optimizer_state["dense_3.weight/slot_0"], before["dense_3.weight/slot_0"])


def test_the_order_of_patterns_counts() -> None:
    net = fit(network("sgd", {"*": {"lr": 0.0}, "*.bias": {"lr": 0.1}}), 1)
    before = net.named_parameters()["dense_1.bias"].copy()
    fit(net, 1, groups={"*.bias": {"lr": 0.1}, "*": {"lr": 0.0}})
    np.testing.assert_array_equal(net.named_parameters()["dense_1.bias"], before)


def test_no_other_optimizers_while_it_is_being_fitted() -> None:
    net = network("adam")

    def change(training: Any) -> None:
        training.network.groups = {"*.bias": {"optimizer": "sgd"}}

    with pytest.raises(BusyError, match="groups with other optimizers: this network is being fitted"):
        fit(net, 2, callbacks=[change])
    fit(net, 2, callbacks=[lambda training: setattr(training.network, "groups", {"*.bias": {"lr": 0.1 * training.epoch}})])


def test_described_and_shown() -> None:
    net = network("adam", {"*.weight": {"optimizer": nn.Momentum(lr=0.5)}, "*.bias": {"lr": 0.25}})
    assert net.describe()["groups"] == {
        "*.weight": {"optimizer": {"rung": "native", "name": "momentum", "lr": 0.5, "momentum": 0.9}},
        "*.bias": {"lr": 0.25},
    }
    assert "optimizer of *.weight Momentum(lr=0.5) (native)" in net.summary()
    assert "KiB while training" in net.summary()


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"*": {"optimizer": "lyon"}}, "lyon"),
        ({"*": {"optimizer": 3}}, "an optimizer is needed"),
        ({"*.bias": {"beta3": 0.1}}, r"dense_1\.bias is trained by Adam\(.*\), which has no number 'beta3'; valid options are .*beta1"),
        ({"*.bias": {"beta1": "high"}}, "no option 'beta1'; there are lr_factor"),
        ({"*.bias": {"epsilon_inside": 1.0}}, "which has no number 'epsilon_inside'; .* give the group an optimizer"),
        ({"*.bias": {"beta1": 1.0}}, r"groups, for dense_1\.bias: Adam: beta1 must be a number in \[0, 1\)"),
        ({"*.weight": {"optimizer": "momentum"}, "dense_1.*": {"beta1": 0.5}}, r"dense_1\.weight is trained by Momentum"),
        ({"*.bias": {"optimizer": {"name": "sgd", "lr": -1}}}, "SGD: lr must be a number"),
    ],
)
def test_bad_groups_change_nothing(groups: Any, message: str) -> None:
    net = fit(network("adam"), 1)
    before, state, steps = net.parameters.copy(), copy.deepcopy(net.optimizer_state), net.n_steps
    for attempt in (lambda: fit(net, 1, groups=groups), lambda: setattr(net, "groups", groups)):
        with pytest.raises((ParameterError, LookupError), match=message):
            attempt()
    np.testing.assert_array_equal(net.parameters, before)
    np.testing.assert_equal(net.optimizer_state, state)
    assert (net.groups, net.n_steps) == ({}, steps)


def test_a_number_that_no_longer_fits_the_group_is_refused() -> None:
    """The network's optimizer cannot be replaced by one without a number that a group sets."""
    net = network("adam", {"*.bias": {"beta1": 0.5}})
    with pytest.raises(ParameterError, match="is trained by SGD"):
        net.optimizer = "sgd"
    with pytest.raises(ParameterError, match="is trained by SGD"):
        fit(net, 1, optimizer="sgd")
    fit(net, 1, optimizer="sgd", groups={})


# ---- a step that fails ---------------------------------------------------------------------------------------------------------


class Raises(Optimizer):
    """Raises in its second step, after having changed all parameters."""

    n_slots = 1

    def __init__(self, lr: float = 0.1) -> None:
        self.lr = lr

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int) -> None:
        w -= self.lr * g
        state += 1
        if t == 2:
            raise ArithmeticError("second step")


@pytest.mark.parametrize("n_parts", [1, 2, 3])
@pytest.mark.parametrize("pattern", ["*.weight", "*.bias", "dense_2.*"])
def test_a_group_that_raises_takes_back_the_steps_of_all(pattern: str, n_parts: int) -> None:
    net, sound = (network("adam", {pattern: {"optimizer": Raises()}}) for _ in range(2))
    sound.train_on_batch(*data())
    with team_of(n_parts):
        net.train_on_batch(*data())
        with pytest.raises(ArithmeticError, match="second step"):
            net.train_on_batch(*data())
    assert net.n_steps == 1
    np.testing.assert_array_equal(net.parameters, sound.parameters)
    np.testing.assert_equal(net.optimizer_state, sound.optimizer_state)


def test_a_gradient_that_is_not_finite_stops_every_optimizer() -> None:
    net = fit(network("adam", {"*.weight": {"optimizer": "momentum"}}), 1)
    before, state = net.parameters.copy(), copy.deepcopy(net.optimizer_state)
    X, y = data()
    net.forward(X, training=True)
    net.backward(y)
    net.gradients[3] = np.nan
    with pytest.raises(NonFiniteError, match=r"the gradient of dense_1\.weight"):
        net.step()
    np.testing.assert_array_equal(net.parameters, before)
    np.testing.assert_equal(net.optimizer_state, state)


class Declares(Optimizer):
    """Declares the state that a test gives."""

    needs_tensors = True
    declared: Any = ()

    def __init__(self, lr: float = 0.1) -> None:
        self.lr = lr

    def state(self, tensors: Any) -> Any:
        return self.declared

    def step(self, w: Any, g: Any, state: Any, t: int, tensors: Any) -> None:
        pass


@pytest.mark.parametrize("declared", [[], [[]], [[1]] * 6, [["momentum"]] * 6])
def test_state_that_is_no_state_is_refused(declared: Any) -> None:
    Declares.declared = declared
    with pytest.raises(PluginError, match="must return a list of State for each of the 6 tensors"):
        network(Declares())
