"""`Program` checks capsules, and runs compiled third-party components in the training loop."""

from __future__ import annotations

import ctypes
import pickle
from types import ModuleType

import numpy as np
import pytest

import nncore as nn
from nncore._core.program import all_finite, ready_labels, ready_rows
from nncore.errors import PluginError
from nncore.plugin import CALLS, TABLES, Kernel, Optimizer

STEP = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(CALLS["optimizer"]))

X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.zeros(40)


class Table(ctypes.Structure):
    """``nnc_optimizer`` of plugin.h."""

    _fields_ = [
        ("abi_major", ctypes.c_uint32), ("abi_minor", ctypes.c_uint32), ("struct_size", ctypes.c_uint64),
        *((name, STEP) for name in TABLES["optimizer"]),
    ]  # fmt: skip


def sign_descent(dtype: type) -> object:
    """A step for a dtype that fails in the fifth call with the message that `hyper` selects."""

    def step(call):
        c = call[0]
        hyper = c.site[0].hyper
        w, g = (np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(dtype)), (c.n,)) for address in (c.w, c.g))
        w -= hyper[0] * np.sign(g)
        return 0 if c.t < 5 else int(hyper[1])

    return STEP(step)


F32, F64 = sign_descent(ctypes.c_float), sign_descent(ctypes.c_double)


def capsule(table: Table, name: bytes = b"nncore.optimizer") -> object:
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(ctypes.addressof(table), name, None)


@pytest.fixture
def optimizer(monkeypatch: pytest.MonkeyPatch):
    """A function that makes an optimizer whose kernel is the given capsule."""

    def make(content: object, status: float = 0.0) -> Optimizer:
        module = ModuleType("third_party_kernels")
        module.sign_descent = content
        monkeypatch.setitem(__import__("sys").modules, module.__name__, module)

        class SignDescent(Optimizer):
            kernel = Kernel("third_party_kernels:sign_descent")

            def __init__(self, lr: float = 0.01, status: float = 0.0) -> None:
                self.lr, self.status = lr, status

            def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int) -> None:
                w -= self.lr * np.sign(g)

        return SignDescent(status=status)

    return make


def table(**changes: int) -> Table:
    return Table(**{"abi_major": 1, "abi_minor": 0, "struct_size": ctypes.sizeof(Table), "step_f32": F32, "step_f64": F64, **changes})


def fit(optimizer: Optimizer, epochs: int = 2, dtype: str = "float64") -> nn.Sequential:
    net = nn.Sequential(nn.Dense(1, bias_initializer="zeros")).build(3, rng=0, dtype=dtype)
    net.fit(X, Y, loss="half_mse", optimizer=optimizer, epochs=epochs, batch_size=40, progress=False)
    return net


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_from_elsewhere_runs_in_the_loop(optimizer, dtype: str) -> None:
    keep = table()
    net = fit(optimizer(capsule(keep)), dtype=dtype)
    start = nn.Sequential(nn.Dense(1, bias_initializer="zeros")).build(3, rng=0, dtype=dtype).parameters
    np.testing.assert_allclose(np.abs(net.parameters - start), 0.02, rtol=1e-5)


def test_minor_version_and_size_may_be_larger(optimizer) -> None:
    keep = table(abi_minor=9, struct_size=ctypes.sizeof(Table) + 800)
    fit(optimizer(capsule(keep)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"abi_major": 2}, "version 2 of nncore/plugin.h, this nncore speaks version 1"), ({"struct_size": 8}, "says it has 8 bytes")],
)
def test_a_table_of_another_time_is_refused(optimizer, changes: dict[str, int], message: str) -> None:
    keep = table(**changes)
    with pytest.raises(PluginError, match=message):
        fit(optimizer(capsule(keep)))


def test_a_table_without_functions_is_refused(optimizer) -> None:
    keep = Table(abi_major=1, struct_size=ctypes.sizeof(Table))
    with pytest.raises(PluginError, match="optimizer SignDescent: the kernel has no step_f64; this network is float64"):
        fit(optimizer(capsule(keep)))


def test_what_is_not_such_a_capsule_is_refused(optimizer) -> None:
    keep = table()
    for content in (capsule(keep, b"nncore.loss"), 42, None):
        with pytest.raises(PluginError, match="not a PyCapsule"):
            fit(optimizer(content))


def test_a_kernel_that_reports_an_error_stops_the_loop(optimizer) -> None:
    keep = table()
    with pytest.raises(PluginError, match=r"kernel of SignDescent\(.*\) reported an error at step 5"):
        fit(optimizer(capsule(keep), status=1.0), epochs=10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 100])
def test_all_finite(dtype: type, n: int) -> None:
    values = np.full(n, np.finfo(dtype).max, dtype)
    assert all_finite(values)
    for bad in (np.nan, np.inf, -np.inf):
        for position in {0, n // 2, n - 1} if n else ():
            spoilt = values.copy()
            spoilt[position] = bad
            assert not all_finite(spoilt)
            assert all_finite(spoilt, allow_nan=True) == np.isnan(bad)


ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_rows_that_c_can_read_are_ready() -> None:
    assert ready_rows(ROWS, (3,), np.dtype(np.float32)) is ROWS
    images = ROWS.reshape(2, 2, 3)
    assert ready_rows(images, (2, 3), np.dtype(np.float32), False) is images
    assert ready_rows(pickle.loads(pickle.dumps(ROWS)), (3,), np.dtype(np.float32), False) is not None


@pytest.mark.parametrize(
    "data",
    [
        ROWS.tolist(), ROWS.astype(np.float64), ROWS.astype(">f4"), ROWS.astype(object), ROWS[:, :2], ROWS[0], ROWS[None], ROWS[::2],
        ROWS[:0], np.asfortranarray(ROWS), np.ma.masked_equal(ROWS, 3), ROWS.astype("datetime64[s]"), np.zeros(4, "f4,f4,f4"), None,
        np.frombuffer(b"\0" + ROWS.tobytes(), np.uint8)[1:].view(np.float32).reshape(4, 3),
    ],
)  # fmt: skip
def test_other_rows_are_not_ready(data: object) -> None:
    assert ready_rows(data, (3,), np.dtype(np.float32)) is None


def test_rows_may_have_to_be_finite() -> None:
    for value, is_ready in ((np.nan, (True, False, True)), (np.inf, (True, False, False))):
        rows = ROWS.copy()
        rows[3, 2] = value
        assert tuple(ready_rows(rows, (3,), rows.dtype, allowed) is rows for allowed in (None, False, True)) == is_ready
        assert ready_rows(rows.astype(np.float64), (3,), np.dtype(np.float64), False) is None


def test_labels_in_range_are_copied() -> None:
    y = np.array([2, 0, 1, 2])
    for given in (y, y[::-1], y[::2]):
        copied = ready_labels(given, 3)
        assert copied is not None
        np.testing.assert_array_equal(copied, given)
        assert not np.shares_memory(copied, given)


@pytest.mark.parametrize("y", [[0, 1], np.array([0, 3]), np.array([-1, 0]), np.array([0, 1], np.int32), np.zeros((2, 1), np.int64), None])
def test_other_labels_are_not_ready(y: object) -> None:
    assert ready_labels(y, 3) is None
