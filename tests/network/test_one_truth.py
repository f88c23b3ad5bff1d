"""Changed arguments of a built network's components take effect everywhere, or are refused.

The registry is enumerated, so that new components and arguments are covered.
"""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.contract import activation_for, bounds
from nncore.errors import NNCoreError, ParameterError, ShapeError
from nncore.plugin import Callback, Configurable
from nncore.testing import numpy_twin

ROWS = 24
#: Arguments that determine the number of tensors, their shapes or their initial values.
OF_THE_STRUCTURE = {"n_outputs", "axis", "n_frequencies", "n_members", "sigma", "initial_slope"}
KINDS = ("layers", "activations", "initializers", "losses", "optimizers", "regularizers", "constraints", "schedules")
#: Kinds of components for tensors in training, and a layer's arguments for them.
RULES = {"regularizers": "regularizer", "constraints": "constraint"}
#: Values to try for arguments that are not numbers; each argument accepts some of them.
OTHERS = (
    None, True, False, 0, 1, 2, "tanh", "relu", "none", "cumulative", "batch", "tensor", "layer", "labels", "real", "loss", "min", "max",
    "zeros", [1], [2], [0.25], (0.2, 0.7), [3, 2], [2, 3], [5], [], {"name": "elu"}, -1, math.nan, "no such thing",
)  # fmt: skip


class Case:
    """A component in a network that is made for it."""

    def __init__(self, kind: str, component: Configurable, rung: str) -> None:
        self.kind, self.component, self.rung = kind, component, rung
        self.n_outputs, self.epochs = 3, 2
        self.loss: Any = "softmax_cross_entropy"
        rng = np.random.default_rng(5)
        self.X, self.y = rng.normal(size=(ROWS, 4)).astype(np.float32), rng.integers(3, size=ROWS)
        self.last: str | None = None
        if kind == "losses":
            self.loss = component
            self.n_outputs = next(n for n in (3, 4, 10, 23, 1) if accepts(component, n))
            self.y = targets(component, self.n_outputs)
            self.last = activation_for(component, self.n_outputs)

    def __str__(self) -> str:
        return f"{self.kind}-{type(self.component).__name__}-{self.rung}"

    def is_trainable(self) -> bool:
        return bool(getattr(self.component, "trainable", True))

    def build(self, component: Any) -> nn.Sequential:
        """Build a network with the component, or with an equal one in its place; always with the same initial values."""
        layers: list[Any] = [nn.Dense(4), nn.Dense(self.n_outputs, activation=self.last)]
        if self.kind == "layers":
            before = [nn.RepeatMembers(2)] if len(getattr(component, "input_shapes", ((4,),))[0]) > 1 else []
            shape = (2, 4) if before else (4,)
            nan = component.plan(shape).accepts_nan if not getattr(component, "branches", None) else False
            layers[1:1] = [*before, component, nn.Flatten()]
            layers = layers[1:] if nan else layers
        if self.kind == "activations":
            width = sum(getattr(component, "n_classes", (5,)))
            layers[0] = nn.Dense(width, activation=component)
        if self.kind == "initializers":
            layers[0] = nn.Dense(4, weight_initializer=component)
        if kind_of_rule := RULES.get(self.kind):
            layers[0] = nn.Dense(4, **{f"weight_{kind_of_rule}": component})
        return nn.Sequential(*layers).build(4, rng=0, batch=self.X)

    def arguments(self, component: Any) -> dict[str, Any]:
        return {
            "loss": component if self.kind == "losses" else self.loss,
            "optimizer": component if self.kind == "optimizers" else nn.Adam(lr=0.01),
            "schedule": component if self.kind == "schedules" else None,
        }

    def fit(self, net: nn.Sequential, epochs: int, **arguments: Any) -> None:
        if not self.is_trainable():
            return
        net.fit(self.X, self.y, epochs=epochs, batch_size=8, validation=(self.X, self.y), progress=False, n_threads=1, **arguments)

    def fitted(self, n: int) -> nn.Sequential:
        """Built, and trained for a given number of fits; with a schedule, to the middle of a fit."""
        net, arguments = self.build(self.component), self.arguments(self.component)
        self.fit(net, 0, **arguments)
        if n and self.kind == "schedules":
            self.fit(net, 2, **arguments, callbacks=[lambda training: training.stop("for now")])
        elif n:
            self.fit(net, n, **arguments)
        return net

    def own(self, net: nn.Sequential) -> Any:
        """The network's own copy of the component."""
        if self.kind == "layers":
            return net.layers[-3]
        first = net.layers[0]
        if self.kind == "activations":
            return first.activation
        if kind_of_rule := RULES.get(self.kind):
            return getattr(first, f"weight_{kind_of_rule}")
        return {"initializers": getattr(first, "weight_initializer", None), "losses": net.loss, "optimizers": net.optimizer}.get(
            self.kind, net.schedule
        )

    def goes_on_with(self, component: Any, source: nn.Sequential) -> nn.Sequential:
        """A network built with another component, at the same point of training as `source`."""
        net = self.build(component)
        self.fit(net, 0, **self.arguments(component))
        net.parameters[:] = source.parameters
        for name, buffer in source.named_buffers().items():
            net.named_buffers()[name][:] = buffer
        if self.is_trainable():
            for name, kept in source.optimizer_state.items():
                net.optimizer_state[name][...] = kept
            net.n_steps, net.n_epochs = source.n_steps, source.n_epochs
            if source.trajectory is not None:
                net.begin_average(source.average_begin)
                net.trajectory[:] = source.trajectory
        if source.schedule is not None:
            net.schedule_begin, net.schedule_steps = source.schedule_begin, source.schedule_steps
            net.schedule.restore(source.schedule.state())
        return net


