"""Many small cases in one test: pytest takes milliseconds for each test, and all sizes, dtypes and components give tens of thousands."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def each(names: str, values: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize`, but in one test: it tries every value, and reports each that failed with its own traceback.

    Not for tests that skip, nor for those whose cases need fixtures of their own.

    Parameters
    ----------
    names : str
        Of the arguments, with commas between them.
    values : iterable
        Of the argument; of several arguments, tuples.
    """
    given = [name.strip() for name in names.split(",")]
    cases = [dict(zip(given, value if len(given) > 1 else (value,), strict=True)) for value in values]
    assert cases, f"there is no {names}"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def try_all(*self: Any, **fixtures: Any) -> None:
            failed: list[BaseException] = []
            for case in cases:
                try:
                    test(*self, **fixtures, **case)
                except (Exception, pytest.fail.Exception) as error:  # the latter of pytest.raises
                    error.add_note(f"with {', '.join(f'{name}={value!r}' for name, value in case.items())}")
                    failed.append(error)
            if failed:
                raise failed[0] if len(failed) == 1 else BaseExceptionGroup(f"{len(failed)} of {len(cases)} cases fail", failed)

        signature = inspect.signature(test)
        left = [parameter for name, parameter in signature.parameters.items() if name not in given]
        try_all.__signature__ = signature.replace(parameters=left)  # type: ignore[attr-defined]  # what pytest passes fixtures by
        return try_all

    return decorate
