"""Block coordinate descent on a network: only one block changes at a time, and the loss falls."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.optimizers.block_coordinate import BlockCoordinate
from nncore.testing import numpy_twin

BLOCKS = {
    "layer": [["dense_1.weight", "dense_1.bias"], ["dense_2.weight", "dense_2.bias"], ["dense_3.weight", "dense_3.bias"]],
    "tensor": [["dense_1.weight"], ["dense_1.bias"], ["dense_2.weight"], ["dense_2.bias"], ["dense_3.weight"], ["dense_3.bias"]],
}


@pytest.mark.parametrize("native", [False, True], ids=["numpy", "native"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("block", ["layer", "tensor"])
@pytest.mark.parametrize("steps_per_block", [1, 3])
def test_one_block_at_a_time(block: str, steps_per_block: int, dtype: str, native: bool) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = np.sin(X @ rng.normal(size=(3, 2)))
    optimizer = BlockCoordinate(0.05, block=block, steps_per_block=steps_per_block)
    # A layer without parameters between the others is not a block.
    network = nn.Sequential(nn.Dense(6, activation="tanh"), nn.Dropout(0.0), nn.Dense(5, activation="sigmoid"), nn.Dense(2))
    network.build(3, loss="half_mse", optimizer=optimizer if native else numpy_twin(optimizer), rng=1, dtype=dtype)
    losses = []
    for step in range(36 * steps_per_block):
        network.forward(X, training=True)
        losses.append(network.backward(y))
        before = {name: value.copy() for name, value in network.named_parameters().items()}
        network.step()
        changed = [name for name, value in network.named_parameters().items() if value.tobytes() != before[name].tobytes()]
        assert changed == BLOCKS[block][step // steps_per_block % len(BLOCKS[block])]
    # Every one of these steps is small enough to reduce the loss.
    assert (np.diff(losses) < 0).all()
    assert losses[-1] < 0.9 * losses[0]


def test_turns_do_not_start_again_with_a_new_fit() -> None:
    """The order of blocks continues in a new fit, since it depends on the step number, which counts over all fits."""
    network = nn.Sequential(nn.Dense(4, activation="tanh"), nn.Dense(1))
    network.build(2, loss="half_mse", optimizer=BlockCoordinate(0.1), rng=0)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 2)), rng.normal(size=(8, 1))
    for expected in ("dense_1.weight", "dense_2.weight", "dense_1.weight"):
        before = {name: value.copy() for name, value in network.named_parameters().items()}
        network.train_on_batch(X, y)
        changed = [name for name, value in network.named_parameters().items() if value.tobytes() != before[name].tobytes()]
        assert changed[0] == expected
