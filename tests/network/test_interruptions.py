"""Ctrl-C: `Sequential.fit` stops and returns its history; functions that call it raise KeyboardInterrupt; no step is half done."""

from __future__ import annotations

import _thread
import ast
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype(np.float32)
Y = X[:, :1] * X[:, 1:2]
PACKAGE = Path(nn.__file__).parent


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(8, activation="tanh"), nn.BatchNorm(), nn.Dense(1)).build(4, loss="mse", optimizer="adam", rng=0)


class PressedOnce:
    """A metric that simulates Ctrl-C in its n-th call."""

    def __init__(self, n: int) -> None:
        self.left = n

    def __call__(self, prediction: np.ndarray, target: np.ndarray, weights: Any) -> float:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return float(np.abs(prediction - target).mean())


@pytest.mark.parametrize("callbacks", [[], ["ema"], ["swa"], [{"name": "swa", "start": 2}]], ids=["plain", "ema", "swa", "late swa"])
@pytest.mark.parametrize("press", [1, 3, 5])
@pytest.mark.parametrize("schedule", [None, "plateau"])
def test_an_epoch_that_is_broken_off_in_its_validation_is_validated_by_the_fit_that_goes_on(
    callbacks: list[Any], press: int, schedule: str | None
) -> None:
    def fitted(pressed: PressedOnce) -> tuple[nn.Sequential, list[dict[str, list[float]]]]:
        net, histories, n_rows = network(), list[dict[str, list[float]]](), 0
        while net.n_epochs < 5:
            history = net.fit(
                X, Y, epochs=5 - net.n_epochs, batch_size=16, progress=False, callbacks=callbacks, validation=(X[:40], Y[:40]),
                metrics=[nn.FunctionMetric(pressed, label="distance")], schedule=schedule if not histories else None,
            )  # fmt: skip
            n_rows += len(history)
            assert net.n_epochs == n_rows
            histories.append({name: history[name].tolist() for name in history if name != "seconds"} if len(history) else {})
        return net, histories

    expected, [whole] = fitted(PressedOnce(0))
    net, parts = fitted(PressedOnce(press))
    assert len(parts) == 2
    assert {name: [value for part in parts for value in part.get(name, [])] for name in whole} == whole
    np.testing.assert_array_equal(net.parameters, expected.parameters)
    assert net.n_steps == expected.n_steps


def sooner_or_later(function: Callable[[], Any], after: float = 0.15) -> float:
    """Seconds from Ctrl-C to the `KeyboardInterrupt` that repeated calls of `function` end with."""
    pressed = list[float]()

    def press() -> None:
        pressed.append(time.perf_counter())
        _thread.interrupt_main(signal.SIGINT)

    timer, begun = threading.Timer(after, press), time.perf_counter()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (the interrupt may come as soon as the timer runs)
        timer.start()
        while time.perf_counter() - begun < 10:
            function()
    return time.perf_counter() - pressed[0]


def test_a_search_for_a_learning_rate_ends_with_ctrl_c() -> None:
    sooner_or_later(lambda: nn.find_learning_rate(network(), X, Y, rng=0))


def test_predictions_that_take_long_end_with_ctrl_c() -> None:
    net = nn.Sequential(nn.Dense(512, activation="tanh"), nn.Dense(1)).build(256, rng=0)
    inputs = np.zeros((40_000, 256), np.float32)
    sooner_or_later(lambda: net.predict(inputs))


def test_waiting_for_a_network_ends_with_ctrl_c() -> None:
    net, is_held, is_over = network(), threading.Event(), threading.Event()

    def hold() -> None:
        with net.paused():
            is_held.set()
            is_over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(30)
    sooner_or_later(lambda: net.predict(X))
    is_over.set()
    thread.join(30)
    net.predict(X)


def test_a_fit_in_another_thread_is_stopped_by_a_callback_and_ctrl_c_stays_with_the_main_thread() -> None:
    net, is_over, histories = network(), threading.Event(), list[Any]()

    def stop(training: Any) -> None:
        if is_over.is_set():
            training.stop("told to")

    callbacks = [nn.LambdaCallback(on_progress=stop)]
    thread = threading.Thread(target=lambda: histories.append(net.fit(X, Y, epochs=10**7, progress=False, callbacks=callbacks)))
    thread.start()
    sooner_or_later(lambda: time.sleep(0.01))
    assert thread.is_alive()
    is_over.set()
    thread.join(30)
    assert histories[0].stop_reason == "told to"
    assert not histories[0].interrupted


def test_whoever_calls_fit_for_somebody_else_passes_ctrl_c_on() -> None:
    """In nncore's sources, every caller of `fit` uses `whole()` or `interrupted` of the history, so that Ctrl-C is passed on."""
    found = 0
    for path in PACKAGE.rglob("*.py"):
        if "testing" in path.parts:
            continue  # tools for tests of plugins, where Ctrl-C ends the test
        for function in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)):
            nodes = list(ast.walk(function))
            fits = [node for node in nodes if isinstance(node, ast.Call) and is_fit_of_network(node)]
            asked = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            n_whole = sum(isinstance(node, ast.Attribute) and node.attr == "whole" and is_fit_of_network(node.value) for node in nodes)
            found += len(fits)
            hands_on = path.parent.name == "cli" and function.name in ("fit", "fit_network", "train")  # return the history to `run`
            assert n_whole == len(fits) or "interrupted" in asked or hands_on, f"{path}: {function.name}"
    assert found >= 6


def is_fit_of_network(node: ast.AST) -> bool:
    """Whether it is a call like ``network.fit(...)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "fit"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("network", "trial", "net", "twin")
    )


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_during_one_long_epoch_is_obeyed_soon() -> None:
    inputs = np.zeros((200_000, 64), np.float32)
    net = nn.Sequential(nn.Dense(128), nn.Dense(1)).build(64, loss="mse", optimizer="adam", rng=0)
    timer = threading.Timer(0.2, lambda: _thread.interrupt_main(signal.SIGINT))
    timer.start()
    history = net.fit(inputs, inputs[:, :1], epochs=1000, progress=False)
    assert history.interrupted
    assert net.n_steps > 0
