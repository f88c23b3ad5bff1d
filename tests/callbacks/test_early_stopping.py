from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.callbacks.early_stopping import EarlyStopping
from nncore.contract import History
from nncore.errors import ParameterError
from nncore.plugin import Callback

KERAS = json.loads(Path(__file__).with_name("keras_stops.json").read_text())


class Run:
    """The parts of a fit that callbacks see: in epoch e all parameters and buffers are e."""

    def __init__(self, callback: EarlyStopping, column: str = "val_loss", directions: dict[str, bool] | None = None) -> None:
        self.callback, self.column = callback, column
        self.parameters, self.buffer = np.zeros(3), np.zeros((2, 2))
        self.network = SimpleNamespace(
            parameters=self.parameters,
            copy_parameters=self.copy_parameters,
            named_buffers=lambda: {"batch_norm_1.mean": self.buffer},
            n_epochs=0,
        )
        self.history = History(directions)
        self.epoch = 0
        self.reason: str | None = None

    def copy_parameters(self, out: np.ndarray | None = None) -> np.ndarray:
        copied = np.empty(3) if out is None else out
        copied[:] = self.parameters
        return copied

    def stop(self, reason: str) -> None:
        self.reason = reason

    def fit(self, values: list[float], error: type[BaseException] | None = None) -> Run:
        self.callback.on_fit_begin(self)
        try:
            for self.epoch, value in enumerate(values, 1):
                self.parameters[:] = self.buffer[:] = self.network.n_epochs = self.epoch
                self.history.append(**{self.column: value})
                self.callback.on_epoch_end(self)
                if self.reason is not None:
                    break
            if error:
                self.parameters[:] = self.buffer[:] = -1  # half of an epoch more
                raise error
        finally:
            self.callback.on_fit_end(self)
        return self

    @property
    def restored_epoch(self) -> float:
        assert (self.buffer == self.parameters[0]).all()
        return float(self.parameters[0])


def test_stops_after_patience_epochs_without_improvement():
    run = Run(EarlyStopping(patience=2)).fit([3, 2, 2.5, 2, 1, 0])
    assert run.epoch == 4
    assert run.reason == "val_loss did not improve for 2 epochs (best 2 in epoch 2)"
    assert run.restored_epoch == 2


def test_an_improvement_starts_the_count_again():
    run = Run(EarlyStopping(patience=2)).fit([3, 2, 2.5, 1, 1.5, 0])
    assert run.reason is None
    assert run.restored_epoch == 6


def test_restores_the_best_epoch_when_nothing_stopped_the_fit():
    callback = EarlyStopping(patience=10)
    run = Run(callback).fit([3, 1, 2])
    assert run.reason is None
    assert run.restored_epoch == 2
    assert (callback.best_epoch, callback.best_value) == (2, 1)
    assert callback._best is None  # a second copy of the network is not kept after the fit


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_restores_the_best_epoch_also_after_an_error(error: type[BaseException]):
    run = Run(EarlyStopping())
    with pytest.raises(error):
        run.fit([3, 1, 2], error=error)
    assert run.restored_epoch == 2


def test_restore_best_can_be_left_out():
    assert Run(EarlyStopping(restore_best=False)).fit([3, 1, 2]).restored_epoch == 3


def test_min_delta_is_what_an_improvement_must_exceed():
    values = [1.0, 0.75, 0.5, 0.25]
    assert Run(EarlyStopping(patience=1, min_delta=0.25)).fit(values).epoch == 2
    assert Run(EarlyStopping(patience=1, min_delta=0.24)).fit(values).epoch == 4


@pytest.mark.parametrize(
    ("mode", "directions", "best"),
    [("auto", {}, 2), ("auto", {"score": True}, 2), ("auto", {"score": False}, 3), ("min", {}, 3), ("max", {"score": False}, 2)],
)
def test_mode(mode: str, directions: dict[str, bool], best: int):
    run = Run(EarlyStopping("val_score", mode=mode), "val_score", directions).fit([0.5, 0.9, 0.1])
    assert run.restored_epoch == best


def test_nan_is_no_improvement():
    assert Run(EarlyStopping(patience=2)).fit([math.nan, 2, math.nan, math.nan, 1]).epoch == 4
    run = Run(EarlyStopping(patience=3)).fit([math.nan] * 5)
    assert run.epoch == 3
    assert run.reason is not None
    assert "never was a number" in run.reason
    assert run.restored_epoch == 3  # there is no best epoch to restore


def test_infinity_can_be_improved_upon():
    assert Run(EarlyStopping(patience=1)).fit([math.inf, 5, 6]).restored_epoch == 2


