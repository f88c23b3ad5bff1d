"""Schedules of hyperparameters: every number of every component changes in each step, or an error says why it cannot."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.test_one_truth import CASES, Case

import nncore as nn
from nncore.contract import native_kernel, with_argument
from nncore.errors import ParameterError, PluginError
from nncore.plugin import Callback, Schedule
from nncore.program import Knob, slots_of, team_of
from nncore.program.knobs import holder_of
from nncore.registry import KINDS
from nncore.testing import numpy_twin

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(100, 3)), RNG.integers(2, size=100)


#: Smallest factor of schedules here; with less, Tweedie's power would be outside its range.
LEAST = 0.92


class Rising(Schedule):
    """Rises from a least factor to 1 in the last step, so that each step has another number and predictions use the final one."""

    def __init__(self, least: float = LEAST) -> None:
        self.least = least

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return self.least + (1 - self.least) * np.minimum(step + 1, n_steps) / n_steps


class Halving(Schedule):
    """Powers of a half."""

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return 0.5**step


class Vanishing(Schedule):
    """Falls to 0 at the end."""

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return 1.0 - step / (n_steps - 1)


class Negative(Schedule):
    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        return -np.ones(len(step))


class Stop(Callback):
    """Ends a fit after a given number of epochs."""

    def __init__(self, epoch: int = 1) -> None:
        self.epoch = epoch

    def on_epoch_end(self, training: Any) -> None:
        if training.epoch == self.epoch:
            training.stop("power cut")


# ---- every component of the registry ------------------------------------------------------------------------------------------


def moving(case: Case, net: nn.Sequential) -> list[Knob]:
    """The scheduled numbers of a case's component, each once."""
    own = case.own(net)
    return list({knob.path: knob for knob in net._knobs.table().values() if any(owner is own for owner in knob.owners)}.values())


def moves(net: nn.Sequential, knob: Knob) -> bool:
    try:
        slots_of(knob, net._knobs.blueprint)
    except ParameterError:
        return False
    return True


def fresh(case: Case, knob: Knob) -> nn.Sequential:
    """A network ready to be trained. A number is replaced if it is 0, which no factor changes, or may not become smaller."""
    net = case.build(case.component)
    case.fit(net, 0, **case.arguments(case.component))
    value, holder = knob.value or 0.125, holder_of(case.own(net), knob.name)
    while not is_allowed(holder, knob.name, LEAST * value):
        value *= 2
        assert value < 1e6, f"{holder!r} does not accept {knob.name}"
    if value != knob.value:
        setattr(holder, knob.name, value)
    return net


def is_allowed(component: Any, name: str, value: float) -> bool:
    try:
        with_argument(component, name, value)
    except ParameterError:
        return False
    return True


def by_hand(case: Case, knob: Knob, factors: np.ndarray) -> nn.Sequential:
    net = fresh(case, knob)
    base = float(getattr(holder_of(case.own(net), knob.name), knob.name))
    for number, factor in enumerate(factors):
        setattr(holder_of(case.own(net), knob.name), knob.name, float(base * factor))
        rows = slice(8 * (number % 3), 8 * (number % 3) + 8)
        net.train_on_batch(case.X[rows], case.y[rows])
    return net


def by_schedule(case: Case, knob: Knob, n_threads: int) -> nn.Sequential:
    net = fresh(case, knob)
    with team_of(n_threads):
        net.fit(case.X, case.y, epochs=2, batch_size=8, shuffle=False, schedule={knob.path: Rising()}, progress=False)
    return net


MOVABLE = ("layers", "activations", "losses", "optimizers", "regularizers", "constraints")
WITH_NUMBERS = [case for case in CASES if case.kind in MOVABLE and case.is_trainable()]
#: Kinds whose numbers are not used in training steps.
NOT_IN_STEPS = {"initializers", "schedules", "samplers", "encodings", "metrics", "callbacks", "formats", "exporters", "collectives"}


def test_every_kind_whose_numbers_a_step_reads_is_here() -> None:
    assert set(KINDS) == {*MOVABLE, "transforms"} | NOT_IN_STEPS


