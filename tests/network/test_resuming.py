"""A fit that was cut short goes on as if it had never stopped: in the middle of an epoch, and with what callbacks remember."""

from __future__ import annotations

import _thread
import copy
import os
import pickle
import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.files import assert_equal, network_in, tampered

import nncore as nn
from nncore import registry
from nncore.data import dataset
from nncore.errors import FileFormatError, NNCoreError, ParameterError, PluginError, ResumptionWarning
from nncore.plugin import Callback
from nncore.testing import team_of
from nncore.training import Training

RNG = np.random.default_rng(0)
X = RNG.normal(size=(203, 5)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
X_VAL, Y_VAL = RNG.normal(size=(50, 5)).astype(np.float32), RNG.integers(0, 2, 50)  # nothing to learn: the validation loss soon rises


def network(dtype: str = "float32") -> nn.Sequential:
    layers = nn.Dense(12, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(2)
    return nn.Sequential(*layers).build(5, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.02), rng=3, dtype=dtype)


def fit(net: nn.Sequential, epochs: int, *callbacks: Callback, **options: Any) -> nn.History:
    settings: dict[str, Any] = {"batch_size": 10, "validation": (X_VAL, Y_VAL), "progress": False} | options
    return net.fit(X, Y, epochs=epochs, callbacks=callbacks, **settings)


class Cut(Callback):
    """Ends a fit, or presses Ctrl-C, after so many steps of the network's life."""

    def __init__(self, steps: int, how: str = "stop") -> None:
        self.steps, self.how = steps, how

    def on_progress(self, training: Training) -> None:
        if training.network.n_steps >= self.steps:
            if self.how == "stop":
                training.stop("cut short for a test")
            else:
                _thread.interrupt_main(signal.SIGINT)
                for _ in range(1000):  # the interpreter looks for signals at the end of a loop
                    pass


@pytest.fixture
def one_step_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The core comes back after each step, so that a fit can be stopped anywhere."""
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)


def through_a_file(net: nn.Sequential, folder: Path) -> nn.Sequential:
    net.save(folder / "net.nncore")
    return nn.load(folder / "net.nncore")


# ---- in the middle of an epoch ----------------------------------------------------------------------------------------------

WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "in order": {"shuffle": False},
    "accumulated": {"accumulate": 3},
    "last dropped": {"drop_last": True},
    "weighted": {"sample_weight": RNG.uniform(0.5, 2, 203)},
    "scheduled": {"schedule": "cosine"},
    "reacting": {"schedule": nn.Plateau(monitor="loss", patience=1)},
    "balanced": {"sampler": "balanced"},
}


@pytest.mark.usefixtures("one_step_a_slice")
@pytest.mark.parametrize("how", ["stop", "ctrl-c"])
@pytest.mark.parametrize("way", WAYS)
def test_an_epoch_cut_short_goes_on_with_the_same_bits(way: str, how: str, tmp_path: Path) -> None:
    whole, part = network(), network()
    history = fit(whole, 4, **WAYS[way])
    per_epoch = whole.n_steps // 4
    seen = fit(part, 4, Cut(per_epoch + 2, how), **WAYS[way])
    assert (len(seen), part.n_epochs, part.n_steps) == (1, 1, per_epoch + 2)
    part = through_a_file(part, tmp_path)
    seen = fit(part, 3, Cut(3 * per_epoch - 1, how), **{**WAYS[way], "schedule": None})
    assert (part.n_epochs, part.n_steps) == (2, 3 * per_epoch - 1)
    np.testing.assert_array_equal(seen["loss"], history["loss"][1:2])
    np.testing.assert_array_equal(seen["val_loss"], history["val_loss"][1:2])
    last = fit(part, 2, **{**WAYS[way], "schedule": None})
    np.testing.assert_array_equal(last["loss"], history["loss"][2:])
    assert_equal(part, whole)


@pytest.mark.usefixtures("one_step_a_slice")
@pytest.mark.parametrize("average", [nn.EMA(0.7), nn.SWA(1)], ids=repr)
def test_averages_go_on_in_the_middle_of_an_epoch(average: Callback, tmp_path: Path) -> None:
    whole, part = network(), network()
    fit(whole, 3, average)
    fit(part, 3, average, Cut(30))
    part = through_a_file(part, tmp_path)
    fit(part, 2, average)
    assert_equal(part, whole)
    np.testing.assert_array_equal(part.trajectory, whole.trajectory)


@pytest.mark.usefixtures("one_step_a_slice")
def test_the_same_in_this_process_and_through_a_pickle() -> None:
    whole, part = network(), network()
    fit(whole, 2)
    fit(part, 2, Cut(8))
    for other in (copy.deepcopy(part), pickle.loads(pickle.dumps(part)), part):
        fit(other, 2)
        assert_equal(other, whole)


@pytest.mark.usefixtures("one_step_a_slice")
def test_any_number_of_threads() -> None:
    whole, part = network(), network()
    fit(whole, 2)
    with team_of(3):
        fit(part, 2, Cut(29))
    fit(part, 1)
    assert_equal(part, whole)


@pytest.mark.usefixtures("one_step_a_slice")
def test_data_that_are_converted_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "CONVERT_AT_ONCE", 0)
    monkeypatch.setattr(dataset, "BLOCK", 1000)
    ends = []
    for cut in (None, 3, 5, 12, 20):
        net = network()
        for callbacks in [[]] if cut is None else [[Cut(cut)], []]:
            net.fit(X.astype(float), Y, epochs=2 - net.n_epochs, batch_size=10, progress=False, callbacks=callbacks)
        ends.append(net)
    for net in ends[1:]:
        assert_equal(net, ends[0])


@pytest.mark.usefixtures("one_step_a_slice")
@pytest.mark.parametrize(
    "other",
    [{"batch_size": 20}, {"shuffle": False}, {"accumulate": 2}, {"drop_last": True}, {"rng": 5}, {"loss": "hinge"}],
    ids=lambda other: next(iter(other)),
)
def test_in_another_way_the_epoch_begins_anew(other: dict[str, Any]) -> None:
    part = network()
    fit(part, 1, Cut(5))
    before = part.n_steps
    fit(part, 1, **other)
    per_epoch = {"batch_size": 11, "accumulate": 11, "drop_last": 20}.get(next(iter(other)), 21)
    assert part.n_steps == before + per_epoch
    assert part.n_epochs == 1
    assert part.place is None


@pytest.mark.usefixtures("one_step_a_slice")
def test_other_data_or_a_step_in_between_begin_the_epoch_anew() -> None:
    for between in ("data", "step"):
        part = network()
        fit(part, 1, Cut(5))
        if between == "step":
            part.train_on_batch(X[:10], Y[:10])
        before = part.n_steps
        n = 203 if between == "step" else 200
        part.fit(X[:n], Y[:n], epochs=1, batch_size=10, progress=False)
        assert part.n_steps - before == -(-n // 10)


@pytest.mark.usefixtures("one_step_a_slice")
def test_a_file_saved_between_two_steps_goes_on_from_there(tmp_path: Path) -> None:
    class Save(Callback):
        def on_progress(self, training: Training) -> None:
            if training.network.n_steps == 30:
                training.network.save(tmp_path / "net.nncore")

    whole = network()
    fit(whole, 3, Save())
    part = nn.load(tmp_path / "net.nncore")
    assert part.place["samples"] == 90
    fit(part, 2)
    assert_equal(part, whole)


def test_time_limit_leaves_a_fit_that_goes_on() -> None:
    net = network()
    history = fit(net, 10**6, nn.EarlyStopping(patience=10**6), nn.TimeLimit(0.2))
    assert "time limit" in history.stop_reason
    assert len(net.memories) == 1


@pytest.mark.parametrize(
    "change", [{"samples": 204}, {"samples": 95}, {"length": 90}, {"n_steps": 1}, {"seed": 1}, {"sampler": "Other()"}], ids=str
)
@pytest.mark.usefixtures("one_step_a_slice")
def test_a_place_that_cannot_be_is_not_gone_on_from(change: dict[str, Any], tmp_path: Path) -> None:
    part = network()
    fit(part, 1, Cut(9))
    part.place = part.place | change
    part = through_a_file(part, tmp_path)
    fit(part, 1)
    assert part.n_steps == 9 + 21


@pytest.mark.parametrize("place", [{}, [], {"samples": 1}, "here"], ids=str)
def test_places_of_another_kind(place: Any, whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.nncore"
    path.write_bytes(tampered(whole, lambda header: network_in(header).update(place=place)))
    with pytest.raises(FileFormatError, match="'place' must be"):
        nn.load(path)


# ---- what callbacks remember ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False], ids=["checkpoint first", "checkpoint last"])
@pytest.mark.parametrize("cut", [1, 2, 4])
@pytest.mark.parametrize(
    "stopping",
    [
        {"patience": 3},
        {"patience": 2, "restore_best": False},
        {"monitor": "val_accuracy", "patience": 4},
        {"monitor": "loss", "patience": 2},
    ],
    ids=str,
)
def test_early_stopping_goes_on_from_a_checkpoint(stopping: dict[str, Any], cut: int, first: bool, tmp_path: Path) -> None:
    def callbacks() -> list[Callback]:
        both = [nn.Checkpoint(tmp_path / "{epoch}.nncore"), nn.EarlyStopping(**stopping)]
        return both if first else both[::-1]

    whole, watching = network(), callbacks()
    history = fit(whole, 30, *watching)
    part = nn.load(tmp_path / f"{cut}.nncore")
    again = callbacks()
    resumed = fit(part, 30 - cut, *again)
    assert (resumed.stop_reason, cut + len(resumed)) == (history.stop_reason, len(history))
    assert_equal(part, whole)
    one, other = (next(callback for callback in of if isinstance(callback, nn.EarlyStopping)) for of in (watching, again))
    assert (one.best_epoch, one.best_value) == (other.best_epoch, other.best_value)


def test_a_fit_that_should_have_stopped_already_stops_at_once(tmp_path: Path) -> None:
    whole = network()
    callbacks = nn.EarlyStopping(patience=2), nn.Checkpoint(tmp_path / "net.nncore")
    history = fit(whole, 30, *callbacks)
    part = nn.load(tmp_path / "net.nncore")
    resumed = fit(part, 30 - len(history), *callbacks)
    assert (len(resumed), resumed.stop_reason) == (0, history.stop_reason)
    assert_equal(part, whole)


def test_resumed_checkpoints_are_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    best = nn.Checkpoint("{epoch}.nncore", monitor="loss")
    for name, cuts in (("whole", []), ("part", [cut_at_two])):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        net = network()
        fit(net, 12, best, nn.EarlyStopping(patience=12), *cuts, schedule="cosine")
        if cuts:
            net = through_a_file(net, tmp_path)
            fit(net, 10, best, nn.EarlyStopping(patience=12))
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "part")]
    assert len(files[0]) > 2
    assert files[0] == files[1]


def written(file: bytes, folder: Path) -> Path:
    (folder / "other.nncore").write_bytes(file)
    return folder / "other.nncore"


def test_a_fit_that_came_to_its_end_leaves_nothing() -> None:
    net = network()
    fit(net, 30, nn.EarlyStopping(patience=2))
    assert net.memories == ()
    assert net.place is None
    first = nn.EarlyStopping(patience=2)
    assert len(fit(net, 30, first)) >= 2  # patience anew


def test_what_was_cut_short_goes_on_in_this_process() -> None:
    class CutAtThree(Callback):
        def on_epoch_end(self, training: Training) -> None:
            if training.network.n_epochs == 3:
                training.stop("enough for now", cut_short=True)

    stopping = nn.EarlyStopping(patience=4, restore_best=False)
    whole, part = network(), network()
    history = fit(whole, 30, nn.EarlyStopping(patience=4, restore_best=False))
    fit(part, 30, stopping, CutAtThree())
    assert len(part.memories) == 1
    resumed = fit(part, 27, stopping)
    assert 3 + len(resumed) == len(history)
    assert_equal(part, whole)


class Counting(Callback):
    """Remembers numbers and arrays of its own."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.restored: dict[str, Any] | None = None

    def on_fit_begin(self, training: Training) -> None:
        self.seen, self.restored = 0, None

    def on_epoch_end(self, training: Training) -> None:
        self.seen += 1

    def state(self) -> dict[str, Any]:
        return {"seen": self.seen, "squares": np.arange(self.seen) ** 2, "name": np.full((2, 2), float(len(self.name)))}

    def restore(self, state: dict[str, Any], training: Training) -> None:
        self.seen, self.restored = state["seen"], state


def cut_at_two(training: Training) -> None:
    if training.network.n_epochs == 2:
        training.stop("cut", cut_short=True)


def test_a_class_of_ones_own_needs_no_name(tmp_path: Path) -> None:
    net = network()
    fit(net, 5, Counting("b"), Counting("a"), Counting("b"), cut_at_two)
    again = through_a_file(net, tmp_path)
    callbacks = Counting("a"), Counting("b"), Counting("b"), Counting("c")
    fit(again, 1, *callbacks)
    assert [callback.seen for callback in callbacks] == [3, 3, 3, 1]
    assert callbacks[3].restored is None
    np.testing.assert_array_equal(callbacks[0].restored["squares"], [0, 1])
    assert callbacks[0].restored["squares"].dtype == np.int64


def test_what_is_forgotten_is_told_before_anything_changes() -> None:
    for options, message in (({}, "forgets what Counting.*name=''.*no such callback"), ({"loss": "hinge"}, "another loss")):
        net = network()
        fit(net, 5, Counting(), cut_at_two)
        before = net.parameters.copy()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ResumptionWarning, match=message):
                fit(net, 1, Counting("other"), **options)
        np.testing.assert_array_equal(net.parameters, before)
        assert len(net.memories) == 1
        with pytest.warns(ResumptionWarning, match=message) as told:
            fit(net, 1, Counting("other"), **options)
        assert len(told) == 1
        assert net.memories == ()


