"""Threads that share a network: every method follows the locking rule and sees only complete steps."""

from __future__ import annotations

import copy
import inspect
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import BusyError, ParameterError
from nncore.network import turns
from nncore.network.turns import place_of
from nncore.plugin import Callback, Optimizer

X, Y = np.ones((3, 1), np.float32), np.zeros((3, 1), np.float32)
#: Number of different states of a network while `Counting` trains.
N_SEEN = 5


class Counting(Optimizer):
    """Sets all parameters to one number in each step: 1, 2, 3, 4, 5, 1, ... An incomplete step is visible."""

    def __init__(self, lr: float = 1.0) -> None:
        self.lr = lr

    def step(self, w: Any, g: Any, state: Any, t: int, *tensors: Any, **_: Any) -> None:
        for i in range(len(w)):
            w[i] = t % N_SEEN + 1
            time.sleep(0)  # another thread may run now


class Until(Callback):
    """Ends a fit when a test requests it."""

    def __init__(self) -> None:
        self.has_begun, self.is_over = threading.Event(), threading.Event()

    def __deepcopy__(self, memo: Any) -> Until:
        return self

    def on_progress(self, training: Any) -> None:
        self.has_begun.set()
        if self.is_over.is_set():
            training.stop("told to")


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(2), nn.Dense(1)).build(1, loss="mse", optimizer=Counting(), rng=0)


class InAThread:
    """A fit of `network` in a new thread, for a ``with`` block."""

    def __init__(self, net: nn.Sequential, *callbacks: Any, **arguments: Any) -> None:
        self.net, self.until, self.errors = net, Until(), list[BaseException]()
        rest = {"epochs": 10**6, "batch_size": 1, "progress": False, "rng": 0} | arguments
        self.thread = threading.Thread(target=self._fit, args=([*callbacks, self.until], rest))

    def _fit(self, callbacks: list[Any], arguments: dict[str, Any]) -> None:
        try:
            self.net.fit(X, Y, callbacks=callbacks, **arguments)
        except BaseException as error:
            self.errors.append(error)
            self.until.has_begun.set()

    def __enter__(self) -> nn.Sequential:
        self.thread.start()
        assert self.until.has_begun.wait(30)
        return self.net

    def __exit__(self, *_: object) -> None:
        self.until.is_over.set()
        self.thread.join(30)
        assert not self.thread.is_alive()
        assert self.errors == []


# ---- every method and property ---------------------------------------------------------------------------------------------

#: Arguments of methods, by the names of their parameters.
ARGUMENTS: dict[str, Any] = {
    "X": X, "y": Y, "x": X[0], "path": "net.nncore", "where": slice(None), "n_rows": 3, "n_inputs": 1, "input_shape": (1,), "loss": "mse",
    "optimizer": "sgd", "dtype": np.dtype("float32"), "begin": 0, "is_over_steps": True, "state": {}, "place": "optimizer", "name": "lr",
    "value": 0.5, "layer": "dropout", "index": 0, "which": 0, "source": {}, "X_calibration": X,
}  # fmt: skip
#: Methods of Python's object protocol, not called on a shared network.
OF_OBJECTS = {"__init__", "__setstate__", "__getattr__", "__setattr__", "__dir__"}


def shared_names() -> list[str]:
    """Names that threads can use on a network: all public methods and properties of its classes."""
    classes = [cls for cls in nn.Sequential.__mro__ if cls.__module__.startswith("nncore.")]
    found = {name: value for cls in reversed(classes) for name, value in vars(cls).items() if inspect.isroutine(value) or name in dir(cls)}
    is_code = {name for name, value in found.items() if inspect.isfunction(value) or isinstance(value, property)}
    return sorted(name for name in is_code - OF_OBJECTS if not name.startswith("_") or name.startswith("__"))


METHODS = [name for name in shared_names() if inspect.isfunction(inspect.getattr_static(nn.Sequential, name))]
PROPERTIES = [name for name in shared_names() if name not in METHODS]
SETTERS = [name for name in PROPERTIES if inspect.getattr_static(nn.Sequential, name).fset is not None]