def accepts(loss: Any, n_outputs: int) -> bool:
    try:
        return loss.n_targets(n_outputs) > 0
    except ShapeError:
        return False


def targets(loss: Any, n_outputs: int) -> np.ndarray:
    rng = np.random.default_rng(6)
    if loss.targets_for(n_outputs) in ("labels", "both"):
        return rng.integers(n_outputs, size=ROWS)
    given = loss.example_targets(rng, ROWS, n_outputs)
    return rng.uniform(0.1, 0.9, (ROWS, loss.n_targets(n_outputs))) if given is None else given


def cases() -> Iterator[Case]:
    for kind in KINDS:
        for name in registry.names(kind):
            cls = registry.get(kind, name)
            for arguments in cls.examples or ({},):
                component = cls(**arguments)
                yield Case(kind, component, "native")
                if hasattr(component, "kernel"):
                    yield Case(kind, numpy_twin(component), "numpy")


CASES = list(cases())
#: If components have a kernel and NumPy methods, the methods are tested among the slow tests.
BY_RUNG = [pytest.param(case, marks=pytest.mark.slow if case.rung == "numpy" else ()) for case in CASES]


def candidates(component: Any, name: str) -> list[Any]:
    """Values for an argument, valid and invalid ones."""
    if name in component.ranges:
        low, high = bounds(component.ranges[name])
        start, end = (low if math.isfinite(low) else 0.0), min(high, (low if math.isfinite(low) else 0.0) + 1)
        if name in component.whole:
            return [int(start), int(start) + 1, start + 0.5, "1"]
        return [start + 0.3 * (end - start), start + 0.7 * (end - start), low - 1, math.nan, "0.1", None]
    return list(OTHERS)


def altered(component: Any, name: str, value: Any) -> Any:
    """A component made with another value; None if its class refuses it."""
    try:
        return type(component)(**component.config() | {name: value})
    except (NNCoreError, TypeError, ValueError):
        return None


def state(net: nn.Sequential, case: Case) -> tuple[Any, ...]:
    """All observable state of a network."""
    texts = (
        (repr(net.describe()), net.summary()) if case.rung == "native" and case.own(net) is not None else (repr(net), repr(net.optimizer))
    )
    return net.predict(case.X).tobytes(), net.parameters.tobytes(), repr(case.own(net)), *texts


def each_value(case: Case) -> Iterator[tuple[str, Any]]:
    for name in case.component.config():
        for value in candidates(case.component, name):
            yield name, value


def set_or_refused(case: Case, net: nn.Sequential, name: str, value: Any, before: tuple[Any, ...]) -> bool:
    """Whether the value was accepted; if not, check that the state is still that `before`."""
    try:
        setattr(case.own(net), name, value)
    except NNCoreError:
        taken = False
    else:
        taken = True
    assert taken or state(net, case) == before, f"{name}={value!r:.60}"
    return taken


