"""One file for an ensemble: its networks, and in the metadata of the first one what the estimator knows of columns and targets.

Nothing of a file is trusted: every field is checked before anything is made of it.
"""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from nncore.data import EncodingChain, level_key
from nncore.ensembles import InputColumns, InputLayout, Members, TargetScale, has_temperature
from nncore.errors import FileFormatError, NNCoreError, ParameterError
from nncore.estimators.argument_data import described_arguments, read_arguments
from nncore.estimators.categories import Categories
from nncore.estimators.class_targets import HEADS, MULTILABEL, ClassTargets
from nncore.estimators.columns import TableColumns
from nncore.estimators.real_targets import RealTargets
from nncore.network import Sequential, load_many, save_many

#: The key among the metadata of the first network, and the version of what stands there.
KEY, VERSION = "nncore.estimators", 1

#: Types of levels and classes that a file gives back as they were.
PLAIN = (str, bool, int, float)

KINDS = ("binary", "multiclass", MULTILABEL, HEADS)


# ---- writing ----------------------------------------------------------------------------------------------------------------


def save_ensemble(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted ensemble.

    Raises
    ------
    ParameterError
        If levels or classes are of a type that a file would not give back as it is.
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
        "members": [_described_members(members) for members in estimator._members],
    }


def _plain(what: str, values: Sequence[Any]) -> list[Any]:
    """Values that JSON gives back as they were."""
    found = [value.item() if isinstance(value, np.generic) else value for value in values]
    strange = next((value for value in found if type(value) not in PLAIN), None)
    if strange is not None:
        raise ParameterError(
            f"save: {what} such as {strange!r:.40} are no text, number or truth value, which is all that files hold: use pickle"
        )
    return found


def _described_targets(targets: ClassTargets | RealTargets) -> dict[str, Any]:
    if isinstance(targets, RealTargets):
        return {"n_targets": targets.n_targets}
    columns = targets.classes if targets.kind == HEADS else [targets.classes]
    classes = [{"dtype": column.dtype.str, "values": _plain("classes", column.tolist())} for column in columns]
    return {"kind": targets.kind, "is_sparse": bool(targets.is_sparse), "classes": classes}


def _described_members(members: Members) -> dict[str, Any]:
    return {
        "n_networks": len(members.networks),
        "weights": members.weights,
        "numbers": members.columns.numbers.to_json(),
        "hot": members.columns.hot.to_json(),
        "coded": members.columns.coded.to_json(),
        "target": None if members.target is None else members.target.chain.to_json(),
    }


# ---- reading ----------------------------------------------------------------------------------------------------------------


def load_ensemble(cls: type[Any], path: str | os.PathLike[str]) -> Any:
    """An ensemble that `save_ensemble` wrote.

    Raises
    ------
    FileFormatError
        If the file holds something else, or is damaged.
    """
    networks = load_many(path)
    if not isinstance(networks, list) or KEY not in networks[0].metadata:
        raise FileFormatError(f"{path} holds networks, and no {cls.__name__}: use nncore.load_many")
    described = networks[0].metadata[KEY]
    networks[0].metadata = {name: value for name, value in networks[0].metadata.items() if name != KEY}
    try:
        return restored(cls, described, networks)
    except FileFormatError as error:
        raise FileFormatError(f"{path} cannot be loaded: {error}") from error


def restored(cls: type[Any], described: Any, networks: list[Sequential]) -> Any:
    """The estimator that `described`, the content of a file, and its networks make.

    Raises
    ------
    FileFormatError
        If they do not go together.
    """
    try:
        return _made(cls, described, networks)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, NNCoreError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"the description of the estimator is damaged ({error!r})") from error


def _need(is_right: bool, what: str) -> None:
    if not is_right:
        raise FileFormatError(f"the description of the estimator is damaged: {what}")


def _count(value: Any, what: str) -> int:
    _need(type(value) is int and 0 <= value < 2**31, f"{what} is no number of things")
    return int(value)


