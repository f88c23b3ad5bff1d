"""An interrupted fit resumes as if it had never stopped: within an epoch, and with the state of callbacks."""

from __future__ import annotations

import _thread
import contextlib
import copy
import inspect
import os
import pickle
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.files import assert_equal, network_in, tampered

import nncore as nn
from nncore import registry
from nncore.data import TargetsWanted, dataset
from nncore.errors import FileFormatError, NNCoreError, ParameterError, PluginError, ResumptionWarning
from nncore.plugin import Callback
from nncore.testing import team_of
from nncore.training import Training

RNG = np.random.default_rng(0)
X = RNG.normal(size=(203, 5)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
X_VAL, Y_VAL = RNG.normal(size=(50, 5)).astype(np.float32), RNG.integers(0, 2, 50)  # nothing to learn, so the validation loss soon rises


def network(dtype: str = "float32") -> nn.Sequential:
    layers = nn.Dense(12, activation="tanh"), nn.BatchNorm(), nn.Dropout(0.2), nn.Dense(2)
    return nn.Sequential(*layers).build(5, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.02), rng=3, dtype=dtype)


def fit(net: nn.Sequential, epochs: int, *callbacks: Callback, **options: Any) -> nn.History:
    settings: dict[str, Any] = {"batch_size": 10, "validation": (X_VAL, Y_VAL), "progress": False} | options
    return net.fit(X, Y, epochs=epochs, callbacks=callbacks, **settings)


class Cut(Callback):
    """Ends a fit, or simulates Ctrl-C, after a given total number of steps."""

    def __init__(self, steps: int, how: str = "stop") -> None:
        self.steps, self.how = steps, how

    def on_progress(self, training: Training) -> None:
        if training.network.n_steps >= self.steps:
            if self.how == "stop":
                training.stop("cut short for a test")
            elif self.how == "error":
                raise ZeroDivisionError
            else:
                _thread.interrupt_main(signal.SIGINT)
                for _ in range(1000):  # the interpreter checks for signals at the end of a loop
                    pass


