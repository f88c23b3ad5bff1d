"""Dropout: which elements are dropped, and that the choice is reproducible."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore.contract import random_words
from nncore.errors import ParameterError
from nncore.testing import Guarded, tables


def masked(rate: float, n_rows: int = 200, n: int = 50, seed: int = 0) -> np.ndarray:
    network = nn.Sequential(nn.Dense(n, bias_initializer="zeros"), nn.Dropout(rate)).build(n, rng=seed)
    network.parameters[: n * n] = np.eye(n, dtype=np.float32).ravel()
    return network.forward(np.ones((n_rows, n), np.float32), training=True)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_drops_the_asked_fraction_and_keeps_the_mean(rate: float) -> None:
    output = masked(rate)
    n = output.size
    assert abs((output == 0).mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / n) + 1e-12
    kept = output[output != 0]
    np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=1e-6)


def test_mask_is_that_of_philox() -> None:
    network = nn.Sequential(nn.Dense(6), nn.Dropout(0.5)).build(6, rng=0)
    network.parameters[:36] = np.eye(6, dtype=np.float32).ravel()
    output = network.forward(np.ones((5, 6), np.float32), training=True)
    words = random_words(network.seed, 1, 1, 30).reshape(5, 6)
    np.testing.assert_array_equal(output == 0, words < 2**31)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_inputs", [1, 3, 7, 64, 130])
def test_slices_of_rows_draw_the_mask_of_the_whole_batch(dtype: type, n_inputs: int) -> None:
    """Slices of rows get the mask of the whole batch; a slice may begin within a group of four random numbers."""
    layer, hyper = nn.Dropout(0.3), np.array([0.3])
    forward = getattr(tables.layer(layer.kernel.load()), f"forward_{tables.SUFFIXES[np.dtype(dtype)]}")
    bounds = [0, 1, 2, 3, 7, 12, 13, 40, 41, 41]
    words = random_words(2**40 + 7, 2**33 + 1, 5, bounds[-1] * n_inputs).reshape(-1, n_inputs)
    for first, end in pairwise(bounds):
        x, y, cache = (Guarded(np.full((end - first, n_inputs), value, dtype)) for value in (2, 7, 7))
        arrays = {"x": x.array, "y": y.array, "cache": cache.array, "hyper": hyper}
        shape = {"n_rows": end - first, "n_inputs": n_inputs, "n_outputs": n_inputs, "first_row": first, "end_column": n_inputs}
        forward.must(**arrays, **shape, seed=2**40 + 7, step=2**33 + 1, layer=5, training=1)
        factors = np.where(words[first:end] < int(0.3 * 2**32), 0, 1 / (1 - 0.3)).astype(dtype)
        np.testing.assert_array_equal(cache.check(), factors)
        np.testing.assert_array_equal(y.check(), 2 * factors)


def test_nothing_is_dropped_at_prediction() -> None:
    network = nn.Sequential(nn.Dense(4), nn.Dropout(0.9), nn.Dense(3)).build(4, rng=0)
    without = nn.Sequential(nn.Dense(4), nn.Dense(3)).build(4, rng=0)
    without.parameters[:] = network.parameters
    X = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
    np.testing.assert_array_equal(network.predict(X), without.predict(X))


X16, ZEROS = np.ones((16, 8), np.float32), np.zeros(16)


def dropping() -> nn.Sequential:
    return nn.Sequential(nn.Dense(8), nn.Dropout(0.5), nn.Dense(1)).build(8, loss="mse", optimizer=nn.SGD(lr=0.0), rng=0)


def test_every_pass_and_every_step_draws_another_mask() -> None:
    network = dropping()
    outputs = [network.forward(X16, training=True) for _ in range(3)]
    assert network.n_passes == 3
    network.backward(ZEROS)
    network.step()
    assert network.n_passes == 0
    outputs += [network.forward(X16, training=True) for _ in range(3)]
    assert len({output.tobytes() for output in outputs}) == 6


def test_backward_goes_with_the_mask_of_its_pass() -> None:
    network = dropping()
    for _ in range(2):
        network.forward(X16, training=True)
    network.backward(ZEROS)
    gradients = network.gradients.copy()
    network.n_passes = 1
    network.forward(X16, training=True)
    network.backward(ZEROS)
    np.testing.assert_array_equal(network.gradients, gradients)
    network.forward(X16, training=True)
    network.backward(ZEROS)
    assert (network.gradients != gradients).any()


def test_first_pass_after_a_step_has_the_mask_of_a_whole_step() -> None:
    network = dropping()
    for _ in range(3):
        network.forward(X16, training=True)
        loss = network.backward(ZEROS)
        network.forward(X16, training=True)
        assert network.backward(ZEROS) != loss
        assert network.train_on_batch(X16, ZEROS) == pytest.approx(loss, rel=1e-6)


@pytest.mark.parametrize("after", ["copy", "pickle", "file", "another batch size"])
def test_passes_are_counted_on(after: str, tmp_path: Path) -> None:
    network, twin = dropping(), dropping()
    for each in (network, twin):
        each.train_on_batch(X16, ZEROS)
        each.forward(X16, training=True)
    if after == "copy":
        twin = copy.deepcopy(twin)
    elif after == "pickle":
        twin = pickle.loads(pickle.dumps(twin))
    elif after == "file":
        twin.save(tmp_path / "net.nncore")
        twin = nn.load(tmp_path / "net.nncore")
    else:
        for each in (network, twin):
            each.forward(np.ones((5 if each is network else 50, 8), np.float32), training=True)
    assert twin.n_passes == network.n_passes
    np.testing.assert_array_equal(twin.forward(X16, training=True), network.forward(X16, training=True))


def test_philox_known_answers() -> None:
    # From the Random123 distribution's kat_vectors, philox4x32-10: counter and key of zeros.
    np.testing.assert_array_equal(random_words(0, 0, 0, 4), np.array([0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8], np.uint32))


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan"), "half"])
def test_bad_rate(rate: object) -> None:
    with pytest.raises(ParameterError, match=r"rate must be a number in \[0, 1\)"):
        nn.Dropout(rate)
