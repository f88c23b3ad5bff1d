"""Hyperparameters of components as parameters of an estimator: listed, set, cloned, searched."""

from __future__ import annotations

import copy
import inspect
import re
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from scipy.stats import loguniform
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import nncore as nn
from nncore import estimators, registry
from nncore.contract import alike
from nncore.estimators import LogisticNeuron, MLPClassifier, MLPRegressor
from nncore.registry import KINDS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
y = (X[:, 0] > 0).astype(int)
PUBLIC = [getattr(estimators, name) for name in estimators.__all__]
CLASSES = [cls for cls in PUBLIC if isinstance(cls, type) and issubclass(cls, BaseEstimator)]
LEAKY = registry.get("activations", "leaky_relu")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_parameter_that_takes_components_is_known(cls: type[Any]) -> None:
    """Every parameter that takes components is found: its documentation has the components' class among its types."""
    bases = {nn.plugin.__dict__[base].__name__: kind for kind, base in BASES.items()}
    documented = re.findall(r"^    (\w+(?:, \w+)*) : (.*)$", inspect.getdoc(cls).split("Attributes\n---")[0].replace("\n", "\n    "), re.M)
    assert documented
    found = {}
    for names, types in documented:
        for word in re.findall(r"\w+", types):
            if word in bases:
                found |= dict.fromkeys(names.split(", "), bases[word])
    declared = {name: kind for name, kind in cls._components.items() if name != "normalization"}  # "layer_norm" by name
    assert found == declared
    assert set(cls._components) <= set(cls._get_param_names())


BASES = {
    "layers": "Layer", "activations": "Activation", "losses": "Loss", "optimizers": "Optimizer", "schedules": "Schedule",
    "metrics": "Metric", "callbacks": "Callback", "samplers": "Sampler", "transforms": "Transform",
}  # fmt: skip


def test_a_name_an_instance_and_a_dict_have_the_arguments_of_the_component() -> None:
    for solver in ("adamw", nn.AdamW(), {"name": "adamw"}):
        params = MLPClassifier(solver=solver).get_params()
        config = nn.AdamW().config()
        assert {name: params[f"solver__{name}"] for name in config} == config
        assert "solver__lr" not in MLPClassifier(solver=solver).get_params(deep=False)


def test_a_name_stands_for_what_the_other_arguments_make_of_it() -> None:
    model = MLPClassifier(solver="sgd", learning_rate_init=0.3, momentum=0.5)
    assert model.get_params()["solver__lr"] == 0.3
    model.set_params(solver__momentum=0.7)
    assert model.solver == {"name": "nesterov", "momentum": 0.7}
    model = MLPClassifier(beta_1=0.8).set_params(solver__beta2=0.9, learning_rate_init=0.02)
    assert model.solver == {"name": "adam", "beta2": 0.9}
    params = model.get_params()
    assert [params[f"solver__{name}"] for name in ("lr", "beta1", "beta2")] == [0.02, 0.8, 0.9]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("parameter", ["solver", "loss", "activation", "learning_rate"])
@pytest.mark.parametrize("how", ["name", "instance", "dict"])
def test_set_params_gives_another_component_with_the_number(parameter: str, how: str) -> None:
    name, argument = {
        "solver": ("rmsprop", "rho"),
        "loss": ("huber", "delta"),
        "activation": ("leaky_relu", "slope"),
        "learning_rate": ("cosine", "last"),
    }[parameter]
    kind = MLPRegressor._components[parameter]
    component = registry.resolve(kind, name)
    given = {"name": name, "instance": component, "dict": {"name": name}}[how]
    before = copy.deepcopy(given)
    model = MLPRegressor(**{parameter: given})
    assert model.set_params(**{f"{parameter}__{argument}": 0.25}) is model
    changed = registry.resolve(kind, getattr(model, parameter))
    assert type(changed) is type(component)
    assert getattr(changed, argument) == 0.25 == model.get_params()[f"{parameter}__{argument}"]
    assert alike(given, before)
    assert model.set_params(max_iter=2).fit(X, X[:, 0]).network_.n_epochs == 2


def test_lists_are_counted_and_the_rest_of_them_stays() -> None:
    dropout = nn.Dropout(0.1)
    layers = [nn.Dense(4, activation=LEAKY(0.1)), dropout, "dropout", {"name": "dropout", "rate": 0.2}]
    model = MLPClassifier(layers=layers, callbacks=("early_stopping",))
    model.set_params(
        layers__0__activation__slope=0.3, layers__1__rate=0.4, layers__2__rate=0.25, layers__3__rate=0.35, callbacks__0__patience=3
    )
    made = [registry.resolve("layers", layer) for layer in model.layers]
    assert [layer.rate for layer in made[1:]] == [0.4, 0.25, 0.35]
    assert made[0].activation.slope == 0.3
    assert model.callbacks[0]["patience"] == 3
    assert isinstance(model.callbacks, tuple)
    assert dropout.rate == 0.1
    assert layers[1] is dropout
    assert layers[3] == {"name": "dropout", "rate": 0.2}
    model.set_params(layers__1="batch_norm", layers__0__name="first")
    assert model.layers[1] == "batch_norm"
    assert model.layers[0].name == "first"