def _flag(value: Any, what: str) -> bool:
    _need(type(value) is bool, f"{what} is neither true nor false")
    return bool(value)


def _number(value: Any, what: str) -> float:
    _need(type(value) in (int, float) and math.isfinite(value), f"{what} is no finite number")
    return float(value)


def _numbers(values: Any, length: int, what: str) -> NDArray[np.float64]:
    _need(isinstance(values, list) and len(values) == length, f"{what} are not {length} numbers")
    _need(all(type(value) in (int, float) and math.isfinite(value) for value in values), f"{what} are not all finite numbers")
    return np.array(values, np.float64)


def _places(values: Any, n: int, what: str) -> NDArray[np.int64]:
    """Numbers of columns, each once and in order."""
    _need(isinstance(values, list) and all(type(value) is int and 0 <= value < n for value in values), f"{what} are no columns")
    _need(values == sorted(set(values)), f"{what} are not in order")
    return np.array(values, np.int64)


def _made(cls: type[Any], described: Any, networks: list[Sequential]) -> Any:
    _need(isinstance(described, dict), "it is no object")
    _need(described["version"] == VERSION, f"its version is {described['version']!r}, this nncore reads {VERSION}")
    _need(described["class"] == cls.__name__, f"it is a {described['class']}: use {described['class']}.load")
    estimator = read_arguments(cls, described["arguments"])
    estimator.n_features_in_ = n_features = _count(described["n_features"], "n_features")
    names = described["names"]
    if names is not None:
        _need(isinstance(names, list) and len(names) == n_features and all(isinstance(name, str) for name in names), "its names")
        estimator.feature_names_in_ = np.array(names, object)
    estimator._columns = columns = _columns(described["columns"], n_features, names)
    layout = _layout(columns, described["columns"])
    losses = [network.loss for network in networks]
    _need(all(loss is not None for loss in losses), "a network has no loss")
    estimator._targets = targets = _targets(described["targets"])
    _need(isinstance(targets, ClassTargets) == is_classifier(estimator), "its targets are those of another estimator")
    loss = losses[0]
    assert loss is not None, "it was looked at"
    estimator.n_outputs_ = _count(described["n_outputs"], "n_outputs")
    _need(estimator.n_outputs_ == targets.n_outputs(loss), "its outputs are not those of its targets")
    if isinstance(targets, ClassTargets):
        estimator.classes_ = targets.classes
        estimator.temperature_ = _number(described["temperature"], "the temperature")
        _need(estimator.temperature_ > 0 and (estimator.temperature_ == 1 or has_temperature(loss)), "its temperature")
    estimator.n_iter_ = _count(described["n_iter"], "n_iter")
    estimator.best_epochs_ = [_count(epoch, "a best epoch") for epoch in described["best_epochs"]]
    estimator.validation_scores_ = [
        math.nan if score is None else _number(score, "a validation score") for score in described["validation_scores"]
    ]
    _need(len(estimator.validation_scores_) == len(estimator.best_epochs_), "its best epochs and their scores")
    _need(isinstance(described["members"], list) and bool(described["members"]), "it has no members")
    left = list(networks)
    estimator._members = []
    for one in described["members"]:
        n_networks = _count(one["n_networks"], "n_networks")
        _need(1 <= n_networks <= len(left), "its members are not its networks")
        own, left = left[:n_networks], left[n_networks:]
        estimator._members.append(_members(one, layout, own, targets, estimator.n_outputs_))
    _need(not left, "its members are not its networks")
    estimator.networks_ = networks
    return estimator


