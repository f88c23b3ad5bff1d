"""Muon: conformance, and its specific properties."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nncore_muon.muon import Muon, orthogonal_factor

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import TensorSpan, native_kernel
from nncore.testing import OptimizerConformance, numpy_twin, team_of
from nncore.testing.stepping import native_step, numpy_step, zeros

#: Where five iterations bring every singular value above 0.002 times the norm.
LOW, HIGH = 0.68, 1.21
STEPS = {"numpy": numpy_step, "native": native_step}
SHAPES = [(2, 2), (3, 7), (7, 3), (8, 8), (17, 33), (130, 40), (35, 300)]


class TestMuon(OptimizerConformance):
    name = "nncore-muon/muon"
    arguments = [{}, {"nesterov": False, "weight_decay": 0.1}]


def spans(*shapes: tuple[int, int]) -> list[TensorSpan]:
    """Weights one after the other."""
    found, offset = [], 0
    for layer, (rows, columns) in enumerate(shapes):
        found.append(TensorSpan(f"layer_{layer}.weight", "weight", layer, offset, rows, columns))
        offset += rows * columns
    return found


def random_matrix(shape: tuple[int, int], dtype: type, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([*shape, seed]).normal(size=shape).astype(dtype)


def update_of(rung: str, g: np.ndarray, muon: Muon) -> np.ndarray:
    """The update of a single weight matrix in the first step, for lr = 1."""
    tensors = spans(g.shape)
    w, state = np.zeros(g.size, g.dtype), zeros(muon, g.size, g.dtype, tensors)
    STEPS[rung](muon, w, g.ravel(), state, 1, tensors)
    return -w.reshape(g.shape)


@pytest.mark.parametrize("rung", STEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 7), (7, 3), (17, 33), (130, 40)])
def test_the_update_is_nearly_orthogonal(rung: str, dtype: type, shape: tuple[int, int]) -> None:
    """The update's singular values are near 1, up to the factor for the shape, and its singular vectors are the gradient's."""
    g = random_matrix(shape, dtype)
    update = update_of(rung, g, Muon(1.0)) / max(1, shape[1] / shape[0]) ** 0.5
    u, _, vt = np.linalg.svd(g.astype(np.float64), full_matrices=False)
    rotated = u.T @ update @ vt.T
    assert np.diag(rotated).min() > LOW
    assert np.diag(rotated).max() < HIGH
    # Five iterations amplify a rounding error beside a small singular value by the slope of the polynomial at 0.
    np.testing.assert_allclose(rotated - np.diag(np.diag(rotated)), 0, atol=3.4445**5 * np.finfo(dtype).eps * 8)


@pytest.mark.parametrize("rung", STEPS)
def test_more_iterations_do_not_leave_the_neighbourhood_of_one(rung: str) -> None:
    update = update_of(rung, random_matrix((9, 9), np.float64), Muon(1.0, n_iterations=20))
    singular_values = np.linalg.svd(update, compute_uv=False)
    assert singular_values.min() > LOW
    assert singular_values.max() < HIGH


def test_iterations_apply_the_polynomial_to_singular_values() -> None:
    """The iterations equal the polynomial applied to the singular values of a singular value decomposition."""
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
    tensors = spans(shape, (shape[1], 3), (1, 3))
    n = sum(s.size for s in tensors)
    rng = np.random.default_rng(n)
    w = rng.normal(size=n).astype(dtype)
    w_native, state, state_native = w.copy(), zeros(muon, n, dtype, tensors), zeros(muon, n, dtype, tensors)
    eps, scale = np.finfo(dtype).eps, max(span.columns / span.rows for span in tensors) ** 0.5
    for t in range(1, 5):
        g = rng.normal(size=n).astype(dtype)
        numpy_step(muon, w, g, state, t, tensors)
        native_step(muon, w_native, g, state_native, t, tensors)
        # A rounding error in an iteration grows at most by the slope of the polynomial at 0, and lr = 1 passes all of it to w.
        np.testing.assert_allclose(w_native, w, rtol=0, atol=t * scale * 3.4445**5 * eps)
        for kept, expected in zip(state_native, state, strict=True):
            np.testing.assert_allclose(kept, expected, rtol=0, atol=8 * eps)


@pytest.mark.parametrize("rung", STEPS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_zero_and_of_any_size(rung: str, dtype: type) -> None:
    """A zero gradient makes no step. A gradient whose square overflows in float32 still determines the direction."""
    muon, g = Muon(1.0, momentum=0.0), random_matrix((5, 4), dtype)
    np.testing.assert_array_equal(update_of(rung, 0 * g, muon), 0)
    np.testing.assert_allclose(
        update_of(rung, g * dtype(1e25), muon), update_of(rung, g * dtype(1e9), muon), atol=3.4445**5 * np.finfo(dtype).eps * 8
    )


@pytest.mark.parametrize("rung", STEPS)
def test_momentum_and_decay(rung: str) -> None:
    """Two steps with momentum and decay equal the formula with the oracle of the orthogonal factor."""
    lr, beta, decay = 0.1, 0.8, 0.5
    first, second = random_matrix((3, 5), np.float64, 1), random_matrix((3, 5), np.float64, 2)
    m1 = (1 - beta) * first
    m2 = beta * m1 + (1 - beta) * second
    for nesterov in (True, False):
        w, tensors = np.ones(15), spans((3, 5))
        state = zeros(Muon(), 15, np.float64, tensors)
        expected = np.ones((3, 5))
        for t, (g, m) in enumerate([(first, m1), (second, m2)], start=1):
            muon = Muon(lr, momentum=beta, nesterov=nesterov, weight_decay=decay)
            STEPS[rung](muon, w, g.ravel(), state, t, tensors)
            update = beta * m + (1 - beta) * g if nesterov else m
            expected = (1 - lr * decay) * expected - lr * (5 / 3) ** 0.5 * orthogonal_factor(update)
        np.testing.assert_allclose(w.reshape(3, 5), expected, atol=1e-11)


@pytest.mark.skipif("muon" not in nn.names("optimizers"), reason="nncore has no built-in muon here")
@pytest.mark.parametrize("rung", STEPS)
@pytest.mark.parametrize("arguments", [{}, {"momentum": 0.8, "nesterov": False, "weight_decay": 0.1, "n_iterations": 3}])
def test_steps_of_matrices_are_those_of_the_one_that_nncore_has(rung: str, arguments: dict[str, Any]) -> None:
    ours, theirs = Muon(0.1, **arguments), nn.get("optimizers", "muon")(0.1, **arguments)
    assert type(theirs) is not Muon
    tensors, w = spans((3, 7), (9, 4)), random_matrix((1, 57), np.float64).ravel()
    w_theirs, state, state_theirs = w.copy(), zeros(ours, 57, np.float64, tensors), zeros(theirs, 57, np.float64, tensors)
    for t in range(1, 6):
        g = random_matrix((1, 57), np.float64, t).ravel()
        STEPS[rung](ours, w, g, state, t, tensors)
        STEPS[rung](theirs, w_theirs, g, state_theirs, t, tensors)
        np.testing.assert_allclose(w_theirs, w, rtol=0, atol=1e-6)  # ours adds 1e-7 to the norm, and 3.4445^5 is 485


#: The authors' recommendation: Muon for hidden weights, AdamW for the rest.
GROUPS = {"dense_[12].weight": {"optimizer": {"name": "nncore-muon/muon", "lr": 0.02}}}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Dense(32, activation="tanh"), nn.Dense(32, activation="tanh"), nn.Dense(3))


def losses(optimizer: object, X: np.ndarray, y: np.ndarray, **groups: Any) -> list[float]:
    arguments: dict[str, Any] = {"epochs": 8, "batch_size": 32, "rng": 0, "progress": False}
    history = network().fit(X, y, loss="softmax_cross_entropy", optimizer=optimizer, **arguments, **groups)
    return [float(loss) for loss in history["loss"]]


def spirals() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    y = np.arange(600) % 3
    radius = rng.uniform(0.1, 1, 600)
    angle = 4 * radius + y * 2 * np.pi / 3 + rng.normal(0, 0.1, 600)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32), y


def test_needs_fewer_steps_than_sgd() -> None:
    """On spirals Muon needs fewer steps than SGD with the best of several learning rates."""
    X, y = spirals()
    best_sgd = min(losses(nn.SGD(lr), X, y)[-1] for lr in (0.01, 0.03, 0.1, 0.3, 1.0))
    assert losses(nn.AdamW(0.01), X, y, groups=GROUPS)[-1] < best_sgd


@pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])
def test_with_adamw_for_the_rest_each_trains_its_own(twin: bool) -> None:
    """In the first step Muon's weights move along orthogonal matrices, the others by the sign of their gradients."""
    X, y = spirals()
    muon: Any = numpy_twin(Muon(1.0)) if twin else Muon(1.0)
    net = network().build(2, loss="softmax_cross_entropy", optimizer=nn.AdamW(0.01, weight_decay=0.0), rng=0, dtype="float64")
    net.groups = {"dense_[12].weight": {"optimizer": muon}}
    before = {name: value.copy() for name, value in net.named_parameters().items()}
    net.train_on_batch(X, y)
    moved = {name: before[name] - value for name, value in net.named_parameters().items()}
    singular_values = np.linalg.svd(moved.pop("dense_2.weight"), compute_uv=False)
    assert singular_values[0] < HIGH
    assert moved.pop("dense_1.weight").any()
    for name, change in moved.items():
        np.testing.assert_allclose(np.abs(change), 0.01, rtol=1e-2, err_msg=name)
    assert [name for name in net.optimizer_state if name.endswith("/momentum")] == ["dense_1.weight/momentum", "dense_2.weight/momentum"]
    assert "dense_1.bias/slot_1" in net.optimizer_state


