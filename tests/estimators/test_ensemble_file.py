"""Ensembles in one file: the loaded one predicts the same bits, and damaged descriptions are refused."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import nncore as nn
from nncore.activations.leaky_relu import LeakyReLU
from nncore.errors import DataWarning, FileFormatError, ParameterError
from nncore.estimators import RealMLPClassifier, RealMLPRegressor, TabMClassifier
from nncore.estimators.argument_data import read_arguments
from nncore.estimators.ensemble_file import KEY, restored
from nncore.estimators.given import same
from nncore.schedules.cosine import Cosine

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
FRAME = pd.DataFrame(
    {
        "x": np.where(X[:, 0] > 1, np.nan, X[:, 0]),
        "few": rng.choice(["a", "b"], 60),
        "many": rng.choice(list("abcdefghijkl"), 60),
        "z": X[:, 1],
        "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(60) % 50, unit="D"),
    }
)
LABELS = np.where(X[:, 0] > 0, "yes", "no")
QUICK = {"preset": "fast", "n_cv": 2, "max_iter": 2, "random_state": 0, "n_threads": 1}
MODELS: dict[str, tuple[Any, Any, Any]] = {
    "classes of a frame": (RealMLPClassifier(**QUICK), FRAME, LABELS),
    "numbers": (RealMLPClassifier(**QUICK), X, np.digitize(X[:, 0], [-0.5, 0.5])),
    "labels": (RealMLPClassifier(**QUICK), X, (X > 0).astype(int)),
    "several targets": (RealMLPClassifier(**QUICK), X, np.digitize(X[:, :2], [-0.5, 0.5])),
    "reals": (RealMLPRegressor(**QUICK), FRAME, 100 * X[:, 0]),
    "rates": (RealMLPRegressor(**QUICK, loss="poisson"), X, np.abs(X[:, 0])),
    "distributions": (RealMLPRegressor(**QUICK, loss="gaussian_nll"), X, X[:, :2]),
    "TabM": (
        TabMClassifier(n_cv=2, n_members=3, hidden_layer_sizes=(8,), numerical_embedding=True, max_iter=2, random_state=0, n_threads=1),
        FRAME,
        LABELS,
    ),
    "TD": (RealMLPRegressor(**{**QUICK, "preset": "td"}, hidden_layer_sizes=(8,)), FRAME, X[:, 0]),
}


@pytest.fixture
def saved(tmp_path):
    model, X, y = MODELS["classes of a frame"]
    path = tmp_path / "model.nncore"
    model.fit(X, y).save(path)
    return path


@pytest.mark.parametrize("name", MODELS)
def test_what_comes_back_predicts_the_same_bits(name, tmp_path):
    model, X, y = MODELS[name]
    model.fit(X, y).save(tmp_path / "model.nncore")
    loaded = type(model).load(tmp_path / "model.nncore")
    assert np.asarray(loaded.predict(X)).tobytes() == np.asarray(model.predict(X)).tobytes()
    if hasattr(model, "predict_proba"):
        assert np.asarray(loaded.predict_proba(X)).tobytes() == np.asarray(model.predict_proba(X)).tobytes()
    assert loaded.score(X, y) == model.score(X, y)
    assert not any(KEY in network.metadata for network in (*model.networks_, *loaded.networks_))
    loaded.save(tmp_path / "again.nncore")
    assert (tmp_path / "again.nncore").read_bytes() == (tmp_path / "model.nncore").read_bytes()


def test_arguments_come_back(tmp_path):
    arguments = {
        **QUICK,
        "hidden_layer_sizes": (8, 4),
        "n_iter_no_change": np.inf,
        "activation": [LeakyReLU(0.2), "relu"],
        "learning_rate": {"lr": Cosine()},
        "solver": {"name": "adamw", "beta2": np.float64(0.95)},
        "scoring": "accuracy",
        "categorical_features": np.array([False, False, True]),
        "lr_factors": {"bias": 0.1},
    }
    table = np.column_stack([X[:, :2], np.arange(60) % 3])
    model = RealMLPClassifier(**arguments).fit(table, LABELS)
    model.save(tmp_path / "model.nncore")
    loaded = RealMLPClassifier.load(tmp_path / "model.nncore")
    before, after = model.get_params(), loaded.get_params()
    assert before.keys() == after.keys()
    assert all(same(before[name], after[name]) for name in before)
    assert type(after["hidden_layer_sizes"]) is tuple
    assert loaded.temperature_ == model.temperature_
    assert (loaded.best_epochs_, loaded.validation_scores_, loaded.n_iter_) == (
        model.best_epochs_,
        model.validation_scores_,
        model.n_iter_,
    )
    for again in (clone(loaded).fit(table, LABELS), loaded.fit(table, LABELS)):
        assert again.predict_proba(table).tobytes() == model.predict_proba(table).tobytes()


def test_what_a_file_leaves_out_is_said(tmp_path):
    given = {**QUICK, "random_state": np.random.RandomState(0), "callbacks": [nn.TimeLimit(9)]}
    model = RealMLPClassifier(**given).fit(X, LABELS)
    with pytest.warns(DataWarning, match=r"callbacks, random_state are not saved"):
        model.save(tmp_path / "model.nncore")
    loaded = RealMLPClassifier.load(tmp_path / "model.nncore")
    assert loaded.callbacks is None
    assert loaded.random_state is None


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        ({"n_cv": -1}, "n_cv must be a whole number"),
        ({"callbacks": []}, "arguments that the estimator does not take"),
        ({"no": 1}, "arguments that the estimator does not take"),
        ({"n_cv": {"component": {"name": "adam"}}}, "not plain data"),
        ({"solver": {"component": {"name": "relu"}}}, "relu"),
        ({"preset": "slow"}, "preset must be"),
        ({"dropout": {"tuple": 1}}, "not plain data"),
        ({"dropout": {"array": [1], "dtype": "O"}}, "not plain data"),
        ([], "arguments that the estimator does not take"),
    ],
)
def test_arguments_of_a_file_are_checked(damaged, message):
    with pytest.raises(FileFormatError, match=message):
        read_arguments(RealMLPClassifier, damaged)
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    with pytest.raises(FileFormatError, match="not plain data"):
        read_arguments(RealMLPClassifier, {"dropout": deep})


def test_a_file_of_something_else(saved, tmp_path):
    with pytest.raises(FileFormatError, match=r"it is a RealMLPClassifier: use RealMLPClassifier.load"):
        RealMLPRegressor.load(saved)
    networks = nn.load_many(saved)
    networks[0].metadata = {}
    nn.save_many(networks, tmp_path / "plain.nncore")
    with pytest.raises(FileFormatError, match=r"holds networks, not a RealMLPClassifier"):
        RealMLPClassifier.load(tmp_path / "plain.nncore")


def test_levels_that_no_file_holds(tmp_path):
    table = FRAME.assign(few=pd.Categorical.from_codes(np.arange(60) % 2, [(1, 2), (3, 4)]))
    model = RealMLPClassifier(**QUICK).fit(table, LABELS)
    with pytest.raises(ParameterError, match="use pickle"):
        model.save(tmp_path / "model.nncore")
    assert not (tmp_path / "model.nncore").exists()


def paths(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [so_far] if so_far else []
    items = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    return found + [path for key, inner in items for path in paths(inner, (*so_far, key))]


@pytest.mark.filterwarnings("ignore::nncore.errors.DataWarning")
def test_any_damaged_field_is_refused_or_read(saved):
    networks = nn.load_many(saved)
    described = networks[0].metadata[KEY]
    refused = 0
    for path in paths(described):
        for wrong in (None, -1, "x", [], {}, 1.5, [9, 9, 9], True):
            damaged = copy.deepcopy(described)
            place = damaged
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = wrong
            try:
                read = restored(RealMLPClassifier, damaged, networks)
                if path[0] != "names" and path[-1] != "has_zone":  # any value of these is valid
                    read.predict(FRAME[:3])
            except FileFormatError:
                refused += 1
            except Exception as error:
                raise AssertionError(f"{path} = {wrong!r}") from error
    assert refused > 300
