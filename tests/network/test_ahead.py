"""Several epochs run in the core without Python give the same fit as one epoch at a time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from network.fitting import X, Y, fit, network

import nncore as nn
from nncore.network import training as loop
from nncore.network.ahead import MOST_EPOCHS, MOST_VISITS, epochs_affordable, is_watched
from nncore.network.work import Work
from nncore.plugin import Callback, Sampler
from nncore.training import Training


class Looks(Callback):
    """A callback without declarations, so each epoch ends in Python. It records what a callback can see."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_epoch_end(self, training: Any) -> None:
        net, history = training.network, training.history
        self.seen.append(
            (training.epoch, training.n_steps, training.loss, training.fraction, net.n_epochs, net.n_steps, net.place, len(history),
             {name: float(history[name][-1]) for name in history if name != "seconds"},
             net.copy_parameters().tobytes(), {name: view.tobytes() for name, view in net.named_buffers().items()})
        )  # fmt: skip


class Waits(Looks):
    """The same callback, which lets the core run any number of epochs ahead."""

    def epochs_ahead(self, training: Any) -> int:
        return sys.maxsize


class Stops(Waits):
    """Ends the fit after an epoch that it declares in advance."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def epochs_ahead(self, training: Any) -> int:
        return self.epoch - training.epoch + 1

    def on_epoch_end(self, training: Any) -> None:
        super().on_epoch_end(training)
        if training.epoch == self.epoch:
            training.stop("as planned")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Number of epochs that ended in each run of the core."""
    found: list[int] = []
    original = Training._take_in

    def counted(training: Training) -> int:
        handed = training._handed
        if handed is not None:
            found.append(0 if handed.epochs is None else handed.epochs.n_ended)
        return original(training)

    monkeypatch.setattr(Training, "_take_in", counted)
    return found


def state_of(net: nn.Sequential, history: nn.History) -> dict[str, Any]:
    columns = {name: history[name].tolist() for name in history if name != "seconds"}
    optimizer = {name: value.tobytes() for name, value in net.optimizer_state.items()}
    counts = net.n_epochs, net.n_steps, net.place, history.stop_reason, history.interrupted
    return {"columns": columns, "optimizer": optimizer, "parameters": net.parameters.tobytes(), "counts": counts}


def both(make: Any = network, epochs: int = 12, callbacks: Any = lambda: [], **arguments: Any) -> list[dict[str, Any]]:
    """The states after a normal fit, and after one that ends each epoch in Python."""
    states = []
    for watcher in (Waits(), Looks()):
        net = make()
        history = fit(net, epochs, callbacks=[*callbacks(), watcher], **arguments)
        states.append(state_of(net, history) | {"seen": watcher.seen})
    return states


def test_epochs_are_run_together_and_callbacks_hear_of_each(runs: list[int]) -> None:
    together, apart = both(validation=(X[:50], Y[:50]))
    assert together == apart
    assert len(together["seen"]) == 12
    assert max(runs) > 3
    assert runs.count(1) >= 12  # runs of the fit with the callback, and the first epoch of the other


CALLBACKS = {
    "ema": lambda: ["ema"],
    "swa": lambda: [{"name": "swa", "start": 2}],
    "early_stopping": lambda: [nn.EarlyStopping(patience=3)],
    "early_stopping at once": lambda: [nn.EarlyStopping("loss", patience=2, min_delta=0.05)],
    "early_stopping of the loss, without its best": lambda: [nn.EarlyStopping("loss", patience=2, min_delta=0.02, restore_best=False)],
    "checkpoint": lambda: [nn.Checkpoint("a.nncore", every=5)],
    "checkpoint of the best": lambda: [nn.Checkpoint("a.nncore", every=3, monitor="val_loss")],
    "checkpoint by steps": lambda: [nn.Checkpoint("a.nncore", every_steps=7)],
    "checkpoint by minutes": lambda: [nn.Checkpoint("a.nncore", every_minutes=1e-9)],
    "csv": lambda: [nn.CSVLogger("a.csv")],
    "time_limit": lambda: [nn.TimeLimit(1000)],
    "progress_bar": lambda: [{"name": "progress_bar", "delay": 1000.0}],
    "lambda": lambda: [nn.LambdaCallback(on_progress=lambda training: None)],
}


