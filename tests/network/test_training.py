"""The fit loop: work between steps, how it ends, and resuming."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from network.fitting import X, Y, fit, network

import nncore as nn
from nncore._core.program import permutation
from nncore.data import dataset
from nncore.plugin import Callback
from nncore.training import Training

# ---- same bits --------------------------------------------------------------------------------------------------------------


def test_same_seed_same_bits() -> None:
    one, other = network(), network()
    history, again = fit(one), fit(other)
    np.testing.assert_array_equal(one.parameters, other.parameters)
    np.testing.assert_array_equal(history["loss"], again["loss"])
    different = network(rng=1)
    fit(different)
    assert (different.parameters != one.parameters).any()


def test_continued_fit_equals_an_uninterrupted_one() -> None:
    whole, parts = network(), network()
    fit(whole, 5)
    fit(parts, 2)
    fit(parts, 3, rng=0)
    np.testing.assert_array_equal(parts.parameters, whole.parameters)
    np.testing.assert_equal(parts.optimizer_state, whole.optimizer_state)


def test_fit_equals_the_three_steps_by_hand() -> None:
    fitted, by_hand = network(), network()
    fit(fitted, 2)
    for epoch in range(2):
        order = permutation(len(X), by_hand.seed, epoch)
        for start in range(0, len(X), 32):
            batch = order[start : start + 32]
            by_hand.forward(X[batch], training=True)
            by_hand.backward(Y[batch])
            by_hand.step()
    np.testing.assert_array_equal(by_hand.parameters, fitted.parameters)
    for name, buffer in fitted.named_buffers().items():
        np.testing.assert_array_equal(by_hand.named_buffers()[name], buffer)


def test_weighted_fit_equals_the_three_steps_by_hand() -> None:
    weights = np.random.default_rng(3).uniform(0.1, 2, len(X))
    layers = nn.Dense(12, activation="relu"), nn.Dense(2)
    settings = {"loss": "softmax_cross_entropy", "optimizer": "sgd", "rng": 0, "dtype": "float64"}
    fitted, by_hand = nn.Sequential(*layers).build(6, **settings), nn.Sequential(*layers).build(6, **settings)
    fit(fitted, 3, sample_weight=weights, shuffle=False, batch_size=100)
    for _ in range(3):
        for start in (0, 100, 200):
            by_hand.train_on_batch(X[start : start + 100], Y[start : start + 100], sample_weight=weights[start : start + 100])
    np.testing.assert_array_equal(by_hand.parameters, fitted.parameters)


@pytest.mark.parametrize("how", ["float64", "fortran", "strided", "list", "blocks"])
def test_how_the_input_lies_does_not_matter(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, other = network(), network()
    fit(plain)
    wide = np.zeros((300, 12), np.float32)
    wide[:, ::2] = X
    inputs = {
        "float64": X.astype(float),
        "fortran": np.asfortranarray(X),
        "strided": wide[:, ::2],
        "list": X.tolist(),
        "blocks": X.astype(float),
    }
    if how == "blocks":
        monkeypatch.setattr(dataset, "CONVERT_AT_ONCE", 0)
        monkeypatch.setattr("nncore.blocks.BLOCK", 2000)
    other.fit(inputs[how], Y, epochs=3, batch_size=32, progress=False)
    np.testing.assert_array_equal(other.parameters, plain.parameters)


def test_unshuffled_samples_come_in_order() -> None:
    in_order, by_hand = network(), network()
    fit(in_order, 1, shuffle=False)
    for start in range(0, len(X), 32):
        by_hand.train_on_batch(X[start : start + 32], Y[start : start + 32])
    np.testing.assert_array_equal(by_hand.parameters, in_order.parameters)


def test_nothing_of_the_user_is_modified() -> None:
    kept_x, kept_y = X.copy(), Y.copy()
    weights = np.ones(len(X))
    fit(network(), sample_weight=weights, validation=(X, Y))
    activation_first = nn.Sequential(nn.ActivationLayer("tanh"), nn.Dense(2))
    activation_first.fit(X, Y, loss="softmax_cross_entropy", epochs=1, shuffle=False, progress=False)
    np.testing.assert_array_equal(X, kept_x)
    np.testing.assert_array_equal(Y, kept_y)
    np.testing.assert_array_equal(weights, 1)


def test_training_in_place_holds_no_second_copy() -> None:
    big = np.zeros((200_000, 32), np.float32)  # 26 MB
    net = nn.Sequential(nn.Dense(1)).build(32, loss="mse", optimizer="sgd", rng=0)
    target = np.zeros(len(big))
    tracemalloc.start()
    net.fit(big, target, epochs=1, batch_size=1000, progress=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < big.nbytes / 3


# ---- batches ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "steps"), [(32, False, 10), (32, True, 9), (300, True, 1), (1000, False, 1), (1, False, 300)]
)
def test_steps_an_epoch(batch_size: int, drop_last: bool, steps: int) -> None:
    net = network()
    fit(net, 2, batch_size=batch_size, drop_last=drop_last)
    assert net.n_steps == 2 * steps


def test_every_sample_is_visited_once_an_epoch() -> None:
    # One weight per sample, gradient -1 for its own sample: after an epoch at lr 1 in batches of 1, every weight has moved once.
    n = 50
    net = nn.Sequential(nn.Dense(1, weight_initializer="zeros", use_bias=False)).build(n, loss="half_mse", optimizer=nn.SGD(lr=1.0), rng=3)
    net.fit(np.eye(n), np.ones(n), epochs=1, batch_size=1, progress=False)
    np.testing.assert_array_equal(net.parameters, 1)


def test_order_changes_every_epoch() -> None:
    first, second = permutation(100, 7, 0), permutation(100, 7, 1)
    assert (first != second).any()
    np.testing.assert_array_equal(np.sort(first), np.arange(100))


def test_sample_weight_of_zero_is_as_if_left_out() -> None:
    weights = (np.arange(300) < 200).astype(float)
    layers = nn.Dense(12, activation="relu"), nn.Dense(2)
    weighted, without = (
        nn.Sequential(*layers).build(6, loss="softmax_cross_entropy", optimizer="sgd", rng=0, dtype="float64") for _ in "ab"
    )
    weighted.train_on_batch(X, Y, sample_weight=weights)
    without.train_on_batch(X[:200], Y[:200])
    np.testing.assert_allclose(weighted.parameters, without.parameters, rtol=1e-12)


def test_reported_loss_includes_the_penalty_and_is_the_mean_over_samples() -> None:
    net = nn.Sequential(nn.Dense(2)).build(6, loss="softmax_cross_entropy", optimizer=nn.SGD(lr=0.0), rng=0, dtype="float64")
    history = net.fit(X, Y, epochs=1, batch_size=64, weight_decay=0.5, validation=(X, Y), progress=False)
    penalty = 0.25 * (net.named_parameters()["dense_1.weight"] ** 2).sum()
    np.testing.assert_allclose(history["val_loss"][0], net.evaluate(X, Y)["loss"], rtol=1e-12)
    np.testing.assert_allclose(history["loss"][0], history["val_loss"][0] + penalty, rtol=1e-9)


# ---- callbacks, stopping ----------------------------------------------------------------------------------------------------


class Recorder(Callback):
    """Records its calls."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def on_fit_begin(self, training: Training) -> None:
        self.events.append("begin")

    def on_progress(self, training: Training) -> None:
        assert 0 <= training.fraction <= 1
        assert np.isfinite(training.loss)

    def on_epoch_end(self, training: Training) -> None:
        self.events.append(f"epoch {training.epoch}/{training.n_epochs} steps {training.n_steps} rows {len(training.history)}")

    def on_fit_end(self, training: Training) -> None:
        self.events.append(f"end {training.fraction:.2f}")


