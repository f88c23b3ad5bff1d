"""Save and load an ensemble in one file: its networks, and columns and targets in the metadata of the first network.

Files may be malicious, so every field is checked before it is used.
"""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from nncore.data import EncodingChain, level_key
from nncore.ensembles import (
    ESTIMATOR_KEY as KEY,
    InputLayout,
    count_of,
    damage_told,
    described_members,
    has_temperature,
    need,
    number_of,
    numbers_of,
    read_members,
)
from nncore.errors import FileFormatError, ParameterError
from nncore.estimators.argument_data import described_arguments, read_arguments
from nncore.estimators.categories import Categories
from nncore.estimators.class_targets import HEADS, MULTILABEL, ClassTargets
from nncore.estimators.columns import TableColumns
from nncore.estimators.dates import Dates
from nncore.estimators.real_targets import RealTargets
from nncore.files import FileLike, FilePlace
from nncore.network import Sequential, load_many, save_many

#: Version of the format.
VERSION = 2

#: Types of levels and classes that a file restores unchanged.
PLAIN = (str, bool, int, float)

KINDS = ("binary", "multiclass", MULTILABEL, HEADS)


# ---- writing ----------------------------------------------------------------------------------------------------------------


def save_ensemble(estimator: Any, path: FileLike) -> None:
    """Write a fitted ensemble.

    Raises
    ------
    ParameterError
        If category levels or classes are not text, numbers or booleans.
    """
    first, described = estimator.networks_[0], _described(estimator)
    before = first.metadata
    first.metadata = {**before, KEY: described}
    try:
        save_many(estimator.networks_, path)
    finally:
        first.metadata = before


def _described(estimator: Any) -> dict[str, Any]:
    columns, targets, names = estimator._columns, estimator._targets, vars(estimator).get("feature_names_in_")
    layout = estimator._members[0].columns.layout
    return {
        "version": VERSION,
        "class": type(estimator).__name__,
        "arguments": described_arguments(estimator),
        "n_features": int(estimator.n_features_in_),
        "names": None if names is None else _plain("names of columns", names.tolist()),
        "columns": {
            "categories": [
                {"column": int(index), "levels": _plain("levels", one.levels), "has_missing": bool(one.has_missing)}
                for index, one in columns.categories.items()
            ],
            "dates": [
                {"column": int(index), "parts": one.chain.to_json(), "has_zone": bool(one.has_zone)} for index, one in columns.dates.items()
            ],
            "hot": layout.hot.tolist(),
            "has_missing": np.flatnonzero(columns.has_missing).tolist(),
            "means": columns.means.tolist(),
        },
        "targets": _described_targets(targets),
        "n_outputs": int(estimator.n_outputs_),
        "temperature": vars(estimator).get("temperature_"),
        "n_iter": int(estimator.n_iter_),
        "best_epochs": [int(epoch) for epoch in estimator.best_epochs_],
        "validation_scores": [None if math.isnan(score) else float(score) for score in estimator.validation_scores_],
        "members": described_members(estimator._members),
    }


def _plain(what: str, values: Sequence[Any]) -> list[Any]:
    """Check that JSON restores the values unchanged."""
    found = [value.item() if isinstance(value, np.generic) else value for value in values]
    strange = next((value for value in found if type(value) not in PLAIN), None)
    if strange is not None:
        raise ParameterError(f"save: files hold only text, numbers and booleans, but {what} include {strange!r:.40}: use pickle")
    return found


def _described_targets(targets: ClassTargets | RealTargets) -> dict[str, Any]:
    if isinstance(targets, RealTargets):
        return {"n_targets": targets.n_targets}
    columns = targets.classes if targets.kind == HEADS else [targets.classes]
    classes = [{"dtype": column.dtype.str, "values": _plain("classes", column.tolist())} for column in columns]
    return {"kind": targets.kind, "is_sparse": bool(targets.is_sparse), "classes": classes}


# ---- reading ----------------------------------------------------------------------------------------------------------------


def load_ensemble(cls: type[Any], path: FileLike) -> Any:
    """Load an ensemble that `save_ensemble` wrote.

    Raises
    ------
    FileFormatError
        If the file does not hold such an ensemble, or is damaged.
    """
    place: Any = FilePlace.of("path", path)
    networks = load_many(place)
    if not isinstance(networks, list) or KEY not in networks[0].metadata:
        raise FileFormatError(f"{place} holds networks, not a {cls.__name__}: use nncore.load_many")
    described = networks[0].metadata[KEY]
    networks[0].metadata = {name: value for name, value in networks[0].metadata.items() if name != KEY}
    try:
        return restored(cls, described, networks)
    except FileFormatError as error:
        raise FileFormatError(f"{place} cannot be loaded: {error}") from error


def restored(cls: type[Any], described: Any, networks: list[Sequential]) -> Any:
    """Restore an estimator from `described`, the content of a file, and its networks.

    Raises
    ------
    FileFormatError
        If they do not match.
    """
    with damage_told():
        return _made(cls, described, networks)


def _flag(value: Any, what: str) -> bool:
    need(type(value) is bool, f"{what} is not true or false")
    return bool(value)


def _places(values: Any, n: int, what: str) -> NDArray[np.int64]:
    """Check that values are distinct column numbers in order."""
    need(isinstance(values, list) and all(type(value) is int and 0 <= value < n for value in values), f"{what} are not column numbers")
    need(values == sorted(set(values)), f"{what} are not in order")
    return np.array(values, np.int64)