def assert_same(one: nn.Sequential, other: nn.Sequential, case: Case, folder: Path, what: str) -> None:
    assert state(one, case) == state(other, case), what
    if case.rung == "native":
        loaded = saved_and_loaded(one, folder)
        assert loaded.predict(case.X).tobytes() == other.predict(case.X).tobytes(), what
        assert repr(loaded.describe()) == repr(other.describe()), what  # where NaN is equal to itself


def saved_and_loaded(net: nn.Sequential, folder: Path) -> nn.Sequential:
    net.save(folder / "net.nncore")
    return nn.load(folder / "net.nncore")


@pytest.mark.parametrize("case", BY_RUNG, ids=str)
def test_an_argument_changed_before_between_or_during_fits(case: Case, tmp_path: Path) -> None:
    taken = set()
    for fits_before in (0, 1):
        net = case.fitted(fits_before)
        before = state(net, case)
        for name, value in each_value(case):
            if not set_or_refused(case, net, name, value, before):
                continue  # and the network is unchanged
            what = f"{name}={value!r:.60}"
            taken.add(name)
            fresh = altered(case.component, name, value)
            assert fresh is not None, f"{what} is taken although its class refuses it"
            other = case.goes_on_with(fresh, net)
            assert_same(net, other, case, tmp_path, f"{what} after {fits_before} fits")
            for network in (net, other):
                case.fit(network, 1)
            assert_same(net, other, case, tmp_path, f"{what}, further trained")
            if fits_before and case.is_trainable():
                during = case.build(case.component)
                case.fit(during, 2, **case.arguments(case.component), callbacks=[change_once(case, name, value)])
                assert during.parameters.tobytes() == net.parameters.tobytes(), f"{what}, by a callback"
            net = case.fitted(fits_before)
    if case.kind != "initializers" and "gain" not in case.component.ranges:  # changing them has no effect after initialisation
        assert taken >= case.component.ranges.keys() - OF_THE_STRUCTURE


def change_once(case: Case, name: str, value: Any) -> Callable[[Any], None]:
    def change(training: Any) -> None:
        if training.epoch == 1:
            setattr(case.own(training.network), name, value)

    return change


# ---- numbers of the network ---------------------------------------------------------------------------------------------------

NUMBERS = {
    "weight_decay": (0.3, -1, math.nan, "0.1", None),
    "clip_norm": (0.05, -1, math.inf),
    "clip_value": (0.01, -1, True),
    "seed": (77, -1, 0.5, 2**64),
    "groups": (
        {"dense_1.*": {"frozen": True}},
        {"*.bias": {"lr_factor": 0.1, "weight_decay": 0.2}},
        {"nothing": {}},
        {"*": {"speed": 1}},
        3,
    ),
}
OPTIMIZERS = [nn.SGD(lr=0.1), numpy_twin(nn.Momentum(lr=0.1)), nn.AdamW(lr=0.05), numpy_twin(nn.Adam(lr=0.05))]
X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)


def small(optimizer: Any = "adam") -> nn.Sequential:
    layers = nn.Dense(6, activation="tanh"), nn.Dropout(0.3), nn.Dense(2)
    return nn.Sequential(*layers).build(4, loss="softmax_cross_entropy", optimizer=optimizer, rng=1)


def fit(net: nn.Sequential, epochs: int, **arguments: Any) -> nn.History:
    return net.fit(X, Y, epochs=epochs, batch_size=8, progress=False, n_threads=1, **arguments)


