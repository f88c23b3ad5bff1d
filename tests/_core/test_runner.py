"""Runs by teams: the bits do not depend on how many threads there are, and whatever stops one of them stops all.

Teams are forced on networks that are much too small to gain from them; with more threads than processors, too.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import NonFiniteError, PluginError
from nncore.plugin import Kernel, Layer, LayerCall, Plan, Tensor, function_table
from nncore.testing import numpy_twin, tables, team_of
from nncore.testing.expectations import expect_same_bits

PARTS = (2, 3, 5, 8)
#: Samples and batch sizes: columns are shared out where there are few rows, rows where there are many; the last batch is incomplete.
VISITS = ((5, 1), (25, 8), (330, 100), (2500, 1100))
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2500, 6))
CLASSES = (X[:, 0] > 0) + (X[:, 1] > 0.3).astype(np.int64)
REALS = np.stack([X[:, 0] * X[:, 1], np.abs(X[:, 2]), X[:, 3]], axis=1)
SAMPLE_WEIGHT = RNG.uniform(0.1, 3, 2500)

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_number = pytest.mark.parametrize("n_parts", [1, *PARTS])


def make(kind: str, name: str, **arguments: Any) -> Any:
    return registry.get(kind, name)(**arguments)


def classifier(*hidden: Layer | str, optimizer: Any = "adam", loss: Any = "softmax_cross_entropy", last: Any = None, **fit: Any) -> Any:
    """Layers that end in three outputs, and what `fit` is told about them."""
    return lambda: ([*hidden, nn.Dense(3, activation=last)], {"loss": loss, "optimizer": optimizer, **fit})


#: A network with columns in abundance, and one with none to share out.
WIDE, NARROW = (nn.Dense(150, activation="relu"), nn.Dense(70, activation="tanh")), (nn.Dense(1), nn.Dense(3, activation="sigmoid"))
SOFTMAX_CROSS_ENTROPY = make("losses", "softmax_cross_entropy")
CASES: dict[str, Callable[[], tuple[list[Layer], dict[str, Any]]]] = {
    "wide": classifier(*WIDE),
    "narrow": classifier(*NARROW, nn.Dense(1), loss="half_mse", optimizer="sgd"),
    "batch_norm": classifier(nn.Dense(70), nn.BatchNorm(), "relu_layer", optimizer="momentum"),
    "cumulative_batch_norm": classifier(nn.Dense(70), nn.BatchNorm(mode="cumulative"), nn.Dense(5, activation="tanh")),
    "dropout_first": classifier(nn.Dropout(0.3), nn.Dense(70), nn.Dropout(0.5)),
    "softmax": classifier(nn.Dense(70, activation="softmax"), loss="cross_entropy", last="softmax", optimizer="rmsprop"),
    "penalty_and_weights": classifier(*WIDE, weight_decay=0.01, sample_weight=SAMPLE_WEIGHT),
    "schedule": classifier(*WIDE, schedule="cosine", optimizer="adamw"),
    "block_coordinate": classifier(*WIDE, optimizer="block_coordinate"),
    "python_layer": classifier(nn.Dense(70, activation="relu"), numpy_twin(nn.BatchNorm()), nn.Dense(70)),
    "python_layer_first": classifier(numpy_twin(nn.BatchNorm()), nn.Dense(70, activation="relu")),
    "python_activation": classifier(nn.Dense(70, activation=numpy_twin(make("activations", "tanh"))), nn.Dense(70)),
    "python_loss": classifier(*WIDE, loss=numpy_twin(SOFTMAX_CROSS_ENTROPY)),
    "python_optimizer": classifier(*WIDE, optimizer=numpy_twin(nn.Adam()), weight_decay=0.1),
}  # fmt: skip


def built(case: str, dtype: str) -> tuple[nn.Sequential, dict[str, Any], np.ndarray]:
    """A network, what `fit` is told, and the targets for it."""
    layers, fit = CASES[case]()
    layers = [nn.ActivationLayer("relu") if layer == "relu_layer" else layer for layer in layers]
    return nn.Sequential(*layers).build(6, rng=0, dtype=dtype), fit, REALS if fit["loss"] == "half_mse" else CLASSES


def fitted(case: str, dtype: str, n: int, batch_size: int, epochs: int = 2) -> dict[str, np.ndarray]:
    """All that a fit, an evaluation and a prediction leave behind."""
    network, fit, y = built(case, dtype)
    fit = {name: value[:n] if name == "sample_weight" else value for name, value in fit.items()}
    history = network.fit(X[:n], y[:n], epochs=epochs, batch_size=batch_size, progress=False, **fit)
    scores = network.evaluate(X[:n], y[:n], sample_weight=fit.get("sample_weight"))
    return {
        "parameters": network.parameters,
        "state": network.optimizer_state,
        "history": np.array(history["loss"]),
        "scores": np.array([*scores.values()]),
        "predictions": network.predict(X[:n]),
        **network.named_buffers(),
    }


def stepped(case: str, dtype: str, n: int) -> dict[str, np.ndarray]:
    """What two steps by hand leave behind."""
    network, fit, y = built(case, dtype)
    network.fit(X[:n], y[:n], epochs=0, progress=False, **{name: fit[name] for name in ("loss", "optimizer")})
    network.weight_decay = fit.get("weight_decay", 0.0)
    outcome = {}
    for step in range(2):
        outcome[f"y {step}"] = network.forward(X[:n], training=True)
        outcome[f"loss {step}"] = np.array(network.backward(y[:n], fit.get("sample_weight", SAMPLE_WEIGHT)[:n]))
        outcome[f"gradients {step}"] = network.gradients.copy()
        network.step()
    return outcome | {"parameters": network.parameters, "state": network.optimizer_state, **network.named_buffers()}


def expect_equal(actual: dict[str, np.ndarray], expected: dict[str, np.ndarray], what: str) -> None:
    for name, value in expected.items():
        expect_same_bits(actual[name], value, f"{what}: {name}")


# ---- the same bits ---------------------------------------------------------------------------------------------------------


@every_dtype
@pytest.mark.parametrize("case", CASES)
def test_a_fit_has_the_bits_of_one_thread(case: str, dtype: str) -> None:
    for n, batch_size in VISITS:
        with team_of(1):
            alone = fitted(case, dtype, n, batch_size)
        for n_parts in PARTS:
            with team_of(n_parts):
                expect_equal(fitted(case, dtype, n, batch_size), alone, f"{n} samples by {batch_size}, {n_parts} parts")


@every_dtype
@pytest.mark.parametrize("case", CASES)
def test_steps_by_hand_have_the_bits_of_one_thread(case: str, dtype: str) -> None:
    for n in (1, 8, 700):
        with team_of(1):
            alone = stepped(case, dtype, n)
        for n_parts in PARTS:
            with team_of(n_parts):
                expect_equal(stepped(case, dtype, n), alone, f"{n} rows, {n_parts} parts")


@every_dtype
@pytest.mark.parametrize("case", CASES)
def test_slices_have_the_bits_of_a_whole_batch(case: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with team_of(1):
        whole = fitted(case, dtype, 330, 100)
    del whole["scores"]  # sums over blocks of several slices
    monkeypatch.setattr("nncore.compiler.MIN_SLICE_ROWS", 7)
    monkeypatch.setattr("nncore.compiler.SLICE_BYTES", 0)
    with team_of(1):
        sliced = fitted(case, dtype, 330, 100)
    expect_equal(sliced, whole, "slices of 7 rows")
    for n_parts in (2, 5):
        with team_of(n_parts):
            expect_equal(fitted(case, dtype, 330, 100), sliced, f"slices of 7 rows, {n_parts} parts")


def large(dtype: str, optimizer: Any = "adam", **fit: Any) -> nn.Sequential:
    """More parameters than stay in a cache, whose gradients are used up tile by tile if the batch is small."""
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
        expect_same_bits(network.optimizer_state, by_hand.optimizer_state, f"{n_parts} parts: state")


@every_number
def test_gradients_too_large_to_be_bounded_are_looked_at_one_by_one(n_parts: int) -> None:
    """The largest x times the largest d_y would overflow, but they do not meet: no step may be refused."""
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


# ---- what stops a run ------------------------------------------------------------------------------------------------------


def in_time(function: Callable[[], object]) -> None:
    """Run it in a thread, which a team that waits for ever cannot take the tests with; raise what it raises."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "the members of the team wait for each other for ever"
    if errors:
        raise errors[0]


