"""Processing of gradients before the optimizer: clipping, accumulation over batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError
from nncore.testing import numpy_twin, team_of


def data(n: int = 100) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5))
    return X, 10 * X @ rng.normal(size=(5, 2)), rng.uniform(0, 2, n)


def network(optimizer: Any = None, dtype: str = "float64", hidden: int = 8) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(hidden, activation="tanh"), nn.Dense(2))
    return net.build(5, loss="mse", optimizer=optimizer or nn.SGD(lr=1.0), rng=3, dtype=dtype)


def gradient(net: nn.Sequential, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    net.forward(X, training=True)
    net.backward(y)
    return net.gradients.copy()


def step(**settings: Any) -> tuple[np.ndarray, np.ndarray]:
    """The gradient of one step of plain descent with rate 1, and the change that the step made."""
    X, y, _ = data()
    net = network()
    g, before = gradient(net, X, y), net.parameters.copy()
    net.fit(X, y, epochs=1, batch_size=100, shuffle=False, **settings)
    return g, before - net.parameters


def test_norm_is_cut_to_the_limit() -> None:
    g, moved = step(clip_norm=0.5)
    assert np.linalg.norm(g) > 1
    np.testing.assert_allclose(moved, g * 0.5 / np.linalg.norm(g), rtol=1e-10, atol=1e-14)


def test_a_norm_below_the_limit_is_left_alone() -> None:
    g, moved = step(clip_norm=1e6)
    np.testing.assert_allclose(moved, g, rtol=1e-10, atol=1e-14)


def test_values_are_cut_to_the_limit() -> None:
    g, moved = step(clip_value=0.1)
    assert np.abs(g).max() > 0.2
    np.testing.assert_allclose(moved, np.clip(g, -0.1, 0.1), rtol=1e-10, atol=1e-14)


def test_values_come_before_the_norm() -> None:
    g, moved = step(clip_value=0.1, clip_norm=0.05)
    clipped = np.clip(g, -0.1, 0.1)
    np.testing.assert_allclose(moved, clipped * 0.05 / np.linalg.norm(clipped), rtol=1e-10, atol=1e-14)


def test_norm_is_that_of_what_is_trained_penalty_included() -> None:
    X, y, _ = data()
    net = network()
    net.weight_decay = 0.7
    g = gradient(net, X, y)
    own = {name: view.copy() for name, view in net.named_gradients().items() if name.startswith("dense_2")}
    norm = np.sqrt(sum((value**2).sum() for value in own.values()))
    before = {name: view.copy() for name, view in net.named_parameters().items()}
    net.fit(X, y, epochs=1, batch_size=100, shuffle=False, clip_norm=0.5, groups={"dense_1.*": {"frozen": True}})
    assert norm < np.linalg.norm(g)
    for name, value in own.items():
        np.testing.assert_allclose(before[name] - net.named_parameters()[name], value * 0.5 / norm, rtol=1e-10, atol=1e-14)


def test_step_by_hand_clips_too_and_the_network_remembers() -> None:
    X, y, _ = data()
    net, by_hand = network(), network()
    net.fit(X, y, epochs=1, batch_size=100, shuffle=False, clip_norm=0.5)
    by_hand.clip_norm = 0.5
    by_hand.train_on_batch(X, y)
    np.testing.assert_array_equal(by_hand.parameters, net.parameters)
    assert net.clip_norm == 0.5
    by_hand.train_on_batch(X, y)
    net.fit(X, y, epochs=1, batch_size=100, shuffle=False)
    np.testing.assert_array_equal(by_hand.parameters, net.parameters)


def test_python_optimizers_get_clipped_gradients() -> None:
    X, y, _ = data()
    native, python = network(nn.Adam(lr=0.1)), network(numpy_twin(nn.Adam(lr=0.1)))
    for net in (native, python):
        net.fit(X, y, epochs=3, batch_size=32, clip_norm=0.3, clip_value=0.1)
    np.testing.assert_allclose(python.parameters, native.parameters, rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("drop_last", [False, True])
def test_accumulated_batches_step_like_one_large_batch(weighted: bool, drop_last: bool) -> None:
    X, y, weight = data(100)
    settings = {"epochs": 3, "sample_weight": weight if weighted else None, "weight_decay": 0.01, "drop_last": drop_last}
    small, large = network(nn.Adam(lr=0.01)), network(nn.Adam(lr=0.01))
    small.fit(X, y, batch_size=10, accumulate=4, **settings)
    large.fit(X, y, batch_size=40, **(settings | {"drop_last": False}))
    assert small.n_steps == large.n_steps == 9
    np.testing.assert_allclose(small.parameters, large.parameters, rtol=1e-9, atol=1e-12)


def test_accumulation_goes_with_schedules_clipping_and_blocks_of_converted_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.data.dataset.CONVERT_AT_ONCE", 0)
    monkeypatch.setattr("nncore.blocks.BLOCK", 5 * 4 * 30)
    X, y, _ = data(100)
    settings: dict[str, Any] = {"epochs": 2, "schedule": "cosine", "clip_norm": 0.5}
    small, large = network(nn.Adam(lr=0.01), "float32"), network(nn.Adam(lr=0.01), "float32")
    rates = [net.fit(X, y, batch_size=b, accumulate=a, **settings)["lr"] for net, b, a in ((small, 5, 8), (large, 40, 1))]
    np.testing.assert_allclose(small.parameters, large.parameters, rtol=2e-4, atol=1e-5)
    np.testing.assert_array_equal(*rates)


def test_every_batch_of_a_step_has_masks_of_its_own() -> None:
    X = np.ones((8, 50))

    class Recorder(nn.Dropout):
        seen: list[np.ndarray] = []

        def forward(self, call: Any) -> None:
            super().forward(call)
            self.seen.append(call.y.copy())

        def backward(self, call: Any) -> None:
            super().backward(call)

    net = nn.Sequential(Recorder(0.5), nn.Dense(1))
    net.fit(X, np.zeros(8), loss="mse", batch_size=2, accumulate=2, epochs=2, rng=0)
    masks = {batch[0].tobytes() for batch in Recorder.seen}
    assert len(Recorder.seen) == 8
    assert len(masks) == 8


@pytest.mark.parametrize(
    "settings", [{"clip_norm": 0.01}, {"clip_value": 1e-4}, {"accumulate": 3}, {"accumulate": 3, "clip_norm": 0.1}], ids=repr
)
def test_same_bits_for_any_team(settings: dict[str, Any]) -> None:
    X, y, weight = data(500)
    ends = []
    for n_parts in (1, 2, 3, 5):
        net = network("adam", "float32", hidden=700)
        with team_of(n_parts):
            net.fit(X, y, sample_weight=weight, epochs=2, batch_size=64, weight_decay=0.1, **settings)
        ends.append(net.parameters)
    for end in ends[1:]:
        np.testing.assert_array_equal(end, ends[0])


@pytest.mark.parametrize("name", ["clip_norm", "clip_value"])
@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", True])
def test_bad_limits_are_refused(name: str, value: Any) -> None:
    X, y, _ = data()
    with pytest.raises(ParameterError, match=f"{name} must be a (finite )?number"):
        network().fit(X, y, **{name: value})


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2"])
def test_bad_accumulation_is_refused(value: Any) -> None:
    X, y, _ = data()
    with pytest.raises(ParameterError, match="accumulate must be a whole number"):
        network().fit(X, y, accumulate=value)
