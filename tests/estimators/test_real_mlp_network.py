"""The networks of RealMLP-TD and TD-S: layers, initial values, rates and schedules as in the recipes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from nncore.estimators import RealMLPClassifier, RealMLPRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
SHORT = {"max_iter": 3, "random_state": 0, "n_threads": 1, "batch_size": 16}


def names(model):
    return [name.rpartition("_")[0] for name in model.networks_[0].layer_names]


def test_td_has_waves_a_scale_and_bent_activations_with_dropout():
    model = RealMLPClassifier("td", **SHORT).fit(X, Y)
    assert names(model) == ["periodic_embedding", "scale", *["dense", "parametric_activation", "dropout"] * 3, "dense"]
    shapes = {name: view.shape for name, view in model.networks_[0].named_parameters().items()}
    assert shapes["periodic_embedding_1.frequency"] == (3, 16)
    assert shapes["dense_1.weight"] == (3 + 3 * 3, 256)
    assert shapes["dense_4.weight"] == (256, 2)  # one logit a class


def test_td_s_has_a_scale_and_its_output_layer_begins_at_0():
    model = RealMLPRegressor("td-s", **{**SHORT, "max_iter": 1, "learning_rate_init": 1e-12}).fit(X, X[:, 0])
    assert names(model) == ["scale", "dense", "dense", "dense", "dense"]
    named = model.networks_[0].named_parameters()
    assert np.abs(named["dense_4.weight"]).max() < 1e-9
    assert named["dense_2.weight"].std() == pytest.approx(1 / 16, rel=0.02)
    assert named["dense_2.bias"].std() == pytest.approx(1, rel=0.2)


def test_rates_and_decay_of_td():
    groups = RealMLPClassifier("td", **SHORT).fit(X, Y).networks_[0].groups
    root = math.sqrt(12)
    assert groups["dense_1.weight"] == pytest.approx({"lr_factor": 1 / root, "weight_decay": 0.02 * root})
    assert groups["dense_*.bias"] == {"lr_factor": 0.1, "weight_decay": 0.0}
    assert groups["scale_*.scale"] == pytest.approx({"lr_factor": 6.0, "weight_decay": 0.12})
    for pattern in ("periodic_embedding_*", "parametric_activation_*.alpha"):
        assert groups[pattern] == pytest.approx({"lr_factor": 0.1, "weight_decay": 0.002})


def test_a_factor_more_of_the_first_layer():
    factors = {"bias": 0.1, "scale": 6.0, "first_layer": 0.5}
    groups = RealMLPClassifier("td", **SHORT, lr_factors=factors).fit(X, Y).networks_[0].groups
    root = math.sqrt(12)
    assert groups["dense_1.weight"] == pytest.approx({"lr_factor": 0.5 / root, "weight_decay": 0.02 * root * 0.5})
    assert groups["dense_1.bias"] == pytest.approx({"lr_factor": 0.05, "weight_decay": 0.0})
    assert groups["dense_2.weight"] == pytest.approx({"lr_factor": 1 / 16, "weight_decay": 0.02 * 16})
    alone = RealMLPClassifier("fast", **SHORT, n_cv=1, lr_factors={"first_layer": 0.5}).fit(X, Y).networks_[0].groups
    assert alone == {"dense_1.weight": {"lr_factor": 0.5}, "dense_1.bias": {"lr_factor": 0.5}}


def test_categories_of_td_and_td_s():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"x": X[:, 0], "few": rng.choice(list("ab"), 60), "many": rng.choice(list("abcdefghij"), 60)})
    td = RealMLPClassifier("td", **SHORT).fit(table, Y)
    vectors = td.networks_[0].named_parameters()["embedding_1.weight_2"]  # behind x and the column of 1 and -1
    assert vectors.shape == (11, 8)
    assert vectors[:10].std() == pytest.approx(1, rel=0.3)
    td_s = RealMLPClassifier("td-s", **SHORT).fit(table, Y)
    assert td_s.networks_[0].input_shape == (1 + 1 + 10,)


def test_labels_are_smoothed_in_training_and_the_error_judges():
    model = RealMLPClassifier("td-s", **SHORT).fit(X, Y)
    assert model.networks_[0].loss.label_smoothing == 0.1
    assert model.validation_scores_ == [max(model.histories_[0]["val_accuracy"])]
    last = np.flatnonzero(np.array(model.histories_[0]["val_accuracy"]) == model.validation_scores_[0])[-1]
    assert model.best_epochs_ == [last + 1]  # the last of ties
    plain = RealMLPClassifier("td-s", **SHORT, label_smoothing=0.0, scoring="loss").fit(X, Y)
    assert plain.networks_[0].loss.label_smoothing == 0.0
    assert plain.validation_scores_ == [min(plain.histories_[0]["val_loss"])]


def test_rates_move_as_the_recipe_says():
    model = RealMLPRegressor("td", **{**SHORT, "max_iter": 8}).fit(X, X[:, 0])
    moved = {name: model.histories_[0][name] for name in model.histories_[0] if name not in ("loss", "val_loss", "seconds")}
    assert {"lr", "weight_decay", "dropout_1.rate"} <= moved.keys()
    assert moved["dropout_1.rate"][0] == pytest.approx(0.15)
    assert moved["dropout_1.rate"][-1] < 0.05
    assert max(moved["lr"]) <= 0.2


def test_label_smoothing_moves():
    model = RealMLPClassifier("td", **{**SHORT, "max_iter": 8}, label_smoothing_schedule="coslog4").fit(X, Y)
    moved = model.histories_[0]["loss.label_smoothing"]
    assert 0 <= moved.min() < 0.05 < moved.max() <= 0.1
    assert "loss.label_smoothing" not in RealMLPClassifier("td", **SHORT, label_smoothing=0.0).fit(X, Y).histories_[0]
