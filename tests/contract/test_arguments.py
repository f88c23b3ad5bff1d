"""Every argument of every component rejects every kind of value that it cannot use."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from each import each
from hostile import hostile_values

import nncore as nn
from nncore import registry
from nncore.errors import NNCoreError, ParameterError, UnknownComponentError
from nncore.plugin import Configurable

CLASSES = [registry.get(kind, name) for kind in registry.KINDS for name in registry.names(kind)] + [
    nn.FunctionLoss, nn.FunctionMetric, nn.FunctionSchedule,
]  # fmt: skip
CASES = [(cls, argument) for cls in CLASSES for argument in inspect.signature(cls).parameters]


def arguments_of(cls: type[Configurable]) -> dict[str, Any]:
    """Arguments to construct a component."""
    return {"function": len} if cls in (nn.FunctionLoss, nn.FunctionMetric, nn.FunctionSchedule) else dict((cls.examples or [{}])[0])


@each("cls, argument", CASES)
def test_what_an_argument_cannot_be_is_refused_by_name(cls: type[Configurable], argument: str) -> None:
    refusals = {}
    for name, value in hostile_values().items():
        try:
            component = cls(**arguments_of(cls) | {argument: value})
            component.hyper()
            repr(component)
        except NNCoreError as error:
            refusals[name] = str(error)
    assert len(refusals) > 20
    assert {name: message for name, message in refusals.items() if argument not in message or len(message) > 5000} == {}


@each("cls", CLASSES)
def test_scalars_of_numpy_are_those_of_python(cls: type[Configurable]) -> None:
    arguments = arguments_of(cls)
    component = cls(**arguments)
    for name, value in component.config().items():
        if isinstance(value, (bool, int, float)):
            for scalar in (np.asarray(value)[()], np.array(value)):
                other = cls(**arguments | {name: scalar}).config()[name]
                assert type(other) is type(value)
                assert other == value


def named_components() -> list[Any]:
    """Arguments that take the name of a component, by their default or annotation."""
    words = {kind.__name__: kind for kind in registry.registry.BASES.values()}
    words |= {"Regularizers": None, "Constraints": None}
    found = []
    for cls, argument in CASES:
        annotation = str(inspect.signature(cls).parameters[argument].annotation)
        if any(f"{word}Like" in annotation or f"| {word}" in annotation or annotation.startswith(word) for word in words):
            found.append(pytest.param(cls, argument, id=f"{cls.__name__}.{argument}"))
    return found


def test_many_arguments_name_components() -> None:
    assert len(named_components()) >= 14


@pytest.mark.parametrize(("cls", "argument"), named_components())
def test_a_name_is_looked_up_where_it_is_written(cls: type[Configurable], argument: str) -> None:
    for name in ("rleu", "adma", "no such component"):
        given = [name] if argument in ("layers", "shortcut", "branches") else name
        with pytest.raises(UnknownComponentError, match=argument):
            cls(**arguments_of(cls) | {argument: given})


def test_near_names_are_suggested() -> None:
    with pytest.raises(UnknownComponentError, match=r"Dense: activation: there is no activation 'rleu'; did you mean 'relu' or 'relu6'\?"):
        nn.Dense(3, activation="rleu")
    with pytest.raises(ParameterError, match="Adam: lr must be a number in"):
        nn.Adam(lr=10**400)
