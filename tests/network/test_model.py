"""Use of a network: forward, backward and step by hand, predictions, and its repr."""

from __future__ import annotations

import json

import numpy as np
import pytest
from network.small import X, Y, built

import nncore as nn
from nncore.errors import NotBuiltError, ParameterError, ShapeError

# ---- forward, backward, step ------------------------------------------------------------------------------------------------


def test_order_of_the_three_steps_is_enforced() -> None:
    net = built()
    with pytest.raises(NotBuiltError, match=r"backward needs a forward pass: call forward\(X, training=True\)"):
        net.backward(Y)
    with pytest.raises(NotBuiltError, match=r"step needs gradients: call forward"):
        net.step()
    net.forward(X, training=True)
    with pytest.raises(NotBuiltError, match="step needs gradients"):
        net.step()
    net.backward(Y)
    net.step()
    with pytest.raises(NotBuiltError, match="step needs gradients"):
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


def test_changed_learning_rate_takes_effect() -> None:
    net = built(optimizer=nn.SGD(lr=0.5))
    net.train_on_batch(X, Y)
    before = net.parameters.copy()
    net.optimizer.lr = 0.0
    net.train_on_batch(X, Y)
    np.testing.assert_array_equal(net.parameters, before)
    with pytest.raises(ParameterError, match="lr must be"):
        net.optimizer.lr = -1
    assert net.optimizer.lr == 0


# ---- predictions and repr ---------------------------------------------------------------------------------------------------


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
    for x in (X[3], X[3].astype(np.float64), X[3].tolist()):
        np.testing.assert_array_equal(net.predict_proba_one(x), probability[3])
    without = nn.Sequential(nn.Dense(2)).build(4, rng=0)
    np.testing.assert_array_equal(without.predict_proba_one(X[3]), without.predict_one(X[3]))
    np.testing.assert_array_equal(probability.argmax(1), net.predict(X).argmax(1))


def test_describe_is_json_and_names_the_rungs() -> None:
    described = json.loads(json.dumps(built().describe()))
    assert [layer["layer"] for layer in described["layers"]] == ["dense_1", "dense_2"]
    assert {layer["rung"] for layer in described["layers"]} == {"native"}
    assert described["optimizer"]["name"] == "adam"
    assert described["n_parameters"] == 43
