"""Transforms of a program: the columns that each may change, and the buffers of a batch before the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nncore.contract import Transform, native_kernel
from nncore.errors import ParameterError
from nncore.program.kernels import Needed, named, needed
from nncore.program.memory import aligned_zeros
from nncore.program.planning import Blueprint
from nncore.program.specification import NETWORK_INPUT

#: Number that seeds the first transform's random words, in place of a layer's number. The next transform has one less. The last number of
#: all is for permutations.
FIRST_LAYER = 2**32 - 2


@dataclass(frozen=True)
class BatchBuffers:
    """Inputs, targets and weights of a batch."""

    input: np.ndarray  # (max_rows, n_inputs)
    target: np.ndarray  # (max_rows, n_targets)
    weight: np.ndarray  # (max_rows,)


@dataclass
class TransformOp:
    """A transform with the buffers that it reads and writes."""

    component: Transform
    number: int
    source: BatchBuffers
    result: BatchBuffers
    columns: np.ndarray  # (n_inputs,) bool: columns that may change
    needed: list[Needed]
    kept: np.ndarray = field(init=False)  # (n_kept,) int64, the other columns
    capsule: object = field(init=False)
    hyper: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        kernel = native_kernel(self.component)
        self.capsule = None if kernel is None else kernel.load()
        self.kept = np.flatnonzero(~self.columns).astype(np.int64)
        self.hyper = np.array(self.component.hyper(), np.float64)

    def take_over(self, component: Transform) -> None:
        """Take over the numbers of another transform with the same structure."""
        self.component = component
        self.hyper[:] = component.hyper()

    @property
    def layer(self) -> int:
        """Number that seeds its random numbers; in C, as a signed number, −2 and so on."""
        return -2 - self.number

    def who(self) -> str:
        """The component, for messages."""
        return named("transforms", self.component)


def transform_ops(
    transforms: Sequence[Transform], blueprint: Blueprint, n_targets: int, last: BatchBuffers
) -> tuple[list[TransformOp], BatchBuffers]:
    """Make the ops of transforms, which end in the buffers `last`. Also returns the buffers for the untransformed batch.

    Each transform reads one set of buffers and writes the other, so that it can read the whole batch.
    """
    if not transforms:
        return [], last
    max_rows, dtype = len(last.input), last.input.dtype
    mixes_targets = any(transform.mixes_targets for transform in transforms)
    spare_input = aligned_zeros(max_rows * blueprint.n_inputs, dtype).reshape(max_rows, blueprint.n_inputs)
    spare = BatchBuffers(
        spare_input,
        aligned_zeros(max_rows * n_targets, dtype).reshape(max_rows, n_targets) if mixes_targets else last.target,
        aligned_zeros(max_rows, dtype) if mixes_targets else last.weight,
    )
    ops, result, source = [], last, spare
    for number in reversed(range(len(transforms))):
        transform = transforms[number]
        columns = changeable_columns(transform, blueprint)
        ops.append(TransformOp(transform, number, source, result, columns, needed("transform", ["apply"], dtype)))
        result, source = source, result
    return ops[::-1], result


def changeable_columns(transform: Transform, blueprint: Blueprint) -> np.ndarray:
    """Mask of the inputs that a transform may change, (n_inputs,) bool.

    Raises
    ------
    ParameterError
        If it names a column that does not exist or holds codes, no column is left, or the columns of codes are unknown.
    """
    n_inputs, who = blueprint.n_inputs, type(transform).__name__
    codes, unknown = _codes(blueprint)
    if transform.columns is None:
        if unknown is not None:
            raise ParameterError(
                f"{who}: {unknown} reads codes of categories from the output of another layer, so it is unknown which "
                f"inputs hold codes: pass the columns that may change, {who}(columns=[...])"
            )
        chosen = ~codes
        if not chosen.any():
            raise ParameterError(f"{who}: all {n_inputs} features are codes of categories, which no transform changes: leave it out")
        return chosen
    missing = [column for column in transform.columns if column >= n_inputs]
    if missing:
        raise ParameterError(f"{who}: there is no column {missing[0]}, each sample has {n_inputs} features, numbered from 0")
    wrong = [column for column in transform.columns if codes[column]]
    if wrong:
        raise ParameterError(f"{who}: column {wrong[0]} holds codes of categories, which no transform changes: leave it out of columns")
    chosen = np.zeros(n_inputs, bool)
    chosen[transform.columns] = True
    return chosen


def _codes(blueprint: Blueprint) -> tuple[np.ndarray, str | None]:
    """Mask of the inputs that hold codes, (n_inputs,) bool; and a layer that takes codes from elsewhere than the inputs, if there is
    one."""
    codes = np.zeros(blueprint.n_inputs, bool)
    untouched, unknown = {NETWORK_INPUT}, None
    for stage in blueprint.stages:
        if untouched.isdisjoint(stage.sources):
            if stage.plan.codes:
                unknown = stage.name
        elif stage.plan.is_view and stage.activation is None:
            untouched.add(stage.index)
        else:
            codes[list(stage.plan.codes)] = True
    return codes, unknown
