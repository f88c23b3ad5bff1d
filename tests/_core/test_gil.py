"""Calls of the core that release the GIL."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

import nncore as nn

pytestmark = pytest.mark.skipif(not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="this Python has no GIL")


@pytest.fixture
def turns() -> Iterator[list[int]]:
    """A list that grows whenever another thread gets the GIL, which happens only where this thread releases it."""
    interval, stop, grown = sys.getswitchinterval(), threading.Event(), [0]

    def grow() -> None:
        while not stop.is_set():
            grown.append(0)
            time.sleep(0)  # releases the GIL, and requests it again at once

    other = threading.Thread(target=grow)
    sys.setswitchinterval(1e3)
    other.start()
    try:
        yield grown
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        other.join()


def network(*widths: int) -> nn.Sequential:
    layers = [nn.Dense(width, activation="relu") for width in widths[1:]]
    return nn.Sequential(*layers).build(widths[0], loss="mse", optimizer="adam", rng=0)


def test_short_calls_keep_it(turns: list[int]) -> None:
    net = network(4, 16, 1)
    x, X, y = np.zeros(4, np.float32), np.zeros((8, 4), np.float32), np.zeros((8, 1), np.float32)
    net.predict(X), net.train_on_batch(X, y)
    before = len(turns)
    for _ in range(3000):
        net.predict_one(x)
        net.predict(X)
        net.train_on_batch(X, y)
    assert len(turns) == before


def test_long_calls_give_it_away(turns: list[int]) -> None:
    net = network(256, 512, 512, 1)
    X = np.zeros((512, 256), np.float32)
    net.predict(X)
    before = len(turns)
    for _ in range(1000):
        net.predict(X)
        if len(turns) > before:
            return
    pytest.fail("a waiting thread did not get the GIL during 1000 predictions")
