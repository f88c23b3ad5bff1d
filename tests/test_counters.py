"""Counters are correct beyond 2**24, where float32 cannot represent the next integer."""

from __future__ import annotations

import components
import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.testing import numpy_twin

#: Beyond the integers that float32 can count, and odd, so that float32 cannot represent it.
MANY = 2**24 + 1
ROWS, STEPS = 3, 4


def samples() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, 6)).astype(np.float32)


def counters(seen: list[np.ndarray]) -> list[int]:
    """Elements of a vector that grew by the same integer in every step and are about as large as the total growth."""
    grown = np.diff(np.array(seen, np.float64), axis=0)
    steady = (grown == grown[0]).all(axis=0) & (grown[0] > 0) & (grown[0] == np.round(grown[0]))
    return [int(i) for i in np.flatnonzero(steady & (seen[0] == np.round(seen[0])))]


def watched(layer: nn.Layer) -> tuple[nn.Sequential, list[tuple[str, int]]]:
    """A network of the layer, and its counters: names of buffers and places in them."""
    net = nn.Sequential(layer, nn.Dense(1)).build(6, loss="mse", optimizer="sgd", rng=0)
    seen: dict[str, list[np.ndarray]] = {name: [buffer.ravel().copy()] for name, buffer in net.named_buffers().items()}
    for _ in range(STEPS):
        net.forward(samples(), training=True)
        for name, buffer in net.named_buffers().items():
            seen[name].append(buffer.ravel().copy())
    return net, [(name, place) for name, values in seen.items() for place in counters(values)]


LAYERS = {repr(layer): layer for layer in components.layers()}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("rung", ["native", "NumPy"])
def test_layers_count_on(name: str, rung: str) -> None:
    layer = LAYERS[name]
    net, places = watched(numpy_twin(layer) if rung == "NumPy" and layer.kernel is not None else layer)
    for buffer, place in places:
        numbers = net.named_buffers()[buffer].reshape(-1)
        numbers[place] = 2**24
        net.forward(samples(), training=True)
        assert numbers[place] != 2**24, f"{layer!r} has stopped counting in {buffer!r}"


def test_the_cumulative_statistics_have_a_counter() -> None:
    assert [name for name, _ in watched(nn.BatchNorm("cumulative"))[1]] == ["batch_norm_1.count"]


@pytest.mark.parametrize("rung", ["native", "NumPy"])
def test_the_cumulative_count_is_exact(rung: str) -> None:
    layer = nn.BatchNorm("cumulative")
    net, _ = watched(layer if rung == "native" else numpy_twin(layer))
    [count] = [buffer for name, buffer in net.named_buffers().items() if name.endswith(".count")]
    for total in (MANY, 2**40 + 5):
        count[...] = total % 2**23, total // 2**23
        net.forward(samples(), training=True)
        assert int(count[0]) + int(count[1]) * 2**23 == total + ROWS


@pytest.mark.parametrize("name", registry.names("optimizers"))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_optimizers_count_on(name: str, dtype: str) -> None:
    """Optimizers have no counters in their state; they get step numbers as integers, each different."""
    net = nn.Sequential(nn.Dense(3, activation="tanh"), nn.Dense(1)).build(6, loss="mse", optimizer=name, rng=0, dtype=dtype)
    y, seen = samples()[:, 0], []
    for _ in range(STEPS):
        net.train_on_batch(samples(), y)
        state = net.optimizer_state
        seen.append(np.concatenate([np.ravel(array) for array in state.values()]) if state else np.zeros(0))
    assert counters(seen) == []
    net.n_steps = MANY
    net.train_on_batch(samples(), y)
    assert net.n_steps == MANY + 1
    assert np.isfinite(net.parameters).all()