def test_the_rule_is_asked_about_what_there_is() -> None:
    assert {"fit", "predict", "predict_one", "save", "build", "train_on_batch", "__getstate__", "change", "step"} <= set(METHODS)
    assert {"parameters", "n_steps", "memories"} <= set(PROPERTIES)
    assert {"loss", "groups", "seed", "clip_norm", "n_epochs", "metadata"} <= set(SETTERS)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_place_in_the_rule(name: str) -> None:
    method = getattr(nn.Sequential, name)
    taken_in_c = {"predict_one", "predict_proba_one"}  # the core takes the lock, at a lower cost
    taken_if_needed = {"program_for_link"}  # to compile it
    assert place_of(method) in {"reads", "sets", "records", "steps", "rebuilds", "fits"} or name in taken_in_c | taken_if_needed


@pytest.mark.parametrize("name", SETTERS)
def test_everything_that_can_be_set_has_a_place_in_the_rule(name: str) -> None:
    setter = inspect.getattr_static(nn.Sequential, name).fset
    is_refused = name == "layers"  # always
    assert place_of(setter) in {"sets", "steps", "rebuilds"} or is_refused


@pytest.mark.parametrize(
    "made", [network, lambda: nn.Sequential(nn.Dense(1)), lambda: copy.deepcopy(network())], ids=["built", "bare", "copy"]
)
def test_nothing_of_a_network_can_be_set_without_the_rule(made: Callable[[], nn.Sequential]) -> None:
    net = made()
    net.fit(X, Y, loss="mse", epochs=1, progress=False, callbacks=[nn.EMA()], schedule="cosine")
    assert [name for name in vars(net) if not name.startswith("_")] == []  # settable are properties with a setter


@pytest.mark.parametrize("name", [name for name in SETTERS if place_of(inspect.getattr_static(nn.Sequential, name).fset) == "sets"])
def test_what_is_set_waits_for_its_turn(name: str) -> None:
    net, done = network(), threading.Event()

    def set_it() -> None:
        setattr(net, name, getattr(net, name))
        done.set()

    thread = threading.Thread(target=set_it)
    with net.paused():
        thread.start()
        while not net._turn.is_awaited:
            assert not done.is_set()
            time.sleep(0.001)
        assert not done.is_set()
    thread.join(30)
    assert done.is_set()


def seen(value: Any) -> Any:
    """The comparable part of a result, as a copy; None if it does not depend on parameters."""
    if isinstance(value, nn.Sequential):
        return value.parameters.tolist()
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.tolist()
    if isinstance(value, dict) and "_vectors" in value:
        return value["_vectors"].parameters.tolist()
    if isinstance(value, dict) and all(isinstance(item, (float, np.ndarray)) for item in value.values()):
        return {name: seen(item) if isinstance(item, np.ndarray) else item for name, item in value.items()}
    return value if isinstance(value, float) else None


def is_live(value: Any, net: nn.Sequential) -> bool:
    """Whether a result is, or contains, the network's own memory."""
    arrays = [item for item in (value.values() if isinstance(value, dict) else [value]) if isinstance(item, np.ndarray)]
    vectors = [net.parameters, net.gradients, *([] if net.trajectory is None else [net.trajectory])]
    return any(np.shares_memory(array, vector) for array in arrays for vector in vectors)


def asked(net: nn.Sequential, name: str, folder: Path) -> Any:
    """The result of a method or a property."""
    if name in PROPERTIES:
        return getattr(net, name)
    method = getattr(net, name)
    required = [
        parameter.name
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is parameter.empty and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.POSITIONAL_ONLY)
    ] + ["y"] * (name == "evaluate")  # optional for streams
    given = ARGUMENTS | {"path": folder / ("net.py" if name == "export" else "net.nncore"), "component": net.optimizer, "memo": {}}
    options = {"skip": ()} if name == "quantize" else {}  # or the small layers would stay in float
    result = method(*(given[parameter] for parameter in required), **options)
    return nn.load(folder / "net.nncore", components={"counting_for_turns": Counting}) if name == "save" else result


@pytest.fixture(scope="module")
def busy() -> Iterator[nn.Sequential]:
    """A network that a thread is fitting."""
    nn.register("optimizers", Counting, "counting_for_turns")
    with InAThread(network()) as net:
        yield net
    nn.unregister("optimizers", "counting_for_turns")


