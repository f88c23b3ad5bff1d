"""Structure of components: networks with the same structure can run each other's programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from nncore.contract import Activation, Configurable, Layer, Loss, Optimizer, Tensor, TensorSpan, Transform, alike, wrappers_of
from nncore.program.initialisation import initializer_of
from nncore.program.planning import Blueprint
from nncore.program.specification import Stage
from nncore.program.state import declared_state


def same_structure(one: Blueprint, other: Blueprint) -> bool:
    """Whether two blueprints have the same shapes, tensors, initializers and kinds of components, regardless of hyperparameters."""
    pairs = zip(one.stages, other.stages, strict=False)
    return len(one.stages) == len(other.stages) and all(same_structure_of_stage(*pair) for pair in pairs)


def same_structure_of_stage(one: Stage, other: Stage) -> bool:
    """Whether two stages have the same structure."""
    if _of_stage(one) != _of_stage(other) or len(one.plan.tensors) != len(other.plan.tensors):
        return False
    return all(
        _bare(tensor) == _bare(twin) and alike(initializer_of(one, tensor), initializer_of(other, twin))
        for tensor, twin in zip(one.plan.tensors, other.plan.tensors, strict=True)
    )


def _bare(tensor: Tensor) -> Tensor:
    """The tensor without its components. Initializers are compared separately, and regularizers and constraints may change
    (`same_rules`)."""
    return replace(tensor, initializer=None, regularizer=None, constraint=None)


def _of_stage(stage: Stage) -> tuple[Any, ...]:
    bare = replace(stage.plan, tensors=(), activation=None, branches=())
    branches = tuple(map(len, stage.plan.branches))
    place = stage.name, stage.sources, stage.input_shape, stage.parameters, stage.buffers, stage.offsets
    return place, bare, branches, _of_runnable(stage.layer), None if stage.activation is None else _of_runnable(stage.activation)


def _of_runnable(component: Layer | Activation) -> tuple[Any, ...]:
    how: tuple[Any, ...] = (component.needs_input, component.trainable) if isinstance(component, Activation) else ()
    if isinstance(component, Layer) and component.inner_activation is not None:
        how = _of_runnable(component.inner_activation)
    return type(component), len(component.hyper()), *how


def is_same_runnable(one: Activation, other: Configurable) -> bool:
    """Whether one activation can replace another in a program."""
    return isinstance(other, Activation) and _of_runnable(one) == _of_runnable(other)


def structure_of_loss(loss: Loss, n_outputs: int | None) -> tuple[Any, ...]:
    """Properties on which data, link and kernel of a loss depend. `n_outputs` is None for a network that is not built."""
    targets = () if n_outputs is None else (loss.targets_for(n_outputs), loss.n_targets(n_outputs))
    return type(loss), loss.targets, loss.target_range, loss.link, loss.metrics, len(loss.hyper()), targets


def structure_of_optimizer(optimizer: Optimizer, tensors: Sequence[TensorSpan]) -> tuple[Any, ...]:
    """Properties on which an optimizer's state for these tensors and its kernel depend."""
    wrappers, innermost = wrappers_of(optimizer)
    kinds = tuple((type(one), len(one.hyper()), tuple(one.config())) for one in (*wrappers, innermost))
    return kinds, declared_state(optimizer, tensors), optimizer.needs_tensors, optimizer.n_passes


def same_optimizers(before: Mapping[str, Optimizer], after: Mapping[str, Optimizer]) -> bool:
    """Whether every tensor that has an optimizer in both has an equal one."""
    return all(alike(before[tensor], after[tensor]) for tensor in before.keys() & after.keys())


def structure_of_transform(transform: Transform) -> tuple[Any, ...]:
    """Properties on which a transform's buffers and kernel depend."""
    columns = None if transform.columns is None else tuple(transform.columns)
    return type(transform), transform.mixes_targets, columns, len(transform.hyper())