def _columns(described: Any, n_features: int, names: list[str] | None) -> TableColumns:
    columns = TableColumns(None)
    columns.names = names
    columns.categories = {}
    for one in described["categories"]:
        index, levels = _count(one["column"], "a column"), one["levels"]
        _need(index < n_features and index not in columns.categories, "a column of categories is none")
        _need(isinstance(levels, list) and all(type(level) in PLAIN for level in levels), "levels are of no plain type")
        _need(len({level_key(level) for level in levels}) == len(levels), "of the levels two are equal")
        columns.categories[index] = Categories(tuple(levels), _flag(one["has_missing"], "has_missing"))
    _need(list(columns.categories) == sorted(columns.categories), "columns of categories are not in order")
    is_categorical = np.zeros(n_features, bool)
    is_categorical[list(columns.categories)] = True
    columns.is_categorical = is_categorical if columns.categories else None
    columns.n_columns = n_features
    columns.number_columns = np.flatnonzero(~is_categorical)
    columns.has_missing = np.zeros(n_features, bool)
    columns.has_missing[_places(described["has_missing"], n_features, "columns of missing numbers")] = True
    columns.means = _numbers(described["means"], n_features, "means")
    return columns


def _layout(columns: TableColumns, described: Any) -> InputLayout:
    hot = _places(described["hot"], columns.n_columns, "one-hot columns").tolist()
    _need(set(hot) <= columns.categories.keys(), "one-hot columns are no categories")
    return InputLayout.of(columns, hot, names=columns.names)


def _targets(described: Any) -> ClassTargets | RealTargets:
    _need(isinstance(described, dict), "it has no targets")
    if "kind" not in described:
        n_targets = _count(described["n_targets"], "n_targets")
        _need(n_targets >= 1, "it has no targets")
        return RealTargets(np.zeros((1, n_targets)))
    _need(described["kind"] in KINDS, f"there are no targets of the kind {described['kind']!r}")
    classes = [_classes(one) for one in described["classes"]]
    _need(len(classes) == 1 or (described["kind"] == HEADS and len(classes) > 1), "its classes are not those of its targets")
    return ClassTargets.known(
        described["kind"], classes if described["kind"] == HEADS else classes[0], _flag(described["is_sparse"], "is_sparse")
    )


def _classes(described: Any) -> np.ndarray:
    dtype = np.dtype(described["dtype"])
    values = described["values"]
    _need(dtype.kind in "iufbUO" and isinstance(values, list) and bool(values), "classes are of no plain type")
    _need(all(type(value) in PLAIN for value in values), "classes are of no plain type")
    classes = np.array(values, dtype)
    _need(classes.ndim == 1 and bool((classes[:-1] < classes[1:]).all()), "classes are not in order")
    return classes


def _members(
    described: Any, layout: InputLayout, networks: list[Sequential], targets: ClassTargets | RealTargets, n_outputs: int
) -> Members:
    numbers = EncodingChain.from_json(described["numbers"], len(layout.numbers))
    hot = EncodingChain.from_json(described["hot"], len(layout.hot))
    _need(bool((hot.learned[0]["n_levels"] == layout.hot_levels).all()), "its one-hot columns have other levels")
    coded = EncodingChain.from_json(described["coded"], len(layout.coded))
    _need(coded.n_levels is not None and bool((coded.n_levels == layout.coded_levels).all()), "its columns of codes have other levels")
    columns = InputColumns(layout, numbers, hot, coded)
    for network in networks:
        _need(
            network.input_shape == (columns.n_inputs,) and network.output_shape == (n_outputs,), "a network takes or gives something else"
        )
    weights = None if described["weights"] is None else _numbers(described["weights"], len(networks), "weights of networks").tolist()
    _need(weights is None or min(weights) > 0, "weights of networks are not positive")
    if described["target"] is None:
        return Members(columns, None, networks, weights)
    _need(isinstance(targets, RealTargets), "classes have no scale")
    assert isinstance(targets, RealTargets), "it was looked at"
    scale = TargetScale(EncodingChain.from_json(described["target"], targets.n_targets))
    _need(scale.fits(networks[0].loss), "its targets are scaled as for another loss")
    return Members(columns, scale, networks, weights)