def _made(cls: type[Any], described: Any, networks: list[Sequential]) -> Any:
    need(isinstance(described, dict), "it is not a JSON object")
    need(described["version"] == VERSION, f"its version is {described['version']!r}, but this nncore reads version {VERSION}")
    need(described["class"] == cls.__name__, f"it is a {described['class']}: use {described['class']}.load")
    estimator = read_arguments(cls, described["arguments"])
    estimator.n_features_in_ = n_features = count_of(described["n_features"], "n_features")
    names = described["names"]
    if names is not None:
        need(isinstance(names, list) and len(names) == n_features and all(isinstance(name, str) for name in names), "names do not fit")
        estimator.feature_names_in_ = np.array(names, object)
    estimator._columns = columns = _columns(described["columns"], n_features, names)
    layout = _layout(columns, described["columns"])
    losses = [network.loss for network in networks]
    need(all(loss is not None for loss in losses), "a network has no loss")
    estimator._targets = targets = _targets(described["targets"])
    need(isinstance(targets, ClassTargets) == is_classifier(estimator), "its targets belong to another kind of estimator")
    loss = losses[0]
    assert loss is not None, "it was looked at"
    estimator.n_outputs_ = count_of(described["n_outputs"], "n_outputs")
    need(estimator.n_outputs_ == targets.n_outputs(loss), "n_outputs does not match its targets")
    if isinstance(targets, ClassTargets):
        estimator.classes_ = targets.classes
        estimator.temperature_ = number_of(described["temperature"], "the temperature")
        need(estimator.temperature_ > 0 and (estimator.temperature_ == 1 or has_temperature(loss)), "the temperature does not fit its loss")
    best_epochs = [count_of(epoch, "a best epoch") for epoch in described["best_epochs"]]
    scores = [math.nan if score is None else number_of(score, "a validation score") for score in described["validation_scores"]]
    need(len(scores) == len(best_epochs), "best_epochs and validation_scores have different lengths")
    n_targets = targets.n_targets if isinstance(targets, RealTargets) else None
    members = read_members(described["members"], layout, networks, n_targets, estimator.n_outputs_)
    estimator._take(members, best_epochs, scores, count_of(described["n_iter"], "n_iter"))
    return estimator


def _columns(described: Any, n_features: int, names: list[str] | None) -> TableColumns:
    columns = TableColumns(None)
    columns.categories, columns.dates = {}, {}
    for one in described["categories"]:
        index, levels = count_of(one["column"], "a column"), one["levels"]
        need(index < n_features and index not in columns.categories, "a category column is out of range or occurs twice")
        need(isinstance(levels, list) and all(type(level) in PLAIN for level in levels), "levels are not text, numbers or booleans")
        need(len({level_key(level) for level in levels}) == len(levels), "two levels are equal")
        columns.categories[index] = Categories(tuple(levels), _flag(one["has_missing"], "has_missing"))
    need(list(columns.categories) == sorted(columns.categories), "category columns are not in order")
    is_categorical = np.zeros(n_features, bool)
    is_categorical[list(columns.categories)] = True
    columns.is_categorical = is_categorical if columns.categories else None
    for one in described["dates"]:
        index = count_of(one["column"], "a column")
        need(
            index < n_features and not is_categorical[index] and index not in columns.dates,
            "a date column is out of range, occurs twice or is categorical",
        )
        chain = EncodingChain.from_json(one["parts"], 1)
        need(bool(chain.encodings) and chain.encodings[0].takes == "times" and chain.n_levels is None, "its dates are not encoded")
        columns.dates[index] = Dates(chain, _flag(one["has_zone"], "has_zone"))
    need(list(columns.dates) == sorted(columns.dates), "date columns are not in order")
    columns.place(n_features, names)
    n_columns = columns.n_columns
    columns.has_missing = np.zeros(n_columns, bool)
    columns.has_missing[_places(described["has_missing"], n_columns, "columns of missing numbers")] = True
    columns.means = numbers_of(described["means"], n_columns, "means")
    return columns


def _layout(columns: TableColumns, described: Any) -> InputLayout:
    hot = _places(described["hot"], columns.n_columns, "one-hot columns").tolist()
    need(set(hot) <= {start for start, _ in columns.category_columns}, "one-hot columns are not category columns")
    return InputLayout.of(columns, hot, names=columns.names)


def _targets(described: Any) -> ClassTargets | RealTargets:
    need(isinstance(described, dict), "it has no targets")
    if "kind" not in described:
        n_targets = count_of(described["n_targets"], "n_targets")
        need(n_targets >= 1, "it has no targets")
        return RealTargets(np.zeros((1, n_targets)))
    need(described["kind"] in KINDS, f"the kind of targets is {described['kind']!r}, not one of {', '.join(KINDS)}")
    classes = [_classes(one) for one in described["classes"]]
    need(len(classes) == 1 or (described["kind"] == HEADS and len(classes) > 1), "the number of class lists does not match its targets")
    return ClassTargets.known(
        described["kind"], classes if described["kind"] == HEADS else classes[0], _flag(described["is_sparse"], "is_sparse")
    )


def _classes(described: Any) -> np.ndarray:
    dtype = np.dtype(described["dtype"])
    values = described["values"]
    need(dtype.kind in "iufbUO" and isinstance(values, list) and bool(values), "classes are not text, numbers or booleans")
    need(all(type(value) in PLAIN for value in values), "classes are not text, numbers or booleans")
    classes = np.array(values, dtype)
    need(classes.ndim == 1 and bool((classes[:-1] < classes[1:]).all()), "classes are not in order")
    return classes