def possible(name: str, folder: Path) -> list[Any]:
    """Results that may be seen, for each state of the network."""
    found = []
    for number in range(1, N_SEEN + 1):
        net = network()
        net.parameters[...] = number
        found.append(seen(asked(net, name, folder)))
    return found


@pytest.mark.parametrize("name", [name for name in METHODS if place_of(getattr(nn.Sequential, name)) in (None, "reads", "records")])
def test_what_reads_a_network_that_is_being_fitted_sees_a_whole_step(name: str, busy: nn.Sequential, tmp_path: Path) -> None:
    value = asked(busy, name, tmp_path)
    live, expected = is_live(value, busy), possible(name, tmp_path)
    for _ in range(6):
        if live:  # a view is compared between two steps
            with busy.paused():
                found = seen(asked(busy, name, tmp_path))
                assert len({*busy.parameters.tolist()}) == 1
        else:
            found = seen(asked(busy, name, tmp_path))
            assert found is None or "gradient" in name or found in expected, found


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties_can_be_read_while_a_thread_fits(name: str, busy: nn.Sequential, tmp_path: Path) -> None:
    idle = network()
    try:
        asked(idle, name, tmp_path)
    except nn.errors.NotBuiltError:
        return  # d_input does not exist before a backward
    with busy.paused():
        before = seen(asked(busy, name, tmp_path))
        time.sleep(0.001)
        assert seen(asked(busy, name, tmp_path)) == before
    asked(busy, name, tmp_path)


@pytest.mark.parametrize("name", [name for name in METHODS if place_of(getattr(nn.Sequential, name)) in ("steps", "rebuilds", "fits")])
def test_what_would_disturb_a_fit_is_refused(name: str, busy: nn.Sequential, tmp_path: Path) -> None:
    with pytest.raises(BusyError, match=f"{name}.*this network is being fitted"):
        asked(busy, name, tmp_path)


@pytest.mark.parametrize("name", SETTERS)
def test_what_is_set_while_a_thread_fits_waits_or_is_refused(name: str, busy: nn.Sequential) -> None:
    place, value = place_of(inspect.getattr_static(nn.Sequential, name).fset), getattr(busy, name)
    if place == "sets":
        setattr(busy, name, value)
        busy.change(busy.optimizer, "optimizer", "lr", 0.25)
        assert busy.optimizer.lr == 0.25
    else:
        with pytest.raises((BusyError, ParameterError), match=r"being fitted|layers of a network are fixed"):
            setattr(busy, name, value)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, copy.copy, lambda net: pickle.loads(pickle.dumps(net))], ids=["deep", "shallow", "pickle"]
)
def test_a_copy_made_by_another_thread_is_whole_and_free(copied: Callable[[Any], Any], busy: nn.Sequential) -> None:
    for _ in range(5):
        twin = copied(busy)
        assert len(set(twin.parameters.tolist())) == 1
        assert twin.parameters[0] == twin.n_steps % N_SEEN + 1
    twin.fit(X, Y, epochs=1, batch_size=1, progress=False)


def test_a_fit_goes_on_at_once_with_the_bits_of_one_alone() -> None:
    data = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)

    def built() -> nn.Sequential:
        return nn.Sequential(nn.Dense(16, activation="tanh"), nn.Dense(1)).build(4, loss="mse", optimizer="adam", rng=0)

    options: dict[str, Any] = {"epochs": 30, "batch_size": 4, "progress": False, "rng": 0, "validation": (data, data[:, 0])}
    net, alone, errors = built(), built(), list[BaseException]()
    expected = alone.fit(data, data[:, 0], **options)["val_loss"].tolist()
    over = threading.Event()

    def look() -> None:
        try:
            while not over.is_set():
                net.predict(data)
                net.clip_norm = 0.0
                copy.deepcopy(net)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    history = net.fit(data, data[:, 0], **options)
    over.set()
    thread.join(30)
    assert errors == []
    np.testing.assert_array_equal(net.parameters, alone.parameters)
    assert history["val_loss"].tolist() == expected