@every_number
@pytest.mark.parametrize("by_hand", [False, True])
def test_a_loss_that_is_not_finite_stops_all_before_the_update(n_parts: int, by_hand: bool) -> None:
    network, _, _ = built("wide", "float32")
    network.fit(X[:300], CLASSES[:300], loss="softmax_cross_entropy", epochs=1, progress=False)
    network.named_parameters()["dense_2.bias"][3] = np.nan
    before, state = network.parameters.copy(), network.optimizer_state.copy()

    def train() -> None:
        if by_hand:
            network.train_on_batch(X[:300], CLASSES[:300])
        else:
            network.fit(X[:300], CLASSES[:300], epochs=1, progress=False)

    with team_of(n_parts), pytest.raises(NonFiniteError, match=r"the loss became NaN or infinite at step 4: .* those of dense_2"):
        in_time(train)
    expect_same_bits(network.parameters, before, "parameters")
    expect_same_bits(network.optimizer_state, state, "state")
    assert network.n_steps == 3


@every_number
@pytest.mark.parametrize("n_inputs", [6, 600])
def test_a_gradient_that_is_not_finite_stops_all_before_the_update(n_parts: int, n_inputs: int) -> None:
    """x·d_y = 1e25·1e15 is beyond float32, the loss 5e29 is not."""
    network, once = (
        nn.Sequential(nn.Dense(n_inputs, weight_initializer="zeros")).build(
            n_inputs, loss="half_mse", optimizer=nn.Momentum(lr=1e-30), rng=0
        )
        for _ in range(2)
    )
    x, y = np.ones((6, n_inputs), np.float32), np.ones((6, n_inputs), np.float32)
    x[5, n_inputs // 2], y[5, 3] = 1e25, 1e15  # in the second step
    with team_of(n_parts), pytest.raises(NonFiniteError, match=r"the gradient of dense_1\.weight became NaN or infinite at step 2"):
        in_time(lambda: network.fit(x, y, batch_size=3, shuffle=False, epochs=1, progress=False))
    assert network.n_steps == 1
    once.train_on_batch(x[:3], y[:3])
    expect_same_bits(network.parameters, once.parameters, "parameters")
    expect_same_bits(network.optimizer_state, once.optimizer_state, "state")


class Stopping(Layer):
    """The identity, in Python; raises in the given direction of the third step."""

    def __init__(self, direction: str = "forward", error: type[BaseException] = ArithmeticError) -> None:
        self.direction, self.error = direction, error

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape)

    def _pass(self, direction: str, call: LayerCall) -> None:
        if call.step == 3 and direction == self.direction:
            raise self.error("third step")

    def forward(self, call: LayerCall) -> None:
        self._pass("forward", call)
        call.y[...] = call.x

    def backward(self, call: LayerCall) -> None:
        self._pass("backward", call)
        if call.d_x is not None:
            call.d_x[...] = call.d_y


