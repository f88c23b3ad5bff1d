"""Arguments of functions of tables (`nnc_site` and the calls of plugin.h), and handling of their results and messages."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from _core.python_kernels import python_kernel

import nncore as nn
from nncore.contract import CALLS, SiteStruct
from nncore.errors import PluginError
from nncore.plugin import Layer, LayerCall, Plan, Tensor
from nncore.testing import team_of
from nncore.testing.expectations import expect_same_bits

X, Y = np.random.default_rng(0).normal(size=(300, 3, 2)), np.zeros((300, 6))
INPUT_SHAPE, NUMBERS = (3, 2), (7, -1)


def array(address: int, *shape: int) -> np.ndarray:
    """What a kernel sees at an address, as float64."""
    return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(ctypes.c_double)), shape)


class Shaped(Layer):
    """y = gain·x + shift on samples of shape (3, 2), which only the call contains; tests set the compiled functions."""

    changes: dict[str, Any] = {}

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        tensors = Tensor("gain", (6,), "scale", "zeros", 1, 1), Tensor("shift", (6,), "bias", "zeros", 1, 1)
        return replace(Plan((6,), tensors, numbers=NUMBERS, split_rows=True, gradient_unit=1), **self.changes)

    def forward(self, call: LayerCall) -> None:
        assert (call.numbers, call.input_shape, call.output_shape) == (NUMBERS, INPUT_SHAPE, (6,))
        call.y[...] = call.parameters["gain"] * call.x + call.parameters["shift"]

    def backward(self, call: LayerCall) -> None:
        call.d_parameters["gain"][...] = (call.d_y * call.x).sum(axis=0)
        call.d_parameters["shift"][...] = call.d_y.sum(axis=0)


def copied(source: str, target: str) -> Callable[[Any], int]:
    def function(call: Any) -> int:
        if getattr(call, target):
            array(getattr(call, target), call.n_rows, 6)[...] = array(getattr(call, source), call.n_rows, 6)
        return 0

    return function


def gradient(call: Any) -> int:
    array(call.d_parameters, call.end_parameter - call.begin_parameter)[...] = 1
    return 0


def network(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any] | None = None, **functions: Callable[[Any], int]) -> nn.Sequential:
    """A built network with functions in place of the compiled ones."""
    given = {"forward": copied("x", "y"), "backward": copied("d_y", "d_x"), "gradient": gradient} | functions
    layer_class = type("Shaped", (Shaped,), {"kernel": python_kernel(monkeypatch, "layer", **given), "changes": changes or {}})
    return nn.Sequential(layer_class()).build(INPUT_SHAPE, loss="half_mse", optimizer=nn.SGD(lr=0.5), rng=0, dtype="float64")


def test_a_prediction_with_a_way_back_keeps_its_cache_and_is_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, bool]] = []

    def forward(call: Any) -> int:
        seen.append((call.site[0].training, bool(call.cache)))
        if call.cache:
            array(call.cache, call.n_rows)[...] = array(call.x, call.n_rows, 6)[:, 0]
        return copied("x", "y")(call)

    def backward(call: Any) -> int:
        seen.append((call.site[0].training, bool(call.cache)))
        array(call.d_x, call.n_rows, 6)[...] = array(call.d_y, call.n_rows, 6) * array(call.cache, call.n_rows)[:, None]
        return 0

    net = network(monkeypatch, {"cache_per_row": 1}, forward=forward, backward=backward)
    found = net.jacobian(X[:3]).reshape(3, 6, 6)
    np.testing.assert_array_equal(found, X[:3].reshape(3, 6)[:, :1, None] * np.eye(6))
    assert set(seen) == {(0, True)}
    seen.clear()
    net.predict(X[:3])
    assert set(seen) == {(0, False)}


def test_numbers_and_seed_at_a_site_are_those_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, int]] = []

    def forward(call: Any) -> int:
        seen.append((call.site[0].hyper[0], call.site[0].seed))
        return copied("x", "y")(call)

    class Numbered(Shaped):
        def __init__(self, number: float = 1.0) -> None:
            self.number = number

        def hyper(self) -> list[float]:
            return [self.number]

    functions = {"forward": forward, "backward": copied("d_y", "d_x"), "gradient": gradient}
    Numbered.kernel = python_kernel(monkeypatch, "layer", **functions)
    net = nn.Sequential(Numbered()).build(INPUT_SHAPE, rng=0, dtype="float64")
    net.predict(X[:1])
    net.layers[0].number, net.seed = 2.0, 7
    net.predict(X[:1])
    assert [number for number, _ in seen] == [1.0, 2.0]
    assert seen[1][1] == 7 != seen[0][1]


@pytest.mark.parametrize("n_parts", [1, 3])
def test_a_layer_is_told_its_shapes_numbers_tensors_and_rows(n_parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    def look(phase: str, then: Callable[[Any], int]) -> Callable[[Any], int]:
        def function(call: Any) -> int:
            site = call.site[0]
            if site.work:
                array(site.work, 2 if phase == "gradient" else 2 + 3 * call.n_rows)[...] = site.part  # this part's own, to its end
            tensors = [call.tensors[k] - call.parameters for k in range(call.n_tensors)]
            d_tensors = [call.d_tensors[k] - call.d_parameters for k in range(call.n_tensors)] if call.d_tensors else None
            seen.append((phase, {
                "sizes": (call.struct_size, site.struct_size), "numbers": tuple(site.numbers[: site.n_numbers]),
                "input": tuple(site.input_shape[: site.n_input_dims]), "output": tuple(site.output_shape[: site.n_output_dims]),
                "tensors": tensors, "d_tensors": d_tensors, "rows": (call.first_row, call.n_rows, call.batch_rows), "part": site.part,
                "when": (site.step, site.training), "work": site.work, "host": site.host,
            }))  # fmt: skip
            return then(call)

        return function

    functions = {"forward": copied("x", "y"), "gradient": gradient}
    changes = {"work": 2, "work_per_row": 3}
    net = network(monkeypatch, changes, **{name: look(name, then) for name, then in functions.items()})
    with team_of(n_parts):
        net.fit(X, Y, epochs=1, batch_size=150, shuffle=False, progress=False)
        net.predict(X[:5])
    assert {phase for phase, _ in seen} == {"forward", "gradient"}
    for phase, call in seen:
        assert call["sizes"] == (ctypes.sizeof(CALLS["layer"]), ctypes.sizeof(SiteStruct))
        assert (call["numbers"], call["input"], call["output"]) == (NUMBERS, INPUT_SHAPE, (6,))
        assert call["tensors"] == [0, 48]
        assert call["d_tensors"] == (None if phase == "gradient" else [0, 48])
        assert call["host"] != 0
        assert call["work"]
    trained = [call for phase, call in seen if phase == "forward" and call["when"][1] == 1]
    assert {call["when"][0] for call in trained} == {1, 2}
    assert {call["part"] for call in trained} == set(range(n_parts))
    for step in (1, 2):
        rows = sorted(call["rows"] for call in trained if call["when"][0] == step)
        assert {batch for _, _, batch in rows} == {150}
        assert [first for first, _, _ in rows] == np.cumsum([0, *(n for _, n, _ in rows)])[:-1].tolist()
    assert {call["rows"] for phase, call in seen if phase == "gradient"} == {(0, 150, 150)}
    assert all(call["when"][1] == 0 for phase, call in seen[-n_parts:])


def test_a_layer_in_python_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(Shaped()).build(INPUT_SHAPE, loss="half_mse", rng=0)
    net.fit(X, Y, epochs=1, progress=False)
    assert net.predict(X[:5]).shape == (5, 6)


# ---- errors ------------------------------------------------------------------------------------------------------------------


def failing(status: int, message: bytes | None) -> Callable[[Any], int]:
    def function(call: Any) -> int:
        if message is not None:
            ctypes.memmove(call.site[0].message, message, min(len(message), 256))
        return status

    return function


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (b"rank must be 2\0", "error at step 1: rank must be 2. The"),
        ("zu groß\0".encode(), "error at step 1: zu groß. The"),
        (b"\x1b[31mred\nline\0", r"error at step 1: \[31mred line\. The"),
        (("ü" * 200).encode(), "error at step 1: ü{128}. The"),  # no terminating zero, and a character cut in two
        (b"x" + ("ü" * 200).encode(), "error at step 1: xü{127}. The"),
        (b"\xff\xfe\0", "error at step 1, 3, without a message. The"),
        (None, "error at step 1, 3, without a message. The parameters are those of the last finished step"),
    ],
)
@pytest.mark.parametrize("phase", ["forward", "gradient"])
def test_what_a_function_says_is_shown(phase: str, message: bytes | None, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = network(monkeypatch, **{phase: failing(3, message)})
    before = net.parameters.copy()
    for n_parts in (1, 3):
        with team_of(n_parts), pytest.raises(PluginError, match=shown):
            net.fit(X, Y, epochs=1, progress=False)
        expect_same_bits(net.parameters, before, "parameters")


def test_what_was_said_by_a_call_that_succeeded_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    says = iter([b"long ago\0", None])

    def forward(call: Any) -> int:
        message = next(says)
        failing(0, message)(call)
        return copied("x", "y")(call) if message else 1

    net = network(monkeypatch, forward=forward)
    net.predict(X[:1])
    with pytest.raises(PluginError, match="error at step 1, 1, without a message"):
        net.predict(X[:1])


@pytest.mark.parametrize("n_parts", [1, 2, 3])
@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("needs_tensors", [False, True])
def test_a_step_that_fails_halfway_is_taken_back(n_parts: int, by_hand: bool, needs_tensors: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a step that fails halfway, parameters, state and mean are those of the last finished step, as in NumPy."""

    def pieces(call: Any) -> Iterator[tuple[int, list[int]]]:
        """Size and addresses of the parameters, gradients and velocities to update."""
        if not needs_tensors:
            yield call.n, [call.w, call.g, call.state]
        for k in range(call.begin_tensor, call.end_tensor):
            tensor = call.tensors[k]
            yield tensor.rows * tensor.columns, [tensor.w, tensor.g, ctypes.c_size_t.from_address(tensor.state).value]

    def step(call: Any) -> int:
        for n, addresses in pieces(call):
            w, g, v = (array(address, n) for address in addresses)
            v[...] = 0.5 * v + g
            changed = n if call.t < 3 else n // 2 + 1
            w[:changed] -= call.site[0].hyper[0] * v[:changed]
        return 0 if call.t < 3 else 1

    kernel = python_kernel(monkeypatch, "optimizer", step=step)

    class Halfway(nn.Momentum):
        pass

    Halfway.kernel, Halfway.needs_tensors = kernel, needs_tensors
    make = lambda optimizer: nn.Sequential(nn.Dense(5), nn.Dense(6)).build(6, loss="half_mse", optimizer=optimizer, rng=0, dtype="float64")  # noqa: E731
    x = X.reshape(300, 6)
    sound, net = make(nn.Momentum(lr=0.1, momentum=0.5)), make(Halfway(lr=0.1, momentum=0.5))
    arguments: dict[str, Any] = {"epochs": 1, "batch_size": 60, "shuffle": False, "progress": False}
    sound.fit(x[:120], Y[:120], **arguments)

    def train() -> None:
        if by_hand:
            for first in range(0, 300, 60):
                net.train_on_batch(x[first : first + 60], Y[first : first + 60])
        else:
            net.fit(x, Y, **arguments)

    with team_of(n_parts), pytest.raises(PluginError, match=r"Halfway\(.*\) reported an error at step 3"):
        train()
    assert net.n_steps == 2
    np.testing.assert_allclose(net.parameters, sound.parameters, rtol=1e-12)
    for name, kept in sound.optimizer_state.items():
        np.testing.assert_allclose(net.optimizer_state[name], kept, rtol=1e-12)


