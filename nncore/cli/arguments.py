"""Convert command-line arguments. argparse prints the message of a conversion that fails."""

from __future__ import annotations

import argparse
import ast
import math
from typing import Any

from nncore.arguments import n_bytes
from nncore.errors import ParameterError

#: Smallest memory in bytes for training in blocks.
LEAST_SIZE = 64 * 2**20


def positive_integer(text: str) -> int:
    """``"20"``"""
    return _integer(text, 1, "is less than 1")


def natural(text: str) -> int:
    """``"0"``, ``"20"``"""
    return _integer(text, 0, "is negative")


def fraction(text: str) -> float:
    """``"0.2"``: at least 0, less than 1."""
    value = number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 1)")
    return value


def number(text: str) -> float:
    """``"1e-3"``"""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def positive(text: str) -> float:
    """``"0.5"``: above 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def number_of_folds(text: str) -> int:
    """``"5"``: at least 2."""
    return _integer(text, 2, "is less than 2, but cross-validation needs at least 2 folds")


def trials(text: str) -> int | str:
    """``"20"``, or ``"time"`` for as many as the time limit allows."""
    return text if text == "time" else positive_integer(text)


def weights(text: str) -> str | dict[str, float]:
    """``"balanced"``, or weights of classes by name: ``"yes=3,no=1"``."""
    if text == "balanced":
        return text
    found: dict[str, float] = {}
    for part in text.split(","):
        name, equals, weight = part.rpartition("=")
        if not equals:
            raise argparse.ArgumentTypeError(f"{text!r} is neither 'balanced' nor CLASS=WEIGHT,CLASS=WEIGHT")
        found[name.strip()] = positive(weight.strip())
    return found


def specification(text: str) -> str:
    """A component: ``"huber"``, or with arguments ``"huber:delta=2"``. It is checked when it is looked up."""
    component(text)
    return text


def component(text: str) -> dict[str, Any]:
    """Convert the text of a `specification` to an argument of `nncore.registry.resolve`."""
    name, colon, arguments = text.partition(":")
    if not name or (colon and not arguments):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME or NAME:ARGUMENT=VALUE,ARGUMENT=VALUE")
    found: dict[str, Any] = {"name": name}
    for part in arguments.split(",") if arguments else ():
        key, equals, value = part.partition("=")
        if not equals or not key.strip().isidentifier() or key.strip() == "name":
            raise argparse.ArgumentTypeError(f"{part!r} in {text!r} is not ARGUMENT=VALUE")
        found[key.strip()] = _literal(value.strip())
    return found


def schedules(text: str) -> dict[str, str]:
    """Schedules by the path of their hyperparameter: ``"cosine"`` is for ``lr``; ``"weight_decay=flat_cosine:flat=0.3"``."""
    head, colon, arguments = text.partition(":")
    path, equals, name = head.partition("=")
    if equals and not path.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not SCHEDULE or PATH=SCHEDULE")
    return {path.strip(): specification(f"{name.strip()}{colon}{arguments}")} if equals else {"lr": specification(text)}


def groups(text: str) -> dict[str, dict[str, Any]]:
    """Training options of tensors, by a pattern of their names: ``"*.bias:lr_factor=0.1,weight_decay=0"``."""
    if ":" not in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not PATTERN:OPTION=VALUE,OPTION=VALUE")
    options = component(text)
    pattern = options.pop("name")
    return {pattern: {name: component(value) if isinstance(value, str) and ":" in value else value for name, value in options.items()}}


def _literal(text: str) -> Any:
    """A number, bool or None in Python's spelling; otherwise the text."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False}.get(text, text)
    return value if isinstance(value, (int, float, bool, type(None))) else text


_SEPARATORS = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|"}


def separator(text: str) -> str:
    """``";"``, or ``"tab"``, ``"space"``: one character that cannot be part of a cell."""
    found = _SEPARATORS.get(text.lower(), text)
    if len(found) != 1 or found in "\"'\r\n.+-_" or found.isalnum():
        raise argparse.ArgumentTypeError(f"{text!r} is not a separator: use one character such as ; or the word tab or space")
    return found


def widths(text: str) -> list[int]:
    """``"64,64"``: units of each hidden layer; ``""`` or ``"none"`` for no hidden layer."""
    if text.strip().lower() in ("", "none"):
        return []
    return [positive_integer(part.strip()) for part in text.split(",")]


def size(text: str) -> int:
    """``"2GB"``, ``"512 MiB"``: a number of bytes."""
    try:
        return n_bytes("a size", text, LEAST_SIZE)
    except ParameterError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _integer(text: str, least: int, complaint: str) -> int:
    """Check that the text is an integer of at least `least`; `complaint` is the message if it is smaller."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if value < least:
        raise argparse.ArgumentTypeError(f"{text} {complaint}")
    return value
