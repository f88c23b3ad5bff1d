"""Names and members that are not there."""

from __future__ import annotations

from collections.abc import Iterable

from nncore.arguments import did_you_mean
from nncore.words.foreign import MEMBERS, NAMES


def no_name(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for a name that a module does not have; `known` are the public names of nncore."""
    known = list(known)
    said = f"module {module!r} has no attribute {name!r:.60}"
    if name in known:
        meant = f": it is nncore.{name}"
    elif name in NAMES:
        meant = f": it is called nncore.{NAMES[name]} here"
    else:
        near = did_you_mean(name, {each.lower(): each for each in known})
        meant = next((f"; did you mean nncore.{each}?" for each in known if f"'{each.lower()}'" in near), "")
    return AttributeError(f"{said}{meant}", name=name)


def no_member(of: object, name: str) -> AttributeError:
    """The error for an attribute that a network does not have."""
    cls = type(of)
    known = [member for member in dir(cls) if not member.startswith("_")]
    meant = f": {MEMBERS[name]}" if name in MEMBERS else did_you_mean(name, known)
    return AttributeError(f"{cls.__name__} has no {name!r:.60}{meant}", name=name, obj=of)
