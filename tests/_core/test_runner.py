"""Teams of threads give the same bits for any number of threads.

The tests force teams on networks too small to gain from them, also with more threads than processors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from _core.python_kernels import python_kernel

import nncore as nn
from nncore import registry
from nncore.plugin import Layer, LayerCall, Plan
from nncore.testing import numpy_twin, team_of
from nncore.testing.expectations import expect_same_bits

PARTS = (2, 3, 5, 8)
#: Those that fits and steps of each dtype are compared with; together they cover all of `PARTS`.
PARTS_OF = {"float32": (2, 8), "float64": (3, 5)}
#: Samples and batch sizes: columns are shared out where there are few rows, rows where there are many; the last batch is incomplete.
VISITS = ((5, 1), (25, 8), (330, 100), (2500, 1100))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2500, 6))
CLASSES = (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(np.int64)
REALS = np.stack([X[:, 0] * X[:, 1], np.abs(X[:, 2]), X[:, 3]], axis=1)
SAMPLE_WEIGHT = RNG.uniform(0.1, 3, 2500)

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_number = pytest.mark.parametrize("n_parts", [1, *PARTS])


def classifier(
    *hidden: Layer, optimizer: Any = "adam", loss: Any = "softmax_cross_entropy", last: Any = None, **fit: Any
) -> tuple[list[Layer], dict[str, Any]]:
    """Layers that end in three outputs, and the arguments of `fit` for them."""
    return [*hidden, nn.Dense(3, activation=last)], {"loss": loss, "optimizer": optimizer, **fit}


#: A network with many columns to share out among threads, and one with none.
WIDE, NARROW = (nn.Dense(150, activation="relu"), nn.Dense(70, activation="tanh")), (nn.Dense(1), nn.Dense(3, activation="sigmoid"))
CASES = {
    "wide": classifier(*WIDE),
    "narrow": classifier(*NARROW, nn.Dense(1), loss="half_mse", optimizer="sgd"),
    "batch_norm": classifier(nn.Dense(70), nn.BatchNorm(), nn.ActivationLayer("relu"), optimizer="momentum"),
    "cumulative_batch_norm": classifier(nn.Dense(70), nn.BatchNorm(mode="cumulative"), nn.Dense(5, activation="tanh")),
    "dropout_first": classifier(nn.Dropout(0.3), nn.Dense(70), nn.Dropout(0.5)),
    "softmax": classifier(nn.Dense(70, activation="softmax"), loss="cross_entropy", last="softmax", optimizer="rmsprop"),
    "penalty_and_weights": classifier(*WIDE, weight_decay=0.01, sample_weight=SAMPLE_WEIGHT),
    "schedule": classifier(*WIDE, schedule="cosine", optimizer="adamw"),
    "block_coordinate": classifier(*WIDE, optimizer="block_coordinate"),
    "adafactor": classifier(*WIDE, optimizer="adafactor"),
    "python_layer": classifier(nn.Dense(70, activation="relu"), numpy_twin(nn.BatchNorm()), nn.Dense(70)),
    "python_layer_first": classifier(numpy_twin(nn.BatchNorm()), nn.Dense(70, activation="relu")),
    "python_activation": classifier(nn.Dense(70, activation=numpy_twin(registry.get("activations", "tanh")())), nn.Dense(70)),
    "python_loss": classifier(*WIDE, loss=numpy_twin(registry.get("losses", "softmax_cross_entropy")())),
    "python_optimizer": classifier(*WIDE, optimizer=numpy_twin(nn.Adam()), weight_decay=0.1),
}  # fmt: skip


def built(case: str, dtype: str) -> tuple[nn.Sequential, dict[str, Any], np.ndarray]:
    """A network, the arguments of its fit, and its targets."""
    layers, fit = CASES[case]
    return nn.Sequential(*layers).build(6, rng=0, dtype=dtype), fit, REALS if fit["loss"] == "half_mse" else CLASSES


def fitted(case: str, dtype: str, n: int, batch_size: int, epochs: int = 2) -> dict[str, np.ndarray]:
    """Results and state after a fit, an evaluation and a prediction."""
    network, fit, y = built(case, dtype)
    fit = {name: value[:n] if name == "sample_weight" else value for name, value in fit.items()}
    history = network.fit(X[:n], y[:n], epochs=epochs, batch_size=batch_size, progress=False, **fit)
    scores = network.evaluate(X[:n], y[:n], sample_weight=fit.get("sample_weight"))
    return {
        "parameters": network.parameters,
        **network.optimizer_state,
        "history": np.array(history["loss"]),
        "scores": np.array([*scores.values()]),
        "predictions": network.predict(X[:n]),
        **network.named_buffers(),
    }


def stepped(case: str, dtype: str, n: int) -> dict[str, np.ndarray]:
    """Results and state after two single steps."""
    network, fit, y = built(case, dtype)
    network.fit(X[:n], y[:n], epochs=0, progress=False, **{name: fit[name] for name in ("loss", "optimizer")})
    network.weight_decay = fit.get("weight_decay", 0.0)
    outcome = {}
    for step in range(2):
        outcome[f"y {step}"] = network.forward(X[:n], training=True)
        outcome[f"loss {step}"] = np.array(network.backward(y[:n], fit.get("sample_weight", SAMPLE_WEIGHT)[:n]))
        outcome[f"gradients {step}"] = network.gradients.copy()
        network.step()
    return outcome | {"parameters": network.parameters, **network.optimizer_state, **network.named_buffers()}


def expect_equal(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray], what: str) -> None:
    for name, value in expected.items():
        expect_same_bits(actual[name], value, f"{what}: {name}")


@every_number
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_team_has_as_many_members_as_it_is_told(n_parts: int, by_hand: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A team has the requested number of threads; otherwise the tests here would compare one thread with itself."""
    threads: set[int] = set()

    def step(call: Any) -> int:
        threads.add(threading.get_ident())
        return 0

    class Watching(nn.SGD):
        pass

    Watching.kernel = python_kernel(monkeypatch, "optimizer", step=step)
    network = nn.Sequential(nn.Dense(90)).build(20, loss="half_mse", optimizer=Watching(), rng=0)
    x, y = np.ones((9, 20)), np.zeros((9, 90))
    with team_of(n_parts):
        if by_hand:
            network.train_on_batch(x, y)
        else:
            network.fit(x, y, epochs=1, progress=False)
    assert len(threads) == n_parts