@pytest.mark.parametrize(("ties", "best"), [("first", 2), ("last", 4)])
def test_which_of_equal_epochs_is_the_best(ties: str, best: int):
    callback = EarlyStopping(patience=3, ties=ties)
    run = Run(callback).fit([3, 2, 2.5, 2, 2.5, 1])
    assert (run.epoch, run.restored_epoch, callback.best_epoch, callback.best_value) == (5, best, best, 2)
    assert run.reason == f"val_loss did not improve for 3 epochs (best 2 in epoch {best})"


def test_an_equal_epoch_is_no_improvement_and_a_worse_one_no_tie():
    callback = EarlyStopping(patience=9, ties="last", min_delta=0.5)
    run = Run(callback).fit([3, 2.6, 3, math.nan, 2.4, 2.4, 2.6])
    assert (run.restored_epoch, callback.best_value) == (6, 2.4)
    never = EarlyStopping(ties="last")
    assert Run(never).fit([math.nan, math.nan]).restored_epoch == 2
    assert never.best_epoch == 0


@pytest.mark.parametrize("patience", [3, 50])
def test_the_last_of_ties_in_epochs_that_run_ahead(patience: int):
    """The last of tied epochs is the best one, also if the core runs several epochs before it calls a callback; watchers change nothing."""

    class Watcher(Callback):
        def on_epoch_end(self, training: Any) -> None: ...

    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    found = []
    for watchers in ([], [Watcher()]):
        net = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(2))
        stopping = EarlyStopping("val_accuracy", patience=patience, ties="last")
        history = net.fit(
            X[:40], y[:40], validation=(X[40:], y[40:]), loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.01), epochs=50,
            callbacks=[stopping, *watchers], rng=1, progress=False,
        )  # fmt: skip
        scores = history["val_accuracy"]
        assert stopping.best_epoch == 1 + np.flatnonzero(scores == scores.max())[-1]
        assert (scores == scores.max()).sum() > 1, "the scores need ties"
        assert net.evaluate(X[40:], y[40:])["accuracy"] == scores.max()
        found.append((stopping.best_epoch, len(history), net.parameters.copy()))
    assert found[0][:2] == found[1][:2]
    np.testing.assert_array_equal(found[0][2], found[1][2])


@pytest.mark.parametrize("case", KERAS["cases"], ids=lambda case: f"{case['arguments']}, {case['losses'][0]}")
def test_stops_when_keras_stops(case: dict[str, Any]):
    """Fits stop in the same epochs as in Keras, as recorded by make_keras_stops.py."""
    run = Run(EarlyStopping(**case["arguments"])).fit(case["losses"])
    assert run.epoch == case["epochs"]
    assert run.restored_epoch == case["restored"]


def test_a_baseline_has_to_be_beaten_for_the_count_to_begin_anew():
    run = Run(EarlyStopping(patience=3, baseline=0.5)).fit([0.9, 0.8, 0.7, 0.6, 0.65, 0.4])
    assert run.epoch == 5  # the best so far four times, which does not end the fit, and never better than the baseline
    assert run.reason == "val_loss did not improve over 0.5 for 3 epochs (best 0.6 in epoch 4)"
    assert run.restored_epoch == 4
    score = Run(EarlyStopping("val_accuracy", patience=2, baseline=0.5), "val_accuracy", {"accuracy": True})
    assert score.fit([0.4, 0.6, 0.55, 0.4, 0.7]).epoch == 4


def test_the_first_epochs_are_not_looked_at():
    run = Run(EarlyStopping(patience=2, start_from_epoch=3)).fit([0.1, 0.5, 0.6, 0.3, 0.4, 0.5, 0.01])
    assert run.epoch == 6
    assert run.restored_epoch == 4
    assert Run(EarlyStopping(start_from_epoch=9)).fit([3, 2, 1]).restored_epoch == 3  # there is no best epoch


@pytest.mark.parametrize("cut", [2, 5, 7, 8])
def test_a_fit_that_goes_on_counts_from_where_it_was(cut: int):
    losses = [0.1, 0.9, 0.8, 0.7, 0.75, 0.6, 0.55, 0.58, 0.57, 0.3]
    arguments = {"patience": 4, "baseline": 0.5, "start_from_epoch": 2}
    whole, part = Run(EarlyStopping(**arguments)).fit(losses), Run(EarlyStopping(**arguments))
    part.callback.on_fit_begin(part)
    for part.epoch, value in enumerate(losses, 1):
        if part.epoch == cut + 1:
            state = part.callback.state()
            part.callback = EarlyStopping(**arguments)
            part.callback.on_fit_begin(part)
            part.callback.restore(state, part)
        part.parameters[:] = part.buffer[:] = part.network.n_epochs = part.epoch
        part.history.append(val_loss=value)
        part.callback.on_epoch_end(part)
        if part.reason is not None:
            break
    part.callback.on_fit_end(part)
    assert whole.epoch == 8
    assert (part.epoch, part.reason, part.restored_epoch) == (whole.epoch, whole.reason, whole.restored_epoch)


