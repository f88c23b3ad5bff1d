"""Write estimators as graphs for export: from the columns of X to classes, probabilities and numbers."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nncore.contract import ExportGraph, Loss, Value
from nncore.ensembles import text_levels, write_classes, write_decision, write_places
from nncore.errors import ExportError
from nncore.estimators.categories import Categories
from nncore.estimators.class_targets import HEADS, MULTILABEL, ClassTargets
from nncore.estimators.columns import TableColumns
from nncore.estimators.dates import Dates
from nncore.estimators.real_targets import RealTargets
from nncore.network import about_model
from nncore.program import ModelWriter

#: Types of classes that all export formats support.
CLASS_KINDS = "iubfU"


def graph_of_estimator(estimator: Any, write_outputs: Callable[[ModelWriter, Value], Value], dtype: str, *, averaged: bool) -> ExportGraph:
    """The graph of `predict`, from the user's X, and of `predict_proba` if there are probabilities.

    Parameters
    ----------
    estimator : NetworkEstimator
        Fitted.
    write_outputs : callable
        Writes outputs after the link of the loss, (n, n_outputs), for the matrix of `TableColumns`.
    dtype : {"float32", "float64"}
        Dtype of the numbers in X.
    averaged : bool
        Whether the outputs come from `write_members`.

    Raises
    ------
    NoFormulaError
        If a component has no formula; the message names it.
    ExportError
        If a column or the classes cannot be exported.
    """
    g = ModelWriter()
    matrix = write_columns(g, estimator._columns, names_of(estimator), dtype)
    outputs = write_outputs(g, matrix)
    about = {}
    with g.writing("answers", g.dtype_of(outputs)):
        targets, loss = estimator._targets, estimator._fitted_loss
        if isinstance(targets, RealTargets):
            g.output("predict", _decoded(g, targets, loss, outputs, averaged=averaged))
        else:
            about["classes"] = ", ".join(map(str, np.concatenate(targets.classes) if targets.kind == HEADS else targets.classes))
            _write_classes(g, targets, loss, outputs)
            if hasattr(estimator, "predict_proba"):
                _write_probabilities(g, targets, loss, outputs)
    return g.graph(about_model(type(estimator).__name__) | about)


def graph_of_hyperplane(estimator: Any, *, has_probabilities: bool) -> ExportGraph:
    """The graph of an estimator that decides between two classes by the sign of w·x + b."""
    g = ModelWriter()
    names = names_of(estimator)
    n_features = estimator.n_features_in_
    matrix = g.input("X", (n_features,), "float64") if names is None else g.concat([g.input(name, (1,), "float64") for name in names])
    with g.writing("answers"):
        score = matrix @ g.constant(estimator.coef_.T, "coef") + estimator.intercept_
        g.output("predict", g.label(_classes(estimator.classes_), g.cast(g.reshape(g.where(score > 0, 1, 0), ()), "int64")))
        if has_probabilities:
            g.output("predict_proba", g.concat([g.sigmoid(-score), g.sigmoid(score)]))
    return g.graph(about_model(type(estimator).__name__) | {"classes": ", ".join(map(str, estimator.classes_))})


# ---- columns ----------------------------------------------------------------------------------------------------------------


def names_of(estimator: Any) -> list[str] | None:
    """Names of the columns of X; None if they have no names."""
    names = vars(estimator).get("feature_names_in_")
    if names is None:
        return None
    found = list(map(str, names))
    twice = next((name for name in found if found.count(name) > 1), None)
    if twice is not None:
        raise ExportError(f"two columns of X are called {twice!r}, but exported models find columns by name: rename one and fit again")
    return found


def write_columns(g: ModelWriter, columns: TableColumns, names: Sequence[str] | None, dtype: str) -> Value:
    """Write `TableColumns.transform`. There is one input for all columns if all are numbers without names, else one for each."""
    n_features = len(columns.starts)
    called = [f"x{index}" for index in range(n_features)] if names is None else names
    is_text = {index for index, one in columns.categories.items() if _are_texts(one, called[index])}
    filling = np.where(columns.has_missing, np.nan, columns.means)
    with g.writing("columns", dtype):
        if names is None and not is_text and not columns.dates:
            matrix = g.input("X", (n_features,), dtype)
            if not columns.categories:
                return _without_gaps(g, matrix, filling)
            given = [g.columns(matrix, [index]) for index in range(n_features)]
        else:
            given = [
                g.times(name) if index in columns.dates else g.input(name, (1,), "text" if index in is_text else dtype)
                for index, name in enumerate(called)
            ]
        numbers = [index for index in range(n_features) if index not in columns.categories and index not in columns.dates]
        order = columns.starts[numbers].tolist()
        parts = [_without_gaps(g, g.concat([given[index] for index in numbers]), filling[order])] if numbers else []
        for index, categories in columns.categories.items():
            parts.append(g.cast(_codes(g, categories, given[index]), dtype))
            order.append(int(columns.starts[index]))
        for index, dates in columns.dates.items():
            if dates.width:
                places = list(range(columns.starts[index], columns.starts[index] + dates.width))
                parts.append(_without_gaps(g, _date(g, dates, given[index], dtype), filling[places]))
                order += places
        matrix = g.concat(parts)
        return matrix if order == sorted(order) else g.columns(matrix, np.argsort(order).tolist())


def _without_gaps(g: ModelWriter, numbers: Value, filling: np.ndarray) -> Value:
    """Write `TableColumns._filled`: replace NaN by `filling`, which is NaN where NaN is allowed."""
    return g.where(g.is_nan(numbers), filling, numbers)


def _date(g: ModelWriter, dates: Dates, given: Value, dtype: str) -> Value:
    """Write `Dates.encode`."""
    with g.writing("columns"):
        return g.cast(dates.chain.formula(g, given), dtype)


def _are_texts(categories: Categories, name: str) -> bool:
    """Whether levels are text; otherwise they are numbers or booleans."""
    kinds = {"text" if isinstance(level, str) else "numbers" if _is_number(level) else type(level).__name__ for level in categories.levels}
    if len(kinds) > 1 or not kinds <= {"text", "numbers"}:
        raise ExportError(
            f"column {name!r} of X has levels that are {' and '.join(sorted(kinds))}, but an exported model takes columns of texts or "
            "of numbers: convert them to texts and fit again"
        )
    return kinds == {"text"}


def _is_number(level: Any) -> bool:
    return isinstance(level, (bool, int, float, np.bool_, np.integer, np.floating)) and float(level) == level  # not all long integers


def _codes(g: ModelWriter, categories: Categories, given: Value) -> Value:
    """Write `Categories.codes`."""
    n_levels = len(categories.levels)
    missing = n_levels if categories.has_missing else -1
    if g.dtype_of(given) == "text":
        codes = {str(level): code for code, level in enumerate(categories.levels)}
        for key, code in categories._code_of_key.items():
            codes.setdefault(str(key), code)
        return g.codes(given, text_levels(codes, missing, -1))
    levels = np.array(categories.levels, np.float64)
    if not n_levels:
        return g.where(g.is_nan(given), missing, -1)
    # At most one of them is equal.
    found = g.sum(g.where(given == levels, np.arange(1.0, n_levels + 1), 0)) - 1
    return g.where(g.is_nan(given), missing, found)


# ---- predictions ----------------------------------------------------------------------------------------------------------------


def _decoded(g: ModelWriter, targets: RealTargets, loss: Loss, outputs: Value, *, averaged: bool) -> Value:
    """Write `RealTargets.decode`."""
    decided = write_decision(g, loss, outputs, averaged=averaged)
    if targets.scale is not None:
        decided = g.cast(write_places(g, targets.scale, g.cast(decided, "float64")), g.dtype_of(outputs))
    n_values = decided.sample_shape[0]
    if n_values == 1:
        return g.reshape(decided, ())
    if targets.n_targets == 1 or n_values % targets.n_targets or n_values == targets.n_targets:
        return decided
    return g.reshape(decided, (targets.n_targets, n_values // targets.n_targets))


def _write_classes(g: ModelWriter, targets: ClassTargets, loss: Loss, outputs: Value) -> None:
    """Write `ClassTargets.decode`."""
    if targets.kind == HEADS:
        for position, (classes, own) in enumerate(zip(targets.classes, _split(g, targets, outputs), strict=True)):
            g.output("predict", g.label(_classes(classes), g.largest(own)), position)
        return
    decided = write_decision(g, loss, outputs)
    if targets.kind == MULTILABEL:
        g.output("predict", g.cast(g.where(decided > 0.5, 1, 0), "int64"))
    else:
        g.output("predict", write_classes(g, _classes(targets.classes), decided))


def _write_probabilities(g: ModelWriter, targets: ClassTargets, loss: Loss, outputs: Value) -> None:
    """Write `ClassTargets.probabilities`."""
    if targets.kind == HEADS:
        for position, own in enumerate(_split(g, targets, outputs)):
            g.output("predict_proba", own, position)
        return
    if loss.decides_probabilities:
        outputs = write_decision(g, loss, outputs)
    if targets.kind == "multiclass" and loss.has_yes_no_outputs:
        outputs = outputs / g.maximum(g.sum(outputs), float(np.finfo(g.dtype_of(outputs)).tiny))
    elif targets.kind != MULTILABEL and outputs.sample_shape == (1,):
        outputs = g.concat([1 - outputs, outputs]) if len(targets.classes) == 2 else g.where(g.is_nan(outputs), 1, 1)
    g.output("predict_proba", outputs)


def _split(g: ModelWriter, targets: ClassTargets, outputs: Value) -> list[Value]:
    """The columns of each of several targets."""
    ends = np.cumsum([len(classes) for classes in targets.classes]).tolist()
    return [g.columns(outputs, range(end - len(classes), end)) for classes, end in zip(targets.classes, ends, strict=True)]


def _classes(classes: np.ndarray) -> np.ndarray:
    """Classes in a form that files can hold."""
    if classes.dtype.kind == "O" and all(isinstance(one, str) for one in classes):
        return classes.astype(str)
    if classes.dtype.kind not in CLASS_KINDS:
        raise ExportError(
            f"an exported file holds classes that are texts, numbers or truth values, not {classes[0]!r:.40}: fit again with texts"
        )
    return classes
