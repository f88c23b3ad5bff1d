"""Gradients that a network has not stored raise an error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NotBuiltError

X, Y = np.ones((4, 600), np.float32), np.ones((4, 600), np.float32)


def built(**layer: object) -> nn.Sequential:
    """A network of 1.4 MB, large enough that gradients are used up as they are made."""
    return nn.Sequential(nn.Dense(600, **layer)).build(600, loss="mse", optimizer="sgd", rng=0)  # type: ignore[arg-type]


def fit(net: nn.Sequential) -> None:
    net.fit(X, Y, epochs=1, progress=False)


def step(net: nn.Sequential) -> None:
    net.train_on_batch(X, Y)


@pytest.mark.parametrize("train", [fit, step], ids=["fit", "train_on_batch"])
def test_they_are_refused_until_the_next_backward(train: Callable[[nn.Sequential], None]) -> None:
    net = built()
    net.forward(X, training=True)
    net.backward(Y)
    whole = net.gradients.copy()
    assert whole.any()
    train(net)
    for read in (lambda: net.gradients, net.named_gradients):
        with pytest.raises(NotBuiltError, match="gradients of the last step were not stored"):
            read()
    with pytest.raises(NotBuiltError, match="there is no d_input yet"):
        net.d_input  # noqa: B018
    net.forward(X, training=True)
    net.backward(Y)
    assert not np.array_equal(net.gradients, whole)


@pytest.mark.parametrize("train", [fit, step], ids=["fit", "train_on_batch"])
def test_those_that_a_step_needs_whole_are_there(train: Callable[[nn.Sequential], None]) -> None:
    net, other = built(), built()
    net.clip_value = 1e30
    other.forward(X, training=True)
    other.backward(Y)
    train(net)
    np.testing.assert_array_equal(net.gradients, other.gradients)


def test_a_small_network_keeps_them() -> None:
    net = nn.Sequential(nn.Dense(2)).build(600, loss="mse", optimizer="sgd", rng=0)
    net.train_on_batch(X, Y[:, :2])
    assert net.gradients.any()


def test_another_optimizer_and_other_groups_can_be_set_meanwhile() -> None:
    net = built()
    step(net)
    net.groups = {"*.bias": {"frozen": True}}
    net.optimizer = "adam"
    step(net)
