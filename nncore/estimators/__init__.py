"""Estimators with scikit-learn's API. They need scikit-learn (the extra ``sklearn``)."""

from nncore.configuration import require

require("sklearn", extra="sklearn", purpose="nncore.estimators")

from nncore.estimators.class_targets import ClassTargets as ClassTargets  # noqa: E402
from nncore.estimators.logistic_neuron import LogisticNeuron  # noqa: E402
from nncore.estimators.mlp_classifier import MLPClassifier  # noqa: E402
from nncore.estimators.mlp_regressor import MLPRegressor  # noqa: E402
from nncore.estimators.mp_neuron import MPNeuron  # noqa: E402
from nncore.estimators.onnx_converters import register_onnx_converters  # noqa: E402
from nncore.estimators.perceptron import Perceptron  # noqa: E402
from nncore.estimators.real_mlp_classifier import RealMLPClassifier  # noqa: E402
from nncore.estimators.real_mlp_regressor import RealMLPRegressor  # noqa: E402
from nncore.estimators.real_targets import RealTargets as RealTargets  # noqa: E402
from nncore.estimators.saved import load_saved as load_saved  # noqa: E402
from nncore.estimators.tabm_classifier import TabMClassifier  # noqa: E402
from nncore.estimators.tabm_regressor import TabMRegressor  # noqa: E402
from nncore.estimators.trained_elsewhere import TrainedElsewhere as TrainedElsewhere, take_over as take_over  # noqa: E402

__all__ = [
    "LogisticNeuron",
    "MLPClassifier",
    "MLPRegressor",
    "MPNeuron",
    "Perceptron",
    "RealMLPClassifier",
    "RealMLPRegressor",
    "TabMClassifier",
    "TabMRegressor",
    "register_onnx_converters",
]


def __dir__() -> list[str]:
    return sorted(__all__)
