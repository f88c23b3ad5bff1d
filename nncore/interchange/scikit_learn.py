"""Convert scikit-learn's fitted MLPs to nncore estimators."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import inspect
import sys
from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.errors import NotBuiltError, ParameterError
from nncore.interchange.misfits import OWN_ACTIVATION, Misfits
from nncore.words import explains_calls

#: Methods that predictions call, which a subclass may override.
METHODS = ("predict", "predict_proba", "_predict", "_forward_pass_fast")
#: Attributes of a fit that have the same meaning in nncore.
ATTRIBUTES = ("n_iter_", "t_", "loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")

ITSELF = "pass an MLPClassifier or MLPRegressor itself"
IN_FRONT = "convert the perceptron alone and keep the steps before it: make_pipeline(pipeline[:-1], nn.from_sklearn(pipeline[-1]))"


@explains_calls
def from_sklearn(model: Any) -> Any:
    """Convert a fitted MLP of scikit-learn to an nncore estimator with the same predictions.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor or Pipeline
        Fitted model; it is not changed. A pipeline must end with an MLP. A ``StandardScaler`` before it becomes ``standardize=True``. Other
        steps are refused.

    Returns
    -------
    nncore.estimators.MLPClassifier or nncore.estimators.MLPRegressor
        Fitted, with the same parameters, ``classes_`` and curves. Its network has the dtype of ``coefs_``: float64, or float32 after a
        fit on float32. `fit` trains from new weights. ``partial_fit`` and ``warm_start=True`` continue from these weights with a new
        optimizer state.

    Raises
    ------
    ParameterError
        If the model is of another class, or its subclass overrides prediction.
    NotBuiltError
        If it is not fitted.

    Notes
    -----
    Predictions agree up to rounding. Both refuse NaN. Both return sparse predictions after a fit on sparse labels.

    Examples
    --------
    >>> import nncore as nn
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((20,), solver="lbfgs", max_iter=2000, random_state=0).fit(X, y)
    >>> ours = nn.from_sklearn(model)
    >>> bool((ours.predict(X) == model.predict(X)).all())
    True
    """
    if "sklearn" not in sys.modules:
        raise ParameterError(f"from_sklearn takes a fitted estimator, got {shown(model)}: {_remedy(model)}")
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    from nncore import estimators

    misfits = Misfits("from_sklearn")
    perceptron, scaler = model, None
    if isinstance(model, Pipeline):
        *before, (_, perceptron) = model.steps
        for name, step in before:
            if step is None or step == "passthrough":
                continue
            if scaler is None and type(step) is StandardScaler:
                scaler = step
            else:
                misfits.add(f"step {name!r} ({type(step).__name__})", "only one StandardScaler becomes a part of the estimator", IN_FRONT)
    base = next((cls for cls in type(perceptron).__mro__ if cls.__module__ == "sklearn.neural_network._multilayer_perceptron"), None)
    if base is None:
        what = f"{type(perceptron).__name__} at the end of the pipeline" if isinstance(model, Pipeline) else shown(model)
        raise ParameterError(f"from_sklearn takes MLPClassifier and MLPRegressor of scikit-learn, got {what}: {_remedy(perceptron)}")
    for part in (perceptron, scaler):
        if part is not None and not hasattr(part, "n_features_in_"):
            raise NotBuiltError(f"from_sklearn: this {type(part).__name__} is not fitted: call fit first")
    place = type(perceptron).__name__
    for name in METHODS:
        if getattr(type(perceptron), name, None) is not getattr(base, name, None):
            misfits.add(place, f"it has its own {name}", ITSELF)
    is_classifier = issubclass(base, MLPClassifier)
    ours = estimators.MLPClassifier if is_classifier else estimators.MLPRegressor
    arguments = dict(perceptron.get_params(deep=False))
    for name in sorted(arguments.keys() - inspect.signature(ours).parameters.keys()):
        misfits.add(place, f"its parameter {name}={arguments[name]!r} is not known here", ITSELF)
        del arguments[name]
    if arguments["activation"] not in ("identity", "logistic", "tanh", "relu"):
        misfits.add(place, f"its activation {arguments['activation']!r} is not one of scikit-learn's", OWN_ACTIVATION)
    if is_classifier and len(np.atleast_1d(perceptron.classes_)) < 2:
        misfits.add(place, "it has only one class", "train it on samples of several classes")
    misfits.check()
    # The fitted values, which set_params does not change.
    arguments["hidden_layer_sizes"] = tuple(len(bias) for bias in perceptron.intercepts_[:-1])
    made = ours(**arguments, standardize=scaler is not None)
    estimators.take_over(made, _trained(estimators, perceptron, scaler, is_classifier))
    return made


def _trained(estimators: Any, perceptron: Any, scaler: Any, is_classifier: bool) -> Any:
    """Make the fitted attributes of an nncore estimator."""
    if is_classifier:
        binarizer = perceptron._label_binarizer
        kind = binarizer.y_type_
        targets = estimators.ClassTargets.known(kind, perceptron.classes_, bool(binarizer.sparse_input_))
    else:
        targets = estimators.RealTargets(np.empty((0,) if perceptron.n_outputs_ == 1 else (0, perceptron.n_outputs_)))
    centre = scale = None
    if scaler is not None:
        n_features = scaler.n_features_in_
        centre = np.array(scaler.mean_, np.float64) if scaler.with_mean else np.zeros(n_features)
        scale = np.array(scaler.scale_, np.float64) if scaler.with_std else np.ones(n_features)
    attributes = {name: getattr(perceptron, name) for name in ATTRIBUTES if hasattr(perceptron, name)}
    attributes = {name: list(value) if isinstance(value, list) else value for name, value in attributes.items()}
    if is_classifier:
        attributes["classes_"] = perceptron.classes_
    return estimators.TrainedElsewhere(
        coefs=perceptron.coefs_,
        intercepts=perceptron.intercepts_,
        out_activation=perceptron.out_activation_,
        targets=targets,
        names=getattr(perceptron if scaler is None else scaler, "feature_names_in_", None),
        centre=centre,
        scale=scale,
        dtype=np.result_type(*perceptron.coefs_),
        attributes=attributes,
    )


def _remedy(model: Any) -> str:
    if isinstance(model, (str, bytes)) or hasattr(model, "__fspath__"):
        return "load the model first, with skops.io.load for example"
    for name in ("regressor_", "best_estimator_", "estimator_", "estimator"):
        if hasattr(model, name):
            return f"pass its {name}"
    return "keep other models in scikit-learn"
