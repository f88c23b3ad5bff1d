"""Search spaces of trials."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import loguniform, randint

from nncore.ensembles.search_spaces import OF_REAL_MLP, checked_space, drawn, nested_in, shown_parameters, without_fixed
from nncore.errors import ParameterError

ALLOWED = ("dropout", "solver", "max_iter", "lr_factors")


def draws(space, n=200, seed=0):
    return [drawn(space, np.random.RandomState([seed, number])) for number in range(n)]


def test_lists_and_distributions():
    space = checked_space({"dropout": np.array([0.0, 0.5]), "max_iter": randint(3, 9), "solver__lr": loguniform(0.1, 1)}, ALLOWED)
    found = draws(space)
    assert {one["dropout"] for one in found} == {0.0, 0.5}
    assert {one["max_iter"] for one in found} == set(range(3, 9))
    assert all(0.1 <= one["solver__lr"] <= 1 for one in found)
    assert {type(value) for one in found for value in one.values()} == {int, float}


def test_the_same_seed_draws_the_same_in_whatever_order_names_come():
    space = {"dropout": [0.1, 0.2, 0.3], "max_iter": [1, 2, 3, 4]}
    assert draws([space]) == draws([dict(reversed(space.items()))]) != draws([space], seed=1)


def test_of_several_dicts_a_trial_draws_one():
    found = draws(checked_space([{"dropout": [0.1]}, {"max_iter": [3]}], ALLOWED))
    assert {tuple(one) for one in found} == {("dropout",), ("max_iter",)}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("paper", "must be a dict"),
        ([], "must be a dict"),
        ({}, "must be a dict"),
        ({"n_cv": [2]}, "'n_cv' cannot be tuned"),
        ({"dropout": []}, "must have a list of values, not empty"),
        ({"dropout": 0.5}, "must have a list of values, not empty"),
    ],
)
def test_what_is_no_space(space, message):
    with pytest.raises(ParameterError, match=message):
        checked_space(space, ALLOWED)


def test_parts_of_parameters():
    base = {"solver": "adam", "lr_factors": {"bias": 0.1}, "numerical_embedding": True, "dropout": 0.1}
    assert nested_in({"solver__beta2": 0.9}, base) == {"solver": {"name": "adam", "beta2": 0.9}}
    assert nested_in({"solver__beta2": 0.9, "solver": "lion"}, base) == {"solver": {"name": "lion", "beta2": 0.9}}
    assert nested_in({"lr_factors__scale": 6.0}, base) == {"lr_factors": {"bias": 0.1, "scale": 6.0}}
    assert nested_in({"numerical_embedding__sigma": 2.0}, base) == {"numerical_embedding": {"sigma": 2.0}}
    assert nested_in({"numerical_embedding__sigma": 2.0, "numerical_embedding": False}, base) == {"numerical_embedding": False}
    with pytest.raises(ParameterError, match=r"a part of dropout=0.1, which has none"):
        nested_in({"dropout__rate": 0.2}, base)


def test_what_is_given_is_not_drawn():
    assert without_fixed([{"solver": [1], "solver__lr": [1], "dropout": [1]}], {"solver"}) == [{"dropout": [1]}]


@pytest.mark.parametrize("name", OF_REAL_MLP)
def test_published_spaces(name):
    space = OF_REAL_MLP[name]()
    found = draws(space, 300)
    rates = [one["learning_rate_init"] for one in found]
    low, high = (0.002, 0.02) if name == "small" else (0.02, 0.3)
    assert low <= min(rates) < 1.2 * low
    assert 0.8 * high < max(rates) <= high
    if name == "tabarena":  # half of the trials have large networks
        assert 0.4 < np.mean([one["numerical_embedding__n_outputs"] == 3 for one in found]) < 0.6
        assert 0.4 < np.mean([one["label_smoothing"] == 0 for one in found]) < 0.6
        assert all(0.95 <= one["solver__beta2"] <= 0.995 for one in found)


def test_parameters_as_text():
    assert shown_parameters({"activation": "mish", "learning_rate_init": 0.041234}) == "activation='mish', learning_rate_init=0.0412"