def test_a_state_of_other_arguments_is_refused():
    run = Run(EarlyStopping(baseline=1.0)).fit([0.5])
    for arguments in ({}, {"baseline": 1.0, "start_from_epoch": 1}):
        with pytest.raises(ParameterError, match="this is not a state of"):
            EarlyStopping(restore_best=False, **arguments).restore({"best_epoch": 1, "last": 1, "improved": 1, "best": 0.5}, run)


def test_a_second_fit_starts_afresh():
    callback = EarlyStopping(patience=1)
    Run(callback).fit([0.1, 0.2])
    run = Run(callback).fit([5, 4, 6])
    assert run.restored_epoch == 2
    assert callback.best_value == 4


def test_a_column_that_is_not_recorded():
    with pytest.raises(ParameterError, match=r"'val_loss'.*pass validation=.*'loss'"):
        Run(EarlyStopping(), "loss").fit([1.0])
    with pytest.raises(ParameterError, match=r"'recall'.*record: monitor one of 'loss'"):
        Run(EarlyStopping("recall"), "loss").fit([1.0])


@pytest.mark.parametrize(
    "arguments",
    [
        {"patience": 0},
        {"patience": 1.5},
        {"patience": math.nan},
        {"min_delta": -1},
        {"mode": "least"},
        {"ties": "middle"},
        {"baseline": math.inf},
        {"baseline": "0.5"},
        {"start_from_epoch": -1},
        {"start_from_epoch": 1.5},
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any]):
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        EarlyStopping(**arguments)


def test_config_is_its_arguments():
    callback = EarlyStopping("loss", 3, 0.5, "min", False, "last", 0.25, 4)
    arguments = {"monitor": "loss", "patience": 3, "min_delta": 0.5, "mode": "min", "restore_best": False, "ties": "last"}
    arguments |= {"baseline": 0.25, "start_from_epoch": 4}
    assert callback.config() == arguments


class Recorder(Callback):
    """Stores parameters and buffers of every epoch."""

    def __init__(self) -> None:
        self.epochs: list[bytes] = []

    def on_epoch_end(self, training: Any) -> None:
        self.epochs.append(state_of(training.network))


def state_of(network: nn.Sequential) -> bytes:
    return network.parameters.tobytes() + b"".join(view.tobytes() for view in network.named_buffers().values())


def test_a_fit_gives_back_the_network_of_the_best_epoch():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), rng.integers(0, 2, 40)  # nothing to learn: the validation loss soon rises
    X_val, y_val = rng.normal(size=(40, 5)), rng.integers(0, 2, 40)
    network = nn.Sequential(nn.Dense(16, activation="tanh"), nn.BatchNorm(), nn.Dense(2))
    recorder, callback = Recorder(), EarlyStopping(patience=3)
    history = network.fit(
        X, y, loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.02), epochs=200, batch_size=10, rng=1, progress=False,
        validation=(X_val, y_val), callbacks=[callback, recorder],
    )  # fmt: skip
    assert len(history) == history.best("val_loss") + 3 < 200
    assert callback.best_epoch == history.best("val_loss")
    assert "val_loss did not improve for 3 epochs" in history.stop_reason
    assert state_of(network) == recorder.epochs[callback.best_epoch - 1] != recorder.epochs[-1]
    assert network.evaluate(X_val, y_val)["loss"] == history["val_loss"].min()


def test_a_fit_that_does_not_record_the_column_is_refused_before_it_begins():
    network = nn.Sequential(nn.Dense(1))
    for callbacks in ([EarlyStopping()], ["progress_bar", EarlyStopping("val_r2")]):
        with pytest.raises(
            ParameterError, match=r"EarlyStopping monitors 'val_\w+'.*pass validation=.*or monitor one of 'loss', 'seconds'$"
        ):
            network.fit(np.eye(3), np.ones(3), loss="mse", callbacks=callbacks, schedule=None)
    with pytest.raises(ParameterError, match=r"monitor one of 'loss', 'lr', 'val_loss', 'val_mae', 'seconds'$"):
        network.fit(
            np.eye(3), np.ones(3), loss="mse", callbacks=[EarlyStopping("val_r2")], schedule="cosine",
            validation=(np.eye(3), np.ones(3)), metrics=["mae"],
        )  # fmt: skip
    assert not network.is_built
