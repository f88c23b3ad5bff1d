"""Training that diverges stops with an error that names the layer, and the parameters stay finite."""

from __future__ import annotations

import numpy as np
import pytest
from network.fitting import X

import nncore as nn
from nncore.errors import NonFiniteError


def test_loss_that_overflows_stops_and_leaves_finite_parameters() -> None:
    net = nn.Sequential(nn.Dense(8, activation="relu"), nn.Dense(1)).build(6, loss="mse", optimizer=nn.SGD(lr=1e20), rng=0)
    with pytest.raises(NonFiniteError, match=r"at step \d+: .*Lower the learning rate") as caught:
        net.fit(X, X[:, 0], epochs=3, batch_size=50, progress=False)
    assert np.isfinite(net.parameters).all()
    assert caught.value.step == net.n_steps + 1 > 1
    assert caught.value.layer in ("dense_1", "dense_2", "loss")


def test_layer_that_overflows_first_is_named() -> None:
    net = nn.Sequential(nn.Dense(4), nn.Dense(4), nn.Dense(1)).build(6, loss="mse", optimizer="sgd", rng=0)
    net.named_parameters()["dense_2.weight"][...] = 3e38
    before = net.parameters.copy()
    with pytest.raises(NonFiniteError, match="first outputs that are not finite are those of dense_2") as caught:
        net.train_on_batch(X, X[:, 0])
    assert (caught.value.layer, caught.value.step) == ("dense_2", 1)
    np.testing.assert_array_equal(net.parameters, before)


def test_gradient_that_overflows_is_named() -> None:
    # The output is 0 whatever comes in, but the gradient of dense_1 is huge * huge.
    net = nn.Sequential(nn.Dense(1, use_bias=False), nn.Dense(1, use_bias=False)).build(1, loss="half_mse", optimizer="sgd", rng=0)
    net.named_parameters()["dense_1.weight"][...] = 0
    net.named_parameters()["dense_2.weight"][...] = 1e30
    net.forward([[1e10]], training=True)
    net.backward([1e10])
    with pytest.raises(NonFiniteError, match=r"gradient of dense_1.weight became NaN or infinite at step 1"):
        net.step()
    np.testing.assert_array_equal(net.parameters, np.float32([0, 1e30]))
