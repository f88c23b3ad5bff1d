"""Conformance checks of layers."""

from __future__ import annotations

import contextlib
import math
import tracemalloc
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from nncore import registry
from nncore._core import SparseRows
from nncore.contract import Layer, Plan, checked_domain, native_kernel
from nncore.data import SparseSamples
from nncore.errors import NNCoreError, PluginError
from nncore.layers.dense import Dense
from nncore.layers.flatten import Flatten
from nncore.network import Sequential
from nncore.program import team_of
from nncore.testing import networks, tables
from nncore.testing.differences import expect_gradient
from nncore.testing.domains import expect_in_domain
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.formulas import layer_by_formula
from nncore.testing.hyperparameters import unusual
from nncore.testing.layer_calls import NOISE, Call, Split, first_buffers, size
from nncore.testing.setting import setting
from nncore.testing.twin import numpy_twin

ROWS = (1, 7, 8, 9, 130)
DTYPES = (np.float32, np.float64)

#: Number of elements of a batch with many rows.
MANY = 2**18

#: Largest memory of a plan in bytes, for samples of any size.
MOST_PLANNED = 16 * 2**20


class LayerConformance(networks.NetworkConformance):
    """Conformance checks of a layer.

    >>> class TestDropout(LayerConformance):
    ...     name = "dropout"

    Attributes
    ----------
    input_shapes : sequence of tuple of int
        Shapes of a sample to test; gradients are checked for the first. The layer's class may have this attribute instead.
    exact_gradient : bool
        False if `backward` is by design not the derivative of `forward` (statistics taken as constants, straight-through estimators).
        Gradients are then not checked. The layer's class may have this attribute instead.
    """

    kind = "layers"
    guarded_check = "test_forward_and_backward"
    input_shapes: ClassVar[Sequence[tuple[int, ...]]] = setting(((4,), (1,), (7,), (8,), (9,), (1023,)))
    exact_gradient: ClassVar[bool] = setting(True)

    def inputs(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Inputs of the given shape, rows first. Override it if the layer does not accept normal random numbers."""
        return rng.normal(size=shape)

    def test_plan(self) -> None:
        for shape in self.input_shapes:
            self.each(partial(check_plan, shape=shape))

    def test_planning_takes_little_memory(self) -> None:
        self.each(check_planning)

    def test_forward_and_backward(self) -> None:
        self._each_that_computes(self._check_rungs)

    def test_output_domain(self) -> None:
        self._each_that_computes(self._check_domain)

    def test_kernel_agrees_with_numpy(self) -> None:
        self._each_that_computes(self._check_agreement)

    def test_formula(self) -> None:
        self._each_that_computes(self._check_formula)

    def test_gradient(self) -> None:
        if self.exact_gradient:
            self._each_that_computes(self._check_gradient)

    def test_gradients_of_many_rows_keep_their_digits(self) -> None:
        self._each_that_computes(self._check_digits)

    def test_rows_are_independent_at_prediction(self) -> None:
        self._each_that_computes(self._check_rows)

    def test_parts_give_the_bits_of_the_whole(self) -> None:
        self._each_that_computes(self._check_parts)

    def test_sums_of_some_rows_are_joined(self) -> None:
        self._each_that_computes(self._check_sums)

    def test_sparse_rows_give_what_a_matrix_gives(self) -> None:
        self._each_that_computes(self._check_sparse)

    def test_inputs_that_are_not_finite_show(self) -> None:
        self._each_that_computes(self._check_spread)

    def network(self) -> Sequential:
        """A network with the layer as a hidden layer, or as the first one if it does not take vectors, or takes NaN."""
        layer = registry.resolve("layers", registry.config_of("layers", self.components()[0]))
        if self._is_hidden():
            return Sequential(Dense(self.input_shapes[0][0]), layer, Flatten(), Dense(3)).build(4, rng=5)
        return Sequential(layer, Flatten(), Dense(3)).build(self.input_shapes[0], rng=5)

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """Fit `network`, or continue its training."""
        history = network.fit(
            self.network_inputs(network), networks.classes(), loss="softmax_cross_entropy", optimizer="adam",
            epochs=epochs, batch_size=16, progress=False,
        )  # fmt: skip
        return list(history["loss"])

    def network_inputs(self, network: Sequential) -> np.ndarray:
        """Inputs of the network: vectors of four features for a hidden layer, otherwise the layer's inputs."""
        return networks.inputs() if self._is_hidden() else self.inputs(np.random.default_rng(11), (60, *network.input_shape))

    def can_train(self) -> bool:
        """Whether the layer can be trained."""
        return all(layer.trainable for layer in self.components())

    def _is_hidden(self) -> bool:
        shape = self.input_shapes[0]
        return len(shape) == 1 and not self.components()[0].plan(shape).accepts_nan

    def _each_that_computes(self, check: Any) -> None:
        """Check each layer that computes something itself, and does not consist of layers or only pass its input on."""

        def check_one(layer: Layer) -> None:
            plan = layer.plan(self.input_shapes[0])
            if not plan.is_view and not plan.branches:
                check(layer)

        self.each(check_one)

    def _problem(self, layer: Layer, n_rows: int, shape: tuple[int, ...], dtype: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, Plan]:
        """x, parameters of order one, buffers as after some training, and the plan."""
        plan, rng = layer.plan(shape), np.random.default_rng([n_rows, *shape])
        buffers = first_buffers(plan, np.dtype(dtype))
        parameters = rng.normal(size=size(plan.tensors)).astype(dtype)
        x = self.inputs(rng, (n_rows, *shape)).astype(dtype)
        before = Call(numpy_twin(layer), self.inputs(rng, (5, *shape)).astype(dtype), parameters, buffers)
        before.forward()
        return x, parameters, before.buffers.array.copy(), plan

    def _outcome(self, layer: Layer, n_rows: int, shape: tuple[int, ...], dtype: Any, nudge: float = 0.0) -> dict[str, np.ndarray]:
        """All results of calls of the layer. `nudge` is a relative change of its inputs."""
        x, parameters, buffers, _ = self._problem(layer, n_rows, shape, dtype)
        x *= x.dtype.type(1 + nudge)
        call = Call(layer, x, parameters, buffers)
        outcome = {"y": call.forward().copy()}
        if layer.trainable:
            d_y = np.random.default_rng(n_rows).normal(size=outcome["y"].shape).astype(dtype)
            d_x, d_parameters = (array.copy() for array in call.backward(d_y))
            again = Call(layer, x, parameters, buffers)
            again.forward()
            _, alone = again.backward(d_y, want_d_x=False)
            expect_same_bits(alone, d_parameters, "d_parameters when nobody asks for d_x")
            expect((again.d_x.array == NOISE).all(), "d_x is written although nobody asks for it")
            outcome |= {"d_x": d_x, "d_parameters": d_parameters}
        predicted = Call(layer, x, parameters, call.buffers.array, training=False)
        kept = call.buffers.array.copy()
        outcome["buffers"] = kept
        if not layer.plan(shape).training_only:
            outcome["y at prediction"] = predicted.forward().copy()
            expect_same_bits(predicted.buffers.array, kept, "the buffers after a prediction, which must not change them")
        return outcome

    def _check_rungs(self, layer: Layer) -> None:
        """Check on every rung that results are finite, nothing else is written, and equal calls give the same bits."""
        for rung in [numpy_twin(layer)] + ([layer] if native_kernel(layer) else []):
            for n_rows in ROWS:
                for dtype in DTYPES:
                    first, second = (self._outcome(rung, n_rows, self.input_shapes[0], dtype) for _ in range(2))
                    for name, value in first.items():
                        what = f"{rung!r}, {n_rows} rows, {dtype.__name__}: {name}"
                        expect(np.isfinite(value).all(), f"{what} is not finite")
                        expect_same_bits(second[name], value, f"{what} a second time")

    def _check_agreement(self, layer: Layer) -> None:
        """Check that the kernel agrees with the methods, for the given hyperparameters and for unusual ones.

        Results may differ by 16 roundings of the largest number, times the root of the number of terms in a sum. Or they may differ by 16
        times the effect of a change of the inputs by one rounding.
        """
        if native_kernel(layer) is None:
            return
        for variant in [layer, *unusual(layer)]:
            for n_rows, shape in [*((n, self.input_shapes[0]) for n in ROWS), *((3, shape) for shape in self.input_shapes[1:])]:
                for dtype in DTYPES:
                    eps = float(np.finfo(dtype).eps)
                    actual, expected = (self._outcome(rung, n_rows, shape, dtype) for rung in (variant, numpy_twin(variant)))
                    nearby = self._outcome(numpy_twin(variant), n_rows, shape, dtype, nudge=eps)
                    for name, should in expected.items():
                        scale = max(1.0, float(np.abs(should).max(initial=0)))
                        roundings = 16 * eps * scale * np.sqrt(n_rows + np.prod(shape))
                        amplified = 16 * float(np.abs(nearby[name] - should).max(initial=0))
                        what = f"{variant!r}, {n_rows} rows, shape {shape}, {dtype.__name__}: the kernel's {name}"
                        expect_close(actual[name], should, max(roundings, amplified), what)

    def _check_formula(self, layer: Layer) -> None:
        """Check that `formula` agrees with `forward` in prediction, up to rounding, like a kernel."""
        for variant in [layer, *unusual(layer)]:
            for n_rows, shape in [*((n, self.input_shapes[0]) for n in ROWS), *((3, shape) for shape in self.input_shapes[1:])]:
                for dtype in DTYPES:
                    x, parameters, buffers, plan = self._problem(variant, n_rows, shape, dtype)
                    if plan.training_only:
                        return
                    twin, eps = numpy_twin(variant), float(np.finfo(dtype).eps)
                    y, nearby = (Call(twin, at, parameters, buffers, training=False).forward() for at in (x, x * dtype(1 + eps)))
                    y = y.copy()
                    scale = max(1.0, float(np.abs(np.nan_to_num(y)).max(initial=0)))
                    tolerance = 16 * max(eps * scale * np.sqrt(n_rows + np.prod(shape)), float(np.nanmax(np.abs(nearby - y), initial=0)))
                    what = f"{variant!r}, {n_rows} rows, shape {shape}, {dtype.__name__}: the formula's y"
                    expect_close(layer_by_formula(variant, plan, x, parameters, buffers), y, tolerance, what)

    def _check_gradient(self, layer: Layer) -> None:
        """Check on every rung that `backward` gives the derivatives of `forward` with respect to inputs and parameters."""
        if not layer.trainable:
            return
        for variant in [layer, *unusual(layer)]:
            for rung in [numpy_twin(variant)] + ([variant] if native_kernel(variant) else []):
                x, parameters, buffers, plan = self._problem(rung, 5, self.input_shapes[0], np.float64)
                call = Call(rung, x, parameters, buffers)
                d_y = np.random.default_rng(1).normal(size=call.forward().shape)
                d_x, d_parameters = call.backward(d_y)

                value = partial(_projected, rung, x, parameters, buffers, d_y)
                expect_gradient(d_x.reshape(x.shape), value, x, f"{rung!r}: d_x")
                offset = 0
                for tensor in plan.tensors:
                    part = slice(offset, offset + tensor.size)
                    expect_gradient(d_parameters[part], value, parameters[part], f"{rung!r}: d_{tensor.name}")
                    offset += tensor.size
                if not plan.training_only:
                    call = Call(rung, x, parameters, buffers, training=False)
                    call.forward()
                    d_x, _ = call.backward(d_y)
                    value = partial(_projected, rung, x, parameters, buffers, d_y, training=False)
                    expect_gradient(d_x.reshape(x.shape), value, x, f"{rung!r}: d_x of a prediction")

    def _check_digits(self, layer: Layer) -> None:
        """Check that sums over many rows are precise in float32: adding one row after the other does not pass.

        Gradients may differ from float64 by 64 roundings of the largest possible sum over all rows.
        """
        shape = self.input_shapes[0]
        if not layer.plan(shape).tensors or layer.plan(shape).training_only:
            return
        n_rows = MANY // math.prod(shape)
        x = self.inputs(np.random.default_rng(7), (n_rows, *shape)).astype(np.float32)
        for rung in [numpy_twin(layer)] + ([layer] if native_kernel(layer) else []):
            gradients, parameters = [], None
            for dtype in DTYPES:
                network = Sequential(rung).build(shape, rng=5, dtype=dtype)
                parameters = network.parameters.copy() if parameters is None else parameters
                network.parameters[...] = parameters
                network.forward(x.astype(dtype), training=True)
                network.backward(d_output=np.full((n_rows, *network.output_shape), np.float32(1 / 3), dtype))
                gradients.append(network.gradients.copy())
            largest = max(1.0, float(np.nanmax(np.abs(x))), layer.plan(shape).gradient_bound) * layer.plan(shape).gradient_terms
            tolerance = 64 * float(np.finfo(np.float32).eps) * n_rows * largest / 3
            expect_close(gradients[0], gradients[1], tolerance, f"{rung!r}, {n_rows} rows: gradients in float32")

    def _check_rows(self, layer: Layer) -> None:
        """Check that a row's prediction does not depend on other rows, to the bit (compiled only; NumPy's BLAS may differ)."""
        if native_kernel(layer) is None or layer.plan(self.input_shapes[0]).training_only:
            return
        for dtype in DTYPES:
            x, parameters, buffers, _ = self._problem(layer, 29, self.input_shapes[0], dtype)
            whole = Call(layer, x, parameters, buffers, training=False).forward()
            blocks = [slice(0, 1), slice(1, 4), slice(4, 17), slice(17, 29)]
            # The host's buffers are not the caller's: a slice may begin at any row of them.
            parts = [Call(layer, x[block], parameters, buffers, training=False, first_row=29 - block.stop).forward() for block in blocks]
            expect_same_bits(np.concatenate(parts), whole, f"{dtype.__name__}: y of blocks of rows")

    def _check_spread(self, layer: Layer) -> None:
        """Check for plans with `spreads_nan` that the first output of a sample shows whether its inputs are finite, for any parameters."""
        if native_kernel(layer) is None or not layer.plan(self.input_shapes[0]).spreads_nan:
            return
        for dtype in DTYPES:
            for factor in (1, 0):
                x, parameters, buffers, _ = self._problem(layer, 29, self.input_shapes[0], dtype)
                for i, row in enumerate(x.reshape(len(x), -1)):
                    row[i % row.size] = (np.nan, np.inf, -np.inf)[i % 3]
                y = Call(layer, x, parameters * parameters.dtype.type(factor), buffers, training=False).forward()
                hidden = np.isfinite(y[:, 0]).nonzero()[0]
                what = f"{dtype.__name__}: first outputs of samples {hidden} are finite, their inputs are not; the plan says spreads_nan"
                expect(hidden.size == 0, what)

    def _check_domain(self, layer: Layer) -> None:
        """Check that predictions are in the domain of the plan."""
        if layer.plan(self.input_shapes[0]).training_only:
            return
        for one in (layer, numpy_twin(layer)):
            x, parameters, buffers, plan = self._problem(one, 64, self.input_shapes[0], np.float64)
            y = Call(one, x, parameters, buffers, training=False).forward()
            expect_in_domain(y, x, checked_domain(plan.output_domain, layer), f"{one!r}")

    def _check_parts(self, layer: Layer) -> None:
        """Check that a kernel called in parts in training, as its plan allows, gives the same bits as one call."""
        plan = layer.plan(self.input_shapes[0])
        allowed: dict[Split, object] = {"rows": plan.split_rows, "columns": plan.split_columns, "parameters": plan.gradient_unit}
        splits = [split for split, is_allowed in allowed.items() if is_allowed]
        if native_kernel(layer) is None:
            return
        for n_rows, shape in [*((n, self.input_shapes[0]) for n in ROWS), *((3, shape) for shape in self.input_shapes[1:])]:
            for dtype in DTYPES:
                whole = self._trained(layer, n_rows, shape, dtype, "nothing")
                for split in splits:
                    for name, value in self._trained(layer, n_rows, shape, dtype, split).items():
                        what = f"{n_rows} rows, shape {shape}, {dtype.__name__}: {name} by some {split} at a time"
                        expect_same_bits(value, whole[name], what)

    def _check_sums(self, layer: Layer) -> None:
        """Check that a kernel gives the same results with given batch sums as with its own, up to 64 roundings of the largest number."""
        if native_kernel(layer) is None or not layer.plan(self.input_shapes[0]).batch_sums:
            return
        for n_rows, shape in [*((n, self.input_shapes[0]) for n in ROWS[1:]), *((7, shape) for shape in self.input_shapes[1:])]:
            for dtype in DTYPES:
                whole, joined = (self._trained(layer, n_rows, shape, dtype, split) for split in ("nothing", "sums"))
                for name, should in whole.items():
                    tolerance = 64 * float(np.finfo(dtype).eps) * max(1.0, float(np.abs(should).max(initial=0))) * np.sqrt(n_rows)
                    what = f"{n_rows} rows, shape {shape}, {dtype.__name__}: {name} by joined sums"
                    expect_close(joined[name], should, tolerance, what)

    def _check_sparse(self, layer: Layer) -> None:
        """Check that a kernel gives the same results for sparse rows as for a dense matrix, up to 64 roundings.

        The results must not depend on the number of threads, to the bit.
        """
        shape = self.input_shapes[0]
        if native_kernel(layer) is None or not layer.plan(shape).takes_sparse:
            return
        for n_rows in ROWS:
            rng = np.random.default_rng(n_rows)
            is_there = rng.random((n_rows, *shape)) < 0.3
            matrix = np.where(is_there, rng.normal(size=(n_rows, *shape)), 0)
            ends = np.concatenate([[0], np.cumsum(is_there.sum(axis=1))])
            for dtype in DTYPES:
                x, columns = matrix.astype(dtype), np.flatnonzero(is_there) % shape[0]
                rows = SparseRows(ends[:-1], ends[1:], columns.astype(np.int32), x[is_there], shape[0])
                network = Sequential(layer).build(shape, rng=5, dtype=dtype)
                d_output = rng.normal(size=(n_rows, *network.output_shape)).astype(dtype)
                whole, sparse = (_both_ways(network, given, d_output, 1) for given in (x, SparseSamples(rows)))
                shared = _both_ways(network, SparseSamples(rows), d_output, 3)
                tolerance = 64 * float(np.finfo(dtype).eps) * max(1.0, float(np.abs(whole[1]).max())) * np.sqrt(n_rows)
                for name, of_matrix, of_rows, of_team in zip(("y", "d_parameters"), whole, sparse, shared, strict=True):
                    what = f"{n_rows} sparse rows, {dtype.__name__}: {name}"
                    expect_close(of_rows, of_matrix, tolerance, what)
                    expect_same_bits(of_team, of_rows, f"{what} of three threads")

    def _trained(self, layer: Layer, n_rows: int, shape: tuple[int, ...], dtype: Any, split: Split) -> dict[str, np.ndarray]:
        """Results of a forward and a backward call, possibly split."""
        x, parameters, buffers, plan = self._problem(layer, n_rows, shape, dtype)
        call = Call(layer, x, parameters, buffers)
        y = call.forward(split).copy()
        if not layer.trainable:
            return {"y": y, "buffers": call.buffers.array}
        d_y = np.random.default_rng(n_rows).normal(size=y.shape).astype(dtype)
        d_x, d_parameters = call.backward(d_y, split=split)
        if plan.gradient_unit and not plan.reads_parameters_in_gradient:
            check_bound(plan, x, d_y, d_parameters)
        return {"y": y, "d_x": d_x, "d_parameters": d_parameters, "buffers": call.buffers.array, "cache": call.cache.array}


def _both_ways(network: Sequential, x: Any, d_output: np.ndarray, n_threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Outputs of a network for a batch, and the gradients of all parameters, computed by a team of threads."""
    with team_of(n_threads):
        y = network.forward(x, training=True)
        network.backward(d_output=d_output)
    return y, network.gradients.copy()


def _projected(
    layer: Layer, x: np.ndarray, parameters: np.ndarray, buffers: np.ndarray, d_y: np.ndarray, *, training: bool = True
) -> float:
    return float((Call(layer, x, parameters, buffers, training).forward() * d_y).sum())


def check_plan(layer: Layer, shape: tuple[int, ...]) -> None:
    """Check that the plan is valid, the same every time, and fits the kernel."""
    plan = layer.plan(shape)
    what = f"plan({shape})"
    try:
        plan.validate(shape)
    except PluginError as error:
        raise AssertionError(f"{what}: {error}") from None
    for tensor in plan.tensors:
        if tensor.initializer is not None:
            registry.resolve("initializers", tensor.initializer)
    if plan.activation is not None:
        registry.resolve("activations", plan.activation)
    check_splitting(layer, plan, what)
    expect(layer.plan(shape) == plan, f"{what} differs when it is asked again")


def check_planning(layer: Layer) -> None:
    """Check that a plan for a large sample takes little memory: a small file may name any shape, and `nncore.load` plans first."""
    for shape in ((10**8,), (10**4, 10**4)):
        tracemalloc.start()
        try:
            with contextlib.suppress(NNCoreError):  # the layer may refuse such a sample
                layer.plan(shape)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        expect(peak < MOST_PLANNED, f"plan({shape}) takes {peak / 2**20:.0f} MiB: keep numbers that say how many, not lists of them")


def check_bound(plan: Plan, x: np.ndarray, d_y: np.ndarray, d_parameters: np.ndarray) -> None:
    """Check that gradients are within the bound that the host assumes unless x has NaN."""
    factor = max(plan.gradient_bound, float(np.abs(x).max()))
    n_terms = len(x) * plan.gradient_terms
    bound = factor * float(np.abs(d_y).max()) * n_terms * (1 + n_terms * float(np.finfo(x.dtype).eps))
    largest = float(np.abs(d_parameters).max())
    expect(
        not largest > bound,
        f"d_parameters reach {largest:.3g}, and {n_terms} numbers of d_y times one up to {factor:.3g} only {bound:.3g}: "
        "say more in the plan's gradient_bound or gradient_terms",
    )


def check_splitting(layer: Layer, plan: Plan, what: str) -> None:
    """Check that the plan's declarations about splitting fit the kernel."""
    unit = plan.gradient_unit
    if (kernel := native_kernel(layer)) is None:
        return
    expect(
        not (plan.split_rows and plan.tensors and unit == 0),
        f"{what}: with split_rows, gradients, which are sums over all rows, need gradient functions and a gradient_unit",
    )
    table = tables.layer(kernel.load())
    for suffix in tables.SUFFIXES.values():
        has_gradient = getattr(table, f"gradient_{suffix}") is not None
        expect(
            has_gradient == (unit > 0),
            f"{what}: gradient_unit is {unit}, and the kernel has {'a' if has_gradient else 'no'} gradient_{suffix}",
        )
