"""What an estimator holds as plain data: for tools like skops, which ask to trust every class that a file names.

Objects of nncore become dicts that name their class, so that a file names the estimator's own class alone. Anything else, such as a
component of a plugin or a function, stays what it is, and is asked about.
"""

from __future__ import annotations

import importlib
from typing import Any

from nncore.errors import FileFormatError

#: In a dict that stands for something else. A name of a class, the number of an object that was there before, or `DICT`.
KEY = "__nncore__"
#: Stands for a dict that has the key itself.
DICT = "dict"
#: Folders with classes that hold nothing but data.
FOLDERS = (
    "_core", "activations", "callbacks", "constraints", "contract", "data", "encodings", "ensembles", "estimators", "initializers",
    "layers", "losses", "metrics", "network", "optimizers", "program", "regularizers", "samplers", "schedules", "transforms",
)  # fmt: skip


def plain(state: Any) -> Any:
    """`state` without objects of nncore: arrays, and what is no part of nncore, are the same ones."""
    return _Writer().plain(state)


def revived(state: Any) -> Any:
    """What `plain` made plain.

    Raises
    ------
    FileFormatError
        If it names something that is no class of data of nncore.
    """
    return _Reader().revived(state)


class _Writer:
    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no other object gets the id of one that was seen

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
        if value.__reduce__() != (kind, ()):  # else it has no state
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
        elif cls.__module__.startswith("nncore._core"):  # a compiled class of which only the constructor makes a sound object
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
    """Whether it is a class of data of nncore."""
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
