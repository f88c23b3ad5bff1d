"""After a fit, predictions depend only on fitted state, and scikit-learn's attributes reproduce them."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from alternatives import OTHER, X, Y, alternatives, quietly
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator

import nncore as nn
import nncore.estimators
from nncore.errors import NNCoreError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.registry import names

CLASSES = [cls for name in nncore.estimators.__all__ if isinstance(cls := getattr(nncore.estimators, name), type)]
ESTIMATORS = [cls for cls in CLASSES if issubclass(cls, BaseEstimator)]
#: Methods that train, write, read or change networks, or get and set arguments.
TRAINING = {"fit", "partial_fit", "prune", "save", "load", "export", "get_params", "set_params", "get_metadata_routing", "set_callbacks"}


def test_estimators_are_those_of_the_package():
    assert len(ESTIMATORS) >= len(CLASSES) - 1  # MPNeuron is never fitted, and has no set_params


def methods(model):
    """Every public method that uses a fitted estimator."""
    public = [name for name in dir(type(model)) if not name.startswith("_") and not name.endswith("_request") and name not in TRAINING]
    return [name for name in public if callable(inspect.getattr_static(type(model), name)) or _is_available(type(model), name)]


def _is_available(cls, name):
    return type(inspect.getattr_static(cls, name)).__name__ == "_AvailableIfDescriptor"


def results(model):
    """Results of every method, as bytes; None where there is no such method."""
    found = {}
    y = Y.get(type(model), X[:, 1] > 0)
    for name in methods(model):
        method = getattr(model, name, None)
        if method is None:
            found[name] = None
            continue
        parameters = inspect.signature(method).parameters
        given = [y] if "y" in parameters else []
        result = quantized(method) if name == "quantize" else method(X[0] if "x" in parameters else X, *given)
        found[name] = [np.asarray(part).tobytes() for part in (result if isinstance(result, (list, tuple)) else [result])]
    return found


def quantized(method):
    """Predictions of the copy that `quantize` returns; nothing if the networks have no layer to quantize."""
    try:
        return method(X, skip=()).predict(X)
    except ParameterError as error:
        if "no layer to quantize" not in str(error):
            raise
        return []


def fitted(cls, **arguments):
    model = cls(**arguments)
    quietly(model.fit, X, Y.get(cls, X[:, 1] > 0))
    return model


VARIANTS = [(cls, {}) for cls in ESTIMATORS] + [
    (MLPClassifier, {"loss": "hinge", "max_iter": 2}),
    (MLPClassifier, {"dtype": "float32", "standardize": True, "categorical_features": [0], "max_iter": 2}),
    (MLPRegressor, {"loss": {"name": "quantile", "quantiles": (0.2, 0.8)}, "max_iter": 2}),
    (MLPRegressor, {"loss": "gaussian_nll", "max_iter": 2, "solver": "lbfgs"}),
    (MLPRegressor, {"loss": "poisson", "max_iter": 2, "dtype": "float32", "standardize": True}),
]


@pytest.mark.parametrize(("cls", "arguments"), VARIANTS, ids=[f"{cls.__name__} {arguments}" for cls, arguments in VARIANTS])
def test_predictions_read_no_argument_of_the_constructor(cls, arguments, monkeypatch, tmp_path):
    if arguments.get("loss") == "poisson":
        monkeypatch.setitem(Y, MLPRegressor, np.abs(Y[MLPRegressor]))
    model = fitted(cls, **arguments)
    parameters = set(inspect.signature(cls).parameters)
    before, read = results(model), set()
    assert {"predict", "score"} <= before.keys()

    def spy(self, name):
        read.add(name)
        return object.__getattribute__(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(cls, "__getattribute__", spy, raising=False)
        assert results(model) == before
        model.export(tmp_path / "model.py")
    assert not read & parameters
    model.set_params(**{name: object() for name in parameters})
    assert results(model) == before
    for name, value in alternatives(cls).items() if cls in Y else ():
        model.set_params(**{name: value})
    assert results(model) == before


def test_the_trained_loss_decides_whether_there_are_probabilities():
    hinge = fitted(MLPClassifier, loss="hinge", max_iter=2).set_params(loss="log_loss")
    assert not hasattr(hinge, "predict_proba")
    assert hasattr(fitted(MLPClassifier, max_iter=2).set_params(loss="hinge"), "predict_proba")


# ---- scikit-learn's attributes ----------------------------------------------------------------------------------------------

WORDS = ("coefs_", "intercepts_", "n_layers_", "out_activation_")
HIDDEN = {"identity": lambda z: z, "tanh": np.tanh, "logistic": expit, "relu": lambda z: np.maximum(z, 0)}
OUT = {"identity": lambda z: z, "logistic": expit, "softmax": lambda z: softmax(z, axis=1), "exp": np.exp}


def by_words(model, samples):
    """Outputs computed from scikit-learn's attributes, as by tools that convert its perceptrons."""
    x = np.asarray(samples, np.float64)
    for layer in range(model.n_layers_ - 2):
        x = HIDDEN[model.activation](x @ model.coefs_[layer] + model.intercepts_[layer])
    return OUT[model.out_activation_](x @ model.coefs_[-1] + model.intercepts_[-1])