# ---- callbacks -------------------------------------------------------------------------------------------------------------


def test_callbacks_of_the_fit_itself_may_read_save_step_and_set(tmp_path: Path) -> None:
    found = []

    class Uses(Callback):
        def on_epoch_end(self, training: Any) -> None:
            net = training.network
            net.save(tmp_path / "net.nncore")
            net.optimizer.lr = 0.5
            net.clip_norm = 1.0
            net.train_on_batch(X, Y)
            with net.paused():
                found.append(net.predict(X).tolist())
            copy.deepcopy(net).fit(X, Y, epochs=1, progress=False)

    network().fit(X, Y, epochs=2, progress=False, optimizer="sgd", callbacks=[Uses()])
    assert len(found) == 2


@pytest.mark.parametrize("what", ["fit", "build"])
def test_a_callback_that_begins_anew_is_refused(what: str) -> None:
    def begin_anew(training: Any) -> None:
        if what == "fit":
            training.network.fit(X, Y, epochs=1, progress=False)
        else:
            training.network.build(1)

    net = network()
    with pytest.raises(BusyError, match=f"{what}: this network is being fitted"):
        net.fit(X, Y, epochs=1, progress=False, callbacks=[begin_anew])
    net.fit(X, Y, epochs=1, progress=False)  # the network is not in use


def test_a_callback_may_wait_for_threads_that_predict() -> None:
    found: list[Any] = []

    def predict_in_a_thread(training: Any) -> None:
        thread = threading.Thread(target=lambda: found.append(training.network.predict(X)))
        thread.start()
        thread.join(30)

    network().fit(X, Y, epochs=2, progress=False, callbacks=[predict_in_a_thread])
    assert len(found) == 2


def test_a_callback_that_waits_for_a_thread_that_saves_gets_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "CALLBACK_SECONDS", 0.1)
    errors: list[Any] = []

    def save(net: nn.Sequential) -> None:
        try:
            net.save(tmp_path / "net.nncore")
        except BusyError as error:
            errors.append(str(error))

    def save_in_a_thread(training: Any) -> None:
        thread = threading.Thread(target=save, args=(training.network,))
        thread.start()
        thread.join(30)

    network().fit(X, Y, epochs=1, progress=False, callbacks=[save_in_a_thread], optimizer="sgd")
    assert len(errors) == 1
    assert "save or copy the network in the callback itself" in errors[0]


class Halves(Callback):
    """Has two numbers that belong together."""

    def __init__(self) -> None:
        self.one = self.other = 0.0

    def on_progress(self, training: Any) -> None:
        self.one += 1
        time.sleep(0.002)
        self.other += 1

    on_epoch_end = on_progress

    def state(self) -> dict[str, Any]:
        return {"one": self.one, "other": self.other}


def test_what_callbacks_remember_is_copied_between_two_rounds_of_them() -> None:
    with InAThread(network(), Halves()) as net:
        for _ in range(10):
            [memory] = copy.deepcopy(net).memories
            assert memory.numbers["one"] == memory.numbers["other"]


# ---- several networks ------------------------------------------------------------------------------------------------------


def test_threads_that_use_two_networks_in_both_orders_do_not_wait_for_ever() -> None:
    one, other, outcomes = network(), network(), list[str]()
    both = threading.Barrier(2)

    def use(first: nn.Sequential, second: nn.Sequential) -> None:
        try:
            with first.paused():
                both.wait(30)
                second.predict(X)
            outcomes.append("done")
        except BusyError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=use, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(outcomes) == 2
    assert any("use them in the same order" in outcome for outcome in outcomes)
    one.predict(X)
    other.predict(X)


def test_networks_are_saved_together_in_any_order(tmp_path: Path) -> None:
    one, other = (nn.Sequential(nn.Dense(1)).build(1, rng=0) for _ in range(2))
    errors: list[BaseException] = []

    def save(networks: list[nn.Sequential], name: str) -> None:
        try:
            for _ in range(5):
                nn.save_many(networks, tmp_path / name)
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=save, args=([one, other], "a.nncore")),
        threading.Thread(target=save, args=([other, one], "b.nncore")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
