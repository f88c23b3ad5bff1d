"""Arguments of an estimator's constructor as plain data, for files."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from nncore.contract import Configurable
from nncore.errors import DataWarning, FileFormatError, NNCoreError, ParameterError, warn_user
from nncore.estimators.given import Given, same
from nncore.estimators.parameters import check_parameters
from nncore.registry import config_of, resolve

#: Types that JSON restores unchanged. Any other value becomes an object with one key for its type.
PLAIN = (str, bool, int, type(None))

#: Kinds of arrays that a file can hold: booleans, numbers and text.
ARRAYS = "biufU"

#: Largest depth of nested values.
DEEPEST = 20

#: Arguments that are not saved: from an untrusted file, they could write files when the estimator is fitted again.
LEFT_OUT = ("callbacks", "trials_file")


def described_arguments(estimator: Any) -> dict[str, Any]:
    """Arguments that differ from their defaults, in a form for JSON. A warning names those that cannot be saved."""
    described, left_out = {}, []
    defaults = type(estimator)().get_params(deep=False)
    for name, value in estimator.get_params(deep=False).items():
        if value is defaults[name] or same(value, defaults[name]):
            continue
        try:
            if name in LEFT_OUT:
                raise ParameterError(name)
            described[name] = _described(value, estimator._components.get(name), DEEPEST)
        except NNCoreError:
            left_out.append(name)
    if left_out:
        subject, object_ = ("are", "their defaults") if len(left_out) > 1 else ("is", "its default")
        warn_user(
            f"{', '.join(left_out)} {subject} not saved: a file holds only plain data and registered components, and `load` uses {object_}",
            DataWarning,
        )
    return described


def _described(value: Any, kind: str | None, deepest: int) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if deepest and type(value) in PLAIN:
        return value
    if deepest and type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if deepest and type(value) in (list, tuple):
        items = [_described(item, kind, deepest - 1) for item in value]
        return items if type(value) is list else {"tuple": items}
    if deepest and isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {"dict": {key: _described(item, kind, deepest - 1) for key, item in value.items()}}
    if isinstance(value, np.ndarray) and value.dtype.kind in ARRAYS and value.ndim == 1:
        return {"array": [_described(item, None, 1) for item in value.tolist()], "dtype": value.dtype.str}
    if kind is not None and isinstance(value, Configurable):
        return {"component": config_of(kind, value)}
    raise ParameterError(f"{value!r:.40} is not plain data")


def read_arguments(cls: type[Any], described: Any) -> Any:
    """Make an estimator from the result of `described_arguments`. It may come from a file, so all of it is checked.

    Raises
    ------
    FileFormatError
        If they are not valid arguments of the class.
    """
    known = cls().get_params(deep=False).keys() - set(LEFT_OUT)
    if not isinstance(described, dict) or not described.keys() <= known:
        raise FileFormatError("the description of the estimator is damaged: it has arguments that the estimator does not take")
    try:
        estimator = cls(**{name: _read(value, cls._components.get(name), DEEPEST) for name, value in described.items()})
        check_parameters(estimator, optional=[field.name for field in fields(estimator._preset(Given(estimator)))])
    except NNCoreError as error:
        raise FileFormatError(f"the description of the estimator is damaged: {error}") from error
    return estimator


def _read(value: Any, kind: str | None, deepest: int) -> Any:
    if deepest and (type(value) in PLAIN or (type(value) is float and math.isfinite(value))):
        return value
    if deepest and type(value) is list:
        return [_read(item, kind, deepest - 1) for item in value]
    tag = next(iter(value)) if deepest and type(value) is dict and value else None
    inner = value[tag] if tag is not None else None
    if tag == "float" and inner in ("inf", "-inf", "nan"):
        return float(inner)
    if tag == "tuple" and type(inner) is list:
        return tuple(_read(item, kind, deepest - 1) for item in inner)
    if tag == "dict" and type(inner) is dict:
        return {key: _read(item, kind, deepest - 1) for key, item in inner.items()}
    if tag == "array" and type(inner) is list and type(value.get("dtype")) is str and np.dtype(value["dtype"]).kind in ARRAYS:
        return np.array([_read(item, None, 1) for item in inner], np.dtype(value["dtype"]))
    if tag == "component" and type(inner) is dict and kind is not None:
        return resolve(kind, inner)
    raise FileFormatError("the description of the estimator is damaged: it has an argument that is not plain data")