@pytest.mark.parametrize("kind", ["native", "numpy"])
def test_bits_with_adamw_do_not_depend_on_threads_or_a_break(kind: str, tmp_path: Path) -> None:
    X, y = spirals()
    arguments: dict[str, Any] = {"loss": "softmax_cross_entropy", "batch_size": 50, "progress": False}
    groups = GROUPS if kind == "native" else {"dense_[12].weight": {"optimizer": numpy_twin(Muon(0.02))}}
    ends = []
    for n_parts in (1, 2, 3):
        net = network()
        with team_of(n_parts):
            net.fit(X, y, optimizer="adamw", groups=groups, epochs=3, rng=0, **arguments)
        ends.append(net.parameters)
    for end in ends[1:]:
        np.testing.assert_array_equal(end, ends[0])
    if kind == "native":
        net = network()
        net.fit(X, y, optimizer="adamw", groups=groups, epochs=1, rng=0, **arguments)
        net.save(tmp_path / "net.nncore")
        again = nn.load(tmp_path / "net.nncore")
        again.fit(X, y, epochs=2, **arguments)
        np.testing.assert_array_equal(again.parameters, ends[0])


def test_is_native_and_found_by_name() -> None:
    net = nn.Sequential(nn.Dense(4, activation="relu"), nn.Dense(2)).build(
        3, loss="softmax_cross_entropy", optimizer="nncore-muon/muon", rng=0
    )
    assert isinstance(net.optimizer, Muon)
    assert native_kernel(net.optimizer) is not None


@pytest.mark.parametrize("wrong", [{"n_iterations": 2.5}, {"n_iterations": 0}, {"nesterov": 1}, {"lr": -1.0}])
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Muon(**wrong)
