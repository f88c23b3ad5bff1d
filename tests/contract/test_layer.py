"""Records of layers: plans, tensors and calls."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.plugin import Buffer, LayerCall, Tensor


@pytest.mark.parametrize(("shape", "size"), [((), 1), ((3,), 3), ((3, 4), 12), ((0, 4), 0)])
def test_sizes(shape, size):
    assert Tensor("weight", shape, "weight", None, 1, 1).size == size
    assert Buffer("mean", shape).size == size


def test_layer_calls_do_not_share_their_dictionaries():
    first, second = (LayerCall(np.empty((1, 1)), np.empty((1, 1))) for _ in range(2))
    first.parameters["weight"] = np.empty(1)
    assert second.parameters == {}
    assert second.cache.shape == (0,)
