"""Lists, dicts and arrays that belong to a network and cannot be changed in place."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from nncore.errors import ParameterError


def frozen(value: Any) -> Any:
    """Convert a list, dict or array, and those inside, to one that cannot be changed in place."""
    if value is None or isinstance(value, (str, int, float)):  # as most arguments are
        return value
    if isinstance(value, list):
        return FrozenList(frozen(item) for item in value)
    if type(value) is tuple:
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return FrozenDict({key: frozen(item) for key, item in value.items()})
    if isinstance(value, np.ndarray):
        value = value.view()
        value.flags.writeable = False
    return value


def thawed(value: Any) -> Any:
    """Convert lists and dicts from `frozen` back to ordinary ones."""
    if isinstance(value, FrozenList):
        return [thawed(item) for item in value]
    if type(value) is tuple:
        return tuple(thawed(item) for item in value)
    return {key: thawed(item) for key, item in value.items()} if isinstance(value, FrozenDict) else value


class FrozenList(list[Any]):
    """A list that belongs to a network: reading works as usual, changes raise an error."""

    remedy = "assign a new list to the attribute"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise ParameterError(f"this list belongs to a network and cannot be changed in place: {self.remedy}")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = extend = insert = remove = pop = clear = sort = reverse = _refuse

    def __reduce__(self) -> tuple[Any, tuple[list[Any]]]:
        return type(self), (list(self),)


class FrozenDict(dict[Any, Any]):
    """A dict that belongs to a network: reading works as usual, changes raise an error."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise ParameterError("this dict belongs to a network and cannot be changed in place: assign a new dict to the attribute")

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self) -> tuple[Any, tuple[dict[Any, Any]]]:
        return type(self), (dict(self),)
