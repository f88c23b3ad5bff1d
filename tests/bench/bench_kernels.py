"""Micro-benchmarks, a kernel each, called through their function tables in float32.

Not collected by default: ``pip install "nncore-ml[bench]"``, then ``taskset -c 1 python -m pytest tests/bench/bench_kernels.py``.
Two versions: the first with ``--benchmark-save=old``, the second with ``--benchmark-compare``. On a noisy machine trust the minimum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from components import activations, losses

from nncore import ParametricActivation, PeriodicEmbedding, Scale, registry
from nncore._core import native
from nncore.plugin import Activation, Loss, native_kernel
from nncore.testing import tables

pytest.importorskip("pytest_benchmark", reason='the micro-benchmarks need pytest-benchmark: pip install "nncore-ml[bench]"')

#: Of a dense layer: rows, inputs, outputs. Products from registers to memory, narrow outputs, and single rows.
SIZES = [
    (32, 64, 64),
    (128, 256, 256),
    (512, 784, 128),
    (128, 2048, 2048),
    (256, 256, 256),
    (128, 256, 10),
    (1, 64, 64),
    (1, 512, 512),
    (8, 512, 512),
]
ROWS, COLUMNS = 128, 256
N_PARAMETERS = 100_000


@pytest.fixture(autouse=True)
def memory_as_in_a_run() -> Iterator[None]:
    """Give matrix products the scratch memory that they have in a fit."""
    native.lend(True)
    yield
    native.lend(False)


def prepared(function: tables.Function, **fields: Any) -> Callable[[], int]:
    """A call of a kernel, after one warm-up call."""
    run = function.prepared(**fields)
    assert run() == 0
    return run


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
    return np.array([*component.hyper(), 0.0])  # the address of an empty array means nothing


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
    ends = {"end_column": inputs if product == "backward" else outputs, "end_parameter": arrays["parameters"].size}
    sizes = {"n_rows": rows, "n_inputs": inputs, "n_outputs": outputs, "hyper": np.array([1.0]), "training": 1}  # with biases
    benchmark(prepared(getattr(tables.layer(native.layer_dense), f"{product}_f32"), **arrays, **sizes, **ends))
    benchmark.extra_info["GFLOP/s"] = 2e-9 * rows * inputs * outputs / benchmark.stats.stats.min


# ---- layers of tables -------------------------------------------------------------------------------------------------------

#: With the features that they are given.
LAYERS = {
    "periodic_embedding": (PeriodicEmbedding(), 14),
    "scale": (Scale(), 56),
    "parametric_activation": (ParametricActivation("selu"), 256),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("direction", ["forward", "backward", "gradient"])
def test_layer(benchmark: Any, direction: str, name: str) -> None:
    layer, n_inputs = LAYERS[name]
    plan, rows = layer.plan((n_inputs,)), 256
    n_parameters, n_outputs = sum(tensor.size for tensor in plan.tensors), plan.output_shape[0]
    kernel, inner = native_kernel(layer), layer.inner_activation
    assert kernel is not None, "every layer has a kernel"
    table = tables.layer(kernel.load())
    activation = None if inner is None else tables.address_of_table(inner.kernel.load(), "activation")
    fields = {
        "x": numbers(rows, n_inputs),
        "y": numbers(rows, n_outputs),
        "d_y": numbers(rows, n_outputs),
        "d_x": numbers(rows, n_inputs),
        "parameters": numbers(n_parameters),
        "d_parameters": numbers(n_parameters),
        "cache": numbers(plan.cache_per_row * rows),
        "work": numbers(plan.work),
        "numbers": plan.numbers,
        "hyper": hyper_of(layer),
        "activation": activation,
    }
    sizes = {"n_rows": rows, "n_inputs": n_inputs, "n_outputs": n_outputs, "end_parameter": n_parameters, "training": 1}
    table.forward_f32.must(**fields, **sizes)
    benchmark(prepared(getattr(table, f"{direction}_f32"), **fields, **sizes))


# ---- elementwise ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", of_class(activations()), ids=lambda activation: type(activation).__name__)
def test_activation_forward(benchmark: Any, activation: Activation) -> None:
    z, a, hyper = numbers(ROWS, COLUMNS), numbers(ROWS, COLUMNS), hyper_of(activation)
    benchmark(prepared(table_of(activation, tables.activation).forward_f32, z=z, a=a, n_rows=ROWS, n_columns=COLUMNS, hyper=hyper))


@pytest.mark.parametrize("activation", of_class(activations(trainable=True)), ids=lambda activation: type(activation).__name__)
def test_activation_backward(benchmark: Any, activation: Activation) -> None:
    z, a, d_a, d_z, hyper = *(numbers(ROWS, COLUMNS) for _ in range(4)), hyper_of(activation)
    table = table_of(activation, tables.activation)
    shape = {"n_rows": ROWS, "n_columns": COLUMNS, "hyper": hyper}
    table.forward_f32.must(z=z, a=a, **shape)
    benchmark(prepared(table.backward_f32, z=z, a=a, d_a=d_a, d_z=d_z, **shape))


@pytest.mark.parametrize("loss", of_class(losses()), ids=lambda loss: type(loss).__name__)
def test_loss(benchmark: Any, loss: Loss) -> None:
    rng = np.random.default_rng(0)
    table = table_of(loss, tables.loss)
    output, value, d_output, hyper = np.abs(numbers(ROWS, 10)) / 5 + 0.1, numbers(ROWS), numbers(ROWS, 10), hyper_of(loss)
    arrays = {"output": output, "weight": np.ones(ROWS, np.float32), "loss": value, "d_output": d_output, "hyper": hyper}
    if table.labels_f32 is not None:
        labels = rng.integers(10, size=ROWS)
        benchmark(prepared(table.labels_f32, **arrays, labels=labels, n_rows=ROWS, n_outputs=10))
    else:
        target = rng.integers(2, size=(ROWS, 10)).astype(np.float32)
        benchmark(prepared(table.real_f32, **arrays, target=target, n_rows=ROWS, n_outputs=10, n_targets=10))


# ---- updates ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in registry.names("optimizers") if native_kernel(registry.get("optimizers", name)())])
def test_optimizer(benchmark: Any, name: str) -> None:
    optimizer = registry.get("optimizers", name)()
    table = table_of(optimizer, tables.optimizer)
    if optimizer.needs_tensors:
        pytest.skip("it updates tensor by tensor")
    w, g, state = numbers(N_PARAMETERS), numbers(N_PARAMETERS), np.zeros((max(1, optimizer.n_slots), N_PARAMETERS), np.float32)
    vectors, n = {"w": w, "g": g, "state": state}, N_PARAMETERS
    benchmark(prepared(table.step_f32, **vectors, n=n, stride=n, t=1, hyper=hyper_of(optimizer)))
    benchmark.extra_info["ns a parameter"] = 1e9 * benchmark.stats.stats.min / N_PARAMETERS


def table_of(component: Any, open_table: Callable[[object], Any]) -> Any:
    kernel = native_kernel(component)
    assert kernel is not None
    return open_table(kernel.load())
