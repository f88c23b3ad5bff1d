"""Fits declare how many threads they need, so that single-threaded ones leave the rest to others."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

import nncore as nn
from nncore.program import at_most_threads, threads
from nncore.testing import team_of

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
OPTIONS: dict[str, Any] = {"loss": "mse", "epochs": 1, "rng": 0, "progress": False}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(8, activation="relu"), nn.Dense(1))


def look(into: list[dict[int, int]]) -> nn.LambdaCallback:
    return nn.LambdaCallback(on_epoch_end=lambda training: into.append(threads._wanted.copy()))


def test_a_fit_says_what_it_would_use_and_takes_it_back() -> None:
    seen: list[dict[int, int]] = []
    with team_of(3):
        network().fit(X, X[:, :1], callbacks=[look(seen)], **OPTIONS)
    assert seen == [{threading.get_ident(): 3}]
    assert threads._wanted == {}


def test_so_do_many_together() -> None:
    seen: list[dict[int, int]] = []
    with team_of(3):
        nn.fit_many([network(), network()], X, X[:, :1], callbacks=nn.each([[look(seen)], [look(seen)]]), **OPTIONS)
    assert seen == [{threading.get_ident(): 3}] * 2
    assert threads._wanted == {}


def test_a_fit_that_fails_takes_it_back() -> None:
    def fail(training: Any) -> None:
        raise RuntimeError("as it should")

    try:
        network().fit(X, X[:, :1], callbacks=[nn.LambdaCallback(on_epoch_end=fail)], **OPTIONS)
    except RuntimeError:
        assert threads._wanted == {}
    else:
        raise AssertionError("the error of a callback is lost")


def test_a_small_fit_would_use_one() -> None:
    seen: list[dict[int, int]] = []
    network().fit(X, X[:, :1], callbacks=[look(seen)], **OPTIONS)
    assert seen == [{threading.get_ident(): 1}]


def test_so_does_what_calls_the_core_again_and_again() -> None:
    with at_most_threads(1):
        assert threads._wanted == {threading.get_ident(): 1}
    assert threads._wanted == {}
