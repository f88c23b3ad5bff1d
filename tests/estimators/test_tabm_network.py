"""The networks of TabM: layers, initial values, groups, and whole fits compared step for step with pytabkit 1.8.0.

make_tabm_runs.py recorded pytabkit's initial values, batches and losses. pytabkit has a column for missing levels, which are 0 in all
columns here. It puts levels after embedded numbers, not before them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from recorded_runs import RecordedOrder, StepLosses

import nncore as nn
from nncore.data import EncodingChain
from nncore.ensembles import InputColumns, InputLayout, TabMRecipe
from nncore.ensembles.tabm_network import tabm_groups, tabm_layers
from nncore.errors import ParameterError
from nncore.estimators import TabMClassifier, TabMRegressor

DATA = np.load(Path(__file__).with_name("tabm_runs.npz"))
PLAIN = TabMRecipe(n_members=4, hidden_layer_sizes=(16, 16), dropout=0.0, batch_size=32)
MINI = replace(PLAIN, arch="tabm-mini")
CASES = {
    "tabm, classes": PLAIN,
    "tabm-mini, regression": MINI,
    "embedded, classes": replace(PLAIN, numerical_embedding={"n_bins": 8, "n_outputs": 4}, weight_decay=0.3, clip_norm=0.5),
    "embedded mini, regression": replace(MINI, numerical_embedding={"n_bins": 5, "n_outputs": 3}, weight_decay=0.3),
    "own batches, classes": replace(PLAIN, share_training_batches=False),
    "embedded, own batches, regression": replace(PLAIN, share_training_batches=False, numerical_embedding={"n_bins": 8, "n_outputs": 4}),
}


def inputs(case: str) -> tuple[InputColumns, np.ndarray]:
    """Inputs of pytabkit's network: numbers, and one-hot columns of levels."""
    x, codes = DATA[f"{case}/x"], DATA[f"{case}/levels"].astype(np.int64) - 1
    none = np.zeros(0, np.int64)
    layout = InputLayout(np.arange(x.shape[1]), none, np.array([x.shape[1]]), np.array([3]), none, none)
    numbers = EncodingChain.learn(["standard"], x.astype(float))
    hot = EncodingChain.learn([{"name": "one_hot", "binary": False}], codes, n_levels=[3])
    columns = InputColumns(layout, numbers, hot, EncodingChain.learn(["ordinal"], codes[:, :0], n_levels=[]))
    return columns, np.concatenate([x, hot.encode(codes, dtype=np.float32)], axis=1)


def first_values(case: str, named: dict[str, np.ndarray], is_mini: bool) -> dict[str, np.ndarray]:
    """pytabkit's initial values, by our names and in our order of inputs."""
    theirs = {name.partition("first/")[2]: DATA[name] for name in DATA if name.startswith(f"{case}/first/")}
    n_levels = 4
    n_numbers = theirs["backbone.blocks.0.0.weight"].shape[1] - n_levels
    levels, numbers = np.arange(n_numbers + 1, n_numbers + n_levels), np.arange(n_numbers)
    order = np.concatenate([levels, numbers] if "embedded" in case else [numbers, levels])
    found = {}
    for place, block in enumerate(("backbone.blocks.0.0", "backbone.blocks.1.0"), start=1):
        weight = theirs[f"{block}.weight"].T
        found[f"members_dense_{place}.weight"] = weight[order] if place == 1 else weight
        found[f"members_dense_{place}.bias"] = theirs[f"{block}.bias"]
        if not is_mini:
            found[f"members_dense_{place}.input_scale"] = theirs[f"{block}.r"][:, order] if place == 1 else theirs[f"{block}.r"]
            found[f"members_dense_{place}.output_scale"] = theirs[f"{block}.s"]
    if is_mini:
        found["members_dense_1.input_scale"] = theirs["minimal_ensemble_adapter.weight"][:, order]
    found |= {f"member_heads_1.{name}": theirs[f"output.{name}"] for name in ("weight", "bias")}
    if "embedded" in case:
        layer = "piecewise_linear_embedding_1"
        found |= {f"{layer}.{name}": theirs[f"num_module.linear0.{name}"] for name in ("weight", "bias")}
        found[f"{layer}.bin_weight"] = theirs["num_module.linear.weight"]
    assert found.keys() == named.keys()
    return found