@pytest.mark.parametrize("callbacks", CALLBACKS.values(), ids=CALLBACKS)
@pytest.mark.parametrize("many", [False, True], ids=["fit", "fit_many"])
def test_every_callback(callbacks: Any, many: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ends, files = [], []
    for watcher in (Waits, Looks):
        (folder := tmp_path / watcher.__name__).mkdir()
        monkeypatch.chdir(folder)
        nets, watchers = [network(rng=seed) for seed in range(1 + many)], [watcher() for _ in range(1 + many)]
        given = {"epochs": 13, "batch_size": 32, "progress": False, "validation": (X[:50], Y[:50])}
        own = [[*(callbacks() if number == 0 else []), watchers[number]] for number in range(1 + many)]
        if many:
            histories = nn.fit_many(nets, X, Y, callbacks=nn.each(own), n_threads=2, **given)
        else:
            histories = [nets[0].fit(X, Y, callbacks=own[0], **given)]
        ends.append([state_of(net, history) | {"seen": one.seen} for net, history, one in zip(nets, histories, watchers, strict=True)])
        written = sorted(folder.iterdir())
        files.append([(file.name, state_of_file(file)) for file in written])
    assert ends[0] == ends[1]
    assert files[0] == files[1]


def state_of_file(file: Path) -> Any:
    if file.suffix == ".csv":
        return [line.rpartition(",")[0] for line in file.read_text().splitlines()]  # without the seconds
    net = nn.load(file)
    return net.parameters.tobytes(), net.n_epochs, net.n_steps, [memory.state() for memory in net.memories]


def spread(output: np.ndarray, target: np.ndarray, weight: Any) -> float:
    """A metric in Python."""
    return float(np.ptp(output))


SCHEDULES = [None, "cosine", {"name": "warmup", "fraction": 0.3}, {"lr": "cosine", "momentum": "step"}, "plateau"]


@settings(max_examples=60, deadline=None)
@given(
    epochs=st.integers(1, 30), batch_size=st.integers(20, 310), accumulate=st.integers(1, 4), drop_last=st.booleans(),
    validated=st.booleans(), train_metrics=st.booleans(), shuffle=st.booleans(), weights=st.booleans(),
    optimizer=st.sampled_from(["adam", "momentum", "lookahead"]), schedule=st.sampled_from(SCHEDULES),
    metrics=st.sampled_from([None, [], ["accuracy"], [nn.FunctionMetric(spread, label="spread")]]),
)  # fmt: skip
def test_every_argument(
    epochs: int, batch_size: int, accumulate: int, drop_last: bool, validated: bool, train_metrics: bool, shuffle: bool, weights: bool,
    optimizer: str, schedule: Any, metrics: Any,
) -> None:  # fmt: skip
    if isinstance(schedule, dict) and "momentum" in schedule and optimizer != "momentum":
        schedule = "cosine"
    drop_last = drop_last and batch_size <= len(X)
    if schedule == "plateau":
        schedule = {"name": "plateau", "monitor": "loss", "patience": 1}
    given = {"validation": (X[:70], Y[:70])} if validated else {}
    given |= {"sample_weight": 1 + np.arange(300) % 3} if weights else {}
    together, apart = both(
        lambda: network(optimizer=optimizer), epochs, batch_size=batch_size, accumulate=accumulate, drop_last=drop_last,
        train_metrics=train_metrics, shuffle=shuffle, schedule=schedule, metrics=metrics, **given,
    )  # fmt: skip
    assert together == apart


class Growing(Sampler):
    """A sampler in Python, whose order is sometimes that of the data."""

    def order(self, samples: Any, seed: int, epoch: int) -> np.ndarray | None:
        return None if epoch % 3 == 0 else np.roll(np.arange(samples.n_samples), epoch)


def test_orders_of_any_sampler() -> None:
    together, apart = both(sampler=Growing())
    assert together == apart


@pytest.mark.parametrize("slice_seconds", [0.0, 1e-5])
def test_a_run_may_end_anywhere(slice_seconds: float, monkeypatch: pytest.MonkeyPatch, runs: list[int]) -> None:
    expected = both(schedule="cosine", validation=(X[:50], Y[:50]))[1]
    monkeypatch.setattr(loop, "SLICE_SECONDS", slice_seconds)
    monkeypatch.setattr(loop, "epochs_affordable", lambda n_left, *others: n_left)
    runs.clear()
    for state in both(schedule="cosine", validation=(X[:50], Y[:50])):
        assert state == expected
    assert len(runs) > 24  # so some runs have ended in the middle of an epoch


def test_a_callback_ends_the_fit_when_it_said(runs: list[int]) -> None:
    net, twin, stops = network(), network(), Stops(9)
    history = fit(net, 40, callbacks=[stops], schedule="cosine")
    fit(twin, 40, callbacks=[stops, Looks()], schedule="cosine")
    assert history.stop_reason == "as planned"
    assert net.n_epochs == 9
    assert net.place is None
    np.testing.assert_array_equal(net.parameters, twin.parameters)
    assert max(runs) > 3


class Breaks(Waits):
    """Raises an error for epoch 5, after the core may have run later epochs."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def on_epoch_end(self, training: Any) -> None:
        super().on_epoch_end(training)
        if training.epoch == 5:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ArithmeticError("on purpose")], ids=["ctrl-c", "error"])
def test_what_breaks_off_the_telling_comes_after_it(error: BaseException, runs: list[int]) -> None:
    whole, net, breaks, other = network(), network(), Breaks(error), Waits()
    fit(whole, 20, validation=(X[:50], Y[:50]))
    runs.clear()
    if isinstance(error, KeyboardInterrupt):
        history = fit(net, 20, callbacks=[breaks, other], validation=(X[:50], Y[:50]))
        assert history.interrupted
        assert len(history) == net.n_epochs
    else:
        with pytest.raises(ArithmeticError, match="on purpose"):
            fit(net, 20, callbacks=[breaks, other], validation=(X[:50], Y[:50]))
    assert net.n_epochs >= 5
    assert [seen[0] for seen in breaks.seen] == list(range(1, len(breaks.seen) + 1))
    assert len(breaks.seen) >= net.n_epochs
    assert len(other.seen) == len(breaks.seen) - 1
    fit(net, 20 - net.n_epochs, validation=(X[:50], Y[:50]), callbacks=[breaks, other] if net.memories else [])
    np.testing.assert_array_equal(net.parameters, whole.parameters)


@pytest.mark.parametrize("n_before", range(1, 40, 3))
def test_ctrl_c_after_any_run_or_in_the_middle_of_looking_at_it(n_before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is raised at each line that processes the epochs run by the core, one after the other."""
    whole, net, watcher = network(), network(), Waits()
    expected = fit(whole, 15, validation=(X[:50], Y[:50]), schedule="cosine")
    left, code = n_before, {Training._take_in.__code__, Training._catch_up.__code__}
    begun = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left, begun
        if frame.f_code not in code:
            return None
        begun += event == "call" and frame.f_code is Training._take_in.__code__
        if event == "line" and begun > 1:  # from the second run on, which has several epochs
            left -= 1
            if left == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        history = fit(net, 15, validation=(X[:50], Y[:50]), schedule="cosine", callbacks=[watcher])
    finally:
        sys.settrace(before)
    assert len(history) == net.n_epochs
    assert [seen[0] for seen in watcher.seen] == list(range(1, len(history) + 1))
    if net.n_epochs < 15:
        fit(net, 15 - net.n_epochs, validation=(X[:50], Y[:50]), callbacks=[watcher] if net.memories else [])
    np.testing.assert_array_equal(net.parameters, whole.parameters)
    assert net.n_steps == whole.n_steps
    assert history["loss"].tolist() == expected["loss"][: len(history)].tolist()


def test_an_error_in_an_epoch_leaves_the_epochs_before_it(runs: list[int]) -> None:
    made = []
    for watcher in (Waits(), Looks()):
        net = nn.Sequential(nn.Dense(1)).build(6, loss="mse", optimizer=nn.SGD(lr=1.3), rng=0)
        with pytest.raises(nn.errors.NonFiniteError) as caught:
            net.fit(X, X[:, :1], epochs=300, batch_size=100, progress=False, callbacks=[watcher])
        made.append((str(caught.value), [seen[:-1] for seen in watcher.seen], net.n_epochs, net.n_steps, net.parameters.tobytes()))
    assert made[0] == made[1]
    assert made[0][2] > 10
    assert max(runs) > 3


def test_the_seconds_of_epochs_add_up() -> None:
    history = fit(network(), 40)
    assert (history["seconds"] > 0).all()
    assert len(history) == 40


def test_how_many_epochs_a_run_has() -> None:
    assert epochs_affordable(100, 150, 0.05, 0.0) == 1
    assert epochs_affordable(100, 150, 0.05, 0.02) == 3
    assert epochs_affordable(2, 150, 0.05, 0.001) == 2
    assert epochs_affordable(1000, 150, 0.05, 1e-6) == MOST_EPOCHS
    assert epochs_affordable(1000, MOST_VISITS // 3, 0.05, 1e-6) == 3
    assert epochs_affordable(1000, 10 * MOST_VISITS, 0.0, 1.0) == 1


def test_who_watches() -> None:
    plateau, cosine = nn.Plateau(), nn.Cosine()
    pauses = nn.LambdaCallback(on_progress=lambda training: None)
    assert not is_watched([Waits(), pauses, nn.EarlyStopping()], [cosine])
    assert is_watched([Waits(), Looks()], [])
    assert is_watched([], [cosine, plateau])
    pauses.pause_every = 3
    assert is_watched([pauses], [])


def test_a_fit_that_is_watched_prepares_no_more_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(loop, "epochs_affordable", lambda n_left, *others: asked.append(n_left) or 1)
    fit(network(), 5, callbacks=[Looks()])
    assert asked == []
    fit(network(), 5, callbacks=[Waits()])
    assert asked == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("number", range(2))
def test_another_thread_meets_a_network_between_two_steps(number: int) -> None:
    """Another thread sees a network between two steps: it may save at any time, and the file resumes with the same bits."""
    import threading

    whole, net, saved = network(rng=number), network(rng=number), []
    fit(whole, 400)
    is_over = threading.Event()

    def save() -> None:
        while not is_over.is_set():
            saved.append(nn.loads(net.dumps()) if hasattr(net, "dumps") else __import__("pickle").loads(__import__("pickle").dumps(net)))

    thread = threading.Thread(target=save)
    thread.start()
    try:
        fit(net, 400)
    finally:
        is_over.set()
        thread.join()
    np.testing.assert_array_equal(net.parameters, whole.parameters)
    for copy in saved[:: max(1, len(saved) // 8)]:
        if copy.n_epochs < 400:
            fit(copy, 400 - copy.n_epochs)
        np.testing.assert_array_equal(copy.parameters, whole.parameters)


def test_a_run_that_is_given_to_a_crew_says_the_same() -> None:
    nets, watchers = [network(rng=seed) for seed in range(3)], [Waits() for _ in range(3)]
    nn.fit_many(
        nets, X, Y, epochs=30, batch_size=32, validation=(X[:50], Y[:50]), callbacks=nn.each([[w] for w in watchers]), progress=False
    )
    for seed, (net, watcher) in enumerate(zip(nets, watchers, strict=True)):
        alone, own = network(rng=seed), Looks()
        fit(alone, 30, validation=(X[:50], Y[:50]), callbacks=[own])
        assert watcher.seen == own.seen
        np.testing.assert_array_equal(net.parameters, alone.parameters)


def test_work_is_done_by_the_core_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With kernels for loss, link and metrics, the core does all work, and no evaluation is done in Python."""
    methods, original = [], Work.run

    def noted(work: Work) -> None:
        methods.append(work.method)
        original(work)

    monkeypatch.setattr(Work, "run", noted)
    fit(network(), 5, validation=(X[:50], Y[:50]), callbacks=[Looks()])
    assert methods == ["train"] * 5
