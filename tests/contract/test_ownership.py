"""Ownership: networks have copies of components, which others cannot change, and copies of these are independent."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

from nncore.contract import (
    FrozenDict,
    FrozenList,
    adopt,
    alike,
    bond_of,
    brought_up_to_date,
    components_in,
    copied_deeply,
    frozen,
    with_argument,
)  # fmt: skip
from nncore.errors import ParameterError, PluginError
from nncore.plugin import Configurable, Loss, Schedule, resolve


def owner_of(component: Configurable) -> object:
    bond = bond_of(component)
    return None if bond is None else bond.owner


class Owner:
    """Records the changes that it must approve."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def change(self, component: Configurable, place: str, name: str, value: Any) -> None:
        self.asked.append((component, place, name, value))


class Nested(Schedule):
    """Derives something from an argument, keeps a state, and has another schedule inside."""

    ranges = {"scale": "[0, 10]"}

    def __init__(self, scale: float = 1.0, then: Schedule | None = None, points: Any = (), table: Any = None, call: Any = None) -> None:
        self.scale, self.then, self.points, self.table, self.call = scale, then, points, table, call
        self.half = scale / 2
        self.seen = 0


def test_what_is_adopted_is_a_copy_and_its_arguments_are_the_owners() -> None:
    owner, inner = Owner(), Nested(2.0)
    given = Nested(1.0, inner, [1, [2]], {"a": [3]})
    own = adopt(given, owner, "schedule")
    assert (own is not given, own.then is not inner, repr(own) == repr(given)) == (True, True, True)
    assert [owner_of(part) for part in components_in(own)] == [owner, owner]
    assert owner_of(given) is None
    own.scale, own.then.scale = 3.0, 4.0
    assert owner.asked == [(own, "schedule", "scale", 3.0), (own.then, "schedule", "scale", 4.0)]
    assert (own.scale, own.then.scale) == (1.0, 2.0)  # this owner rejects all changes
    given.scale = 9.0
    assert own.scale == 1.0
    own.seen = 5  # no argument, but the author's attribute
    assert own.seen == 5
    for change in (lambda: setattr(own, "monitor", "loss"), lambda: delattr(own, "scale")):
        with pytest.raises(ParameterError):
            change()


@pytest.mark.parametrize(
    "how", [copy.copy, copy.deepcopy, lambda part: pickle.loads(pickle.dumps(part))], ids=["copy", "deepcopy", "pickle"]
)
def test_copies_belong_to_nobody(how: Any) -> None:
    owner = Owner()
    other = how(adopt(resolve("schedules", "cosine"), owner, "schedule"))
    other.minimum = 0.25
    assert (other.minimum, owner.asked, owner_of(other)) == (0.25, [], None)


def test_a_component_outlives_its_owner() -> None:
    owner = Owner()
    own = adopt(Nested(), owner, "schedule")
    del owner
    own.scale = 2.0
    assert own.scale == 2.0


class Simple(Loss):
    """Has only its arguments."""

    def __init__(self, scale: float = 1.0, inner: Any = None, other: Any = None) -> None:
        self.scale, self.inner, self.other = scale, inner, other


class OwnState(Simple):
    """Defines the state of its copies."""

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"scale": 7.0}


class OwnCopies(Simple):
    """Defines how it is copied."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return type(self)(8.0)


def test_what_cannot_change_is_copied_as_python_copies_it() -> None:
    inner = Simple(2.0)
    shared = Simple(1.0, inner, inner)
    adopt(shared, Owner(), "loss")
    for given in (inner, shared, Simple("text", True, None), adopt(shared, Owner(), "loss")):
        for copied in (copied_deeply(given), copy.deepcopy(given)):
            assert type(copied) is Simple
            assert vars(copied).keys() == {"scale", "inner", "other"}
            assert alike(copied, given)
            assert (copied.inner is copied.other) == (given.inner is given.other)
            assert given.inner is None or isinstance(given.inner, bool) or copied.inner is not given.inner


def test_a_class_that_says_how_it_is_copied_is_obeyed() -> None:
    assert copied_deeply(OwnState(1.0)).scale == 7.0
    assert copied_deeply(OwnCopies(1.0)).scale == 8.0
    assert copied_deeply(Simple(1.0, OwnState(1.0))).inner.scale == 7.0


def test_functions_stay_the_same_ones() -> None:
    calls: list[int] = []
    own = adopt(Nested(call=calls.append), Owner(), "schedule")
    own.call(3)
    assert calls == [3]


def test_what_cannot_be_copied_is_told() -> None:
    locked = Nested()
    locked.lock = threading.Lock()
    with pytest.raises(PluginError, match=r"cannot be copied.*a network works with copies"):
        adopt(locked, Owner(), "schedule")


MUTATING_LIST = [name for name in dir(list) if name not in dir(tuple) and name not in ("copy", "__reversed__")]
MUTATING_DICT = [
    name for name in dir(dict) if name in ("__setitem__", "__delitem__", "__ior__", "update", "setdefault", "pop", "popitem", "clear")
]


@pytest.mark.parametrize("name", MUTATING_LIST)
def test_a_frozen_list_refuses_every_method_that_a_tuple_has_not(name: str) -> None:
    values = FrozenList([3, 1])
    with pytest.raises(ParameterError, match="assign a new list"):
        getattr(values, name)(0)
    assert values == [3, 1]


@pytest.mark.parametrize("name", MUTATING_DICT)
def test_a_frozen_dict_refuses(name: str) -> None:
    values = FrozenDict({"a": 1})
    with pytest.raises(ParameterError, match="assign a new dict"):
        getattr(values, name)("a", 2)
    assert values == {"a": 1}


def test_frozen_things_read_like_others_and_are_copied_like_others() -> None:
    values = frozen([1, {"a": [2]}, (3, [4]), np.arange(3)])
    assert isinstance(values, list)
    assert isinstance(values[1]["a"], FrozenList)
    assert isinstance(values[2][1], FrozenList)
    with pytest.raises(ValueError, match="read-only"):
        values[3][0] = 9
    for again in (copy.deepcopy(values), pickle.loads(pickle.dumps(values))):
        assert repr(again) == repr(values)
        assert type(again) is FrozenList


def test_an_argument_is_tried_by_making_the_component_anew() -> None:
    component = Nested(2.0)
    component.seen = 7
    assert with_argument(component, "scale", 4.0) == {"scale": 4.0, "half": 2.0}
    assert (component.scale, component.half, component.seen) == (2.0, 1.0, 7)
    with pytest.raises(ParameterError, match="scale must be"):
        with_argument(component, "scale", 11)


def test_a_copy_at_work_takes_over_arguments_and_keeps_its_state() -> None:
    source = Nested(2.0)
    worker = copy.deepcopy(source)
    worker.seen = 3
    assert brought_up_to_date(worker, source) is worker
    source.scale = 5.0
    newer = brought_up_to_date(worker, source)
    assert (newer.scale, newer.seen, source.seen) == (5.0, 3, 0)


class WithArray(Loss):
    def __init__(self, weights: Any) -> None:
        self.weights = weights


def test_alike_compares_arguments_of_any_kind() -> None:
    assert alike(WithArray(np.ones(3)), WithArray(np.ones(3)))
    assert not alike(WithArray(np.ones(3)), WithArray(np.ones(2)))
    assert not alike(WithArray([1]), WithArray((1,)))
    assert alike(WithArray({"a": Nested()}), WithArray({"a": Nested()}))
    assert not alike(WithArray(Nested()), WithArray(resolve("schedules", "cosine")))
    assert not alike(Nested(), None)
