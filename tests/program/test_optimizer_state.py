"""Optimizer state of any shape and dtype: passed to NumPy and C, saved, loaded, checked, and restored when a step fails."""

from __future__ import annotations

import copy
import ctypes
import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _core.python_kernels import python_kernel

import nncore as nn
from nncore import registry
from nncore.errors import FileFormatError, PluginError
from nncore.network.saving import save
from nncore.plugin import Optimizer, State, TensorSpan
from nncore.testing import team_of
from nncore.testing.optimizers import check_declarations, check_evaluation, check_resuming, check_same_bits, check_step

WRONG_STEP = 4


class Odd(Optimizer):
    """Gradient descent by the mean of all gradients of a row; counts its steps, adds up squares in float64."""

    needs_tensors = True
    fails = False

    def __init__(self, lr: float = 0.1) -> None:
        self.lr = lr

    def state(self, tensors: Sequence[TensorSpan]) -> list[list[State]]:
        return [
            [State("mean", (span.rows,)), State("squares", (), "float64"), State("count", (2, 1), "int64")]
            if span.rows > 1
            else [State("count", (2, 1), "int64")]
            for span in tensors
        ]

    def step(self, w: Any, g: Any, state: Any, t: int, tensors: Any) -> None:
        for weight, gradient, kept in zip(w, g, state, strict=True):
            kept["count"] += [[1], [t]]
            if "mean" in kept:
                count = kept["count"][0, 0]
                kept["mean"] += (gradient.mean(axis=1) - kept["mean"]) / weight.dtype.type(count)
                kept["squares"] += float((gradient.astype(np.float64) ** 2).sum())
                weight -= self.lr * kept["mean"][:, None]
            else:
                weight -= self.lr * gradient
            if self.fails and t == WRONG_STEP:
                raise ArithmeticError("fourth step")


def array(address: int, dtype: type, *shape: int) -> np.ndarray:
    kinds = {np.float64: ctypes.c_double, np.int64: ctypes.c_int64}
    return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(kinds[dtype])), shape)


def step_in_c(call: Any) -> int:
    """The same for a network of float64, through the structures of plugin.h."""
    for k in range(call.begin_tensor, call.end_tensor):
        tensor = call.tensors[k]
        shape = tensor.rows, tensor.columns
        w, g = (array(address, np.float64, *shape) for address in (tensor.w, tensor.g))
        places = (ctypes.c_size_t * 3).from_address(tensor.state)
        count = array(places[2 if tensor.rows > 1 else 0], np.int64, 2, 1)
        count += [[1], [call.t]]
        lr = call.site[0].hyper[0]
        if tensor.rows > 1:
            mean, squares = array(places[0], np.float64, tensor.rows), array(places[1], np.float64, 1)
            mean += (g.mean(axis=1) - mean) / count[0, 0]
            squares += (g**2).sum()
            w -= lr * mean[:, None]
        else:
            w -= lr * g
        if Odd.fails and call.t == WRONG_STEP:
            return 1
    return 0


@pytest.fixture(params=["NumPy", "C"])
def rung(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "C":
        monkeypatch.setattr(Odd, "kernel", python_kernel(monkeypatch, "optimizer", step=step_in_c), raising=False)
    registry.register("optimizers", Odd, "odd")
    yield request.param
    registry.unregister("optimizers", "odd")


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(48, 5))
    return X, X @ rng.normal(size=(5, 2))


def network(dtype: str = "float64", **groups: Any) -> nn.Sequential:
    net = nn.Sequential(nn.Dense(6, activation="tanh"), nn.Dense(2)).build(5, loss="mse", optimizer=Odd(), rng=1, dtype=dtype)
    net.groups = groups.get("groups", {})
    return net


def fit(net: nn.Sequential, epochs: int) -> nn.Sequential:
    net.fit(*data(), epochs=epochs, batch_size=16, progress=False)
    return net


def test_declared_arrays_have_names_shapes_and_dtypes(rung: str) -> None:
    net = fit(network(), 2)
    assert {name: (kept.shape, kept.dtype.name) for name, kept in net.optimizer_state.items()} == {
        "dense_1.weight/mean": ((5,), "float64"),
        "dense_1.weight/squares": ((), "float64"),
        "dense_1.weight/count": ((2, 1), "int64"),
        "dense_1.bias/count": ((2, 1), "int64"),
        "dense_2.weight/mean": ((6,), "float64"),
        "dense_2.weight/squares": ((), "float64"),
        "dense_2.weight/count": ((2, 1), "int64"),
        "dense_2.bias/count": ((2, 1), "int64"),
    }
    for name, kept in net.optimizer_state.items():
        assert not name.endswith("count") or kept.tolist() == [[6], [21]], name
        assert kept.all(), name
    assert "KiB while training" in net.summary() or "bytes while training" in net.summary()


def test_float32_networks_keep_float64_and_int64() -> None:
    net = fit(network("float32"), 1)
    kept = net.optimizer_state
    assert [kept[f"dense_1.weight/{name}"].dtype.name for name in ("mean", "squares", "count")] == ["float32", "float64", "int64"]


@pytest.mark.parametrize("groups", [{}, {"*.bias": {"optimizer": "adam"}}, {"dense_1.*": {"frozen": True}}], ids=["all", "weights", "some"])
def test_threads_and_breaks_change_no_bit(rung: str, groups: Any, tmp_path: Path) -> None:
    whole = fit(network(groups=groups), 3)
    for n_parts in (2, 3):
        with team_of(n_parts):
            net = fit(network(groups=groups), 3)
        np.testing.assert_array_equal(net.parameters, whole.parameters)
        np.testing.assert_equal(net.optimizer_state, whole.optimizer_state)
    part = fit(network(groups=groups), 1)
    save(part, tmp_path / "net.nncore")
    for again in (nn.load(tmp_path / "net.nncore"), copy.deepcopy(part), pickle.loads(pickle.dumps(part))):
        fit(again, 2)
        np.testing.assert_array_equal(again.parameters, whole.parameters)
        np.testing.assert_equal(again.optimizer_state, whole.optimizer_state)