def stopped(layer: Layer, **build: Any) -> nn.Sequential:
    layers = nn.Dense(70, activation="relu"), layer, nn.Dense(70), nn.Dense(3)
    return nn.Sequential(*layers).build(6, **{"loss": "softmax_cross_entropy", "optimizer": "adam", "rng": 0, **build})


def expect_two_steps(network: nn.Sequential) -> None:
    """That it is where a network is after two steps of a fit on batches of 100."""
    sound = stopped(Stopping(direction="never"))
    for first in (0, 100):
        sound.train_on_batch(X[first : first + 100], CLASSES[first : first + 100])
    assert network.n_steps == 2
    expect_same_bits(network.parameters, sound.parameters, "parameters")


@every_number
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_layer_that_raises_stops_all_before_the_update(n_parts: int, direction: str) -> None:
    network = stopped(Stopping(direction))
    with team_of(n_parts), pytest.raises(ArithmeticError, match="third step"):
        in_time(lambda: network.fit(X[:500], CLASSES[:500], batch_size=100, shuffle=False, epochs=1, progress=False))
    expect_two_steps(network)


@every_number
def test_ctrl_c_in_a_layer_ends_the_fit_and_keeps_the_last_step(n_parts: int) -> None:
    network, histories = stopped(Stopping(error=KeyboardInterrupt)), []
    arguments: dict[str, Any] = {"batch_size": 100, "shuffle": False, "epochs": 1, "progress": False}
    with team_of(n_parts):
        in_time(lambda: histories.append(network.fit(X[:500], CLASSES[:500], **arguments)))
    assert histories[0].interrupted
    expect_two_steps(network)


class RaisingAdam(nn.Adam):
    """Raises in the third step, when half of it is written."""

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any) -> None:
        if t == 3:
            w[: w.size // 2] = 7
            raise ArithmeticError("third step")
        super().step(w, g, state, t)


@every_number
def test_an_optimizer_that_raises_stops_all(n_parts: int) -> None:
    network = stopped(Stopping("never"), optimizer=numpy_twin(RaisingAdam()))
    arguments: dict[str, Any] = {"batch_size": 100, "shuffle": False, "epochs": 1, "progress": False}
    with team_of(n_parts), pytest.raises(ArithmeticError, match="third step"):
        in_time(lambda: network.fit(X[:500], CLASSES[:500], **arguments))
    sound = stopped(Stopping("never"), optimizer=numpy_twin(nn.Adam()))
    sound.fit(X[:200], CLASSES[:200], **arguments)
    assert network.n_steps == 2
    expect_same_bits(network.parameters, sound.parameters, "parameters")
    expect_same_bits(network.optimizer_state, sound.optimizer_state, "state")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Kernel]:
    """A function that makes a kernel of functions in Python, which threads of a team call too."""

    def make_kernel(kind: str, function_type: Any, **functions: Callable[..., int]) -> Kernel:
        kept = {name: function_type(function) for name, function in functions.items()}
        addresses = {name: ctypes.cast(function, ctypes.c_void_p).value for name, function in kept.items()}
        module = ModuleType("kernels_in_python")
        module.table, module.kept = function_table(kind, **addresses), kept
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return Kernel(f"{module.__name__}:table")

    return make_kernel


