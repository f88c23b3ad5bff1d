"""Ownership: a network has its own copies of components, and every change of them goes through the network.

A network is compiled, described and saved from its components, which must agree. So it works with copies. Setting an argument of such a
copy calls the network, which applies the new value everywhere, or raises an error. Lists and dicts among the arguments cannot be changed in
place, and arrays are read-only.
"""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from nncore.arguments import shown
from nncore.contract.configurable import Configurable, alike
from nncore.contract.frozen import frozen, thawed
from nncore.errors import NNCoreError, ParameterError, PluginError

C = TypeVar("C", bound=Configurable)

#: Types of immutable values.
UNCHANGING = frozenset((type(None), bool, int, float, str))


class Owner(Protocol):
    """A network, as its components see it."""

    def change(self, component: Configurable, place: str, name: str, value: Any) -> None:
        """Set an argument of one of its components, or raise before anything is changed."""


class Bond:
    """Connects a component with the network that owns it. Copies and pickles of the component have none.

    Attributes
    ----------
    place : str
        The attribute of the network that holds the component, or contains it: ``"layers"``, ``"loss"``, ...
    changed : set of str
        Attributes that the network has set.
    values : mapping of str to ndarray
        For a layer in a built network: live views of its parameters and buffers, which live as long as the layer.
    """

    def __init__(self, owner: Owner, component: Configurable, place: str) -> None:
        self._owner: Callable[[], Owner | None] = weakref.ref(owner)  # a component does not keep its network alive
        self._component = weakref.ref(component)
        self.place = place
        self.changed: set[str] = set()  # attributes that the owner has set since
        self.values: Mapping[str, np.ndarray] = {}

    @property
    def owner(self) -> Owner | None:
        """The network; None once it is gone."""
        return self._owner()

    def release(self) -> None:
        """The component has left the network: its arguments are its own again, and it keeps `values`."""
        self._owner = _nobody

    def binds(self, component: Configurable) -> bool:
        """Whether the network of this component still exists."""
        return self.is_of(component) and self._owner() is not None

    def is_of(self, component: Configurable) -> bool:
        """Whether it is this component's own bond, not one that came with a shallow copy."""
        return self._component() is component

    def set(self, component: Configurable, name: str, value: Any) -> None:
        """Let the owner set an argument. Other declared attributes of the kind cannot be set; any other attribute is the author's."""
        cls, owner = type(component), self.owner
        if name in cls.argument_names or name in cls.common:
            assert owner is not None, "binds says so"
            owner.change(component, self.place, name, value)
        elif not name.startswith("_") and hasattr(_kind(cls), name):
            arguments = ", ".join(component.config()) or "none"
            raise ParameterError(f"{cls.__name__}: {name} is an attribute of the class, not an argument; its arguments are {arguments}")
        else:
            object.__setattr__(component, name, value)


def _nobody() -> None:
    """Used instead of a reference to an owner."""


#: Types of the attributes of a component whose arguments are all UNCHANGING.
_OF_LEAVES = UNCHANGING | {Bond}


def _kind(cls: type) -> type:
    """The base class of a component's kind: `Layer` for `Dense`."""
    return next(base for base in reversed(cls.__mro__) if issubclass(base, Configurable) and base is not Configurable)


def adopt(component: C, owner: Owner, place: str) -> C:
    """A deep copy of a component that belongs to `owner`, with all components in its arguments.

    Raises
    ------
    PluginError
        If it cannot be copied.
    """
    copied: C = copied_deeply(component)
    bind(copied, owner, place)
    return copied


def bind(value: Any, owner: Owner, place: str) -> None:
    """Connect the components in `value`, which are the owner's copies, with the owner."""
    for part in components_in(value):
        attributes, known = vars(part), type(part).arguments
        if not _is_leaf(part):
            for name in known.own:
                attributes[name] = frozen(getattr(part, name))
            for name in known.common:
                if name in attributes:
                    attributes[name] = frozen(attributes[name])
        attributes["_bond"] = Bond(owner, part, place)


def bond_of(component: Configurable) -> Bond | None:
    """The bond of a component that is or was part of a network."""
    bond: Bond | None = vars(component).get("_bond")
    return bond if bond is not None and bond.is_of(component) else None


