"""Later calls of `partial_fit`, and of `fit` with a warm start, raise the same errors as the first call."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from alternatives import quietly

from nncore.estimators import MLPClassifier, MLPRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 3))
GOOD = {
    "two classes": np.arange(30) % 2,
    "three classes": np.arange(30) % 3,
    "labels": np.column_stack([np.arange(30) % 2, np.arange(30) // 2 % 2, np.arange(30) // 4 % 2]),
    "heads": np.column_stack([np.arange(30) % 3, np.arange(30) % 2]),
    "a number": rng.normal(size=30),
    "two numbers": rng.normal(size=(30, 2)),
}


def with_(array, value, place=0):
    changed = np.array(array, object if value is None or isinstance(value, str) else np.result_type(array, np.asarray(value)))
    changed[place] = value
    return changed


def bad_inputs(y):
    """Invalid X, y and weights, by what is wrong."""
    yield "NaN in a target", X, with_(y, np.nan), None
    yield "infinity in a target", X, with_(y, np.inf), None
    yield "None in a target", X, with_(y, None), None
    yield "a short target", X, y[:-1], None
    yield "no samples", X[:0], y[:0], None
    yield "infinity in X", with_(X, np.inf, (0, 0)), y, None
    yield "text in X", with_(X, "abc", (0, 0)), y, None
    yield "one axis", X[:, 0], y, None
    yield "three axes of y", X, np.stack([y, y], axis=-1)[..., None], None
    yield "negative weights", X, y, -np.ones(30)
    yield "NaN weights", X, y, np.full(30, np.nan)
    yield "short weights", X, y, np.ones(29)
    yield "weights of 0", X, y, np.zeros(30)


def bad_targets(kind):
    if kind == "labels":
        yield "labels of -1 and 1", 2 * GOOD[kind] - 1
        yield "labels of 0 and 5", 5 * GOOD[kind]
    if kind in ("two classes", "three classes", "labels", "heads"):
        yield "halves", GOOD[kind] + 0.5


CASES = [
    (kind, what, samples, target, weights)
    for kind, y in GOOD.items()
    for what, samples, target, weights in [*bad_inputs(y), *((what, X, target, None) for what, target in bad_targets(kind))]
]


def model_for(kind):
    cls = MLPRegressor if "number" in kind else MLPClassifier
    return cls(hidden_layer_sizes=(3,), max_iter=2, random_state=0, warm_start=True)


def classes_of(kind):
    y = GOOD[kind]
    if "number" in kind or kind == "labels":
        return {}
    return {"classes": np.unique(y) if y.ndim == 1 else [np.unique(column) for column in y.T]}


def refused(model, method, *arguments, **named):
    before = model.network_.parameters.tobytes() if hasattr(model, "network_") else None
    with pytest.raises((ValueError, TypeError)) as caught:
        quietly(getattr(model, method), *arguments, **named)
    assert before is None or model.network_.parameters.tobytes() == before
    return type(caught.value), str(caught.value)


@pytest.fixture(scope="module")
def trained():
    models = {}
    for kind, y in GOOD.items():
        models[kind] = model_for(kind)
        quietly(models[kind].fit, X, y)
    return models


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(("kind", "what", "samples", "target", "weights"), CASES, ids=[f"{kind}: {what}" for kind, what, *_ in CASES])
def test_first_and_later_calls_refuse_alike(trained, kind, what, samples, target, weights, method):
    named = classes_of(kind) if method == "partial_fit" else {}
    first = refused(model_for(kind), method, samples, target, weights, **named)
    later = refused(copy.deepcopy(trained[kind]), method, samples, target, weights)
    assert later == first


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("given", GOOD)
@pytest.mark.parametrize("kind", GOOD)
def test_targets_of_another_kind(trained, kind, given, method):
    model = copy.deepcopy(trained[kind])
    if kind == given or ({kind, given} == {"a number", "two classes"} and kind == "a number"):
        quietly(getattr(model, method), X, GOOD[given])
        return
    if "number" in kind and GOOD[kind].ndim == GOOD[given].ndim and np.shape(GOOD[given])[1:] == np.shape(GOOD[kind])[1:]:
        return  # classes given by number are numbers
    if method == "partial_fit" and (kind, given) == ("three classes", "two classes"):
        quietly(model.partial_fit, X, GOOD[given])  # a batch may lack classes
        return
    if method == "partial_fit" and kind == "heads" and given == "labels":
        assert "columns" in refused(model, method, X, GOOD[given])[1]
        return
    refused(model, method, X, GOOD[given])


def test_values_that_are_no_labels():
    model = MLPClassifier(hidden_layer_sizes=(3,)).partial_fit(X, GOOD["labels"])
    for y in (with_(GOOD["labels"], -3, (0, 0)), with_(GOOD["labels"], 4, (0, 0)), 2 * GOOD["labels"] - 1):
        with pytest.raises(ValueError, match="labels"):
            model.partial_fit(X, y)


@pytest.mark.parametrize("classes", [5, [[0, 1]], "ab", [0], [0, 1, 2], None], ids=str)
def test_classes_of_every_call(classes):
    model = MLPClassifier(hidden_layer_sizes=(3,)).partial_fit(X, GOOD["two classes"], classes=[0, 1])
    if classes is None:
        model.partial_fit(X, GOOD["two classes"])
        return
    with pytest.raises(ValueError, match=r"is not the same as on last call|classes"):
        model.partial_fit(X, GOOD["two classes"], classes=classes)
    if classes != [0, 1, 2]:
        with pytest.raises(ValueError, match="class"):
            MLPClassifier(hidden_layer_sizes=(3,)).partial_fit(X, GOOD["two classes"], classes=classes)