@pytest.mark.parametrize("case", CASES)
def test_every_loss_of_a_fit(case: str) -> None:
    recipe, (columns, x), y, orders, losses = CASES[case], inputs(case), *(DATA[f"{case}/{name}"] for name in ("y", "batches", "losses"))
    loss = nn.SoftmaxCrossEntropy() if "classes" in case else nn.MSE()
    net = nn.Sequential(*tabm_layers(recipe, columns, x, loss, 3 if "classes" in case else 1)).build(x.shape[1], loss=loss, rng=0)
    named = net.named_parameters()
    for name, values in first_values(case, named, is_mini="mini" in case).items():
        named[name][...] = values
    n_together = 1 if recipe.share_training_batches else recipe.n_members
    steps = StepLosses([n_together * size for size in (32, 32, 32, 8)])
    net.fit(
        x, y, loss=loss, optimizer=nn.AdamW(lr=recipe.learning_rate_init, weight_decay=recipe.weight_decay),
        groups=tabm_groups(net, recipe), clip_norm=recipe.clip_norm, sampler=RecordedOrder(orders.tolist(), net.seed), batch_size=32,
        epochs=len(orders), callbacks=[steps], progress=False,
    )  # fmt: skip
    assert len(steps.found) == len(losses) == 24
    np.testing.assert_allclose(steps.found, losses, rtol=2e-5)


# ---- networks of the estimators -------------------------------------------------------------------------------------------------


def table(n: int = 90) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    levels, many = rng.choice(["a", "b"], n), rng.choice(list("abcdefgh"), n)
    return pd.DataFrame({"x": x, "constant": 1.0, "two": levels, "many": many, "z": rng.normal(size=n)}), (x > 0).astype(int)


SHORT: dict[str, Any] = {"max_iter": 2, "random_state": 0, "n_threads": 1, "n_members": 6}


def kinds(model: Any) -> list[str]:
    return [name.rpartition("_")[0] for name in model.networks_[0].layer_names]


def test_tabm_by_default():
    X, y = table()
    model = TabMClassifier(**{**SHORT, "n_members": None, "max_iter": 1}).fit(X, y)
    assert kinds(model) == ["repeat_members", *["members_dense", "dropout"] * 3, "member_heads", "mean_members"]
    network = model.networks_[0]
    shapes = {name: view.shape for name, view in network.named_parameters().items()}
    assert shapes["members_dense_1.input_scale"] == (32, 2 + 2 + 8), "a constant column is left out"
    assert shapes["members_dense_3.weight"] == (512, 512)
    assert shapes["member_heads_1.weight"] == (32, 512, 2), "one logit for each class"
    assert repr(network.optimizer) == repr(nn.AdamW(lr=2e-3, weight_decay=0.0))
    assert network.layers[-1].link == "softmax"


def test_first_values_of_factors():
    X, y = table()
    still = {**SHORT, "max_iter": 1, "learning_rate_init": 1e-9, "hidden_layer_sizes": (8, 8)}
    named = TabMClassifier(**still).fit(X, y).networks_[0].named_parameters()
    first = named["members_dense_1.input_scale"].round(4)
    assert set(np.unique(first)) == {-1.0, 1.0}
    assert (first[:, 2:4] == first[:, 2:3]).all()  # one draw for all inputs of a column
    assert (first[:, 4:] == first[:, 4:5]).all()
    assert (first.std(axis=0) > 0).any()
    for name in ("members_dense_1.output_scale", "members_dense_2.input_scale", "members_dense_2.output_scale"):
        np.testing.assert_allclose(named[name], 1, atol=1e-6)
    embedded = TabMClassifier(**still, numerical_embedding=True).fit(X, y).networks_[0].named_parameters()["members_dense_1.input_scale"]
    assert np.unique(np.abs(embedded).round(4)).size > 6 * 3, "N(0, 1)"
    np.testing.assert_allclose(embedded[:, 10:26], embedded[:, 10:11].repeat(16, axis=1), atol=1e-6)


