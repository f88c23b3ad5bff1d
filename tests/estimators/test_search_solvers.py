"""Searches over solvers, their arguments and the estimator's arguments for them, for each solver of the registry."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

import nncore as nn
from nncore.errors import NNCoreError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.estimators.given import OF_SOLVER
from nncore.registry import names

X = np.random.default_rng(0).normal(size=(30, 2))
Y = {MLPRegressor: X[:, 0] + X[:, 1], MLPClassifier: (X[:, 0] > 0).astype(int)}
SHORT = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0}
BY_NAME = [name for name in names("optimizers") if name != "lbfgs"]
#: The estimator's arguments for optimizers, with non-default values.
OTHERS = {"learning_rate_init": 0.02, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6, "momentum": 0.5, "nesterovs_momentum": False}
OURS = {"adam": "beta_1 beta_2 epsilon", "sgd": "momentum nesterovs_momentum", "nesterov": "momentum", "momentum": "momentum"}


def grids(solver):
    """Each numeric or boolean argument of the solver, with its value and another one."""
    params = MLPRegressor(solver=solver).get_params()
    inside = {name: value for name, value in params.items() if name.startswith("solver__") and isinstance(value, (bool, float))}
    return {name: [value, another(value)] for name, value in inside.items()}


def another(value):
    if isinstance(value, bool):
        return not value
    return value * 0.9 if value > 1e-9 else value * 2 or 0.1


def searched(model, cls=MLPRegressor):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, Y[cls])


def candidate(model, **params):
    """A fit of one candidate, as a search makes it."""
    return searched(clone(model).set_params(**params), type(model))


@pytest.mark.parametrize("solver", BY_NAME)
def test_each_argument_of_a_solver_is_searched_beside_the_learning_rate(solver):
    model = MLPRegressor(**SHORT, solver=solver)
    found = {name: values[1] for name, values in grids(solver).items() if not name.endswith("__lr")}
    assert found or solver in ("block_coordinate", "sgd")
    for name, value in found.items():
        if name.startswith("solver__optimizer__"):  # the inner optimizer is then a component with its own learning rate
            continue
        made = candidate(model, **{"learning_rate_init": 0.02, name: value})
        optimizer = made.network_.optimizer
        assert getattr(optimizer, name.removeprefix("solver__")) == value == made.get_params()[name]
        assert getattr(optimizer, "optimizer", optimizer).lr == 0.02


@pytest.mark.parametrize("solver", BY_NAME)
def test_the_learning_rate_by_both_names_says_which_to_set(solver):
    name = next(name for name in grids(solver) if name.endswith("__lr"))
    model = MLPRegressor(**SHORT, solver=solver, learning_rate_init=0.02)
    with pytest.raises(ParameterError, match=f"learning_rate_init=0.02 would be ignored.*leave it at 0.001, or set {name}, which"):
        candidate(model, **{name: 0.5})
    assert candidate(model, **{name: 0.02}).n_iter_ == 2  # both values agree


@pytest.mark.parametrize("solver", OURS)
@pytest.mark.parametrize("cls", [MLPRegressor, MLPClassifier])
def test_arguments_of_scikit_learn_are_searched_beside_those_of_the_solver(cls, solver):
    for name in ("learning_rate_init", *OURS[solver].split()):
        for inside, values in grids(solver).items():
            if OF_SOLVER.get(name) != inside.removeprefix("solver__"):
                assert candidate(cls(**SHORT, solver=solver), **{name: OTHERS[name], inside: values[1]}).get_params()[inside] == values[1]
    optimizer = candidate(cls(**SHORT, solver="sgd"), momentum=0, solver__lr=0.1).network_.optimizer
    assert type(optimizer) is nn.SGD
    assert optimizer.lr == 0.1


@pytest.mark.parametrize("solver", ["adamw", "sgd"])
def test_searches_over_the_learning_rate_and_an_argument_of_the_solver(solver):
    inside = {"adamw": "weight_decay", "sgd": "momentum"}[solver]
    grid = {"learning_rate_init": [0.02, 0.2], f"solver__{inside}": [0.1, 0.5]}
    search = searched(GridSearchCV(MLPRegressor(**SHORT, solver=solver), grid, cv=2, error_score="raise"))
    assert np.unique(search.cv_results_["mean_test_score"]).size == 4
    optimizer = search.best_estimator_.network_.optimizer
    assert {"learning_rate_init": optimizer.lr, f"solver__{inside}": getattr(optimizer, inside)} == search.best_params_


@pytest.mark.filterwarnings("ignore:.*is ignored, as in scikit-learn")
def test_solvers_of_every_kind_are_searched_beside_the_learning_rate():
    solvers = ["adam", "sgd", "lbfgs", "adamw", {"name": "adamw", "weight_decay": 0.1}, {"name": "adamw"}, "sam"]
    grid = {"solver": solvers, "learning_rate_init": [0.001, 0.02]}
    search = searched(GridSearchCV(MLPRegressor(**SHORT), grid, cv=2, error_score="raise"))
    scores = search.cv_results_["mean_test_score"].reshape(2, len(solvers))
    moved = scores[0] != scores[1]
    assert moved.tolist() == [solver != "lbfgs" for solver in solvers]
    np.testing.assert_array_equal(scores[:, 3], scores[:, 5])


def test_a_list_of_grids_has_arguments_that_one_solver_lacks():
    spaces = [
        {"solver": ["adamw"], "solver__weight_decay": [0.001, 0.1], "learning_rate_init": [0.02]},
        {"solver": ["sgd"], "momentum": [0.5, 0.9], "solver__lr": [0.02]},
    ]
    for search in (GridSearchCV, lambda *args, **more: RandomizedSearchCV(*args, n_iter=3, random_state=0, **more)):
        searched(search(MLPRegressor(**SHORT), spaces, cv=2, error_score="raise"))
    with pytest.raises(ParameterError, match=r"Invalid parameter 'weight_decay' for solver='sgd'.*pass a list of grids, one for each"):
        searched(GridSearchCV(MLPRegressor(**SHORT), {"solver": ["sgd", "adamw"], "solver__weight_decay": [0.1]}, cv=2))


@pytest.mark.parametrize("solver", [*BY_NAME, nn.Adam(lr=0.5), {"name": "lion", "lr": 0.5}], ids=str)
def test_a_model_takes_back_all_parameters_that_it_names(solver):
    for arguments in ({}, {"learning_rate_init": 0.02} if isinstance(solver, str) else {}):
        model = MLPRegressor(**SHORT, solver=solver, **arguments)
        again = clone(model).set_params(**model.get_params())
        assert again.get_params().keys() == model.get_params().keys()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            ours, theirs = model.fit(X, Y[MLPRegressor]), again.fit(X, Y[MLPRegressor])
        np.testing.assert_array_equal(ours.network_.parameters, theirs.network_.parameters)


def test_an_instance_has_a_learning_rate_of_its_own():
    model = MLPRegressor(**SHORT, solver=nn.AdamW(lr=0.01))
    search = searched(GridSearchCV(model, {"solver__lr": [0.01, 0.1], "solver__weight_decay": [0.0, 0.1]}, cv=2, error_score="raise"))
    assert search.best_estimator_.network_.optimizer.lr == search.best_params_["solver__lr"]
    with pytest.raises(NNCoreError, match="set solver__lr, which the optimizer has of its own"):
        searched(GridSearchCV(model, {"learning_rate_init": [0.1]}, cv=2, error_score="raise"))
