"""Scheduled hyperparameters: find where a program stores the number of a path, by trying the components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nncore._core import IS_LOSS
from nncore.contract import (
    Activation,
    Configurable,
    Constraint,
    Layer,
    Loss,
    Optimizer,
    Regularizer,
    Transform,
    copied_deeply,
    native_kernel,
    with_argument,
)  # fmt: skip
from nncore.errors import ParameterError
from nncore.program.knobs import LIMITS, Knob, holder_of
from nncore.program.planning import Blueprint
from nncore.program.program_spec import ProgramSpec
from nncore.program.specification import Course
from nncore.program.structure import (
    is_same_runnable,
    same_structure_of_stage,
    structure_of_loss,
    structure_of_optimizer,
    structure_of_transform,
)

#: Relative change (of the value or of 1) of the value to try; exact in binary.
_STEP = 2.0**-10


@dataclass(frozen=True)
class Move:
    """A hyperparameter, and the factors of its base value for the next steps."""

    knob: Knob
    slots: tuple[int | None, ...]  # result of `slots_of`
    factors: np.ndarray  # (n_steps,) float64


def slots_of(knob: Knob, blueprint: Blueprint) -> tuple[int | None, ...]:
    """Index of a number in the `hyper` of each owner; None if the owner runs in Python.

    Raises
    ------
    ParameterError
        If it cannot change between two steps of training.
    """
    return tuple(_slot(knob, owner, blueprint) for owner in knob.owners)


def _slot(knob: Knob, component: Configurable, blueprint: Blueprint) -> int | None:
    trial = _trial(component, knob.name)
    if trial is None or not _is_alike(knob, component, trial, blueprint):
        raise ParameterError(
            f"{knob.path}: the structure of the network depends on {knob.name} of {component!r}, so a schedule cannot change it"
        )
    if native_kernel(component) is None:
        return None
    before, after = component.hyper(), trial.hyper()
    changed = [i for i, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    value, other = (float(getattr(holder_of(one, knob.name), knob.name)) for one in (component, trial))
    if len(changed) != 1 or (before[changed[0]], after[changed[0]]) != (value, other):
        raise ParameterError(
            f"{knob.path}: hyper() of {type(component).__name__} does not pass {knob.name} unchanged to the kernel, so a schedule cannot "
            "change it; set its kernel to None to run it on NumPy"
        )
    return changed[0]


def _trial(component: Configurable, name: str) -> Configurable | None:
    """A copy with another value; None if the component allows no other value nearby."""
    value = float(getattr(holder_of(component, name), name))
    for other in (value * (1 - _STEP), value * (1 + _STEP), value + _STEP, value - _STEP):
        if other == value:
            continue
        trial = copied_deeply(component)
        holder = holder_of(trial, name)
        try:
            attributes = with_argument(holder, name, other)
        except ParameterError:
            continue
        vars(holder).update(attributes)
        return trial if getattr(holder, name) == other else None
    return None


def _is_alike(knob: Knob, component: Configurable, trial: Configurable, blueprint: Blueprint) -> bool:
    """Whether the structure of the network is the same with `trial` instead of `component`."""
    if isinstance(component, Optimizer) and isinstance(trial, Optimizer):
        return structure_of_optimizer(component, blueprint.spans) == structure_of_optimizer(trial, blueprint.spans)
    if isinstance(component, Loss) and isinstance(trial, Loss):
        return structure_of_loss(component, blueprint.n_outputs) == structure_of_loss(trial, blueprint.n_outputs)
    if isinstance(component, Transform) and isinstance(trial, Transform):
        return structure_of_transform(component) == structure_of_transform(trial)
    if isinstance(component, (Regularizer, Constraint)):
        return type(component) is type(trial) and component.split == trial.split and len(component.hyper()) == len(trial.hyper())
    assert knob.stage is not None, "the others stand in a stage"
    if isinstance(trial, Layer):
        assert isinstance(component, Layer), "a layer's trial is a layer"
        one, other = (replace(knob.stage, layer=layer, plan=layer.plan(knob.stage.input_shape)) for layer in (component, trial))
        return same_structure_of_stage(one, other)
    assert isinstance(component, Activation), "a layer or an activation"
    return is_same_runnable(component, trial)


def courses_of(spec: ProgramSpec, moves: Sequence[Move]) -> list[Course]:
    """Every place in a program of the scheduled numbers. A component that runs in Python has its own number, and is notified of changes."""
    found = [course for move in moves for course in _courses(spec, move)]
    told = [course for course in found if course.told is not None]
    numbers = np.zeros(len(told))
    placed = {id(course): replace(course, numbers=numbers, index=index) for index, course in enumerate(told)}
    return [placed.get(id(course), course) for course in found]


def _courses(spec: ProgramSpec, move: Move) -> Iterator[Course]:
    knob, factors = move.knob, move.factors
    if not knob.owners:
        if knob.name in LIMITS:
            yield Course(factors, limit=knob.name)
        else:
            penalties = spec.grouping.penalties(knob.value, spec.knobs.optimizer)
            yield from (Course(factors, spec.decays, int(i)) for i in np.flatnonzero(penalties))
        return
    owner, slot = knob.owners[0], move.slots[0]
    if knob.stage is not None:
        for number, op in enumerate(spec.ops):
            if op.stage.index == knob.stage.index and not op.joint and isinstance(op.component, Layer) == isinstance(owner, Layer):
                told = ("op", number, knob.name) if slot is None else None
                yield Course(factors, told=told) if slot is None else Course(factors, op.hyper, slot, op=number)
    elif isinstance(owner, Transform):
        assert knob.number is not None, "a transform has a place in the list"
        told, place = ("transform", knob.number, knob.name), spec.first_site_of_transforms + knob.number
        yield Course(factors, told=told) if slot is None else Course(factors, spec.transforms[knob.number].hyper, slot, op=place)
    elif isinstance(owner, (Regularizer, Constraint)):
        assert knob.number is not None, "a rule has a place among all"
        told, place = ("rule", knob.number, knob.name), spec.first_site_of_rules + knob.number
        yield Course(factors, told=told) if slot is None else Course(factors, spec.rules[knob.number].hyper, slot, op=place)
    elif isinstance(owner, Loss):
        told = ("loss", 0, knob.name)
        yield Course(factors, told=told) if slot is None else Course(factors, spec.loss_hyper, slot, op=IS_LOSS)
    else:
        for group, slot in zip(knob.groups, move.slots, strict=True):
            told = ("optimizer", group, knob.name)
            flat, first = spec.optimizer_hyper.reshape(-1), group * spec.optimizer_hyper.shape[1]
            if slot is None:
                yield Course(factors, told=told)
            if slot is not None or knob.name == "lr":  # the first number of a group is its learning rate, which constraints read too
                yield Course(factors, flat, first + (slot or 0))