# ---- the same bits ---------------------------------------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("case", CASES)
def test_a_fit_has_the_bits_of_one_thread(case: str, dtype: str) -> None:
    for n, batch_size in VISITS:
        with team_of(1):
            alone = fitted(case, dtype, n, batch_size)
        for n_parts in PARTS_OF[dtype]:
            with team_of(n_parts):
                expect_equal(fitted(case, dtype, n, batch_size), alone, f"{n} samples by {batch_size}, {n_parts} parts")


@every_dtype
@pytest.mark.parametrize("case", CASES)
def test_steps_by_hand_have_the_bits_of_one_thread(case: str, dtype: str) -> None:
    for n in (1, 8, 700):
        with team_of(1):
            alone = stepped(case, dtype, n)
        for n_parts in PARTS_OF[dtype]:
            with team_of(n_parts):
                expect_equal(stepped(case, dtype, n), alone, f"{n} rows, {n_parts} parts")


@every_dtype
@pytest.mark.parametrize("case", CASES)
def test_slices_have_the_bits_of_a_whole_batch(case: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with team_of(1):
        whole = fitted(case, dtype, 330, 100)
    del whole["scores"]  # sums over blocks of several slices
    monkeypatch.setattr("nncore.program.compiler.MIN_PRODUCT_ROWS", 7)
    monkeypatch.setattr("nncore.program.compiler.SLICE_BYTES", 0)
    with team_of(1):
        sliced = fitted(case, dtype, 330, 100)
    expect_equal(sliced, whole, "slices of 7 rows")
    for n_parts in (2, 5):
        with team_of(n_parts):
            expect_equal(fitted(case, dtype, 330, 100), sliced, f"slices of 7 rows, {n_parts} parts")


def large(dtype: str, optimizer: Any = "adam", **fit: Any) -> nn.Sequential:
    """A network with more parameters than fit into a cache, whose gradients are used up tile by tile for small batches."""
    layers = nn.Dense(600, activation="relu"), nn.BatchNorm(), nn.Dense(3)
    return nn.Sequential(*layers).build(600, loss="softmax_cross_entropy", optimizer=optimizer, rng=0, dtype=dtype)


LARGE_X = RNG.normal(size=(40, 600))


@every_dtype
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "block_coordinate", numpy_twin(nn.Adam())], ids=str)
def test_gradients_in_tiles_have_the_bits_of_the_whole_vector(dtype: str, optimizer: Any) -> None:
    by_hand = large(dtype, optimizer)
    for _ in range(2):
        for first in range(0, 40, 16):
            by_hand.train_on_batch(LARGE_X[first : first + 16], CLASSES[first : min(first + 16, 40)])
    for n_parts in (1, 2, 5):
        network = large(dtype, optimizer)
        with team_of(n_parts):
            network.fit(LARGE_X, CLASSES[:40], epochs=2, batch_size=16, shuffle=False, progress=False)
        expect_same_bits(network.parameters, by_hand.parameters, f"{n_parts} parts: parameters")
        np.testing.assert_equal(network.optimizer_state, by_hand.optimizer_state, err_msg=f"{n_parts} parts")