@pytest.mark.parametrize("number", range(len(OPTIMIZERS)))
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_of_the_network(name: str, number: int) -> None:
    for value in NUMBERS[name]:
        net = small(OPTIMIZERS[number])
        fit(net, 1)
        before = net.parameters.copy(), getattr(net, name)
        try:
            setattr(net, name, value)
        except ParameterError:
            assert getattr(net, name) == before[1]
            fit(net, 1)
            untouched = small(OPTIMIZERS[number])
            fit(untouched, 2)
            np.testing.assert_array_equal(net.parameters, untouched.parameters)
            continue
        assert getattr(net, name) == value
        fit(net, 1)
        other = small(OPTIMIZERS[number])
        fit(other, 1)
        if name == "seed":
            other = copy.deepcopy(other)
            other.seed = value
            fit(other, 1)
        else:
            fit(other, 1, **{name: value})
        during = small(OPTIMIZERS[number])
        fit(during, 2, callbacks=[lambda training, value=value: setattr(training.network, name, value) if training.epoch == 1 else None])
        np.testing.assert_array_equal(net.parameters, other.parameters)
        np.testing.assert_array_equal(during.parameters, other.parameters)
        assert not np.array_equal(net.parameters, before[0])


def test_a_good_value_is_obeyed_in_single_steps() -> None:
    """In single calls of forward, backward and step, a changed value takes effect in the next step."""
    net, other = small(nn.SGD(lr=0.1)), small(nn.SGD(lr=0.1))
    net.train_on_batch(X, Y)
    other.train_on_batch(X, Y)
    net.forward(X, training=True)
    net.backward(Y)
    net.optimizer.lr = 0.0
    before = net.parameters.copy()
    net.step()
    np.testing.assert_array_equal(net.parameters, before)
    net.clip_norm = 1e-3
    net.optimizer.lr = 1.0
    net.train_on_batch(X, Y)
    assert 0 < np.linalg.norm(net.parameters - before) < 1.1e-3


# ---- learning rates under a schedule -------------------------------------------------------------------------------------------


class AtProgress(Callback):
    """Calls a function once, between two slices of an epoch."""

    def __init__(self, do: Callable[[Any], None]) -> None:
        self.do, self.n = do, 0

    def on_progress(self, training: Any) -> None:
        self.n += 1
        if self.n == 1:
            self.do(training)


@pytest.mark.parametrize("number", [0, 1])
def test_a_rate_changed_under_a_schedule_counts_from_the_next_step(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)  # returns to Python after every step
    net = small(OPTIMIZERS[number])
    seen: list[np.ndarray] = []

    def stop_moving(training: Any) -> None:
        seen.append(training.network.parameters.copy())
        training.network.optimizer.lr = 0.0

    history = fit(net, 1, schedule="cosine", callbacks=[AtProgress(stop_moving)])
    np.testing.assert_array_equal(net.parameters, seen[0])
    assert history["lr"][-1] == 0
    assert net.optimizer.lr == 0


def test_the_optimizer_shows_the_base_rate_under_a_schedule() -> None:
    net = small(nn.SGD(lr=0.1))
    rates: list[float] = []
    history = fit(net, 2, schedule="cosine", callbacks=[AtProgress(lambda training: rates.append(training.network.optimizer.lr))])
    assert rates == [0.1]
    assert history["lr"][-1] < 0.02
    net.schedule = None
    before = net.parameters.copy()
    twin = copy.deepcopy(net)
    net.train_on_batch(X, Y)
    twin.optimizer.lr = 0.05
    twin.train_on_batch(X, Y)
    np.testing.assert_allclose(net.parameters - before, 2 * (twin.parameters - before), rtol=1e-2, atol=1e-6)


# ---- whole components, lists, copies -------------------------------------------------------------------------------------------


def test_setting_a_loss_or_an_optimizer_is_like_passing_it_to_fit() -> None:
    net, other = small(), small()
    fit(net, 1)
    fit(other, 1)
    net.optimizer = nn.SGD(lr=0.2)
    net.loss = {"name": "softmax_cross_entropy", "label_smoothing": 0.2}
    fit(net, 1)
    fit(other, 1, optimizer=nn.SGD(lr=0.2), loss=net.loss)
    np.testing.assert_array_equal(net.parameters, other.parameters)
    with pytest.raises(ShapeError):
        net.loss = registry.resolve("losses", {"name": "softmax_heads", "n_classes": (3, 2)})
    with pytest.raises(ParameterError, match="optimizer is needed"):
        net.optimizer = 3
    with pytest.raises(ParameterError, match="pass schedule= to fit"):
        net.schedule = "cosine"
    with pytest.raises(nn.errors.BusyError, match="being fitted"):
        fit(net, 1, callbacks=[lambda training: setattr(training.network, "loss", "mse")])
    with pytest.raises(nn.errors.NotBuiltError, match="pass optimizer= to build or fit"):
        nn.Sequential(nn.Dense(2)).optimizer = "adam"