def test_tabm_mini_shares_all_but_the_factors_of_inputs():
    X, y = table()
    model = TabMRegressor("tabm-mini", **SHORT, hidden_layer_sizes=(8, 8)).fit(X, y)
    per_member = {name for name, view in model.networks_[0].named_parameters().items() if len(view) == 6}
    assert per_member == {"members_dense_1.input_scale", "member_heads_1.weight", "member_heads_1.bias"}


def test_embeddings_of_numbers_and_of_codes():
    X, y = table()
    model = TabMClassifier(**SHORT, numerical_embedding={"n_bins": 5}, max_one_hot=3, embedding_size=4).fit(X, y)
    assert kinds(model)[:3] == ["embedding", "piecewise_linear_embedding", "repeat_members"]
    assert kinds(model).count("members_dense") == 2, "two layers after embedded numbers"
    layer = model.networks_[0].layers[1]
    assert [len(edges) for edges in layer.bins] == [6, 6]
    assert model.networks_[0].named_parameters()["members_dense_1.weight"].shape == (2 + 4 + 2 * 16, 512)


def test_numbers_that_are_constant_for_the_network_are_not_embedded():
    X, y = table()
    tiny = X[["x"]].assign(almost=np.where(np.arange(len(X)) % 2, 1e-300, 2e-300))
    model = TabMClassifier(**SHORT, numerical_embedding=True, hidden_layer_sizes=(8,)).fit(tiny, y)
    assert np.isfinite(model.predict_proba(tiny)).all()


def test_what_does_not_decay():
    X, y = table()
    holes = X.assign(x=X["x"].where(X["x"] > -1))
    model = TabMClassifier(**SHORT, weight_decay=3e-4, numerical_embedding=True, hidden_layer_sizes=(8,)).fit(holes, y)
    biases = {f"{layer}.bias" for layer in ("members_dense_1", "member_heads_1", "piecewise_linear_embedding_1")}
    kept = biases | {"piecewise_linear_embedding_1.weight", "fill_missing_1.value"}
    assert model.networks_[0].groups == {name: {"weight_decay": 0.0} for name in kept}
    assert TabMClassifier(**SHORT, hidden_layer_sizes=(8,)).fit(X, y).networks_[0].groups == {}


def test_batch_sizes_are_those_of_tabm():
    auto = TabMRecipe(batch_size="auto")
    assert [auto.batch_size_for(n) for n in (20, 2799, 2800, 6399, 32_000, 108_000)] == [20, 32, 64, 128, 512, 1024]
    assert TabMRecipe().batch_size_for(10**6) == 256


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"arch": "packed"}, "arch must be 'tabm' or 'tabm-mini'"),
        ({"n_members": 0}, "n_members must be a whole number of at least 1"),
        ({"numerical_embedding": {"bins": 5}}, "a dict with 'n_bins' and 'n_outputs'"),
        ({"numerical_embedding": {"n_bins": 0}}, "n_bins"),
        ({"hidden_layer_sizes": ()}, "at least one layer"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"quantile_noise": -1}, "quantile_noise must be a number of at least 0"),
        ({"n_quantiles": 5}, "most must be"),
        ({"clip_norm": 0}, "clip_norm must be a number above 0"),
        ({"solver": "sgd", "weight_decay": 0.1}, "has no weight decay"),
    ],
)
def test_arguments_outside_their_range(arguments, message):
    X, y = table()
    model = TabMClassifier(**SHORT | arguments)
    with pytest.raises(ParameterError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "networks_")