@every_number
def test_gradients_too_large_to_be_bounded_are_looked_at_one_by_one(n_parts: int) -> None:
    """If the bound of gradients overflows, they are checked one by one. Here the largest x and d_y never meet, so no step fails."""
    x, y = np.zeros((8, 600), np.float32), np.zeros((8, 600), np.float32)
    x[0], y[0, 0], y[1, 0] = 1e22, 1e10, 1e18
    ends = []
    for train in ("fit", "train_on_batch"):
        network = nn.Sequential(nn.Dense(600, weight_initializer="zeros")).build(600, loss="half_mse", optimizer=nn.SGD(lr=1e-30), rng=0)
        with team_of(n_parts):
            getattr(network, train)(x, y, **{"epochs": 1, "batch_size": 8, "shuffle": False, "progress": False} if train == "fit" else {})
        ends.append(network.parameters)
    assert np.abs(ends[0]).max() > 0
    expect_same_bits(ends[0], ends[1], "parameters after fit")


# ---- components in Python ---------------------------------------------------------------------------------------------------


class Witness(Layer):
    """The identity, in Python; reports its calls to a function, since a network works with copies of its layers."""

    def __init__(self, tell: Callable[[tuple[object, ...]], None]) -> None:
        self.tell = tell

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape)

    def forward(self, call: LayerCall) -> None:
        self.tell(("forward", call.step, len(call.x)) if call.training else ("prediction", len(call.x)))
        call.y[...] = call.x

    def backward(self, call: LayerCall) -> None:
        self.tell(("backward", call.step, len(call.x)))
        if call.d_x is not None:
            call.d_x[...] = call.d_y


@pytest.mark.parametrize("n_parts", [1, 3])
def test_a_layer_in_python_is_told_of_whole_batches_steps_and_training(n_parts: int) -> None:
    told: list[tuple[object, ...]] = []
    network = nn.Sequential(nn.Dense(70), Witness(told.append), nn.Dense(3))
    with team_of(n_parts):
        network.fit(X[:30], CLASSES[:30], loss="softmax_cross_entropy", epochs=1, batch_size=20, progress=False)
        network.predict(X[:9])
    assert told == [("forward", 1, 20), ("backward", 1, 20), ("forward", 2, 10), ("backward", 2, 10), ("prediction", 9)]
