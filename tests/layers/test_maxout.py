"""Maxout: the largest of neighbouring features."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.testing import numpy_twin
from nncore.testing.layer_calls import Call

NOTHING = np.zeros(0)


@pytest.mark.parametrize("n_pieces", [1, 2, 3, 5])
def test_each_group_of_neighbours_gives_its_largest(n_pieces: int) -> None:
    X = np.random.default_rng(1).normal(size=(20, 4 * n_pieces)).astype(np.float32)
    net = nn.Sequential(nn.Maxout(n_pieces)).build(4 * n_pieces)
    np.testing.assert_array_equal(net.predict(X), X.reshape(20, 4, n_pieces).max(axis=2))


def test_of_equal_features_the_first_has_the_gradient_and_nan_shows() -> None:
    x = np.array([[2.0, 2.0, 1.0, 0.0, -0.0, -1.0], [1.0, np.nan, 3.0, 1.0, 2.0, np.nan]])
    for layer in (nn.Maxout(3), numpy_twin(nn.Maxout(3))):
        call = Call(layer, x, NOTHING, NOTHING)
        np.testing.assert_array_equal(call.forward(), [[2, 0], [np.nan, np.nan]])
        d_x, _ = call.backward(np.array([[5.0, 7.0], [1.0, 2.0]]))
        np.testing.assert_array_equal(d_x, [[5, 0, 0, 7, 0, 0], [0, 1, 0, 0, 0, 2]])


def test_what_it_cannot_take() -> None:
    with pytest.raises(ShapeError, match=r"maxout_1: .*multiple of n_pieces=3 features, got 4: put nn.Dense\(3 \* n\) before it"):
        nn.Sequential(nn.Maxout(3)).build(4)
    with pytest.raises(ShapeError, match="Flatten"):
        nn.Sequential(nn.Maxout()).build((2, 2))
    for n_pieces in (0, 2.5, "2"):
        with pytest.raises(ParameterError, match="Maxout: n_pieces"):
            nn.Maxout(n_pieces)  # type: ignore[arg-type]
