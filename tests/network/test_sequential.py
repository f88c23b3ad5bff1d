"""`Sequential`: the pinned names, one by one."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NotBuiltError, NotTrainableError, ParameterError, ShapeError, UnknownComponentError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
Y = RNG.integers(3, size=60)


def built(**arguments: object) -> nn.Sequential:
    layers = nn.Dense(5, activation="tanh"), nn.Dense(3)
    return nn.Sequential(*layers).build(4, **{"loss": "softmax_cross_entropy", "optimizer": "adam", "rng": 0, **arguments})


# ---- building --------------------------------------------------------------------------------------------------------------


def test_build_lays_out_named_views_of_one_vector() -> None:
    net = built()
    views = net.named_parameters()
    assert {name: view.shape for name, view in views.items()} == {
        "dense_1.weight": (4, 5), "dense_1.bias": (5,), "dense_2.weight": (5, 3), "dense_2.bias": (3,),
    }  # fmt: skip
    assert net.parameters.shape == net.gradients.shape == (net.n_parameters,) == (43,)
    assert net.parameters.ctypes.data % 64 == 0
    assert all(np.shares_memory(view, net.parameters) for view in views.values())
    np.testing.assert_array_equal(np.concatenate([view.ravel() for view in views.values()]), net.parameters)
    views["dense_2.bias"][1] = 7
    assert net.parameters[41] == 7
    assert net.optimizer_state.shape == (2, 43)


def test_views_stay_live_through_fit() -> None:
    net = built()
    view, vector = net.named_parameters()["dense_1.weight"], net.parameters
    before = view.copy()
    net.fit(X, Y, epochs=1, progress=False)
    assert (view != before).any()
    assert np.shares_memory(net.parameters, vector)
    view[...] = 0
    np.testing.assert_array_equal(net.predict(X), np.tile(net.predict(X[:1]), (60, 1)))


def test_layer_names_count_by_kind() -> None:
    net = nn.Sequential(nn.Dense(3), "dropout", nn.BatchNorm(), nn.Dense(2), nn.ActivationLayer("relu"))
    assert net.layer_names == ["dense_1", "dropout_1", "batch_norm_1", "dense_2", "activation_1"]


def test_initializer_follows_the_activation() -> None:
    net = nn.Sequential(nn.Dense(200, activation="relu"), nn.Dense(200, activation="tanh")).build(200, rng=0)
    views = net.named_parameters()
    assert abs(views["dense_1.weight"]).max() == pytest.approx(np.sqrt(6 / 200), rel=1e-2)
    assert abs(views["dense_2.weight"]).max() == pytest.approx(np.sqrt(6 / 400), rel=1e-2)
    np.testing.assert_array_equal(views["dense_1.bias"], 0)


def test_images_are_flattened() -> None:
    images = RNG.normal(size=(5, 28, 28, 3)).astype(np.float32)
    net = nn.Sequential(nn.Flatten(), nn.Dense(1)).build((28, 28, 3), rng=0)
    assert (net.input_shape, net.output_shape) == ((28, 28, 3), (1,))
    np.testing.assert_array_equal(net.predict(images), nn.Sequential(nn.Dense(1)).build(2352, rng=0).predict(images.reshape(5, -1)))
    with pytest.raises(ShapeError, match=r"dense_1: Dense takes vectors.*put nn.Flatten\(\) before it"):
        nn.Sequential(nn.Dense(1)).build((28, 28))


@pytest.mark.parametrize("n_inputs", [0, -1, 2.5, (), (3, 0), True])
def test_bad_input_shape(n_inputs: object) -> None:
    with pytest.raises(ParameterError, match="n_inputs"):
        nn.Sequential(nn.Dense(1)).build(n_inputs)


@pytest.mark.parametrize("dtype", ["float16", "int32", "nonsense", object])
def test_bad_dtype(dtype: object) -> None:
    with pytest.raises(ParameterError, match="float32"):
        nn.Sequential(nn.Dense(1)).build(2, dtype=dtype)


def test_construction_errors() -> None:
    with pytest.raises(ParameterError, match="at least one layer"):
        nn.Sequential()
    with pytest.raises(UnknownComponentError, match="dense"):
        nn.Sequential("dens")
    for n_outputs in (0, 10**30, 2.0, "many"):
        with pytest.raises(ParameterError, match="n_outputs must be a whole number"):
            nn.Dense(n_outputs)
    with pytest.raises(UnknownComponentError, match="relu"):
        nn.Sequential(nn.Dense(2, activation="rellu")).build(2)


def test_a_failed_build_changes_nothing() -> None:
    net = built()
    before = net.parameters.copy()
    with pytest.raises(UnknownComponentError):
        net.build(7, loss="softmax")
    assert net.input_shape == (4,)
    np.testing.assert_array_equal(net.parameters, before)


def test_before_build_everything_says_so() -> None:
    net = nn.Sequential(nn.Dense(2))
    for use in (
        lambda: net.predict(X),
        lambda: net.parameters,
        lambda: net.n_parameters,
        lambda: net.forward(X, training=True),
        net.named_buffers,
    ):
        with pytest.raises(NotBuiltError, match=r"call fit\(X, y, ...\) or build\(n_inputs\) first"):
            use()


def test_rng_may_be_a_generator_or_a_seed_sequence() -> None:
    for make in (lambda: np.random.default_rng(5), lambda: np.random.SeedSequence(5), lambda: 5):
        np.testing.assert_array_equal(built(rng=make()).parameters, built(rng=make()).parameters)
    assert (built(rng=None).parameters != built(rng=None).parameters).any()


# ---- the three steps -------------------------------------------------------------------------------------------------------


def test_order_of_the_three_steps_is_enforced() -> None:
    net = built()
    with pytest.raises(NotBuiltError, match=r"backward follows forward\(X, training=True\)"):
        net.backward(Y)
    with pytest.raises(NotBuiltError, match=r"step follows backward\(y\)"):
        net.step()
    net.forward(X, training=True)
    with pytest.raises(NotBuiltError, match="step follows"):
        net.step()
    net.backward(Y)
    net.step()
    with pytest.raises(NotBuiltError, match="step follows"):
        net.step()


def test_backward_checks_the_batch() -> None:
    net = built()
    net.forward(X, training=True)
    with pytest.raises(ShapeError, match="y has 59 samples, the last forward had 60"):
        net.backward(Y[:-1])


def test_missing_loss_or_optimizer_is_named() -> None:
    net = nn.Sequential(nn.Dense(3)).build(4)
    with pytest.raises(NotBuiltError, match=r"no loss yet: .*softmax_cross_entropy"):
        net.fit(X, Y)
    net.forward(X, training=True)
    with pytest.raises(NotBuiltError, match="no loss yet"):
        net.backward(Y)
    with pytest.raises(NotBuiltError, match=r"no optimizer yet: .*adam"):
        net.build(4, loss="mse").train_on_batch(X, np.zeros((60, 3)))
    with pytest.raises(NotBuiltError, match="no optimizer yet"):
        _ = net.optimizer_state


def test_batches_may_grow_between_steps() -> None:
    net = built()
    for rows in (1, 60, 7, 33):
        net.train_on_batch(X[:rows], Y[:rows])
    assert net.n_steps == 4


def test_forward_without_training_is_predict() -> None:
    net = built()
    np.testing.assert_array_equal(net.forward(X), net.predict(X))
    np.testing.assert_allclose(net.forward(X, training=True), net.predict(X), rtol=1e-6, atol=1e-6)


def test_returned_arrays_are_the_callers() -> None:
    net = built()
    first = net.forward(X, training=True)
    kept = first.copy()
    net.forward(-X, training=True)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("name", ["step", "sign"])
def test_training_through_a_step_is_refused(name: str) -> None:
    net = nn.Sequential(nn.Dense(3, activation=name), nn.Dense(3))
    with pytest.raises(NotTrainableError, match=r"dense_1: .* has no useful derivative"):
        net.fit(X, Y, loss="softmax_cross_entropy", progress=False)
    assert not net.is_built
    assert np.isin(nn.Sequential(nn.Dense(3, activation=name)).build(4).predict(X), [-1, 0, 1]).all()


def test_nothing_to_train_is_refused() -> None:
    with pytest.raises(NotTrainableError, match="no parameters to train"):
        nn.Sequential(nn.Flatten()).fit(X, Y, loss="softmax_cross_entropy")


# ---- changing one's mind ---------------------------------------------------------------------------------------------------


def test_equal_optimizer_keeps_its_state_another_starts_afresh() -> None:
    net = built(optimizer=nn.Adam(lr=0.01))
    net.fit(X, Y, epochs=1, progress=False)
    net.fit(X, Y, epochs=1, optimizer=nn.Adam(lr=0.01), progress=False)
    assert net.n_steps == 2
    net.fit(X, Y, epochs=1, optimizer=nn.Adam(lr=0.02), progress=False)
    assert net.n_steps == 1
    net.fit(X, Y, epochs=1, optimizer="momentum", progress=False)
    assert net.optimizer_state.shape[0] == 1


def test_changed_learning_rate_takes_effect() -> None:
    net = built(optimizer=nn.SGD(lr=0.5))
    net.train_on_batch(X, Y)
    before = net.parameters.copy()
    net.optimizer.lr = 0.0
    net.train_on_batch(X, Y)
    np.testing.assert_array_equal(net.parameters, before)
    net.optimizer.lr = -1
    with pytest.raises(ParameterError, match="lr must be"):
        net.train_on_batch(X, Y)


def test_loss_can_be_changed() -> None:
    net = built()
    net.fit(X, Y, epochs=1, progress=False)
    net.fit(X, np.eye(3)[Y], loss="mse", epochs=1, progress=False)
    assert list(net.evaluate(X, np.eye(3)[Y])) == ["loss", "r2"]


# ---- using -----------------------------------------------------------------------------------------------------------------


def test_predict_does_not_depend_on_how_many_rows_come_together() -> None:
    net = nn.Sequential(nn.Dense(40, activation="relu"), nn.BatchNorm(), nn.Dense(3, activation="softmax")).build(4, rng=0)
    many = np.random.default_rng(1).normal(size=(3000, 4)).astype(np.float32)
    together = net.predict(many)
    np.testing.assert_array_equal(np.concatenate([net.predict(part) for part in np.array_split(many, 17)]), together)
    np.testing.assert_array_equal(net.predict_one(many[5]), together[5])
    assert net.predict(many[:0]).shape == (0, 3)


def test_predict_proba_applies_the_link() -> None:
    net = built()
    probability = net.predict_proba(X)
    np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(probability.argmax(1), net.predict(X).argmax(1))


def test_evaluate_is_the_mean_over_samples_by_weight() -> None:
    net = built(dtype="float64")
    weights = np.random.default_rng(2).uniform(size=60)
    logits = net.predict(X)
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(60), Y]
    scores = net.evaluate(X, Y, sample_weight=weights)
    assert scores["loss"] == pytest.approx(np.average(losses, weights=weights), rel=1e-12)
    assert scores["accuracy"] == pytest.approx(np.average(logits.argmax(1) == Y, weights=weights), rel=1e-12)
    assert net.evaluate(X, Y, metrics=[]) == {"loss": pytest.approx(losses.mean())}


def test_describe_is_json_and_names_the_rungs() -> None:
    described = json.loads(json.dumps(built().describe()))
    assert [layer["layer"] for layer in described["layers"]] == ["dense_1", "dense_2"]
    assert {layer["rung"] for layer in described["layers"]} == {"native"}
    assert described["optimizer"]["name"] == "adam"
    assert described["n_parameters"] == 43


def test_it_learns_exclusive_or() -> None:
    inputs, outputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(1))
    net.fit(inputs, outputs, loss="binary_cross_entropy", optimizer=nn.Adam(lr=0.05), epochs=300, batch_size=4, rng=0, progress=False)
    np.testing.assert_array_equal(net.predict(inputs)[:, 0] > 0, outputs == 1)


# ---- copies ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["deepcopy", "pickle"])
def test_copies_go_on_alike_and_apart(duplicate: object) -> None:
    net = built(optimizer=nn.Adam(lr=0.01))
    net.fit(X, Y, epochs=2, batch_size=16, progress=False)
    twin = duplicate(net)
    assert not np.shares_memory(twin.parameters, net.parameters)
    assert twin.parameters.ctypes.data % 64 == 0
    net.fit(X, Y, epochs=2, batch_size=16, progress=False)
    assert (twin.parameters != net.parameters).any()
    twin.fit(X, Y, epochs=2, batch_size=16, progress=False)
    np.testing.assert_array_equal(twin.parameters, net.parameters)
    assert twin.n_steps == net.n_steps == 16
