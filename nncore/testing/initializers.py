"""Conformance checks of initializers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nncore import registry
from nncore.contract import Initializer
from nncore.errors import NNCoreError
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.testing import networks
from nncore.testing.expectations import expect, expect_same_bits

#: (shape, fan-in, fan-out): weights of all proportions, and biases.
TENSORS = (((1, 1), 1, 1), ((7, 9), 7, 9), ((64, 8), 64, 8), ((3, 100), 3, 100), ((9,), 7, 9), ((1,), 1, 1))


class InitializerConformance(networks.NetworkConformance):
    """Conformance checks of an initializer.

    >>> class TestHeNormal(InitializerConformance):
    ...     name = "he_normal"
    """

    kind = "initializers"
    guarded_check = "test_sample"

    def test_sample(self) -> None:
        self.each(check_sample)

    def test_no_connections(self) -> None:
        self.each(check_fan_in)

    def test_refine(self) -> None:
        self.each(check_refine)

    def test_network_starts_with_the_same_bits(self) -> None:
        self.each(check_network)

    def network(self) -> Sequential:
        """An unbuilt network: data-dependent initializers receive the batch from `fit`."""
        return Sequential(Dense(8, activation="tanh", weight_initializer=described(self.components()[0])), Dense(3))

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """Fit `network`, or continue its training."""
        rng = None if network.is_built else 5
        history = network.fit(
            networks.inputs(), networks.classes(), loss="softmax_cross_entropy", optimizer="adam",
            epochs=epochs, batch_size=16, progress=False, rng=rng,
        )  # fmt: skip
        return list(history["loss"])


def described(initializer: Initializer) -> Any:
    """Describe it by name and arguments, as users and files do."""
    return registry.resolve("initializers", registry.config_of("initializers", initializer))


def check_sample(initializer: Initializer) -> None:
    """Check that it gives finite numbers of the requested shape, uses only the given generator, and returns a new array every time."""
    for shape, fan_in, fan_out in TENSORS:
        what = f"sample(rng, {shape}, {fan_in}, {fan_out})"
        first, second = (np.asarray(initializer.sample(np.random.default_rng(1), shape, fan_in, fan_out)) for _ in range(2))
        expect(first.shape == shape, f"{what} has shape {first.shape}")
        expect(first.dtype.kind == "f", f"{what} has dtype {first.dtype}, floating-point numbers are expected")
        expect(np.isfinite(first).all(), f"{what} is not finite")
        expect_same_bits(second, first, f"{what} from an equal generator")


def check_fan_in(initializer: Initializer) -> None:
    """Check that a unit without inputs has finite parameters too."""
    for shape, fan_in, fan_out in (((5,), 0, 5), ((5,), 1, 5), ((1, 5), 1, 5)):
        values = np.asarray(initializer.sample(np.random.default_rng(2), shape, fan_in, fan_out))
        expect(values.shape == shape and np.isfinite(values).all(), f"sample(rng, {shape}, fan_in={fan_in}, {fan_out}) gives {values}")


def check_refine(initializer: Initializer) -> None:
    """Check for `needs_batch` that `refine` changes tensors in place, to finite numbers, reproducibly, with and without bias.

    A batch with too little information (a single row, the same value everywhere) may be refused, with an error of `nncore.errors`.
    """
    refines = type(initializer).refine is not Initializer.refine
    expect(
        initializer.needs_batch == refines, f"needs_batch is {initializer.needs_batch}, but refine is {'' if refines else 'not '}defined"
    )
    if not initializer.needs_batch:
        expect(not initializer.looks_at_network, "looks_at_network is True and needs_batch is not: without a batch there is nothing to run")
        return
    wanted = initializer.batch_rows
    expect(isinstance(wanted, int) and wanted > 0, f"batch_rows is {wanted!r}; it must be a whole number of at least 1")
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 6)) * [1, 2, 3, 0.1, 1, 1]
    constant = np.full((50, 6), 0.5)
    for inputs in (x, x[:1], constant):
        says_enough = inputs is x
        for has_bias in (True, False):
            for dtype in (np.float32, np.float64):
                results = []
                for _ in range(2):
                    weight = np.asarray(initializer.sample(np.random.default_rng(4), (6, 4), 6, 4)).astype(dtype)
                    bias = np.zeros(4, dtype) if has_bias else None
                    batch = inputs.astype(dtype)
                    try:
                        initializer.refine(np.random.default_rng(6), batch, weight, bias)
                    except NNCoreError:
                        if says_enough:
                            raise
                        continue
                    expect_same_bits(batch, inputs.astype(dtype), "the batch, which refine must not write")
                    results.append(np.append(weight.ravel(), [] if bias is None else bias))
                what = f"refine with {len(inputs)} rows, {'a' if has_bias else 'no'} bias, {dtype.__name__}"
                expect(len(results) != 1, f"{what} is refused only once in two times")
                for result in results:
                    expect(np.isfinite(result).all(), f"{what} gives numbers that are not finite")
                    expect_same_bits(result, results[0], f"{what} a second time")


def check_network(initializer: Initializer) -> None:
    """Check that equal networks start with the same finite parameters, in both dtypes, with the initializer for weights or biases.

    The network has two layers, since their values may be adapted to one another.
    """
    for dtype in ("float32", "float64"):
        for where in ("weight_initializer", "bias_initializer"):
            if where == "bias_initializer" and initializer.needs_batch:
                continue  # it is tested through the weight
            values = {where: described(initializer)}
            layers = Dense(5, activation="relu", **values), Dense(3, **values)
            vectors = [Sequential(*layers).build(4, rng=7, dtype=dtype, batch=networks.inputs()).parameters.copy() for _ in range(2)]
            expect(math.prod(vectors[0].shape) == 43 and np.isfinite(vectors[0]).all(), f"as {where}: parameters {vectors[0]}")
            expect_same_bits(vectors[1], vectors[0], f"as {where}, {dtype}: parameters of an equal network")
