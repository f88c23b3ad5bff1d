"""A learned factor for each feature."""

from __future__ import annotations

import numpy as np

import nncore as nn


def test_it_begins_as_the_identity_and_takes_samples_of_any_shape() -> None:
    X = np.random.default_rng(0).normal(size=(6, 3, 4)).astype(np.float32)
    net = nn.Sequential(nn.Scale()).build((3, 4))
    np.testing.assert_array_equal(net.predict(X), X)
    factors = net.named_parameters()["scale_1.scale"]
    assert factors.shape == (3, 4)
    factors[...] = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(net.predict(X), X * factors)


def test_weight_decay_passes_it_by_unless_a_group_says_otherwise() -> None:
    X, y = np.zeros((32, 3)), np.zeros(32)
    for groups, factor in (({}, 1.0), ({"scale_1.scale": {"weight_decay": 0.5}}, 0.95)):
        net = nn.Sequential(nn.Scale(), nn.Dense(1, use_bias=False))
        optimizer = nn.AdamW(lr=0.1, weight_decay=0.0)
        net.fit(X, y, loss="mse", optimizer=optimizer, groups=groups, epochs=1, batch_size=32, rng=0, progress=False)
        np.testing.assert_allclose(net.named_parameters()["scale_1.scale"], factor, rtol=1e-6)
