"""Row M4: the notes' two-layer network of nine scalars, and its nine partial derivatives written out."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn

ACTIVATIONS = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(5))
def test_nine_partial_derivatives(name: str, seed: int) -> None:
    phi, d_phi = ACTIVATIONS[name]
    rng = np.random.default_rng(seed)
    w11, w12, w21, w22, b1, b2, w1, w2, b3, x1, x2, Y = rng.normal(size=12)

    # Forward, as in the notes: z1 = w11 x1 + w12 x2 + b1, and so on.
    z1, z2 = w11 * x1 + w12 * x2 + b1, w21 * x1 + w22 * x2 + b2
    y = w1 * phi(z1) + w2 * phi(z2) + b3
    # Backward: dE/dy = y - Y, dE/dz1 = (y - Y) w1 phi'(z1), dE/dz2 = (y - Y) w2 phi'(z2).
    expected = {
        "dense_1.weight": [
            [(y - Y) * w1 * d_phi(z1) * x1, (y - Y) * w2 * d_phi(z2) * x1],
            [(y - Y) * w1 * d_phi(z1) * x2, (y - Y) * w2 * d_phi(z2) * x2],
        ],
        "dense_1.bias": [(y - Y) * w1 * d_phi(z1), (y - Y) * w2 * d_phi(z2)],
        "dense_2.weight": [[(y - Y) * phi(z1)], [(y - Y) * phi(z2)]],
        "dense_2.bias": [y - Y],
    }

    net = nn.Sequential(nn.Dense(2, activation=name), nn.Dense(1)).build(2, loss="half_mse", dtype="float64")
    views = net.named_parameters()
    views["dense_1.weight"][...] = [[w11, w21], [w12, w22]]  # (n_in, n_out)
    views["dense_1.bias"][...] = [b1, b2]
    views["dense_2.weight"][...] = [[w1], [w2]]
    views["dense_2.bias"][...] = [b3]
    output = net.forward([[x1, x2]], training=True)
    value = net.backward([Y])

    np.testing.assert_allclose(output, [[y]], rtol=1e-13)
    np.testing.assert_allclose(value, 0.5 * (Y - y) ** 2, rtol=1e-12)
    gradients = net.named_gradients()
    assert sum(g.size for g in gradients.values()) == 9
    for tensor, derivative in expected.items():
        np.testing.assert_allclose(gradients[tensor], derivative, rtol=1e-11, atol=1e-15, err_msg=tensor)
