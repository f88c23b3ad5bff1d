"""Make a fitted multi-layer perceptron with weights that another library trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.ensembles import TargetStatistics
from nncore.errors import ParameterError
from nncore.estimators.architecture import dense_parameters
from nncore.estimators.class_targets import ClassTargets
from nncore.estimators.given import Given
from nncore.estimators.mlp import MultilayerPerceptron
from nncore.estimators.real_targets import RealTargets


@dataclass(frozen=True)
class TrainedElsewhere:
    """Fitted values from another library.

    Attributes
    ----------
    coefs, intercepts : sequence of ndarray
        ``(n_in, n_out)`` and ``(n_out,)`` for each layer.
    out_activation : str
        scikit-learn's name of the output activation.
    targets : ClassTargets or RealTargets
    names : ndarray of str or None
        Column names of a data frame.
    centre, scale : ndarray of shape (n_features,), or None
        Features are standardised by (x − centre) / scale.
    dtype : dtype
        Dtype of the network.
    attributes : dict of str to object
        Other fitted attributes: ``n_iter_``, ``loss_curve_``, ...
    """

    coefs: Sequence[NDArray[np.floating]]
    intercepts: Sequence[NDArray[np.floating]]
    out_activation: str
    targets: ClassTargets | RealTargets
    names: NDArray[Any] | None
    centre: NDArray[np.float64] | None
    scale: NDArray[np.float64] | None
    dtype: np.dtype
    attributes: Mapping[str, Any]


def take_over(estimator: MultilayerPerceptron, trained: TrainedElsewhere) -> None:
    """Set the fitted attributes of an unfitted `estimator`, whose parameters describe the network, from `trained`.

    `predict` then rejects NaN, since the means of the columns are unknown.

    Raises
    ------
    ParameterError
        If the output activation does not match the loss.
    """
    given, n_features = Given(estimator), len(trained.coefs[0])
    samples = np.zeros((2, n_features), trained.dtype)
    estimator._targets = trained.targets
    with given.noted() as made_of:
        inputs, _ = estimator._validate_samples(samples, np.zeros(2), given=given)
        columns = estimator._columns
        columns.means = np.full(n_features, np.nan)
        if trained.names is not None:
            estimator.feature_names_in_, columns.names = trained.names, trained.names.tolist()
        if trained.centre is not None and trained.scale is not None:
            assert columns.inputs is not None, "standardize=True encodes numbers"
            numbers = replace(columns.inputs.numbers, learned=({"mean": trained.centre, "std": trained.scale},))
            columns.inputs = replace(columns.inputs, numbers=numbers)
        loss = trained.targets.loss(given.loss)
        estimator._scale_target(given, partial(TargetStatistics.of, np.zeros(2), None), loss)
        estimator._start_over(given, inputs.astype(trained.dtype), loss, np.random.RandomState(0))
    if (ours := estimator._out_activation()) != trained.out_activation:
        raise ParameterError(f"out_activation_ is {trained.out_activation!r}, but loss={given.loss!r} has {ours!r}: train it again")
    estimator._made_of, estimator._seeded_by = made_of, estimator.random_state
    weights, biases = dense_parameters(estimator.network_)
    weights[:], biases[:] = trained.coefs, trained.intercepts
    estimator.__dict__.update(trained.attributes)