@pytest.mark.parametrize("n_parts", [1, 2, 3])
def test_a_step_that_fails_puts_all_of_it_back(rung: str, n_parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    net, sound = (fit(network(groups={"*.bias": {"optimizer": "adam"}}), 1) for _ in range(2))
    monkeypatch.setattr(Odd, "fails", True)
    with team_of(n_parts), pytest.raises((ArithmeticError, PluginError), match=r"fourth step|Odd\(.*\) reported an error at step 4"):
        net.train_on_batch(*data())
    assert net.n_steps == 3
    np.testing.assert_array_equal(net.parameters, sound.parameters)
    np.testing.assert_equal(net.optimizer_state, sound.optimizer_state)


def test_both_rungs_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    in_python = fit(network(), 3)
    monkeypatch.setattr(Odd, "kernel", python_kernel(monkeypatch, "optimizer", step=step_in_c), raising=False)
    in_c = fit(network(), 3)
    np.testing.assert_allclose(in_c.parameters, in_python.parameters, rtol=1e-12)
    for name, kept in in_python.optimizer_state.items():
        np.testing.assert_allclose(in_c.optimizer_state[name], kept, rtol=1e-12, err_msg=name)


def test_a_file_with_other_state_is_refused(rung: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(fit(network(), 1), tmp_path / "net.nncore")
    state = Odd.state
    for declared, message in [
        (lambda self, tensors: [[*own, State("more", ())] for own in state(self, tensors)], r"more' is missing"),
        (lambda self, tensors: [own[-1:] for own in state(self, tensors)], "belongs to no layer"),
        (lambda self, tensors: [[*own[:-1], State("count", (3, 1), "int64")] for own in state(self, tensors)], r"has shape \(2, 1\)"),
        (lambda self, tensors: [[*own[:-1], State("count", (2, 1), "float64")] for own in state(self, tensors)], "holds int64"),
    ]:
        monkeypatch.setattr(Odd, "state", declared)
        with pytest.raises(FileFormatError, match=message):
            nn.load(tmp_path / "net.nncore")


class Growing(Optimizer):
    """Declares as much state as its argument requests."""

    needs_tensors = True

    def __init__(self, lr: float = 0.1, *, n: int = 1) -> None:
        self.lr, self.n = lr, n

    def state(self, tensors: Sequence[TensorSpan]) -> list[list[State]]:
        return [[State("kept", (self.n,))] for _ in tensors]

    def step(self, w: Any, g: Any, state: Any, t: int, tensors: Any) -> None:
        for weight, gradient in zip(w, g, strict=True):
            weight -= self.lr * gradient


def test_an_argument_that_decides_the_state_may_not_change() -> None:
    net = fit(network(), 1)
    fit(net, 0)
    net.optimizer = Growing()
    net.optimizer.lr = 0.2
    with pytest.raises(nn.errors.ParameterError, match="n is 1 and cannot become 2 in this network"):
        net.optimizer.n = 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a/b", (1,)), "without a slash"),
        (("", (1,)), "without a slash"),
        (("a", [1]), "tuple of whole numbers"),
        (("a", (-1,)), "tuple of whole numbers"),
        (("a", (2**41,)), "tuple of whole numbers"),
        (("a", (1.5,)), "tuple of whole numbers"),
        (("a", (1,), "float16"), "must be one of network, float64, int64"),
    ],
)
def test_a_state_that_cannot_be(arguments: Any, message: str) -> None:
    with pytest.raises(PluginError, match=message):
        State(*arguments)


@pytest.mark.parametrize("work", [-1, 2.5, "much", 2**41])
def test_work_that_cannot_be(work: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Adafactor, "work", lambda self, tensors: work)
    net = nn.Sequential(nn.Dense(2)).build(3, loss="mse", optimizer="adafactor", rng=0)
    with pytest.raises(PluginError, match="work must be a whole number"):
        net.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))


@pytest.mark.parametrize("check", [check_step, check_same_bits, check_resuming, check_declarations, check_evaluation])
def test_the_conformance_kit_takes_any_state(check: Callable[[Optimizer], None]) -> None:
    check(Odd())


class Rebinds(Odd):
    def step(self, w: Any, g: Any, state: Any, t: int, tensors: Any) -> None:
        for weight, gradient, kept in zip(w, g, state, strict=True):
            kept["count"] = kept["count"] + 1
            weight -= self.lr * gradient


def test_the_conformance_kit_finds_state_that_is_put_elsewhere() -> None:
    with pytest.raises(AssertionError, match="put another array into a dict of state"):
        check_step(Rebinds())


class TwoNames(Odd):
    def state(self, tensors: Sequence[TensorSpan]) -> list[list[State]]:
        return [[State("mean", ()), State("mean", ())] for _ in tensors]


class Flat(Odd):
    needs_tensors = False


def test_declarations_that_contradict_each_other_are_refused() -> None:
    for optimizer, message in [(TwoNames(), "declares a name twice for dense_1.weight"), (Flat(), "set needs_tensors = True")]:
        net = nn.Sequential(nn.Dense(2)).build(3, loss="mse", rng=0)
        with pytest.raises(PluginError, match=message):
            net.optimizer = optimizer
        assert net.optimizer is None