STEP = ctypes.CFUNCTYPE(
    ctypes.c_int32, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64, ctypes.POINTER(ctypes.c_double), ctypes.c_int64
)
LAYER_FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(tables.LayerCallStruct))


@every_number
@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("n_parameters", [3, 600_000])
def test_a_step_that_fails_in_one_part_stops_all(n_parts: int, by_hand: bool, n_parameters: int, kernel: Callable[..., Kernel]) -> None:
    """With three parameters most parts have none to step on; with many, gradients go by tiles."""
    network = nn.Sequential(nn.Dense(n_parameters // 3, use_bias=False))

    def step(w: int, g: int, state: int, n: int, t: int, hyper: Any, stride: int) -> int:
        return int(w <= network.parameters[-1:].ctypes.data < w + n * network.dtype.itemsize)  # only where the last parameter is

    class Failing(nn.SGD):
        pass

    Failing.kernel = kernel("optimizer", STEP, step_f32=step, step_f64=step)
    network.build(3, loss="half_mse", optimizer=Failing(), rng=0)
    x, y = np.ones((3, 3), np.float32), np.zeros((3, n_parameters // 3), np.float32)

    def train() -> None:
        if by_hand:
            network.train_on_batch(x, y)
        else:
            network.fit(x, y, epochs=1, progress=False)

    with team_of(n_parts), pytest.raises(PluginError, match=r"kernel of Failing\(.*\) reported an error at step 1"):
        in_time(train)
    assert network.n_steps == 0


@every_number
@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("function", ["forward", "backward", "gradient"])
def test_a_layer_s_kernel_that_fails_in_one_part_stops_all(
    n_parts: int, by_hand: bool, function: str, kernel: Callable[..., Kernel]
) -> None:
    n_rows = 200 * n_parts

    def succeed(call: Any) -> int:
        return 0

    def fail(call: Any) -> int:
        """In the part that has the last row; for gradients, the last parameter."""
        is_last = call[0].end_parameter == 6 if function == "gradient" else call[0].first_row + call[0].n_rows == n_rows
        return 3 if is_last else 0

    class Failing(Layer):
        def plan(self, input_shape: tuple[int, ...]) -> Plan:
            scale = Tensor("scale", input_shape, "scale", "zeros", 1, 1)
            return Plan(input_shape, (scale,), split_rows=True, gradient_unit=1)

    functions = {name: fail if name == function else succeed for name in ("forward", "backward", "gradient")}
    Failing.kernel = kernel(
        "layer", LAYER_FUNCTION, **{f"{name}_{suffix}": made for name, made in functions.items() for suffix in ("f32", "f64")}
    )
    network = nn.Sequential(nn.Dense(6), Failing(), nn.Dense(3)).build(6, loss="half_mse", optimizer="sgd", rng=0)

    def train() -> None:
        if by_hand:
            network.train_on_batch(X[:n_rows], REALS[:n_rows])
        else:
            network.fit(X[:n_rows], REALS[:n_rows], epochs=1, batch_size=n_rows, progress=False)

    with team_of(n_parts), pytest.raises(PluginError, match=r"kernel of Failing\(.*\) reported an error at step 1"):
        in_time(train)
    assert network.n_steps == 0


class Witness(Layer):
    """The identity, in Python; keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape)

    def forward(self, call: LayerCall) -> None:
        self.told.append(("forward", call.step, len(call.x)) if call.training else ("prediction", len(call.x)))
        call.y[...] = call.x

    def backward(self, call: LayerCall) -> None:
        self.told.append(("backward", call.step, len(call.x)))
        if call.d_x is not None:
            call.d_x[...] = call.d_y


@pytest.mark.parametrize("n_parts", [1, 3])
def test_a_layer_in_python_is_told_of_whole_batches_steps_and_training(n_parts: int) -> None:
    witness = Witness()
    network = nn.Sequential(nn.Dense(70), witness, nn.Dense(3))
    with team_of(n_parts):
        network.fit(X[:30], CLASSES[:30], loss="softmax_cross_entropy", epochs=1, batch_size=20, progress=False)
        network.predict(X[:9])
    assert witness.told == [("forward", 1, 20), ("backward", 1, 20), ("forward", 2, 10), ("backward", 2, 10), ("prediction", 9)]