def check_words(model):
    """Check that either all attributes exist and give the predictions, or each raises an error with the reason; return which."""
    there = [hasattr(model, word) for word in WORDS]
    assert all(there) or not any(there)
    if not there[0]:
        for word in WORDS:
            with pytest.raises(AttributeError, match=f"has no {word}: its predictions depend on more than dense layers"):
                getattr(model, word)
            with pytest.raises(AttributeError, match=word):
                setattr(model, word, None)
        return False
    assert len(model.coefs_) == len(model.intercepts_) == model.n_layers_ - 1
    outputs = by_words(model, X)
    if isinstance(model, MLPRegressor):
        np.testing.assert_allclose(outputs[:, 0] if outputs.shape[1] == 1 else outputs, model.predict(X), rtol=1e-4, atol=1e-5)
        return True
    if outputs.shape[1] == 1:
        outputs = np.hstack([1 - outputs, outputs])
    np.testing.assert_allclose(outputs, model.predict_proba(X), rtol=1e-4, atol=1e-5)
    if model.predict(X).ndim == 1:
        np.testing.assert_array_equal(model.classes_[outputs.argmax(axis=1)], model.predict(X))
    return True


#: Arguments whose networks scikit-learn's attributes cannot describe.
MORE = {"layers", "normalization", "standardize", "standardize_target", "categorical_features"}


@pytest.mark.parametrize("cls", [pytest.param(MLPClassifier, marks=pytest.mark.slow), MLPRegressor])
def test_words_say_it_all_for_every_argument(cls):
    plain = {"max_iter": 2, "hidden_layer_sizes": (4, 3), "random_state": 0}
    assert check_words(fitted(cls, **plain))
    for name, value in alternatives(cls).items():
        base = {"max_iter": 2} if name == "layers" else plain
        if name == "scoring":  # has no effect without validation samples
            continue
        model = fitted(cls, **base | {name: value})
        has_words = check_words(model)
        assert has_words == (name not in MORE and not (cls is MLPClassifier and name == "loss")), name


@pytest.mark.parametrize("loss", names("losses"))
def test_words_say_it_all_for_every_loss(loss):
    targets = {
        MLPRegressor: [np.abs(Y[MLPRegressor]), np.abs(np.column_stack([Y[MLPRegressor]] * 2))],
        MLPClassifier: [Y[MLPClassifier], Y[MLPClassifier] > 0, np.column_stack([X[:, 0] > 1, X[:, 1] > 0]).astype(int)],
    }
    for cls, some in targets.items():
        for y in some:
            model = cls(hidden_layer_sizes=(4,), max_iter=2, loss=loss)
            try:
                quietly(model.fit, X, y)
            except (NNCoreError, TypeError):  # the loss takes other targets, or needs arguments
                continue
            check_words(model)


@pytest.mark.parametrize("y", [np.column_stack([np.arange(40) % 3, np.arange(40) % 2]), np.zeros(40, int)], ids=["heads", "one class"])
def test_targets_that_scikit_learn_has_no_words_for(y):
    model = MLPClassifier((4,), max_iter=2)
    quietly(model.fit, X, y)
    assert not check_words(model)


def test_activations_that_scikit_learn_does_not_have():
    for activation in ("gelu", ["tanh", "relu"], nn.get("activations", "relu")(), {"name": "leaky_relu", "slope": 0.1}):
        assert not check_words(fitted(MLPRegressor, activation=activation, hidden_layer_sizes=(4, 3), max_iter=2))
    model = fitted(MLPRegressor, max_iter=2)
    assert check_words(model)
    assert not check_words(model.set_params(activation="tanh"))  # tools would read this argument
    assert check_words(fitted(MLPRegressor, hidden_layer_sizes=(), max_iter=2))
    assert OTHER["activation"] == "tanh"
