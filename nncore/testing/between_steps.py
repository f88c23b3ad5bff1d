"""Tools for checks of regularizers and constraints: tensors, parts of tensors, and calls of kernels."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.contract import SPLITS, Constraint, Kernel, Regularizer, native_kernel
from nncore.errors import ParameterError
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.optimizers.sgd import SGD
from nncore.testing import networks, tables
from nncore.testing.expectations import expect, expect_close
from nncore.testing.twin import numpy_twin
from nncore.testing.uneven import uneven

#: Shapes of tensors: one number, a vector, matrices narrower and wider than a vector register, and a large one.
SHAPES = ((1, 1), (1, 9), (3, 5), (7, 65), (130, 3), (70, 67))
DTYPES = (np.float32, np.float64)


def tensor(shape: tuple[int, int], dtype: type, seed: int = 0) -> np.ndarray:
    """Positive and negative numbers of order one, none near 0."""
    rng = np.random.default_rng([*shape, seed])
    return (rng.choice([-1, 1], shape) * rng.uniform(0.2, 2, shape)).astype(dtype)


@dataclass(frozen=True)
class Part:
    """A part of a tensor."""

    first_row: int
    n_rows: int
    first_column: int
    n_columns: int
    place: int
    stride: int


def parts(split: str, shape: tuple[int, int], *, whole: bool) -> list[Part]:
    """Split a tensor into parts on which the component may be called: one, or several uneven ones."""
    rows, columns = shape

    def cuts(n: int) -> Sequence[tuple[int, int]]:
        return [(0, n)] if whole else uneven(n)

    if split == "elements":
        return [Part(0, 1, begin, end - begin, begin, rows * columns) for begin, end in cuts(rows * columns)]
    if split == "rows":
        return [Part(begin, end - begin, 0, columns, begin * columns, columns) for begin, end in cuts(rows)]
    if split == "columns":
        return [Part(0, rows, begin, end - begin, begin, columns) for begin, end in cuts(columns)]
    return [Part(0, rows, 0, columns, 0, columns)]


def call(component: Regularizer | Constraint, stem: str, shape: tuple[int, int], part: Part, w: np.ndarray, **fields: Any) -> None:
    """Call a function of the kernel on a part. Arrays among the fields are whole tensors, except `value`."""
    kernel = native_kernel(component)
    assert kernel is not None, "only what has a kernel is called"
    name = f"{stem}_{tables.SUFFIXES[w.dtype]}"
    placed = {key: value.reshape(-1)[part.place :] if key == "g" else value for key, value in fields.items()}
    place = {name: getattr(part, name) for name in ("first_row", "n_rows", "first_column", "n_columns", "stride")}
    _function(kernel, "regularizer" if isinstance(component, Regularizer) else "constraint", name).must(
        w=w.reshape(-1)[part.place :], **placed, **place, tensor_rows=shape[0], tensor_columns=shape[1], training=1, step=1,
        hyper=np.array(component.hyper(), np.float64),
    )  # fmt: skip


@functools.cache
def _function(kernel: Kernel, kind: str, name: str) -> tables.Function:
    function: tables.Function | None = getattr(tables.open_table(kernel.load(), kind), name)
    if function is None:
        raise AssertionError(f"the kernel has no {name}")
    return function


def check_split(component: Regularizer | Constraint) -> None:
    """Check that the component declares on which parts it may be called."""
    expect(component.split in SPLITS, f"split is {component.split!r}; it must be one of {', '.join(SPLITS)}")


class BetweenSteps(networks.NetworkConformance):
    """Checks of a regularizer or a constraint inside a network."""

    def test_split(self) -> None:
        self.each(check_split)

    def network(self) -> Sequential:
        """A classifier whose hidden weights have the component."""
        return self.network_with(self.components()[0])

    def network_with(self, component: Any) -> Sequential:
        rule = {f"weight_{self.kind.removesuffix('s')}": component}
        layers = Dense(8, activation="tanh", **rule), Dense(3)
        return Sequential(*layers).build(4, loss="softmax_cross_entropy", optimizer=SGD(lr=0.1), rng=5, dtype="float64")

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """Continue its training."""
        return list(network.fit(networks.inputs(), networks.classes(), epochs=epochs, batch_size=16, progress=False)["loss"])

    def test_both_rungs_train_alike(self) -> None:
        """Ten epochs with and without the kernel end with the same parameters, up to rounding."""
        self._skip_what_cannot_run()
        self.each(lambda component: _compare_rungs(component, self.network_with, self.train))

    def test_a_number_changed_counts_from_the_next_step(self) -> None:
        """A hyperparameter that is changed between two fits takes effect as if it had been passed."""
        self._skip_what_cannot_run()
        self.each(self._change_numbers)

    def _change_numbers(self, component: Any) -> None:
        for name in component.ranges:
            value = 1.5 * getattr(component, name)
            try:
                other = type(component)(**component.config() | {name: value})
            except ParameterError:
                continue
            changed, given = self.network_with(component), self.network_with(other)
            given.parameters[...] = changed.parameters
            setattr(getattr(changed.layers[0], f"weight_{self.kind.removesuffix('s')}"), name, value)
            for network in (changed, given):
                self.train(network, 1)
            expect((changed.parameters == given.parameters).all(), f"{name} = {value} is not obeyed after it was set")


def _compare_rungs(component: Any, make: Callable[[Any], Sequential], train: Callable[[Sequential, int], list[float]]) -> None:
    if native_kernel(component) is None:
        return
    compiled, on_numpy = make(component), make(numpy_twin(component))
    losses, expected = train(compiled, 10), train(on_numpy, 10)
    tolerance = 1e-9
    expect_close(np.array(losses), np.array(expected), tolerance, "losses with the kernel, against those of NumPy")
    expect_close(compiled.parameters, on_numpy.parameters, tolerance, "parameters with the kernel, against those of NumPy")