# ---- reads and writes of each phase -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asks", [False, True])
def test_parameters_stay_until_all_gradients_are_there_if_the_plan_asks_for_it(asks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the plan requests it, parameters stay unchanged until all gradients exist."""
    n, changed = 64, []
    at_forward = np.zeros((n, n))

    def forward(call: Any) -> int:
        at_forward[...] = array(call.parameters, n, n)
        array(call.y, call.n_rows, n)[...] = array(call.x, call.n_rows, n) @ at_forward
        return 0

    def gradient(call: Any) -> int:
        rows = slice(call.begin_parameter // n, call.end_parameter // n)
        changed.append((array(call.parameters, n, n) != at_forward).any())
        d_w = array(call.x, call.n_rows, n).T @ array(call.d_y, call.n_rows, n)
        array(call.d_parameters, rows.stop - rows.start, n)[...] = d_w[rows]
        return 0

    class Matrix(Layer):
        def plan(self, input_shape: tuple[int, ...]) -> Plan:
            weight = Tensor("weight", (n, n), "weight", "glorot_uniform", n, n)
            return Plan((n,), (weight,), gradient_unit=n, reads_parameters_in_gradient=asks)

    Matrix.kernel = replace(python_kernel(monkeypatch, "layer", forward=forward, backward=forward, gradient=gradient), never_fails=True)
    monkeypatch.setattr("nncore.program.compiler.CACHE_BYTES", 0)
    monkeypatch.setattr("nncore.program.compiler.TILE_BYTES", 2 * n * 8)
    net = nn.Sequential(Matrix()).build(n, loss="half_mse", optimizer=nn.SGD(lr=0.1), rng=0, dtype="float64")
    net.fit(np.ones((2, n)), np.zeros((2, n)), epochs=1, batch_size=1, progress=False)
    assert any(changed) is not asks


@pytest.mark.parametrize("n_parts", [1, 3])
@pytest.mark.parametrize("fills", [False, True])
def test_backward_is_called_at_the_front_if_it_fills_the_cache(fills: bool, n_parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first layer's backward is called if it fills the cache, although no d_x is needed; gradient reads the cache of all rows."""
    n, seen, called = 4, [], []

    def forward(call: Any) -> int:
        array(call.y, call.n_rows, n)[...] = array(call.x, call.n_rows, n) * array(call.parameters, n)
        array(call.cache, call.n_rows, n)[...] = 0
        return 0

    def backward(call: Any) -> int:
        called.append(bool(call.d_x))
        array(call.cache, call.n_rows, n)[...] = array(call.d_y, call.n_rows, n)
        return 0

    def gradient(call: Any) -> int:
        kept = array(call.cache, call.n_rows, n)
        seen.append(np.array_equal(kept, array(call.d_y, call.n_rows, n)))
        part = slice(call.begin_parameter, call.end_parameter)
        array(call.d_parameters, part.stop - part.start)[...] = (array(call.x, call.n_rows, n) * array(call.d_y, call.n_rows, n)).sum(
            axis=0
        )[part]
        return 0

    class Kept(Layer):
        def plan(self, input_shape: tuple[int, ...]) -> Plan:
            scale = Tensor("scale", (n,), "scale", "zeros", n, n)
            return Plan((n,), (scale,), gradient_unit=1, cache_per_row=n, split_rows=True, backward_fills_cache=fills)

    Kept.kernel = replace(python_kernel(monkeypatch, "layer", forward=forward, backward=backward, gradient=gradient), never_fails=True)
    net = nn.Sequential(Kept()).build(n, loss="half_mse", optimizer="sgd", rng=0, dtype="float64")
    with team_of(n_parts):
        net.fit(np.ones((6, n)), np.ones((6, n)), epochs=2, batch_size=6, progress=False)
    assert called == [False] * (2 * n_parts if fills else 0)
    assert set(seen) == {fills}
