"""Scratch memory of predictions: each run borrows a room and returns it, so idle programs hold none."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest

import nncore as nn
from nncore.testing import team_of

X = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, len(X))


def network(seed: int = 0, width: int = 16) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(width, "relu"), nn.Dense(width, "tanh"), nn.Dense(3))
    return net.build(4, loss="softmax_cross_entropy", optimizer="adam", rng=seed)


def bytes_of(what: object) -> int:
    """Bytes that stay allocated after a call of `what`."""
    assert callable(what)
    tracemalloc.start()
    try:
        kept = what()
        left = tracemalloc.get_traced_memory()[0]
        del kept
        return left
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("n_rows", [1, 300, 30_000])
@pytest.mark.parametrize("width", [16, 256])
def test_a_prediction_leaves_nothing_behind(n_rows: int, width: int) -> None:
    """After a prediction a network keeps its own data, and no values from between its layers."""
    many = np.resize(X, (n_rows, 4))
    network(width=width).predict(many)
    nets = [network(seed, width) for seed in range(10)]

    def predict() -> None:
        for net in nets:
            net.predict(many)

    assert bytes_of(predict) / len(nets) < 40_000


def test_many_small_networks_take_little() -> None:
    """2,000 small networks that were fitted and have predicted take about 200 MB."""

    def fitted() -> list[object]:
        nets = [network(seed) for seed in range(20)]
        kept: list[object] = [(net, net.fit(X, Y, epochs=2, batch_size=32, progress=False)) for net in nets]
        for net in nets:
            net.predict(X)
            net.evaluate(X, Y)
        return kept

    fitted()
    assert bytes_of(fitted) / 20 < 120_000


def test_networks_that_predict_at_once_do_not_share_a_room() -> None:
    """Networks that predict at the same time use different rooms; a network may get another room in its next call."""
    nets, many = [network(seed, 8 * (seed + 1)) for seed in range(6)], np.resize(X, (20_000, 4))
    expected = [(net.predict(many), net.evaluate(many, np.resize(Y, len(many)))) for net in nets]
    wrong: list[int] = []

    def work(first: int) -> None:
        for turn in range(12):
            k = (first + turn) % len(nets)
            outputs, scores = nets[k].predict(many), nets[k].evaluate(many, np.resize(Y, len(many)))
            if not np.array_equal(outputs, expected[k][0]) or scores != expected[k][1]:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("n_parts", [1, 2, 5])
def test_the_bits_do_not_depend_on_the_room(n_parts: int) -> None:
    """The room does not change the bits: with joined layers, activations in place and not, and rows in several slices."""
    layers = [nn.Residual([nn.Dense(4, "gelu")]), nn.Concat([[nn.Dense(5, "relu")], []]), nn.Dense(3)]
    net = nn.Sequential(*layers).build(4, loss="softmax_cross_entropy", rng=3)
    many = np.resize(X, (9_000, 4))
    apart = np.concatenate([net.predict(many[start : start + 1000]) for start in range(0, 9000, 1000)])
    with team_of(n_parts):
        network(1, 200).predict(many)
        assert np.array_equal(net.predict(many), apart)