@pytest.mark.parametrize("case", WITH_NUMBERS, ids=str)
def test_every_number_of_every_component_moves_or_says_why(case: Case) -> None:
    net = case.build(case.component)
    case.fit(net, 0, **case.arguments(case.component))
    for knob in moving(case, net):
        if not moves(net, knob):
            with pytest.raises(ParameterError, match="so a schedule cannot change it"):
                case.fit(net, 1, schedule={knob.path: "constant"})
            continue
        alone = by_schedule(case, knob, 1)
        expected = by_hand(case, knob, Rising().factor(np.arange(6), 6))
        tolerance = 2e-5 if case.rung == "native" else 2e-4
        np.testing.assert_allclose(alone.parameters, expected.parameters, rtol=tolerance, atol=1e-6, err_msg=knob.path)
        np.testing.assert_array_equal(by_schedule(case, knob, 3).parameters, alone.parameters, err_msg=knob.path)


def test_the_numbers_that_move() -> None:
    """The list of scheduled numbers, so that no number drops out unnoticed."""
    found = set()
    for case in WITH_NUMBERS:
        net = case.build(case.component)
        case.fit(net, 0, **case.arguments(case.component))
        found |= {knob.name for knob in moving(case, net) if moves(net, knob)}
    assert found >= {
        "lr", "beta1", "beta2", "momentum", "rho", "weight_decay", "epsilon", "rate", "slope", "alpha", "beta", "delta", "margin",
        "label_smoothing", "min_variance", "strength", "limit",
    }  # fmt: skip
    assert not found & {"n_outputs", "n_categories", "steps_per_block"}


# ---- several together, by hand ------------------------------------------------------------------------------------------------

PATHS = ("lr", "beta1", "weight_decay", "loss.label_smoothing", "dropout_1.rate", "dense_1.activation.slope", "clip_norm", "clip_value")


def network(optimizer: Any = None, twin: bool = False) -> nn.Sequential:
    def of(component: Any) -> Any:
        return numpy_twin(component) if twin else component

    layers = (
        nn.Dense(8, activation=of(nn.plugin.resolve("activations", {"name": "leaky_relu", "slope": 0.2}))),
        of(nn.Dropout(0.4, name="dropout_1")),
    )
    loss = of(nn.SoftmaxCrossEntropy(label_smoothing=0.2))
    net = nn.Sequential(*layers, nn.Dense(2)).build(3, loss=loss, optimizer=of(optimizer or nn.Adam(lr=0.05)), rng=0, dtype="float64")
    net.weight_decay, net.clip_norm, net.clip_value = 0.01, 0.3, 0.2
    return net


def fit(net: nn.Sequential, epochs: int, **arguments: Any) -> nn.History:
    return net.fit(X, Y, **{"epochs": epochs, "batch_size": 30, "progress": False, **arguments})


def state_of(net: nn.Sequential) -> dict[str, bytes]:
    return {name: view.tobytes() for name, view in net.optimizer_state.items()}


def value_of(net: nn.Sequential, path: str) -> tuple[Any, str]:
    knob = net._knobs.find(path)
    return (knob.owners or (net,))[0], knob.name


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("paths", [*([path] for path in PATHS), list(PATHS)], ids=[*PATHS, "all"])
def test_each_step_has_its_own_numbers(paths: list[str], twin: bool) -> None:
    scheduled, hand = network(twin=twin), network(twin=twin)
    history = fit(scheduled, 2, schedule=dict.fromkeys(paths, Rising()), shuffle=False)
    bases = {path: getattr(*value_of(hand, path)) for path in paths}
    for step, rise in enumerate(Rising().factor(np.arange(8), 8)):
        for path, base in bases.items():
            owner, name = value_of(hand, path)
            setattr(owner, name, float(base * rise))
        start = 30 * (step % 4)
        hand.train_on_batch(X[start : start + 30], Y[start : start + 30])
    np.testing.assert_allclose(scheduled.parameters, hand.parameters, rtol=1e-11, atol=1e-13)
    for path, base in bases.items():
        np.testing.assert_allclose(history[path], [base * Rising().factor(np.float64(3), 8), base])
        assert getattr(*value_of(scheduled, path)) == base
    assert list(history) == ["loss", *paths, "seconds"]


@pytest.mark.parametrize("n_parts", [2, 3, 8])
@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_same_bits_on_any_number_of_threads(n_parts: int, twin: bool, accumulate: int) -> None:
    def run(n: int) -> np.ndarray:
        net = network(twin=twin)
        with team_of(n):
            fit(net, 3, schedule=dict.fromkeys(PATHS, Rising()), batch_size=15, accumulate=accumulate)
        return net.parameters

    np.testing.assert_array_equal(run(n_parts), run(1))