@pytest.mark.parametrize(
    "state", [None, [], {"a": float("nan")}, {1: 2.0}, {"a": "b"}, {"a": True}, {"a": np.zeros(2, "complex64")}], ids=str
)
def test_states_that_a_file_does_not_hold(state: Any, tmp_path: Path) -> None:
    class Odd(Callback):
        def state(self) -> Any:
            return state

    with pytest.raises(PluginError, match=r"Odd\.state must return finite numbers and arrays"):
        fit(network(), 1, Odd(), nn.Checkpoint(tmp_path / "net.nncore"))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", registry.names("callbacks"))
def test_what_is_no_state_of_a_callback_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cls = registry.get("callbacks", name)
    callback = cls(**(cls.examples or ({},))[0])
    for state in (
        {"no such thing": 1.0},
        {"best": np.zeros(3)},
        {"best_epoch": np.zeros(3), "last": 1.0},
        {"best_epoch": 1.0, "last": 1.0, "best": 1.0, "parameters": np.zeros(3)},
    ):
        net = network()
        fit(net, 1)

        def put_back(training: Training, callback: Callback = callback, state: dict[str, Any] = state) -> None:
            callback.restore(state, training)

        with pytest.raises(NNCoreError):
            fit(net, 1, nn.LambdaCallback(on_fit_begin=put_back))


