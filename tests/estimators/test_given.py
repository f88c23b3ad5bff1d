"""Every argument of a perceptron has an effect, or a message says that it has none, with every solver."""

from __future__ import annotations

import re

import numpy as np
import pytest
from alternatives import BASE, NEUTRAL, OTHER, X, Y, alternatives, outcome, quietly

import nncore as nn
from nncore.errors import NNCoreError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.registry import names

IGNORED = re.compile("would be ignored|is ignored")


def makeable(name: str) -> bool:
    """Whether an optimizer can be made from its name and a learning rate."""
    try:
        nn.get("optimizers", name)(lr=0.1)
    except (NNCoreError, TypeError):
        return False
    return True


QUICK = ["sgd", "adam", "lbfgs", nn.RMSProp(lr=0.01)]
SOLVERS = [
    *QUICK,
    *(pytest.param(name, marks=pytest.mark.slow) for name in names("optimizers") if makeable(name) and name not in QUICK[:3]),
]


def obeyed(cls, solver, **arguments):
    """The result of a fit, or its message about an ignored argument."""
    base = BASE if isinstance(solver, str) else {name: value for name, value in BASE.items() if name != "learning_rate_init"}
    if solver == "lbfgs":
        base = {name: base[name] for name in ("hidden_layer_sizes", "max_iter", "random_state")} | {"tol": 1e-3}
    model = cls(**{**base, "solver": solver, "categorical_features": [0], **arguments})
    try:
        said = quietly(model.fit, X, Y[cls])
    except NNCoreError as error:
        assert not hasattr(model, "network_")
        return str(error)
    return next(filter(IGNORED.search, said), None) or outcome(model)


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_no_argument_is_ignored_in_silence(solver):
    cls = MLPClassifier if solver in ("adam", "lbfgs") else MLPRegressor
    usual = obeyed(cls, solver)
    assert not isinstance(usual, str), usual
    for name, value in alternatives(cls).items():
        if name == "solver":
            continue
        other = None if name == "categorical_features" else value
        found = obeyed(cls, solver, **{name: other})
        if isinstance(found, str):
            assert name in found, (name, found)
        elif name not in NEUTRAL:
            assert found != usual, name


@pytest.mark.parametrize(
    "arguments",
    [
        {"clip_norm": 1.0},
        {"learning_rate": "cosine"},
        {"groups": {"*.bias": {"frozen": True}}},
        {"callbacks": ["early_stopping"]},
        {"progress": True},
        {"scoring": "loss"},
    ],
    ids=str,
)
def test_lbfgs_refuses_what_is_for_steps(arguments):
    with pytest.raises(ParameterError, match=f"{next(iter(arguments))}=.* would be ignored, because it has no effect with solver='lbfgs'"):
        MLPRegressor(solver="lbfgs", **arguments).fit(X, Y[MLPRegressor])


def test_an_optimizer_brings_its_own_learning_rate():
    with pytest.raises(ParameterError, match=r"learning_rate_init=0.1 would be ignored.*solver=Adam\(lr=0.01"):
        MLPRegressor(solver=nn.Adam(lr=0.01), learning_rate_init=0.1).fit(X, Y[MLPRegressor])


def test_scikit_learns_only_used_when_is_a_warning_for_its_solvers_alone():
    said = quietly(MLPRegressor(solver="adam", momentum=0.5, learning_rate="adaptive", max_iter=2).fit, X, Y[MLPRegressor])
    assert said
    assert all("momentum=0.5, learning_rate='adaptive'" in text or "learning_rate='adaptive'" in text for text in said)
    with pytest.raises(ParameterError, match=r"momentum=0.5 would be ignored"):
        MLPRegressor(solver="rmsprop", momentum=0.5).fit(X, Y[MLPRegressor])


def test_lbfgs_stops_early():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=120)
    model = MLPRegressor(hidden_layer_sizes=(30,), solver="lbfgs", alpha=0, early_stopping=True, max_iter=500, n_iter_no_change=5)
    quietly(model.set_params(random_state=0, validation_fraction=0.3).fit, rng.normal(size=(120, 5)), noise)
    assert model.best_loss_ is None
    assert model.n_iter_ == len(model.validation_scores_) < 100
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert np.argmax(model.validation_scores_) + 5 + 1 <= model.n_iter_


def test_subclasses_with_fewer_arguments():
    class Small(MLPRegressor):
        def __init__(self, size=3):
            self.size = size
            super().__init__(hidden_layer_sizes=(size,), max_iter=2)

    model = Small(4)
    quietly(model.fit, X, Y[MLPRegressor])
    assert model.network_.layers[0].n_outputs == 4


def test_every_argument_has_an_alternative():
    for cls in (MLPClassifier, MLPRegressor):
        given = alternatives(cls)
        for name, value in given.items():
            assert value is not OTHER or name
            assert repr(value) != repr(getattr(cls(), name)), name