def brought_up_to_date(component: C, source: C) -> C:
    """An earlier copy of `source`, or a new one with its arguments; other attributes of the component are kept."""
    if alike(component, source):
        return component
    bond: Bond | None = vars(source).get("_bond")
    settings = {*type(source).argument_names, *type(source).common, *(bond.changed if bond is not None else ())}
    fresh: C = copied_deeply(source)
    vars(fresh).update({name: value for name, value in vars(component).items() if name not in settings})
    return fresh


def with_argument(component: Configurable, name: str, value: Any) -> dict[str, Any]:
    """The attributes that change if an argument of a component becomes `value`: the argument, and what its author derives from it.

    The component is made anew, so that all checks of its class are applied.
    """
    return with_arguments(component, {name: value})


def with_arguments(component: Configurable, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Do the same for several arguments at once."""
    arguments = {argument: thawed(given) for argument, given in copied_deeply(component.config()).items()}
    try:
        before, after = type(component)(**arguments), type(component)(**arguments | {n: copied_deeply(v) for n, v in changes.items()})
    except NNCoreError:
        raise
    except (TypeError, ValueError) as error:
        wanted = ", ".join(f"{name} cannot be {value!r:.200}" for name, value in changes.items())
        raise ParameterError(f"{type(component).__name__}: {wanted}: {error}") from error
    derived = {key: new for key, new in vars(after).items() if key not in vars(before) or not _is_same(vars(before)[key], new)}
    return derived | {name: getattr(after, name) for name in changes}


def _is_same(one: Any, other: Any) -> bool:
    """Like `alike`, also for objects without equality."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    if not isinstance(one, Configurable) and hasattr(one, "__dict__") and "__eq__" not in _methods(type(one)) and not callable(one):
        return vars(one).keys() == vars(other).keys() and all(_is_same(vars(one)[key], vars(other)[key]) for key in vars(one))
    return alike(one, other)


def _methods(cls: type) -> set[str]:
    """The methods of the class and its bases, without `object`."""
    return {name for base in cls.__mro__[:-1] for name in vars(base)}


def copied_deeply(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """A deep copy of a component or an argument. Functions are not copied, nor are methods of the user's objects."""
    if memo is None and is_simple(value):
        return _simple_copy(value, {})
    memo = {} if memo is None else memo
    try:
        for part in components_in(value):
            memo.update({id(one): one for one in part.config().values() if callable(one) and not isinstance(one, (Configurable, type))})
        return copy.deepcopy(value, memo)
    except Exception as error:
        raise PluginError(f"{shown(value)} cannot be copied ({error}): a network works with copies of its components") from error


def is_simple(value: Any) -> bool:
    """Whether it is a component whose attributes cannot change, except other such components."""
    if not isinstance(value, Configurable) or not type(value).arguments.has_default_copies:
        return False
    return all(type(item) in UNCHANGING or name == "_bond" or is_simple(item) for name, item in vars(value).items())


def _simple_copy(component: C, copies: dict[int, Any]) -> C:
    """The result of `copy.deepcopy` for a component that `is_simple`; `copies` are earlier copies, by the addresses of the originals."""
    copied: C = object.__new__(type(component))
    copies[id(component)] = copied
    attributes = vars(copied)
    for name, item in vars(component).items():
        if type(item) in UNCHANGING:
            attributes[name] = item
        elif name != "_bond":
            attributes[name] = copies[id(item)] if id(item) in copies else _simple_copy(item, copies)
    return copied


def _is_leaf(component: Configurable) -> bool:
    """Whether it stores its arguments unchanged, and all of them are numbers, texts and the like, as in most components."""
    attributes, known = vars(component), type(component).arguments
    return _OF_LEAVES.issuperset(map(type, attributes.values())) and attributes.keys() >= known.stored


def components_in(value: Any) -> Iterator[Configurable]:
    """The components in an argument, or a component and those in its arguments, outermost first."""
    if isinstance(value, Configurable):
        yield value
        if not _is_leaf(value):
            for argument in value.config().values():
                if type(argument) not in UNCHANGING:
                    yield from components_in(argument)
    elif value is None or isinstance(value, (str, int, float)):  # an abstract class is slow to ask
        return
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from components_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from components_in(item)
