"""Conformance checks of transforms."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from nncore import registry
from nncore.contract import Transform, TransformCall, native_kernel
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.testing import networks, tables
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.guarded import Guarded
from nncore.testing.hyperparameters import unusual
from nncore.testing.twin import numpy_twin
from nncore.testing.uneven import uneven

#: Rows and columns of batches to test.
SHAPES = ((1, 3), (2, 1), (7, 3), (33, 5), (64, 8))
DTYPES = (np.float32, np.float64)
N_TARGETS = 3
#: Key of the random numbers: that of the first transform of a list.
SEED, STEP, LAYER = 2**63 + 5, 3, -2


class TransformConformance(networks.NetworkConformance):
    """Conformance checks of a transform.

    >>> class TestMixup(TransformConformance):
    ...     name = "mixup"
    """

    kind = "transforms"
    guarded_check: ClassVar[str] = "test_apply"

    def test_apply(self) -> None:
        self.each(check_apply)

    def test_kernel_agrees_with_numpy(self) -> None:
        self.each(check_agreement)

    def test_rows_may_be_split(self) -> None:
        self.each(check_slices)

    def test_depends_on_the_key_alone(self) -> None:
        self.each(check_memory)

    def network(self) -> Sequential:
        """A classifier that is trained on transformed batches."""
        return Sequential(Dense(8, activation="tanh"), Dense(3)).build(
            4, loss="softmax_cross_entropy", optimizer={"name": "adam", "lr": 0.02}, rng=5
        )

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """A fit with the transform, found by name."""
        return self._train(network, epochs, self.components()[0])

    def _train(self, network: Sequential, epochs: int, transform: Transform) -> list[float]:
        described = registry.config_of("transforms", transform)
        history = network.fit(networks.inputs(), networks.classes(), epochs=epochs, batch_size=16, transforms=[described], progress=False)
        return list(history["loss"])

    def test_a_fit_goes_on_with_the_batches_it_would_have_met(self) -> None:
        """Fits of one epoch, each after saving and loading, end with the same bits as one fit of all epochs."""
        self.each(
            lambda transform: networks.check_epochs_one_by_one(
                self.network, lambda network, epochs: self._train(network, epochs, transform)
            )
        )


class Batch:
    """Inputs, some of them missing, with targets and weights that sum to 1."""

    def __init__(self, n_rows: int, n_inputs: int, dtype: type) -> None:
        rng = np.random.default_rng([n_rows, n_inputs])
        self.x: np.ndarray = rng.normal(size=(n_rows, n_inputs)).astype(dtype)
        self.x[rng.uniform(size=self.x.shape) < 0.1] = np.nan
        self.target: np.ndarray = np.eye(N_TARGETS, dtype=dtype)[rng.integers(N_TARGETS, size=n_rows)]
        weight: np.ndarray = rng.integers(1, 3, n_rows).astype(dtype)
        self.weight: np.ndarray = np.asarray(weight / weight.sum(), dtype)
        self.columns = np.ones(n_inputs, bool)

    def __str__(self) -> str:
        return f"{self.x.dtype}, batch {self.x.shape}:"


class Rung:
    """A transform on guarded buffers: compiled, or NumPy if it has no kernel."""

    def __init__(self, transform: Transform) -> None:
        kernel = native_kernel(transform)
        self.transform = transform
        self.table = None if kernel is None else tables.transform(kernel.load())
        self.name = "NumPy" if kernel is None else "the kernel"

    def __call__(self, batch: Batch, step: int = STEP, slices: list[tuple[int, int]] | None = None) -> dict[str, np.ndarray]:
        """Apply the transform: x, target and weight by name."""
        mixes = self.transform.mixes_targets
        sources = {"x": batch.x, "target": batch.target, "weight": batch.weight}
        read = {name: Guarded(array, f"source_{name}") for name, array in sources.items() if mixes or name == "x"}
        written = {name: Guarded(array, name) for name, array in sources.items() if mixes or name == "x"}
        if self.table is None:
            self._on_numpy(batch, step, read, written)
        else:
            function = getattr(self.table, f"apply_{tables.SUFFIXES[batch.x.dtype]}")
            expect(function is not None, f"the kernel has no apply for {batch.x.dtype}")
            for first, end in slices or [(0, len(batch.x))]:
                function.must(
                    source=read["x"].array,
                    x=written["x"].array[first:end],
                    source_target=read["target"].array if mixes else None,
                    source_weight=read["weight"].array if mixes else None,
                    target=written["target"].array[first:end] if mixes else None,
                    weight=written["weight"].array[first:end] if mixes else None,
                    columns=batch.columns.view(np.uint8),
                    n_rows=end - first,
                    n_inputs=batch.x.shape[1],
                    n_targets=N_TARGETS,
                    first_row=first,
                    batch_rows=len(batch.x),
                    hyper=np.array(self.transform.hyper(), np.float64),
                    seed=SEED,
                    step=step,
                    layer=LAYER,
                    training=1,
                )
        for name, buffer in read.items():
            expect_same_bits(buffer.check(), sources[name], f"{batch} {buffer.name}, which must not be written")
        return {name: buffer.check() for name, buffer in written.items()}

    def _on_numpy(self, batch: Batch, step: int, read: dict[str, Guarded], written: dict[str, Guarded]) -> None:
        call = TransformCall(read["x"].array, written["x"].array, batch.columns, seed=SEED, step=step, layer=LAYER + 2**32)
        if self.transform.mixes_targets:
            call.source_target, call.target = read["target"].array, written["target"].array
            call.source_weight, call.weight = read["weight"].array, written["weight"].array
        for buffer in read.values():
            buffer.array.flags.writeable = False
        self.transform.apply(call)


def rungs(transform: Transform) -> list[Rung]:
    """NumPy, and the kernel if there is one."""
    return [Rung(numpy_twin(transform))] + ([Rung(transform)] if native_kernel(transform) else [])


def batches() -> Iterator[Batch]:
    for (n_rows, n_inputs), dtype in itertools.product(SHAPES, DTYPES):
        yield Batch(n_rows, n_inputs, dtype)


def check_apply(transform: Transform) -> None:
    """Check on every rung: numbers stay finite, missing ones stay missing, weights sum to 1, and the same call gives the same bits."""
    expect(isinstance(transform.mixes_targets, bool), f"mixes_targets is {transform.mixes_targets!r}; it must be True or False")
    for rung, batch in itertools.product(rungs(transform), batches()):
        what, result = f"{rung.name}, {batch}", rung(batch)
        is_missing = np.isnan(batch.x)
        expect(bool(np.isnan(result["x"][is_missing]).all()), f"{what} a missing value (NaN) is no longer missing")
        expect(bool(np.isfinite(result["x"][~is_missing]).all()), f"{what} x is not finite where the source is")
        if transform.mixes_targets:
            expect(bool(np.isfinite(result["target"]).all()), f"{what} target is not finite")
            weight = result["weight"]
            total, allowed = float(weight.astype(np.float64).sum()), 8 * len(weight) * float(np.finfo(weight.dtype).eps)
            expect(bool((weight >= 0).all()) and abs(total - 1) <= allowed, f"{what} weight sums to {total!r}, or is negative somewhere")
        for name, again in rung(batch).items():
            expect_same_bits(again, result[name], f"{what} {name} of a second call")


def check_agreement(transform: Transform) -> None:
    """Check that the kernel agrees with `apply` to 32 roundings, for the given hyperparameters and for unusual ones."""
    if native_kernel(transform) is None:
        return
    for variant in [transform, *unusual(transform)]:
        kernel, oracle = Rung(variant), Rung(numpy_twin(variant))
        for batch in batches():
            expected = oracle(batch)
            for name, is_ in kernel(batch).items():
                should, eps = expected[name], float(np.finfo(is_.dtype).eps)
                same = np.isnan(is_) == np.isnan(should)
                expect(bool(same.all()), f"{batch} the kernel's {name} is missing elsewhere than NumPy's")
                there = ~np.isnan(should)
                allowed = 32 * eps * np.maximum(1, np.abs(should[there]))
                expect_close(is_[there], should[there], allowed, f"{variant!r}, {batch} the kernel's {name}")


def check_slices(transform: Transform) -> None:
    """Check that slices of rows give the same bits as in the whole batch: the host splits a batch among threads."""
    if native_kernel(transform) is None:
        return  # NumPy transforms get a whole batch
    rung = Rung(transform)
    for batch in batches():
        parts = rung(batch, slices=uneven(len(batch.x)))
        for name, whole in rung(batch).items():
            expect_same_bits(parts[name], whole, f"{batch} {name} of slices of rows (element i of a batch has random word i)")


def check_memory(transform: Transform) -> None:
    """Check that a step's result is reproducible: after other steps, and from a new transform."""
    for rung in rungs(transform):
        batch = Batch(33, 5, np.float64)
        first = {step: rung(batch, step) for step in (1, 2, 3)}
        fresh: Transform = registry.resolve("transforms", registry.config_of("transforms", transform))
        twin = Rung(numpy_twin(fresh) if rung.table is None else fresh)
        for whose, one in (("", rung), (" of a fresh transform", twin)):
            for step in (3, 2, 1):
                for name, again in one(batch, step).items():
                    expect_same_bits(again, first[step][name], f"{rung.name}, {batch} {name}{whose} in step {step}, after other steps")