def test_the_rungs_agree() -> None:
    nets = [network(twin=twin) for twin in (False, True)]
    for net in nets:
        fit(net, 3, schedule=dict.fromkeys(PATHS, Rising()))
    np.testing.assert_allclose(nets[0].parameters, nets[1].parameters, rtol=1e-9, atol=1e-12)


def test_batches_of_a_step_share_its_number() -> None:
    whole, parts = network(), network()
    for net, batch, n in ((whole, 60, 1), (parts, 30, 2)):
        net.layers[1].rate = 1e-12  # dropout draws other units for each batch
        fit(net, 2, schedule={"weight_decay": Halving(), "lr": Rising()}, batch_size=batch, accumulate=n, shuffle=False)
    np.testing.assert_allclose(whole.parameters, parts.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_a_resumed_fit_equals_one_that_was_not_interrupted(tmp_path: Path, twin: bool) -> None:
    pytest.importorskip("safetensors")
    whole, part = network(twin=twin), network(twin=twin)
    schedule = dict.fromkeys(PATHS, Rising()) | {"lr": nn.Plateau("loss", patience=1, multiplier=0.5)}
    fit(whole, 5, schedule=schedule)
    fit(part, 5, schedule=schedule, callbacks=[Stop(2)])
    if twin:
        part = copy.deepcopy(part)
    else:
        schedule = {path: {"name": "cosine"} if path == "lr" else "constant" for path in PATHS}
        whole, part = network(), network()
        fit(whole, 5, schedule=schedule)
        fit(part, 5, schedule=schedule, callbacks=[Stop(2)])
        part.save(tmp_path / "part.nncore")
        part = nn.load(tmp_path / "part.nncore")
        assert list(part.schedule) == list(PATHS)
    fit(part, 3)
    np.testing.assert_array_equal(part.parameters, whole.parameters)


def test_a_file_keeps_schedules_and_what_they_learned(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    schedule = {"lr": nn.Plateau("loss", patience=2), "weight_decay": nn.Plateau("loss", patience=1, multiplier=0.5), "beta1": "constant"}
    whole, part = network(), network()
    fit(whole, 6, schedule=schedule)
    fit(part, 6, schedule=schedule, callbacks=[Stop(3)])
    part.save(tmp_path / "part.nncore")
    loaded = nn.load(tmp_path / "part.nncore")
    assert loaded.describe()["schedule"] == part.describe()["schedule"]
    assert {path: one.state() for path, one in loaded.schedules.items()} == {path: one.state() for path, one in part.schedules.items()}
    fit(loaded, 3)
    np.testing.assert_array_equal(loaded.parameters, whole.parameters)


def test_one_schedule_is_for_the_learning_rate() -> None:
    nets = [network() for _ in range(4)]
    for net, schedule in zip(nets, ("cosine", {"lr": "cosine"}, {"optimizer.lr": nn.Cosine()}, {"name": "cosine"}), strict=True):
        assert "lr" in fit(net, 2, schedule=schedule)
        assert isinstance(net.schedule, nn.Cosine)
        np.testing.assert_array_equal(net.parameters, nets[0].parameters)


def test_numbers_inside_blocks_have_their_paths() -> None:
    block = nn.Residual([nn.Dense(3, activation="tanh"), nn.Dropout(0.5)])
    net = nn.Sequential(block, nn.Dense(2)).build(3, loss="softmax_cross_entropy", optimizer="adam", rng=0, dtype="float64")
    history = fit(net, 2, schedule={"residual_1.dropout_1.rate": "flat_cosine"})
    assert history["residual_1.dropout_1.rate"][0] == 0.5 > history["residual_1.dropout_1.rate"][1]


@pytest.mark.parametrize("decays_itself", [False, True])
@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_groups_move_with_the_network(decays_itself: bool, twin: bool) -> None:
    """In groups, each number changes by the factor from the group's own value."""

    def start() -> nn.Sequential:
        net = network(nn.AdamW(lr=0.05, weight_decay=0.1) if decays_itself else None, twin)
        net.groups = {"*.bias": {"lr_factor": 0.1, "weight_decay": 0.0}, "dense_2.weight": {"weight_decay": 0.3}}
        return net

    scheduled, hand = start(), start()
    fit(scheduled, 2, schedule={"lr": Halving(), "weight_decay": Rising()}, shuffle=False)
    decay = hand.optimizer if decays_itself else hand
    lr, base = hand.optimizer.lr, decay.weight_decay
    for step, rise in enumerate(Rising().factor(np.arange(8), 8).tolist()):
        hand.optimizer.lr, decay.weight_decay = lr * 0.5**step, base * rise
        hand.groups = {"*.bias": {"lr_factor": 0.1, "weight_decay": 0.0}, "dense_2.weight": {"weight_decay": 0.3 * rise}}
        start_row = 30 * (step % 4)
        hand.train_on_batch(X[start_row : start_row + 30], Y[start_row : start_row + 30])
    np.testing.assert_allclose(scheduled.parameters, hand.parameters, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_every_optimizer_that_has_the_number_moves(twin: bool) -> None:
    """Every optimizer with the number changes it from its own value; others are unaffected."""

    def start() -> nn.Sequential:
        net = network(twin=twin)
        momentum = nn.Momentum(lr=0.02, momentum=0.5)
        net.groups = {"dense_2.*": {"optimizer": numpy_twin(momentum) if twin else momentum}, "dense_1.bias": {"lr": 0.01}}
        return net

    scheduled, hand = start(), start()
    history = fit(scheduled, 2, schedule={"lr": Halving(), "momentum": Rising(), "beta1": Rising()}, shuffle=False)
    for step, rise in enumerate(Rising().factor(np.arange(8), 8).tolist()):
        hand.optimizer.lr, hand.optimizer.beta1 = 0.05 * 0.5**step, 0.9 * rise
        other = hand.groups["dense_2.*"]["optimizer"]
        other.lr, other.momentum = 0.02 * 0.5**step, 0.5 * rise
        hand.groups = dict(hand.groups) | {"dense_1.bias": {"lr": 0.01 * 0.5**step}}
        start_row = 30 * (step % 4)
        hand.train_on_batch(X[start_row : start_row + 30], Y[start_row : start_row + 30])
    np.testing.assert_allclose(scheduled.parameters, hand.parameters, rtol=1e-10, atol=1e-12)
    assert (history["lr"][-1], history["momentum"][-1]) == (0.05 * 0.5**7, 0.5)


def test_other_optimizers_for_groups_end_what_is_under_way() -> None:
    net = network()
    fit(net, 4, schedule="cosine", callbacks=[Stop()])
    fit(net, 1, groups={"dense_2.*": {"optimizer": "sgd"}})
    assert net.schedule is None


# ---- callbacks --------------------------------------------------------------------------------------------------------------


def test_a_value_that_a_callback_changes_is_the_new_base() -> None:
    def change(training: Any) -> None:
        training.network.layers[1].rate = 0.2
        training.network.weight_decay = 0.04

    history = fit(network(), 3, schedule={"dropout_1.rate": "constant", "weight_decay": Halving()}, callbacks=[change], batch_size=100)
    np.testing.assert_allclose(history["dropout_1.rate"], [0.4, 0.2, 0.2])
    np.testing.assert_allclose(history["weight_decay"], [0.01, 0.02, 0.01])


def test_a_value_that_the_factors_take_out_of_its_range_ends_the_fit() -> None:
    class Doubling(Schedule):
        def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
            return 1.0 + step / n_steps

    def change(training: Any) -> None:
        training.network.layers[1].rate = 0.9

    net = network()
    with pytest.raises(ParameterError, match=r"schedule\['dropout_1.rate'\]=Doubling\(\) makes .* of 0.9: Dropout: rate must be"):
        fit(net, 3, schedule={"dropout_1.rate": Doubling()}, callbacks=[change])
    assert net.n_steps == 4
    assert np.isfinite(net.parameters).all()


def test_validation_uses_the_base_values() -> None:
    net = network()
    history = fit(net, 1, schedule={"loss.label_smoothing": Halving()}, validation=(X, Y))
    assert history["val_loss"][-1] == net.evaluate(X, Y)["loss"]


def test_plateau_reacts_for_each_number() -> None:
    schedule = {"lr": nn.Plateau("loss", patience=1, min_delta=100), "weight_decay": nn.Plateau("loss", patience=2, min_delta=100)}
    history = fit(network(), 4, schedule=schedule)
    np.testing.assert_allclose(history["lr"], [0.05, 0.05, 0.005, 0.0005])
    np.testing.assert_allclose(history["weight_decay"], [0.01, 0.01, 0.01, 0.001])


def test_curves_leave_the_numbers_out() -> None:
    pytest.importorskip("matplotlib")
    history = fit(network(), 2, schedule={"lr": "cosine", "dropout_1.rate": "cosine"}, validation=(X, Y))
    assert history.moved == ("lr", "dropout_1.rate")
    assert history.plot().axes_[1].get_ylabel() == "accuracy"


# ---- errors -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"beta_1": "cosine"}, r"no number 'beta_1' .* did you mean 'beta1'"),
        ({"rate": "cosine"}, r"did you mean 'dropout_1.rate'"),
        ({"quite something else": "cosine"}, r"there are dense_1\.activation\.slope, "),
        ({"lr": "cosine", "optimizer.lr": "step"}, r"two schedules for 'lr': drop one"),
        ({}, r"must be one schedule or a dict like"),
        ({1: "cosine"}, r"must be one schedule or a dict like"),
        ({"dense_1.n_outputs": "cosine"}, r"no number 'dense_1\.n_outputs' that a schedule could change"),
        ({"dense_1.activation.slope": "cosine"}, r"predictions use slope=0\.2, and the last step .* use a schedule that ends at 1"),
        ({"dense_1.activation.slope": nn.Plateau("loss")}, r"predictions use slope=0\.2, and it may end anywhere"),
        (
            {"clip_norm": Vanishing()},
            r"schedule\['clip_norm'\]=Vanishing\(\) makes 0 of 0\.3: clip_norm would be 0, which is no limit at all",
        ),
        ({"lr": "cosine", "beta1": "no such schedule"}, r"no such schedule"),
        ({"beta1": nn.Plateau("val_loss")}, r"monitor"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_changes(schedule: Any, words: str) -> None:
    net = network()
    before = net.parameters.copy(), state_of(net), net.n_steps
    with pytest.raises((ParameterError, LookupError), match=words):
        fit(net, 2, schedule=schedule, optimizer=None, weight_decay=0.5)
    np.testing.assert_array_equal(net.parameters, before[0])
    assert state_of(net) == before[1]
    assert (net.n_steps, net.schedule, net.weight_decay) == (before[2], None, 0.01)


def test_a_factor_that_leaves_the_range_is_refused() -> None:
    class Above(Schedule):
        def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
            return 1 + 2.0 * (step == n_steps - 1)

    with pytest.raises(ParameterError, match=r"schedule\['dropout_1\.rate'\]=Above\(\) makes 1\.2 of 0\.4: Dropout: rate must be"):
        fit(network(), 2, schedule={"dropout_1.rate": Above()})
    with pytest.raises(PluginError, match="must return 8 finite numbers"):
        fit(network(), 2, schedule={"dropout_1.rate": Negative()})


@pytest.mark.parametrize("path", ["weight_decay", "clip_norm", "clip_value"])
def test_a_number_that_is_0_says_that_nothing_would_move(path: str) -> None:
    with pytest.raises(ParameterError, match=rf"{path} is 0, and a schedule multiplies it"):
        fit(network(), 2, schedule={path: "cosine"}, **{path: 0.0})


def test_a_loss_without_the_number_ends_what_is_under_way() -> None:
    net = network()
    fit(net, 4, schedule={"loss.label_smoothing": "cosine"}, callbacks=[Stop()])
    with pytest.raises(ParameterError, match=r"no number 'loss\.label_smoothing'"):
        fit(net, 2, loss="hinge")
    fit(net, 2, loss="hinge", schedule="cosine")


def test_a_number_that_the_kernel_gets_in_another_form_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Dropout, "hyper", lambda self: [1 - self.rate])
    net = network()
    assert native_kernel(net.layers[1]) is not None
    with pytest.raises(ParameterError, match=r"hyper\(\) of Dropout does not pass rate unchanged to the kernel"):
        fit(net, 2, schedule={"dropout_1.rate": "cosine"})


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_a_step_that_fails_leaves_the_base_values(twin: bool) -> None:
    net = network(twin=twin)
    bad = X.copy()
    bad[70], net.parameters[:] = 1.7e308, 1.0
    with pytest.raises(FloatingPointError), np.errstate(all="ignore"):
        net.fit(bad, Y, epochs=1, batch_size=30, shuffle=False, schedule=dict.fromkeys(PATHS, Rising()), progress=False)
    assert net.n_steps == 2
    hand = network(twin=twin)
    for one in (net, hand):
        one.parameters[:] = 0.1
        for view in one.optimizer_state.values():
            view[...] = 0
        one.n_steps = 0
        one.train_on_batch(X, Y)
    np.testing.assert_array_equal(net.parameters, hand.parameters)
