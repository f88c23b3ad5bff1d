"""Logarithms of probabilities: their digits, and losses on them."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.activations.log_softmax import LogSoftmax
from nncore.activations.softmax import Softmax
from nncore.errors import ParameterError
from nncore.testing import numpy_twin
from nncore.testing.activations import Rung

RUNGS = [Rung(LogSoftmax()), Rung(numpy_twin(LogSoftmax()))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_columns", [1, 3, 17, 300])
def test_it_is_the_logarithm_of_a_softmax(dtype: type, n_columns: int) -> None:
    z = (np.random.default_rng(1).normal(size=(40, n_columns)) * 3).astype(dtype)
    for rung in RUNGS:
        a = rung.forward(z)
        tolerance = (8 + n_columns) * np.finfo(dtype).eps
        np.testing.assert_allclose(np.exp(a), Softmax().forward(z), rtol=20 * tolerance, atol=tolerance)


def test_probabilities_near_0_and_1_keep_their_digits() -> None:
    for rung in RUNGS:
        np.testing.assert_allclose(rung.forward(np.array([[60.0, 0.0, -1e4]])), [[-np.exp(-60.0), -60.0, -10060.0]], rtol=1e-14)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "cross_entropy"])
def test_losses_of_classes_refuse_it_and_say_what_computes_the_same(loss: str) -> None:
    X, y = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    net = nn.Sequential(nn.Dense(2, activation="log_softmax"))
    with pytest.raises(ParameterError, match=r"(end the network without an activation|activation='softmax').*softmax"):
        net.fit(X, y, loss=loss, progress=False)
    assert not net.is_built


def test_that_loss_is_pytorchs_pair() -> None:
    """The mean of −log p of the labels after log_softmax equals softmax_cross_entropy on logits, and so does the gradient."""
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
    alone = nn.Sequential(nn.Dense(3)).build(4, loss="softmax_cross_entropy", rng=0, dtype="float64")
    logarithms = nn.Sequential(nn.Dense(3, activation="log_softmax")).build(4, rng=0, dtype="float64")
    logarithms.parameters[:] = alone.parameters
    alone.forward(X, training=True)
    value = alone.backward(y)
    log_p = logarithms.forward(X, training=True)
    assert -log_p[np.arange(30), y].mean() == pytest.approx(value, rel=1e-14)
    logarithms.backward(d_output=-np.eye(3)[y] / 30)
    np.testing.assert_allclose(logarithms.gradients, alone.gradients, rtol=1e-13, atol=1e-15)
