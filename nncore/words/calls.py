"""Errors for calls with wrong arguments: an unknown keyword, or too few or too many arguments."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

from nncore.arguments import did_you_mean, listed
from nncore.errors import CallError
from nncore.words.foreign import ARGUMENTS, REMEDIES

F = TypeVar("F", bound=Callable[..., Any])


def is_of_call(error: TypeError, called: Any = None) -> bool:
    """Whether the call of `called` itself failed, made by the handler's frame: only wrappers have run."""
    frames = traceback.walk_tb(error.__traceback__)
    around = set(_codes_around(called))
    return all(
        frame.f_code in around or frame.f_code.co_filename == contextlib.__file__  # of @contextmanager
        for frame, _ in itertools.islice(frames, 1, None)
    )


def _codes_around(called: Any) -> Iterator[object]:
    """Of the decorators of a function, by `functools.wraps`."""
    while (inside := getattr(called, "__wrapped__", None)) is not None:
        yield getattr(called, "__code__", None)
        called = inside


def misfit(what: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any], error: TypeError) -> CallError:
    """The error for a call that failed with `error` of Python.

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
        return CallError(". ".join(_explained(what, word, known, takes) for word in unknown[:3]))
    return CallError(f"{what}: {str(error).rpartition('() ')[2]}; {takes}" if known else f"{what} takes no arguments")


def _explained(what: str, word: str, known: Collection[str], takes: str) -> str:
    ours = [name for name in ARGUMENTS.get(word, ()) if name in known]
    if ours:
        return f"{what}({word}=...) is called {' and '.join(ours)} here"
    if word in REMEDIES:
        return f"{what} has no argument {word!r}: {REMEDIES[word]}"
    return f"{what} has no argument {word!r:.60}; {did_you_mean(word, known).removeprefix('; ') or takes}"


@overload
def explains_calls(target: F) -> F: ...


@overload
def explains_calls(*, but: Collection[str]) -> Callable[[F], F]: ...


def explains_calls(target: Any = None, *, but: Collection[str] = ()) -> Any:
    """Let a function, or the public methods and ``__init__`` of a class, suggest the right argument for an unknown keyword.

    A call costs about 0.1 µs more; methods in `but` are not changed.

    Raises
    ------
    CallError
        Instead of Python's TypeError.
    """
    if target is None:
        return functools.partial(explains_calls, but=but)
    if not isinstance(target, type):
        return _explaining(target)
    for name, member in list(vars(target).items()):
        if name in but or (name.startswith("_") and name != "__init__"):
            continue
        if isinstance(member, (classmethod, staticmethod)):
            setattr(target, name, type(member)(_explaining(member.__func__)))
        elif inspect.isfunction(member) and _has_choices(member):
            setattr(target, name, _explaining(member))
    return target


def _has_choices(function: Callable[..., Any]) -> bool:
    """Whether it has another argument than ``self``; other methods are not wrapped, and stay fast."""
    return len(inspect.signature(function).parameters) > 1


def _explaining(function: Callable[..., Any]) -> Any:
    @functools.wraps(function)
    def explaining(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            if not is_of_call(error, function):
                raise
            signature, name = inspect.signature(function), function.__qualname__
            if next(iter(signature.parameters), "") in ("self", "cls"):
                signature = signature.replace(parameters=list(signature.parameters.values())[1:])
                if args:  # the class in use, not the base in which the method stands
                    name = f"{getattr(args[0], '__name__', type(args[0]).__name__)}.{function.__name__}"
            raise misfit(name.removesuffix(".__init__"), signature, args, kwargs, error) from None

    return explaining
