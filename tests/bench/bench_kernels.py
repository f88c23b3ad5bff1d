"""Micro-benchmarks, a kernel each, called through their function tables in float32.

Not collected by default: ``pip install "nncore-ml[bench]"``, then ``taskset -c 1 python -m pytest tests/bench/bench_kernels.py``.
Two versions: the first with ``--benchmark-save=old``, the second with ``--benchmark-compare``. On a noisy machine trust the minimum.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from components import activations, losses

from nncore import registry
from nncore._core import native
from nncore.plugin import Activation, Loss, native_kernel
from nncore.testing import tables

pytest.importorskip("pytest_benchmark", reason='the micro-benchmarks need pytest-benchmark: pip install "nncore-ml[bench]"')

#: Of a dense layer: rows, inputs, outputs. Products from registers to memory, narrow outputs, and single rows.
SIZES = [(32, 64, 64), (128, 256, 256), (512, 784, 128), (128, 2048, 2048), (128, 256, 10), (1, 64, 64), (1, 512, 512), (8, 512, 512)]
ROWS, COLUMNS = 128, 256
N_PARAMETERS = 100_000


def prepared(function: tables.Function, *arguments: Any) -> Callable[[], int]:
    """A call of a kernel with everything converted beforehand: less than a microsecond of Python is left."""
    values = [ctypes.c_int64(argument) if isinstance(argument, int) else ctypes.c_void_p(address(argument)) for argument in arguments]
    kernel = ctypes.CFUNCTYPE(ctypes.c_int32, *map(type, values))(function.pointer)

    def call(keep: Any = arguments) -> int:  # what the pointers point to must live as long as they
        status: int = kernel(*values)
        return status

    assert call() == 0
    return call


def address(argument: np.ndarray | ctypes.Structure) -> int:
    return ctypes.addressof(argument) if isinstance(argument, ctypes.Structure) else argument.ctypes.data


def numbers(*shape: int) -> np.ndarray:
    """From a normal distribution, float32, at the beginning of a cache line."""
    rng = np.random.default_rng(0)
    size = int(np.prod(shape))
    memory = np.empty(size + 16, np.float32)
    start = -memory.ctypes.data % 64 // 4
    array = memory[start : start + size].reshape(shape)
    array[...] = rng.standard_normal(shape, np.float32)
    return array


def hyper_of(component: Any) -> np.ndarray:
    return np.array([*component.hyper(), 0.0])  # an empty array's address is nobody's


def of_class(components: list[Any]) -> list[Any]:
    """One instance a class, those with a kernel."""
    return list({type(component): component for component in components if native_kernel(component) is not None}.values())


# ---- products ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("product", ["forward", "backward", "gradient"])
def test_dense(benchmark: Any, product: str, size: tuple[int, int, int]) -> None:
    rows, inputs, outputs = size
    arrays = {
        "x": numbers(rows, inputs),
        "y": numbers(rows, outputs),
        "d_y": numbers(rows, outputs),
        "d_x": numbers(rows, inputs),
        "parameters": numbers(inputs * outputs + outputs),
        "d_parameters": numbers(inputs * outputs + outputs),
    }
    hyper = np.array([1.0])  # with biases
    call = tables.LayerCallStruct(**{name: array.ctypes.data for name, array in arrays.items()}, hyper=hyper.ctypes.data)
    call.n_rows, call.n_inputs, call.n_outputs, call.training = rows, inputs, outputs, 1
    call.end_column = inputs if product == "backward" else outputs
    call.end_parameter = arrays["parameters"].size
    benchmark(prepared(getattr(tables.layer(native.layer_dense), f"{product}_f32"), call))
    benchmark.extra_info["GFLOP/s"] = 2e-9 * rows * inputs * outputs / benchmark.stats.stats.min


# ---- elementwise ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", of_class(activations()), ids=lambda activation: type(activation).__name__)
def test_activation_forward(benchmark: Any, activation: Activation) -> None:
    z, a, hyper = numbers(ROWS, COLUMNS), numbers(ROWS, COLUMNS), hyper_of(activation)
    benchmark(prepared(table_of(activation, tables.activation).forward_f32, z, a, ROWS, COLUMNS, hyper))


@pytest.mark.parametrize("activation", of_class(activations(trainable=True)), ids=lambda activation: type(activation).__name__)
def test_activation_backward(benchmark: Any, activation: Activation) -> None:
    z, a, d_a, d_z, hyper = *(numbers(ROWS, COLUMNS) for _ in range(4)), hyper_of(activation)
    table = table_of(activation, tables.activation)
    assert table.forward_f32(z, a, ROWS, COLUMNS, hyper) == 0
    benchmark(prepared(table.backward_f32, z, a, d_a, d_z, ROWS, COLUMNS, hyper))


@pytest.mark.parametrize("loss", of_class(losses()), ids=lambda loss: type(loss).__name__)
def test_loss(benchmark: Any, loss: Loss) -> None:
    rng = np.random.default_rng(0)
    table = table_of(loss, tables.loss)
    output, value, d_output, hyper = np.abs(numbers(ROWS, 10)) / 5 + 0.1, numbers(ROWS), numbers(ROWS, 10), hyper_of(loss)
    weight = np.ones(ROWS, np.float32)
    if table.labels_f32 is not None:
        labels = rng.integers(10, size=ROWS)
        benchmark(prepared(table.labels_f32, output, labels, weight, value, d_output, ROWS, 10, hyper))
    else:
        target = rng.integers(2, size=(ROWS, 10)).astype(np.float32)
        benchmark(prepared(table.real_f32, output, target, weight, value, d_output, ROWS, 10, 10, hyper))


# ---- updates ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in registry.names("optimizers") if native_kernel(registry.get("optimizers", name)())])
def test_optimizer(benchmark: Any, name: str) -> None:
    optimizer = registry.get("optimizers", name)()
    table = table_of(optimizer, tables.optimizer)
    if table.step_f32 is None:
        pytest.skip("it updates tensor by tensor")
    w, g, state = numbers(N_PARAMETERS), numbers(N_PARAMETERS), np.zeros((max(1, optimizer.n_slots), N_PARAMETERS), np.float32)
    benchmark(prepared(table.step_f32, w, g, state, N_PARAMETERS, 1, hyper_of(optimizer), N_PARAMETERS))
    benchmark.extra_info["ns a parameter"] = 1e9 * benchmark.stats.stats.min / N_PARAMETERS


def table_of(component: Any, open_table: Callable[[object], Any]) -> Any:
    kernel = native_kernel(component)
    assert kernel is not None
    return open_table(kernel.load())
