"""Muon: conformance, and what it alone promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nncore_muon.muon import MATRICES, Muon, orthogonal_factor

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import TensorSpan, native_kernel
from nncore.testing import OptimizerConformance, tables

#: Where five iterations bring every singular value above 0.002 times the norm.
LOW, HIGH = 0.68, 1.21
STEPS = ["numpy", "native"]
SHAPES = [(2, 2), (3, 7), (7, 3), (8, 8), (17, 33), (130, 40), (35, 300)]


class TestMuon(OptimizerConformance):
    name = "nncore-muon/muon"
    arguments = [{}, {"matrices": "all", "nesterov": False, "weight_decay": 0.1}, {"matrices": "hidden"}]


def spans(*tensors: tuple[str, int, int]) -> list[TensorSpan]:
    """One after the other, from (role, rows, columns)."""
    found, offset = [], 0
    for layer, (role, rows, columns) in enumerate(tensors):
        found.append(TensorSpan(f"layer_{layer}.{role}", role, layer, offset, rows, columns))
        offset += rows * columns
    return found


def step(rung: str, muon: Muon, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, tensors: list[TensorSpan]) -> None:
    """One step on the rung."""
    if rung == "numpy":
        return muon.step(w, g, state, t, tensors)
    kernel = native_kernel(muon)
    assert kernel is not None
    table = np.array([(s.offset, s.rows, s.columns, s.layer, tables.ROLES[s.role]) for s in tensors], tables.TENSOR)
    function, n = getattr(tables.optimizer(kernel.load()), f"step_{tables.SUFFIXES[w.dtype]}"), w.size
    function.must(w=w, g=g, state=state, n=n, stride=n, t=t, tensors=table, n_tensors=len(table), hyper=np.array(muon.hyper()))


def random_matrix(shape: tuple[int, int], dtype: type, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([*shape, seed]).normal(size=shape).astype(dtype)


def update_of(rung: str, g: np.ndarray, muon: Muon) -> np.ndarray:
    """What the first step subtracts from a lone weight matrix, over lr = 1."""
    w, state = np.zeros(g.size, g.dtype), np.zeros((muon.n_slots, g.size), g.dtype)
    step(rung, muon, w, g.ravel(), state, 1, spans(("weight", *g.shape)))
    return -w.reshape(g.shape)


@pytest.mark.parametrize("rung", STEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (17, 33), (130, 40)])
def test_the_update_is_nearly_orthogonal(rung: str, dtype: type, shape: tuple[int, int]) -> None:
    """Its singular values are near 1, up to the factor for the shape, and its singular vectors are those of the gradient."""
    g = random_matrix(shape, dtype)
    update = update_of(rung, g, Muon(1.0, matrices="all")) / max(1, shape[1] / shape[0]) ** 0.5
    u, _, vt = np.linalg.svd(g.astype(np.float64), full_matrices=False)
    rotated = u.T @ update @ vt.T
    assert np.diag(rotated).min() > LOW
    assert np.diag(rotated).max() < HIGH
    # Five iterations take a rounding beside a small singular value up by the slope of the polynomial at 0.
    np.testing.assert_allclose(rotated - np.diag(np.diag(rotated)), 0, atol=3.4445**5 * np.finfo(dtype).eps * 8)


@pytest.mark.parametrize("rung", STEPS)
def test_more_iterations_do_not_leave_the_neighbourhood_of_one(rung: str) -> None:
    update = update_of(rung, random_matrix((9, 9), np.float64), Muon(1.0, matrices="all", n_iterations=20))
    singular_values = np.linalg.svd(update, compute_uv=False)
    assert singular_values.min() > LOW
    assert singular_values.max() < HIGH


def test_iterations_apply_the_polynomial_to_singular_values() -> None:
    """Against a singular value decomposition instead of matrix products."""
    g = random_matrix((6, 11), np.float64)
    u, s, vt = np.linalg.svd(g, full_matrices=False)
    s = s / (np.linalg.norm(s) + 1e-7)
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    np.testing.assert_allclose(orthogonal_factor(g), (u * s) @ vt, atol=1e-12)
    np.testing.assert_allclose(orthogonal_factor(g.T), ((u * s) @ vt).T, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("nesterov", [True, False])
def test_kernel_agrees_with_numpy(dtype: type, shape: tuple[int, int], nesterov: bool) -> None:
    muon = Muon(1.0, nesterov=nesterov, weight_decay=0.1, momentum=0.7)
    tensors = spans(("weight", *shape), ("bias", 1, shape[1]), ("weight", shape[1], 3), ("scale", 1, 3))
    n = sum(s.rows * s.columns for s in tensors)
    rng = np.random.default_rng(n)
    w = rng.normal(size=n).astype(dtype)
    w_native, state, state_native = w.copy(), np.zeros((4, n), dtype), np.zeros((4, n), dtype)
    eps, scale = np.finfo(dtype).eps, max(1, shape[1] / shape[0]) ** 0.5
    for t in range(1, 5):
        g = rng.normal(size=n).astype(dtype)
        step("numpy", muon, w, g, state, t, tensors)
        step("native", muon, w_native, g, state_native, t, tensors)
        # A rounding anywhere in an iteration grows at most by the slope of the polynomial at 0, and lr = 1 hands all of it to w.
        np.testing.assert_allclose(w_native, w, rtol=0, atol=t * scale * 3.4445**5 * eps)
        np.testing.assert_allclose(state_native, state, rtol=0, atol=8 * eps)


@pytest.mark.parametrize("rung", STEPS)
def test_the_working_room_is_left_at_zero(rung: str) -> None:
    tensors = spans(("weight", 6, 4), ("weight", 4, 3), ("bias", 1, 3))
    state = np.zeros((4, 39))
    step(rung, Muon(), np.ones(39), np.random.default_rng(0).normal(size=39), state, 1, tensors)
    assert state[0].all()
    np.testing.assert_array_equal(state[1, :24], 0)
    assert state[1, 24:].all()  # AdamW's v
    np.testing.assert_array_equal(state[2:], 0)


@pytest.mark.parametrize("rung", STEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_zero_and_of_any_size(rung: str, dtype: type) -> None:
    """No gradient, no step; the square of a large one may overflow in float32, its direction counts all the same."""
    muon, g = Muon(1.0, matrices="all", momentum=0.0), random_matrix((5, 4), dtype)
    np.testing.assert_array_equal(update_of(rung, 0 * g, muon), 0)
    np.testing.assert_allclose(
        update_of(rung, g * dtype(1e25), muon), update_of(rung, g * dtype(1e9), muon), atol=3.4445**5 * np.finfo(dtype).eps * 8
    )


@pytest.mark.parametrize("rung", STEPS)
def test_momentum_and_decay(rung: str) -> None:
    """Two steps, written out with the oracle of the orthogonal factor."""
    lr, beta, decay = 0.1, 0.8, 0.5
    first, second = random_matrix((3, 5), np.float64, 1), random_matrix((3, 5), np.float64, 2)
    m1 = (1 - beta) * first
    m2 = beta * m1 + (1 - beta) * second
    for nesterov in (True, False):
        w, state = np.ones(15), np.zeros((4, 15))
        expected = np.ones((3, 5))
        for t, (g, m) in enumerate([(first, m1), (second, m2)], start=1):
            muon = Muon(lr, momentum=beta, nesterov=nesterov, weight_decay=decay, matrices="all")
            step(rung, muon, w, g.ravel(), state, t, spans(("weight", 3, 5)))
            update = beta * m + (1 - beta) * g if nesterov else m
            expected = (1 - lr * decay) * expected - lr * (5 / 3) ** 0.5 * orthogonal_factor(update)
        np.testing.assert_allclose(w.reshape(3, 5), expected, atol=1e-11)


@pytest.mark.parametrize("rung", STEPS)
@pytest.mark.parametrize(("matrices", "expected"), [("hidden", {2}), ("all_but_last", {0, 2}), ("all", {0, 2, 5})])
def test_which_tensors_are_orthogonalised(rung: str, matrices: str, expected: set[int]) -> None:
    """Scales, biases and weights of one row or column never are."""
    tensors = spans(
        ("weight", 4, 6), ("bias", 1, 6), ("weight", 6, 5), ("scale", 1, 5), ("weight", 5, 1), ("weight", 5, 3), ("bias", 1, 3)
    )  # fmt: skip
    muon = Muon(matrices=matrices)
    assert {span.layer for span in muon.orthogonalised(tensors)} == expected
    n = sum(s.rows * s.columns for s in tensors)
    state = np.zeros((4, n))
    step(rung, muon, np.ones(n), np.ones(n), state, 1, tensors)
    has_no_v = {s.layer for s in tensors if not state[1, s.offset : s.offset + s.rows * s.columns].any()}
    assert has_no_v == expected


@pytest.mark.parametrize("rung", STEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_others_take_the_step_of_the_built_in_adamw(rung: str, dtype: type) -> None:
    shared: dict[str, Any] = {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-6, "weight_decay": 0.2}
    muon, adamw = Muon(0.1, adam_lr_ratio=0.25, **shared), nn.AdamW(0.025, **shared)
    tensors = spans(("weight", 4, 5), ("bias", 1, 5), ("weight", 5, 3), ("bias", 1, 3))
    rng = np.random.default_rng(0)
    w = rng.normal(size=43).astype(dtype)
    others, state = w[20:].copy(), np.zeros((4, 43), dtype)
    state_of_others = np.zeros((2, 23), dtype)
    for t in range(1, 6):
        g = rng.normal(size=43).astype(dtype)
        step(rung, muon, w, g, state, t, tensors)
        adamw.step(others, g[20:], state_of_others, t)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(w[20:], others, rtol=16 * eps, atol=16 * eps)
    np.testing.assert_allclose(state[:2, 20:], state_of_others, rtol=16 * eps, atol=16 * eps)


def losses(optimizer: object, X: np.ndarray, y: np.ndarray) -> list[float]:
    net = nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(32, activation="tanh"), nn.Dense(3))
    history = net.fit(X, y, loss="softmax_cross_entropy", optimizer=optimizer, epochs=8, batch_size=32, rng=0, progress=False)
    return [float(loss) for loss in history["loss"]]


def test_needs_fewer_steps_than_sgd() -> None:
    """On spirals; SGD at the best of several learning rates."""
    rng = np.random.default_rng(3)
    y = np.arange(600) % 3
    radius = rng.uniform(0.1, 1, 600)
    angle = 4 * radius + y * 2 * np.pi / 3 + rng.normal(0, 0.1, 600)
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)
    best_sgd = min(losses(nn.SGD(lr), X, y)[-1] for lr in (0.01, 0.03, 0.1, 0.3, 1.0))
    assert losses("muon", X, y)[-1] < best_sgd


def test_is_native_and_found_by_name() -> None:
    net = nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(2)).build(3, loss="softmax_cross_entropy", optimizer="muon", rng=0)
    assert isinstance(net.optimizer, Muon)
    assert native_kernel(net.optimizer) is not None


@pytest.mark.parametrize("wrong", [{"n_iterations": 2.5}, {"n_iterations": 0}, {"nesterov": 1}, {"matrices": "some"}, {"lr": -1.0}])
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Muon(**wrong)


def test_hyper_are_the_numbers_of_config() -> None:
    for position, matrices in enumerate(MATRICES):
        assert Muon(0.3, nesterov=False, matrices=matrices).hyper() == [0.3, 0.95, 0.0, 5.0, 0.0, position, 0.05, 0.9, 0.95, 1e-10]
