"""Calls whose arguments do not fit: a keyword that is unknown, one argument too few or too many."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from nncore.arguments import did_you_mean, listed
from nncore.errors import CallError
from nncore.words.foreign import ARGUMENTS, REMEDIES

F = TypeVar("F", bound=Callable[..., Any])


def is_of_call(error: TypeError) -> bool:
    """Whether Python refused the call that the handler's own frame made: nothing of what was called has run."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is None


def misfit(what: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any], error: TypeError) -> CallError:
    """The error for a call that Python refused with `error`.

    Parameters
    ----------
    what : str
        What was called, ``"Dense"``.
    signature : Signature
        Of it, without ``self``.
    args, kwargs : sequence, mapping
        What it was called with.
    error : TypeError
        Python's.
    """
    parameters = signature.parameters.values()
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    unknown = [word for word in kwargs if word not in known]
    takes = f"its arguments are {listed(known, 40)}" if known else "it takes no arguments"
    if unknown:
        return CallError("; ".join(_explained(what, word, known) for word in unknown[:3]) + f". {takes[0].upper()}{takes[1:]}")
    return CallError(f"{what}: {str(error).rpartition('() ')[2]}; {takes}")


def _explained(what: str, word: str, known: Collection[str]) -> str:
    ours = [name for name in ARGUMENTS.get(word, ()) if name in known]
    if ours:
        return f"{what}({word}=...) is called {' and '.join(ours)} here"
    if word in REMEDIES:
        return f"{what} has no argument {word!r}: {REMEDIES[word]}"
    return f"{what} has no argument {word!r:.60}{did_you_mean(word, known)}"


def explains_calls(target: F) -> F:
    """Let a function, or all public methods of a class and its ``__init__``, say which argument is meant by a word they do not know.

    Raises
    ------
    CallError
        Instead of Python's TypeError.
    """
    if not isinstance(target, type):
        return _explaining(target)
    for name, member in list(vars(target).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(member, (classmethod, staticmethod)):
            setattr(target, name, type(member)(_explaining(member.__func__)))
        elif inspect.isfunction(member) and _has_choices(member):
            setattr(target, name, _explaining(member, target.__name__ if name == "__init__" else None))
    return target


def _has_choices(function: Callable[..., Any]) -> bool:
    """Whether it has another argument than ``self``: a call of one without is left as fast as it is."""
    return len(inspect.signature(function).parameters) > 1


def _explaining(function: Callable[..., Any], what: str | None = None) -> Any:
    @functools.wraps(function)
    def explaining(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if not is_of_call(error):
                raise
            name = what or function.__qualname__.replace("<locals>.", "")
            signature = inspect.signature(function)
            first = next(iter(signature.parameters.values()), None)
            if first is not None and first.name in ("self", "cls"):
                signature = signature.replace(parameters=list(signature.parameters.values())[1:])
            raise misfit(name, signature, args, kwargs, error) from None

    return explaining
