"""Samples, targets and weights of a data set have equal lengths, and their blocks come in order."""

from __future__ import annotations

import numpy as np
import pytest

from nncore import registry
from nncore.data import Dataset, Targets, TargetsWanted, dataset
from nncore.errors import DataError, ShapeError

F32 = np.dtype(np.float32)
CROSS_ENTROPY = registry.resolve("losses", "softmax_cross_entropy")


def test_contiguous_input_of_the_right_dtype_is_not_copied() -> None:
    X = np.zeros((10, 2, 3), np.float32)
    (block,) = Dataset(X, Targets(labels=np.zeros(10, np.int64)), None, F32).blocks(None, 4)
    assert np.shares_memory(block.inputs, X)
    assert block.inputs.shape == (10, 6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
def test_converted_blocks_hold_the_samples_in_order(monkeypatch: pytest.MonkeyPatch, shuffled: bool, weighted: bool) -> None:
    monkeypatch.setattr(dataset, "CONVERT_AT_ONCE", 0)
    monkeypatch.setattr("nncore.blocks.BLOCK", 200)
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(103, 5)), rng.integers(3, size=103)
    weights = rng.uniform(size=103).astype(np.float32) if weighted else None
    order = rng.permutation(103) if shuffled else None
    blocks = list(Dataset(X, Targets(labels=labels), weights, F32).blocks(order, 7))
    assert len(blocks) > 5
    assert all(len(block) % 7 == 0 for block in blocks[:-1])
    visited = np.arange(103) if order is None else order
    np.testing.assert_array_equal(np.concatenate([b.inputs for b in blocks]), X[visited].astype(np.float32))
    np.testing.assert_array_equal(np.concatenate([b.labels for b in blocks]), labels[visited])
    if weights is not None:
        np.testing.assert_array_equal(np.concatenate([b.weights for b in blocks]), weights[visited])


def test_lengths_must_agree() -> None:
    with pytest.raises(ShapeError, match="held-out X has 3 samples, held-out y has 2"):
        Dataset.checked(np.zeros((3, 2)), [0, 1], None, TargetsWanted.by(CROSS_ENTROPY, 2), F32, False, role="held-out ")
    with pytest.raises(DataError, match="X has no samples"):
        Dataset.checked(np.zeros((0, 2)), np.zeros(0, int), None, TargetsWanted.by(CROSS_ENTROPY, 2), F32, False)
