"""Types of arguments that accept a component: a name, an instance, a class, a description, and for some kinds a function.

Built-in names are listed, so that editors complete them; ``str`` stands for names of plugins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from nncore.contract import (
    ActivationLike,
    Callback,
    Collective,
    ConstraintLike,
    Encoding,
    InitializerLike,
    Layer,
    Loss,
    Metric,
    Optimizer,
    RegularizerLike,
    Sampler,
    Schedule,
    Transform,
)
from nncore.words import (
    CallbackName,
    CollectiveName,
    EncodingName,
    LayerName,
    LossName,
    MetricName,
    OptimizerName,
    SamplerName,
    ScheduleName,
    TransformName,
)

__all__ = [
    "ActivationLike", "ActivationsLike", "CallbackLike", "ClassLossLike", "CollectiveLike", "ConstraintLike", "EncodingLike",
    "InitializerLike", "LayerLike", "LossLike", "MetricLike", "OptimizerLike", "RateLike", "RealLossLike", "RegularizerLike", "SamplerLike",
    "ScheduleLike", "SchedulesLike", "ScoringLike", "SolverLike", "TransformLike",
]  # fmt: skip

LayerLike: TypeAlias = LayerName | str | Layer | type[Layer] | Mapping[str, Any]
#: The function takes outputs and targets, and gives the loss of each sample and its gradient: see `nncore.FunctionLoss`.
LossLike: TypeAlias = (
    LossName | str | Loss | type[Loss] | Mapping[str, Any] | Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
)
#: The function takes outputs, targets and weights, and gives a score: see `nncore.FunctionMetric`.
MetricLike: TypeAlias = (
    MetricName | str | Metric | type[Metric] | Mapping[str, Any] | Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
)
OptimizerLike: TypeAlias = OptimizerName | str | Optimizer | type[Optimizer] | Mapping[str, Any]
SamplerLike: TypeAlias = SamplerName | str | Sampler | type[Sampler] | Mapping[str, Any]
EncodingLike: TypeAlias = EncodingName | str | Encoding | type[Encoding] | Mapping[str, Any]
#: The function takes the number of an epoch, and gives a factor: see `nncore.FunctionSchedule`.
ScheduleLike: TypeAlias = ScheduleName | str | Schedule | type[Schedule] | Mapping[str, Any] | Callable[[int], float]
#: One schedule is for the learning rate; a mapping without a "name" has one for each path.
SchedulesLike: TypeAlias = ScheduleLike | Mapping[str, ScheduleLike]
CollectiveLike: TypeAlias = CollectiveName | str | Collective | type[Collective] | Mapping[str, Any]
TransformLike: TypeAlias = TransformName | str | Transform | type[Transform] | Mapping[str, Any]
#: The function is called with the running `nncore.training.Training` after every epoch.
CallbackLike: TypeAlias = CallbackName | str | Callback | type[Callback] | Mapping[str, Any] | Callable[[Any], object]

# In estimators, which know scikit-learn's words too.

#: One for all hidden layers, or one for each.
ActivationsLike: TypeAlias = Literal["logistic"] | ActivationLike | Sequence[ActivationLike]
SolverLike: TypeAlias = Literal["lbfgs"] | OptimizerLike
RateLike: TypeAlias = Literal["adaptive"] | SchedulesLike
ClassLossLike: TypeAlias = Literal["log_loss"] | LossLike
RealLossLike: TypeAlias = Literal["squared_error"] | LossLike
#: The function takes the estimator, X and y, and gives a score; other names are those of scikit-learn's scorers.
ScoringLike: TypeAlias = Literal["loss"] | MetricName | str | Metric | type[Metric] | Mapping[str, Any] | Callable[..., float]


def __dir__() -> list[str]:
    return sorted(__all__)
