"""Softmax of each of several groups of columns, on NumPy and compiled."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.activations.softmax import Softmax
from nncore.activations.softmax_heads import SoftmaxHeads
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Activation
from nncore.testing.activations import Rung
from nncore.testing.twin import numpy_twin


def rungs(activation: Activation) -> list[Rung]:
    return [Rung(activation), Rung(numpy_twin(activation))]


@pytest.mark.parametrize("n_classes", [(3, 2, 5), (1, 1), (2, 300, 17)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_group_is_a_softmax(n_classes: tuple[int, ...], dtype: type) -> None:
    z, d_a = np.random.default_rng(1).normal(size=(2, 7, sum(n_classes))).astype(dtype)
    groups = np.split(np.arange(sum(n_classes)), np.cumsum(n_classes)[:-1])
    for rung in rungs(SoftmaxHeads(n_classes)):
        a = rung.forward(z)
        d_z = rung.backward(z, a, d_a)
        for columns in groups:
            p = Softmax().forward(z[:, columns])
            tolerance = (8 + len(columns)) * np.finfo(dtype).eps
            np.testing.assert_allclose(a[:, columns], p, rtol=tolerance)
            np.testing.assert_allclose(d_z[:, columns], Softmax().backward(p, p, d_a[:, columns]), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_do_not_overflow(dtype: type) -> None:
    for rung in rungs(SoftmaxHeads((2, 2))):
        np.testing.assert_array_equal(rung.forward(np.array([[1e4, -1e4, -1e4, -1e4]], dtype)), [[1, 0, 0.5, 0.5]])


@pytest.mark.parametrize("n_classes", [(), 3, (0, 2), (-1, 3), (2.0, 3.0), "ab", ((1, 2), (3, 4)), ((1, 2), (3,)), None, (True, False)])
def test_what_is_no_number_of_classes_is_refused(n_classes: object) -> None:
    with pytest.raises(ParameterError, match="whole number of at least 1 for each head"):
        SoftmaxHeads(n_classes)  # type: ignore[arg-type]


def test_a_layer_of_another_width_is_refused_with_its_name() -> None:
    net = nn.Sequential(nn.Dense(4), nn.Dense(9, activation=SoftmaxHeads((3, 2, 5))))
    with pytest.raises(ShapeError, match=r"dense_2: .*need 10 columns, there are 9"):
        net.build(3)
    assert not net.is_built
