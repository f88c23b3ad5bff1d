"""For every argument of the multi-layer perceptrons a non-default value, and small data on which it makes a difference."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np

import nncore as nn
from nncore.estimators import MLPClassifier, MLPRegressor

rng = np.random.default_rng(0)
#: The first column has the integers up to 4.
X = np.column_stack([rng.integers(4, size=40), rng.normal(size=(40, 2))])
Y = {MLPRegressor: np.sin(X[:, 1]) + X[:, 0], MLPClassifier: (X[:, 1] > 0).astype(int) + (X[:, 2] > 0)}

#: A fit that lasts for 12 of at most 15 epochs, since nothing improves by so much.
BASE = {"hidden_layer_sizes": (5,), "learning_rate_init": 0.01, "max_iter": 15, "tol": 0.5, "batch_size": 10, "random_state": 0}

OTHER: dict[str, Any] = {
    "hidden_layer_sizes": (3,),
    "activation": "tanh",
    "solver": "rmsprop",
    "alpha": 5.0,
    "batch_size": 7,
    "learning_rate": "cosine",
    "learning_rate_init": 0.05,
    "power_t": 0.1,
    "max_iter": 4,
    "shuffle": False,
    "random_state": 1,
    "tol": 0.0,
    "verbose": True,
    "warm_start": True,
    "momentum": 0.2,
    "nesterovs_momentum": False,
    "early_stopping": True,
    "validation_fraction": 0.4,
    "beta_1": 0.5,
    "beta_2": 0.5,
    "epsilon": 0.1,
    "n_iter_no_change": 2,
    "max_fun": 2,
    "layers": [nn.Dense(4, "tanh")],
    "dropout": 0.5,
    "normalization": "batch_norm",
    "class_weight": {0: 9.0},
    "scoring": "loss",
    "callbacks": [nn.EMA(0.5)],
    "clip_norm": 1e-3,
    "time_limit": 60.0,
    "n_threads": 1,
    "memory_limit": "4 MB",
    "progress": True,
    "dtype": "float32",
    "precision": "float32",
    "categorical_features": [0],
    "max_one_hot": 2,
    "standardize": True,
    "standardize_target": True,
    "groups": {"dense_1.*": {"frozen": True}},
    "sampler": "sequential",
    "transforms": [nn.GaussianNoise(0.5)],
}
LOSSES = {MLPRegressor: "huber", MLPClassifier: "hinge"}

#: Arguments that no bit of the result depends on.
NEUTRAL = frozenset({"verbose", "warm_start", "time_limit", "n_threads", "progress"})


def alternatives(cls: type) -> dict[str, Any]:
    """A non-default value for each argument of the class; a new argument must get one."""
    names = inspect.signature(cls).parameters
    assert names.keys() - OTHER.keys() == {"loss"}
    return {name: LOSSES[cls] if name == "loss" else OTHER[name] for name in names}


def quietly(method: Any, *arguments: Any, **named: Any) -> list[str]:
    """Call the function and return its warnings, except those about too few epochs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        method(*arguments, **named)
    return [str(warning.message) for warning in caught if "converge" not in str(warning.message)]


def outcome(model: Any) -> tuple[Any, ...]:
    """The bits of a fit's results."""
    return model.network_.parameters.tobytes(), model.n_iter_, model.predict(X).tobytes()