@pytest.fixture
def one_step_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return from the core after each step, so that a fit can be stopped anywhere."""
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)


def through_a_file(net: nn.Sequential, folder: Path) -> nn.Sequential:
    net.save(folder / "net.nncore")
    return nn.load(folder / "net.nncore")


# ---- in the middle of an epoch ----------------------------------------------------------------------------------------------

WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "in order": {"shuffle": False},
    "accumulated": {"accumulate": 3},
    "in shards": {"shards": 3},
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


@pytest.mark.parametrize("schedule", ["cosine", None])
def test_a_checkpoint_of_the_very_last_step_ends_the_epoch(schedule: str | None, tmp_path: Path) -> None:
    whole, end = network(), network()
    fit(whole, 2, nn.Checkpoint(tmp_path / "{step}.nncore", every_steps=21), schedule="cosine")
    part = nn.load(tmp_path / "42.nncore")
    assert part.place["samples"] == 203
    history = fit(part, 1, schedule=schedule)
    assert len(history) == 1
    fit(end, 2, schedule="cosine")
    assert_equal(part, end)
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
    monkeypatch.setattr("nncore.blocks.BLOCK", 1000)
    ends = []
    for cut in (None, 3, 5, 12, 20):
        net = network()
        for callbacks in [[]] if cut is None else [[Cut(cut)], []]:
            net.fit(X.astype(float), Y, epochs=2 - net.n_epochs, batch_size=10, progress=False, callbacks=callbacks)
        ends.append(net)
    for net in ends[1:]:
        assert_equal(net, ends[0])


#: Arguments that a fit resumed within an epoch may not change, and the text of the error.
OTHER_WAYS: dict[str, tuple[dict[str, Any], str]] = {
    "batch size": ({"batch_size": 20}, "batch_size is 20 and was 10"),
    "shuffle": ({"shuffle": False}, r"sampler is 'SequentialSampler\(\)' and was 'ShuffleSampler\(\)'"),
    "sampler": ({"sampler": "balanced"}, "epoch_length is 204 and was 203; sampler is .Balanced"),
    "accumulate": ({"accumulate": 2}, "accumulate is 2 and was 1"),
    "shards": ({"shards": 3}, "shards is 3 and was 1"),
    "drop last": ({"drop_last": True}, "drop_last is True and was False"),
    "transforms": ({"transforms": ["gaussian_noise"]}, r"transforms is '\[GaussianNoise"),
    "rng": ({"rng": 5}, "rng begins another stream"),
    "loss": ({"loss": "hinge"}, "loss is Hinge"),
    "optimizer": ({"optimizer": nn.Adam(lr=0.5)}, r"optimizer is Adam\(lr=0.5.*was Adam\(lr=0.02"),
    "groups": ({"groups": {"dense_1.*": {"optimizer": "sgd"}}}, "groups is"),
    "schedule": ({"schedule": "cosine"}, "schedule is 'cosine' and was None"),
    "weights": ({"sample_weight": np.ones(203)}, "other values, targets or sample weights"),
    "order": ({"X": X[::-1], "y": Y[::-1]}, "other values, targets or sample weights"),
    "values": ({"X": np.where(np.arange(203)[:, None] == 100, X + 1, X)}, "other values, targets or sample weights"),
    "targets": ({"y": np.where(np.arange(203) == 202, 1 - Y, Y)}, "other values, targets or sample weights"),
    "streamed": ({"memory_limit": "1 GB"}, "other values, targets or sample weights; sampler is 'ShuffleSampler.* rows at a time"),
    "streamed in a buffer": (
        {"shuffle_buffer": 100},
        "other values, targets or sample weights; sampler is 'ShuffleSampler.* rows at a time",
    ),
    "fewer samples": ({"X": X[:200], "y": Y[:200]}, "n_samples is 200 and was 203; the data have.*epoch_length is 200 and was 203"),
}


def test_every_argument_that_decides_how_an_epoch_goes_on_is_looked_at() -> None:
    """Every argument of `fit` is compared, except those that take effect in the next step or epoch, or only observe."""
    free = {
        "epochs",
        "validation",
        "metrics",
        "train_metrics",
        "callbacks",
        "weight_decay",
        "clip_norm",
        "clip_value",
        "n_threads",
        "progress",
        "dtype",
        "collective",
    }
    refused = {name for options, _ in OTHER_WAYS.values() for name in options} | {"precision"}  # tested in test_precision.py
    assert {*inspect.signature(nn.Sequential.fit).parameters} - {"self"} == free | refused


@pytest.mark.usefixtures("one_step_a_slice")
@pytest.mark.parametrize("other", OTHER_WAYS)
def test_in_another_way_it_is_refused_and_told(other: str, tmp_path: Path) -> None:
    part, (options, message) = network(), OTHER_WAYS[other]
    fit(part, 1, Cut(5))
    part = through_a_file(part, tmp_path)
    before = part.parameters.tobytes()
    settings = {"X": X, "y": Y, "epochs": 1, "batch_size": 10, "progress": False} | options
    with pytest.raises(ParameterError, match=rf"cut short in the middle of epoch 1.*{message}.*forget_fit"):
        part.fit(**settings)
    assert (part.parameters.tobytes(), part.n_steps, part.place["samples"]) == (before, 5, 50)
    assert part.optimizer.lr == 0.02
    part.forget_fit()
    part.fit(**settings)
    assert part.n_epochs == 1
    assert part.place is None


@pytest.mark.usefixtures("one_step_a_slice")
@pytest.mark.parametrize(
    "same", [{"X": X.astype(np.float64)}, {"X": X.tolist()}, {"X": np.asfortranarray(X)}, {"y": Y.astype(np.int8)}], ids=str
)
def test_the_same_data_in_another_container_are_the_same(same: dict[str, Any]) -> None:
    part = network()
    fit(part, 1, Cut(5))
    part.fit(**{"X": X, "y": Y, "epochs": 1, "batch_size": 10, "progress": False} | same)
    assert part.n_steps == 21


def test_of_large_data_some_rows_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "DIGESTED", 20 * 20)
    loss, changed = registry.resolve("losses", "softmax_cross_entropy"), X.copy()

    def digest(rows: np.ndarray) -> str:
        return dataset.Dataset.checked(rows, Y, None, TargetsWanted.by(loss, 2), np.dtype(np.float32), False).digest

    changed[1] += 1
    assert digest(changed) == digest(X)
    changed[202] += 1
    assert digest(changed) != digest(X)


@pytest.mark.usefixtures("one_step_a_slice")
def test_a_step_in_between_begins_the_epoch_anew() -> None:
    part = network()
    fit(part, 1, Cut(5))
    part.train_on_batch(X[:10], Y[:10])
    with pytest.warns(ResumptionWarning, match="epoch 1 was cut short and begins anew"):
        fit(part, 1)
    assert part.n_steps == 5 + 1 + 21


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
    assert [memory.callback.partition("(")[0] for memory in net.memories] == ["EarlyStopping", "training"]


@pytest.mark.usefixtures("one_step_a_slice")
@pytest.mark.parametrize("how", ["stop", "ctrl-c", "error"])
@pytest.mark.parametrize("average", [(), (nn.EMA(0.7),)], ids=["plain", "averaged"])
def test_the_best_parameters_are_shown_and_the_last_ones_go_on(average: tuple[Callback, ...], how: str, tmp_path: Path) -> None:
    def watching() -> nn.EarlyStopping:
        return nn.EarlyStopping(monitor="loss", mode="max", patience=50)  # the first epoch is the best one

    whole, first, part = network(), network(), network()
    one, other = watching(), watching()
    fit(whole, 4, *average, one)
    fit(first, 1, *average)
    with pytest.raises(ZeroDivisionError) if how == "error" else contextlib.nullcontext():
        fit(part, 4, *average, watching(), Cut(50, how))
    part = through_a_file(part, tmp_path)
    assert part.parameters.tobytes() == first.parameters.tobytes()
    assert part.n_steps == 50
    fit(part, 2, *average, other)
    assert_equal(part, whole)
    assert (one.best_epoch, one.best_value) == (other.best_epoch, other.best_value)
    assert part.memories == ()


@pytest.mark.usefixtures("one_step_a_slice")
def test_parameters_that_were_set_in_between_are_asked_about() -> None:
    part = network()
    fit(part, 4, nn.EarlyStopping(monitor="loss", mode="max"), Cut(50))
    part.parameters[:] = 0
    with pytest.raises(ParameterError, match=r"parameters were changed since then.*forget_fit"):
        fit(part, 1, nn.EarlyStopping(monitor="loss", mode="max"))
    part.forget_fit()
    fit(part, 1, nn.EarlyStopping(monitor="loss", mode="max"))
    assert part.n_steps == 50 + 21


@pytest.mark.usefixtures("one_step_a_slice")
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt], ids=lambda error: error.__name__)
def test_a_fit_that_does_not_begin_forgets_nothing(error: type[BaseException]) -> None:
    def fail(training: Training) -> None:
        raise error

    whole, part = network(), network()
    fit(whole, 3, nn.EarlyStopping(patience=50))
    fit(part, 3, nn.EarlyStopping(patience=50), Cut(30))
    with pytest.raises(error) if error is OSError else contextlib.nullcontext():
        fit(part, 2, nn.EarlyStopping(patience=50), nn.LambdaCallback(on_fit_begin=fail))
    fit(part, 0, nn.EarlyStopping(patience=50))
    fit(part, 2, nn.EarlyStopping(patience=50))
    assert_equal(part, whole)


@pytest.mark.parametrize(
    "change",
    [{"samples": 204}, {"samples": 95}, {"samples": 0}, {"epoch_length": 80}, {"batch_size": 0}, {"accumulate": 0}, {"batch_size": 2**64}],
    ids=str,
)
@pytest.mark.usefixtures("one_step_a_slice")
def test_a_place_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    part = network()
    fit(part, 1, Cut(9))
    before = part.place
    with pytest.raises(ParameterError, match="place must be the place of another network"):
        part.place = before | change
    assert part.place == before


@pytest.mark.parametrize("place", [{}, [], {"samples": 1}, "here"], ids=str)
def test_places_of_another_kind(place: Any, whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.nncore"
    path.write_bytes(tampered(whole, lambda header: network_in(header).update(place=place)))
    with pytest.raises(FileFormatError, match="'place' must be"):
        nn.load(path)


# ---- the state of callbacks -------------------------------------------------------------------------------------------------


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
    assert len(fit(net, 30, first)) >= 2  # its patience starts anew


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
    """Has numbers and arrays as its state."""

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
    for options, message in (({}, "discards the state of Counting.*name=''.*no such callback"), ({"loss": "hinge"}, "another loss")):
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
    with pytest.raises(ParameterError, match="are from another network"):
        fit(again, 1, nn.EarlyStopping(), nn.Checkpoint(tmp_path / "net.nncore"))
    np.testing.assert_array_equal(again.parameters, before)
    for change, message in (
        (lambda header: header.pop("callbacks/0/parameters"), "does not start and end where|is missing|bytes after"),
        (lambda header: network_in(header)["callbacks"].clear(), "belongs to no layer"),
        (lambda header: network_in(header)["callbacks"][0].update(arrays=["parameters"]), "belongs to no layer"),
        (lambda header: network_in(header).update(callbacks=[{}]), "'callbacks' must be"),
    ):
        with pytest.raises(FileFormatError, match=message):
            nn.load(written(tampered(file, change), tmp_path))


# ---- every registered component, in another process -------------------------------------------------------------------------

#: Arguments of `fit` for the components of a kind.
KINDS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "samplers": lambda one: {"sampler": one},
    "transforms": lambda one: {"transforms": [one]},
    "schedules": lambda one: {"schedule": one},
    "optimizers": lambda one: {"optimizer": one},
    "regularizers": lambda one: {"groups": {"dense_1.weight": {"regularizer": one}}},
    "constraints": lambda one: {"groups": {"dense_1.weight": {"constraint": one}}},
    "callbacks": lambda one: {"callbacks": [one]},
}


def instances(kind: str) -> list[Any]:
    """Components of a kind that work with this network."""
    found = []
    for name in registry.names(kind):
        cls = registry.get(kind, name)
        found += [cls(**arguments) for arguments in cls.examples or ({},)]
    return found


def options_for(kind: str, number: int) -> dict[str, Any]:
    """Arguments of a fit with one registered component, made anew."""
    options: dict[str, Any] = {"callbacks": [], **KINDS[kind](instances(kind)[number])}
    if not any(isinstance(one, nn.EarlyStopping) for one in options["callbacks"]):
        options["callbacks"] = [*options["callbacks"], nn.EarlyStopping(patience=50)]
    return options


def go_on(cases: list[tuple[str, str, int]], folder: Path) -> None:
    """Runs in a separate process: load an interrupted fit, and finish it."""
    os.chdir(folder)
    for name, kind, number in cases:
        net, options = nn.load(folder / f"{name}.part.nncore"), options_for(kind, number)
        for what in ("optimizer", "schedule", "groups"):
            options.pop(what, None)
        callbacks = options.pop("callbacks")
        history = fit(net, 3 - net.n_epochs, *callbacks, **options)
        net.save(folder / f"{name}.end.nncore")
        np.savez(folder / f"{name}.npz", **{column: history[column] for column in history if column != "seconds"})


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_goes_on_in_another_process(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit interrupted within the second epoch is resumed in another process: by Ctrl-C, a callback, an error or a checkpoint."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nncore.network.training.SLICE_SECONDS", 0.0)
    cases, histories = [], {}
    for number, one in enumerate(instances(kind)):
        name, whole, part = f"{type(one).__name__}{number}", network(), network()
        options = options_for(kind, number)
        callbacks = options.pop("callbacks")
        histories[name] = fit(whole, 3, *callbacks, **options)
        whole.save(tmp_path / f"{name}.whole.nncore")
        options = options_for(kind, number)
        callbacks = options.pop("callbacks")
        middle = whole.n_steps // 3 + 4
        how = ("stop", "ctrl-c", "error", "checkpoint")[number % 4]
        if how == "checkpoint":
            fit(part, 3, *callbacks, nn.Checkpoint(tmp_path / f"{name}.part.nncore", every_steps=middle), Cut(middle + 2), **options)
        elif how == "error":
            with pytest.raises(ZeroDivisionError):
                fit(part, 3, *callbacks, Cut(middle, how), **options)
        else:
            fit(part, 3, *callbacks, Cut(middle, how), **options)
        if how != "checkpoint":
            part.save(tmp_path / f"{name}.part.nncore")
        cases.append((name, kind, number))
    code = "import sys; from network.test_resuming import *; go_on(eval(sys.argv[1]), Path(sys.argv[2]))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-W", "error", "-c", code, repr(cases), str(tmp_path)], check=True, env=environment)
    for name, _, _ in cases:
        assert (tmp_path / f"{name}.end.nncore").read_bytes() == (tmp_path / f"{name}.whole.nncore").read_bytes(), name
        with np.load(tmp_path / f"{name}.npz") as end:
            history = histories[name]
            assert {*end} == {*history} - {"seconds"}
            for column in end:
                np.testing.assert_array_equal(end[column], history[column][1:], err_msg=name)
