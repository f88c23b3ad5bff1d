"""Errors for unknown names and members, and `dir()` of public names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn

from nncore.arguments import closest, did_you_mean
from nncore.errors import ParameterError
from nncore.words.foreign import KINDS, MEMBERS, NAMES


def no_name(module: str, name: str) -> AttributeError:
    """The error for a name that a module of nncore does not have."""
    import nncore  # whose own names this is about

    known = [each for each in dir(nncore) if not each.startswith("_")]
    folded = {each.lower(): each for each in known}
    said = f"module {module!r} has no attribute {name!r:.60}"
    if name in known:
        meant = f": it is nncore.{name}"
    elif name in NAMES:
        meant = f": it is called nncore.{NAMES[name]} here"
    elif name in KINDS:
        meant = f": nncore.names({KINDS[name]!r}) lists them by name, and their classes are in nncore itself"
    elif near := closest(name.lower(), folded):
        meant = f"; did you mean {' or '.join(f'nncore.{folded[each]}' for each in near)}?"
    else:
        meant = ""
    return AttributeError(f"{said}{meant}", name=name)


def no_class_here(folder: str) -> Callable[[str], NoReturn]:
    """The ``__getattr__`` of a folder of components, whose classes are public names of nncore."""

    def missing(name: str) -> NoReturn:
        raise AttributeError(f"module {folder!r} has no attribute {name!r}") if name.startswith("_") else no_name(folder, name)

    return missing


def is_declared(cls: type, name: str) -> bool:
    """Whether a class has a member of this name, or annotates one."""
    return hasattr(cls, name) or any(name in vars(base).get("__annotations__", ()) for base in cls.__mro__)


def no_setting(of: object, name: str) -> ParameterError:
    """The error for setting an attribute that a network does not have."""
    cls = type(of)
    known = [member for member in dir(cls) if isinstance(getattr(cls, member), property) and not member.startswith("_")]
    meant = f": {MEMBERS[name]}" if name in MEMBERS else did_you_mean(name, known)
    meant = meant or "; notes of your own belong in metadata, and a subclass declares its attributes (name: type) in its body"
    return ParameterError(f"{cls.__name__} has no {name!r:.60} to set{meant}")


def no_member(of: object, name: str) -> AttributeError:
    """The error for an attribute that a network does not have."""
    cls = type(of)
    if name.startswith("_"):  # Python's protocols ask for many
        return AttributeError(f"{cls.__name__!r} object has no attribute {name!r}", name=name, obj=of)
    known = [member for member in dir(cls) if not member.startswith("_")]
    meant = f": {MEMBERS[name]}" if name in MEMBERS else did_you_mean(name, known)
    return AttributeError(f"{cls.__name__} has no {name!r:.60}{meant}", name=name, obj=of)


class ListsPublicNames:
    """Base of classes whose instances list public names in `dir()`, and so in completion; ``_turn`` is left out, ``__len__`` is not."""

    __slots__ = ()

    def __dir__(self) -> Iterable[str]:
        return [name for name in super().__dir__() if not name.startswith("_") or name.startswith("__")]