def test_callbacks_are_told_in_order() -> None:
    recorder = Recorder()
    history = fit(network(), 2, callbacks=[recorder])
    assert recorder.events == ["begin", "epoch 1/2 steps 10 rows 1", "epoch 2/2 steps 20 rows 2", "end 1.00"]
    assert history.stop_reason == "all epochs done"


def test_callbacks_and_metrics_go_by_name_too() -> None:
    settings = {"name": "early_stopping", "patience": 1, "min_delta": 100.0}
    history = fit(network(), 10, callbacks=["progress_bar", settings], validation=(X, Y), metrics=[{"name": "accuracy", "mode": "classes"}])
    assert len(history) == 2
    assert "val_accuracy" in history


def test_a_callback_can_stop_the_fit() -> None:
    class StopAtTwo(Callback):
        def on_epoch_end(self, training: Training) -> None:
            if training.epoch == 2:
                training.stop("two are enough")

    history = fit(network(), 10, callbacks=[StopAtTwo()])
    assert (len(history), history.stop_reason) == (2, "two are enough")


def test_an_error_in_a_callback_is_raised_as_it_is() -> None:
    class Fails(Callback):
        def on_epoch_end(self, training: Training) -> None:
            raise ZeroDivisionError("mine")

    recorder, net, one_epoch = Recorder(), network(), network()
    with pytest.raises(ZeroDivisionError, match="mine"):
        fit(net, 3, callbacks=[Fails(), recorder])
    assert recorder.events[-1].startswith("end")
    fit(one_epoch, 1)
    np.testing.assert_array_equal(net.parameters, one_epoch.parameters)


def test_ctrl_c_stops_cleanly_and_keeps_the_history() -> None:
    class PressCtrlC(Callback):
        def on_epoch_end(self, training: Training) -> None:
            if training.epoch == 2:
                _thread.interrupt_main(signal.SIGINT)

    net = network()
    history = fit(net, 1000, callbacks=[PressCtrlC()])
    assert history.interrupted
    assert history.stop_reason == "interrupted"
    assert 2 <= len(history) < 1000
    assert np.isfinite(net.parameters).all()
    assert net.n_epochs == len(history)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_sigint_from_outside_is_obeyed_within_an_epoch() -> None:
    script = """
import os, threading, time, signal
import numpy as np, nncore as nn
X = np.random.default_rng(0).normal(size=(200_000, 32)).astype("float32")
net = nn.Sequential(nn.Dense(256, activation="relu"), nn.Dense(256, activation="relu"), nn.Dense(2))
class PressCtrlC(nn.plugin.Callback):
    def on_fit_begin(self, training):
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
arguments = {"loss": "softmax_cross_entropy", "epochs": 100_000, "batch_size": 64, "rng": 0, "progress": False}
history = net.fit(X, X[:, 0] > 0, callbacks=[PressCtrlC()], **arguments)
print(history.interrupted, net.n_steps > 0, np.isfinite(net.parameters).all())
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env=os.environ)
    assert finished.stdout.split() == ["True", "True", "True"], finished.stderr