def test_schedules_inside_schedules_and_in_a_dict_of_paths() -> None:
    model = MLPClassifier(learning_rate=nn.Warmup(nn.Cosine()))
    assert model.set_params(learning_rate__then__cycles=3).learning_rate.then.cycles == 3
    model = MLPClassifier(learning_rate={"lr": "cosine", "beta1": nn.Cosine()})
    model.set_params(learning_rate__lr__last=0.1, learning_rate__beta1__last=0.5)
    assert model.learning_rate["lr"]["last"] == 0.1
    assert model.learning_rate["beta1"].last == 0.5


@pytest.mark.parametrize("word", ["constant", "invscaling", "adaptive"])
def test_words_of_scikit_learn_are_no_components(word: str) -> None:
    params = MLPClassifier(learning_rate=word, solver="lbfgs", loss="log_loss", activation="logistic").get_params()
    assert not [name for name in params if "__" in name]


def test_a_clone_has_components_of_its_own() -> None:
    model = MLPClassifier(solver=nn.Adam(beta1=0.8), layers=[nn.Dense(4), nn.Dropout(0.1)])
    twin = clone(model).set_params(solver__beta1=0.5, layers__1__rate=0.2)
    assert (model.solver.beta1, model.layers[1].rate) == (0.8, 0.1)
    assert (twin.solver.beta1, twin.layers[1].rate) == (0.5, 0.2)
    assert clone(twin).get_params()["solver__beta1"] == 0.5


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"solver__learning_rate": 1}, r"Invalid parameter 'learning_rate' for solver='adam'\. Valid parameters are: \['lr', 'beta1'"),
        ({"solver__weight_decay": 1}, r"To search over several values of solver, pass a list of grids, one for each\."),
        ({"layers__1__rate": 1}, r"Invalid parameter '1' for layers=\[Dropout\(rate=0.5\)\]\. Valid parameters are: \['0'\]"),
        ({"layers__0__activation__slope": 1}, r"Invalid parameter 'activation' for layers__0=Dropout"),
        ({"loss__delta": 1}, r"Invalid parameter 'delta' for loss='log_loss'\. Valid parameters are: \[\]"),
        ({"nothing": 1}, r"Invalid parameter 'nothing' for estimator MLPClassifier"),
        ({"nothing__lr": 1}, r"Invalid parameter 'nothing' for estimator MLPClassifier"),
        ({"layers__0__rate": 7}, r"rate must be a number in \[0, 1\)"),
    ],
)
def test_an_unknown_name_has_scikit_learns_error_and_nothing_changes(params: dict[str, Any], words: str) -> None:
    model = MLPClassifier(layers=[nn.Dropout()])
    before = model.get_params(deep=False)
    with pytest.raises(ValueError, match=words):
        model.set_params(alpha=0.5, **params)
    assert model.get_params(deep=False) == before


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_grid_search_over_numbers_of_components() -> None:
    dropout = nn.Dropout()
    model = MLPClassifier(layers=[nn.Dense(8, activation="tanh"), dropout], solver=nn.Adam(), max_iter=30, random_state=0)
    grid = {"solver__lr": [1e-9, 0.05], "layers__1__rate": [0.0, 0.1]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert search.best_params_["solver__lr"] == 0.05
    assert search.best_estimator_.solver.lr == 0.05
    assert search.best_score_ > 0.8
    assert (dropout.rate, model.solver.lr) == (0.5, 0.001)
    good = np.array([params["solver__lr"] == 0.05 for params in search.cv_results_["params"]])
    scores = search.cv_results_["mean_test_score"]
    assert scores[good].min() > scores[~good].max()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_random_search_inside_a_pipeline() -> None:
    pipeline = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(4,), activation="leaky_relu", loss="huber", max_iter=5, random_state=0)
    )
    distributions = {"mlpregressor__loss__delta": loguniform(0.1, 10), "mlpregressor__activation__slope": [0.0, 0.3]}
    search = RandomizedSearchCV(pipeline, distributions, n_iter=3, cv=2, random_state=0).fit(X, X[:, 0])
    best = search.best_estimator_[-1]
    assert best.loss["delta"] == search.best_params_["mlpregressor__loss__delta"] == best.network_.loss.delta
    assert best.network_.layers[0].activation.slope == search.best_params_["mlpregressor__activation__slope"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_grid_search_over_numbers_of_transforms() -> None:
    noise = nn.GaussianNoise(0.1)
    model = MLPClassifier((8,), transforms=[noise, "mixup"], learning_rate_init=0.05, max_iter=30, random_state=0)
    grid = {"transforms__0__std": [0.1, 100.0], "transforms__1__alpha": [0.2, 0.4]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert search.best_params_["transforms__0__std"] == search.best_estimator_.transforms[0].std == 0.1
    assert search.best_estimator_.transforms[1] == {"name": "mixup", "alpha": search.best_params_["transforms__1__alpha"]}
    assert (noise.std, model.transforms) == (0.1, [noise, "mixup"])


def test_the_logistic_neuron_has_an_optimizer_to_search() -> None:
    model = LogisticNeuron(optimizer="sgd").set_params(optimizer__lr=2.0)
    assert model.optimizer == {"name": "sgd", "lr": 2.0}
    with pytest.raises(ValueError, match=r"Invalid parameter 'lr' for optimizer=None"):
        LogisticNeuron().set_params(optimizer__lr=2.0)


def test_kinds_are_those_of_the_registry() -> None:
    assert {kind for cls in CLASSES for kind in cls._components.values()} <= set(KINDS)