def test_arrays_of_another_network(tmp_path: Path) -> None:
    net = network()
    fit(net, 5, nn.EarlyStopping(), nn.Checkpoint(tmp_path / "net.nncore"))
    file = (tmp_path / "net.nncore").read_bytes()

    def swap(header: dict[str, Any]) -> None:
        one, other = "callbacks/0/buffers/batch_norm_1.mean", "callbacks/0/parameters"
        header[one], header[other] = header[other], header[one]

    again = nn.load(written(tampered(file, swap), tmp_path))
    before = again.parameters.copy()
    with pytest.raises(ParameterError, match="not those of this network"):
        fit(again, 1, nn.EarlyStopping(), nn.Checkpoint(tmp_path / "net.nncore"))
    np.testing.assert_array_equal(again.parameters, before)
    for change, message in (
        (lambda header: header.pop("callbacks/0/parameters"), "does not lie|is missing|bytes after"),
        (lambda header: network_in(header)["callbacks"].clear(), "belongs to no layer"),
        (lambda header: network_in(header)["callbacks"][0].update(arrays=["parameters"]), "belongs to no layer"),
        (lambda header: network_in(header).update(callbacks=[{}]), "'callbacks' must be"),
    ):
        with pytest.raises(FileFormatError, match=message):
            nn.load(written(tampered(file, change), tmp_path))