def test_lists_of_a_network_cannot_be_changed_in_place() -> None:
    net = nn.Sequential(nn.Residual([nn.Dense(4)]), nn.Embedding([3], [2], [0]), nn.Dense(2)).build(4)
    for change in (
        lambda: net.layers.append(nn.Dense(3)),
        lambda: net.layers.__setitem__(0, nn.Dense(3)),
        lambda: net.layer_names.append("dense_9"),
        lambda: net.layers[0].layers.append(nn.Dense(4)),
        lambda: net.layers[1].columns.append(1),
        lambda: net.groups.update({"*": {"frozen": True}}),
        lambda: setattr(net, "layers", []),
        lambda: delattr(net.layers[2], "n_outputs"),
        lambda: setattr(net.layers[2], "kernel", None),
    ):
        with pytest.raises(ParameterError):
            change()
    assert len(net.layers) == 3
    assert net.layers == [*net.layers]


def test_the_users_own_instances_stay_theirs() -> None:
    optimizer, layer, columns = nn.Adam(lr=0.01), nn.Dense(2), [0]
    embedding = nn.Embedding([3], [2], columns)
    net = nn.Sequential(embedding, layer).build(4, loss="mse", optimizer=optimizer, rng=0)
    described = net.describe()
    optimizer.lr, layer.n_outputs, embedding.columns = 5.0, 7, [2]
    columns.append(3)
    assert net.describe() == described
    assert net.optimizer is not optimizer
    kept = net.optimizer
    net.fit(X, np.zeros((40, 2)), optimizer=kept, epochs=0, progress=False)
    assert net.optimizer is kept


@pytest.mark.parametrize("how", ["copy", "deepcopy", "pickle"])
def test_a_copy_of_a_network_owns_its_own_components(how: str) -> None:
    net = small()
    fit(net, 1, schedule="cosine")
    twin = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda n: pickle.loads(pickle.dumps(n))}[how](net)
    twin.optimizer.lr, twin.layers[1].rate, twin.schedule.minimum = 0.5, 0.1, 0.1
    assert (net.optimizer.lr, net.layers[1].rate) == (0.001, 0.3)
    fit(net, 1)
    fresh = small()
    fit(fresh, 1, schedule="cosine")
    fit(fresh, 1)
    np.testing.assert_array_equal(net.parameters, fresh.parameters)
    fit(twin, 1)
    assert not np.array_equal(twin.parameters, net.parameters)
    with pytest.raises(ParameterError, match="structure or state depends on it"):
        twin.layers[0].activation = "relu"


def test_copies_of_a_component_belong_to_nobody() -> None:
    net = small()
    for own in (copy.copy(net.optimizer), copy.deepcopy(net.optimizer)):
        own.lr = 0.7
        assert net.optimizer.lr == 0.001
    kept = net.optimizer
    del net
    kept.lr = 0.3
    assert kept.lr == 0.3


def test_a_layer_inside_a_layer_and_an_activation_inside_that() -> None:
    leaky = registry.get("activations", "leaky_relu")

    def make(rate: float, slope: float) -> nn.Sequential:
        block = nn.Residual([nn.Dropout(rate), nn.Dense(4, activation=leaky(slope))])
        return nn.Sequential(block, nn.Dense(2)).build(4, rng=0, loss="softmax_cross_entropy", optimizer="adam")

    net, other = make(0.1, 0.01), make(0.6, 0.4)
    net.predict(X)
    net.layers[0].layers[0].rate = 0.6
    net.layers[0].layers[1].activation.slope = 0.4
    np.testing.assert_array_equal(net.predict(X), other.predict(X))
    np.testing.assert_array_equal(net.predict_one(X[0]), other.predict_one(X[0]))
    fit(net, 1)
    fit(other, 1)
    np.testing.assert_array_equal(net.parameters, other.parameters)
    assert net.describe() == other.describe()
    with pytest.raises(ParameterError):
        net.layers[0].layers[1].activation = leaky(2.0)
    with pytest.raises(ParameterError, match="make a new network"):
        net.layers[0].layers[1].use_bias = False
