"""The state of an estimator as plain data, for tools like skops, which require trust in every class that a file names.

Objects of nncore become dicts that name their class, so that a file names only the estimator's class. Other objects, such as components of
plugins or functions, are not changed, and need the user's trust.
"""

from __future__ import annotations

import importlib
from typing import Any

from nncore.errors import FileFormatError

#: Key of a dict that represents another object. Its value is the name of a class, the number of an earlier object, or `DICT`.
KEY = "__nncore__"
#: Marks a dict that has this key itself.
DICT = "dict"
#: Folders of classes that only hold data.
FOLDERS = (
    "_core", "activations", "callbacks", "constraints", "contract", "data", "encodings", "ensembles", "estimators", "initializers",
    "layers", "losses", "metrics", "network", "optimizers", "program", "regularizers", "samplers", "schedules", "transforms",
)  # fmt: skip


def plain(state: Any) -> Any:
    """Convert objects of nncore in `state` to dicts. Arrays and objects of other libraries are not copied."""
    return _Writer().plain(state)


def revived(state: Any) -> Any:
    """Restore the result of `plain`.

    Raises
    ------
    FileFormatError
        If it names something else than a data class of nncore.
    """
    return _Reader().revived(state)


class _Writer:
    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # keeps objects alive, so that ids are not reused

    def plain(self, value: Any) -> Any:
        kind = type(value)
        if kind is dict:
            if KEY in value:
                return {KEY: DICT, "state": [[self.plain(key), self.plain(item)] for key, item in value.items()]}
            return {key: self.plain(item) for key, item in value.items()}
        if kind in (list, tuple):
            return kind(self.plain(item) for item in value)
        if not is_of_nncore(kind):
            return value
        if id(value) in self._seen:
            return {KEY: self._seen[id(value)]}
        made: dict[str, Any] = {KEY: f"{kind.__module__}:{kind.__qualname__}"}
        if value.__reduce__() != (kind, ()):  # otherwise it has no state
            made["state"] = self.plain(value.__getstate__())
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)
        return made


class _Reader:
    def __init__(self) -> None:
        self._made: list[Any] = []

    def revived(self, value: Any) -> Any:
        kind = type(value)
        if kind in (list, tuple):
            return kind(self.revived(item) for item in value)
        if kind is not dict:
            return value
        if KEY not in value:
            return {key: self.revived(item) for key, item in value.items()}
        name = value[KEY]
        if name == DICT:
            return {self.revived(key): self.revived(item) for key, item in value["state"]}
        if type(name) is int and 0 <= name < len(self._made):
            return self._made[name]
        cls = _class_of(name)
        if "state" not in value:
            made = cls()
        elif cls.__module__.startswith("nncore._core"):  # a compiled class, whose objects are only valid if made by the constructor
            raise _damaged(name)
        else:
            made, state = cls.__new__(cls), self.revived(value["state"])
            if hasattr(made, "__setstate__"):
                made.__setstate__(state)
            elif state is not None:
                made.__dict__.update(state)
        self._made.append(made)
        return made


def is_of_nncore(kind: type) -> bool:
    """Whether it is a data class of nncore."""
    package, _, rest = kind.__module__.partition(".")
    return package == "nncore" and rest.partition(".")[0] in FOLDERS


def _class_of(name: Any) -> Any:
    module, _, qualname = str(name).partition(":")
    parts = module.split(".")
    if len(parts) > 2 and parts[0] == "nncore" and parts[1] in FOLDERS and all(part.isidentifier() for part in parts):
        try:
            found = getattr(importlib.import_module(module), qualname, None)
        except ImportError:
            found = None
        if isinstance(found, type) and found.__module__ == module:
            return found
    raise _damaged(name)


def _damaged(name: Any) -> FileFormatError:
    return FileFormatError(
        f"this file of an estimator names {name!r}, which is not a data class of nncore: the file is damaged, or from another version"
    )
