"""Lazy updates of an embedding: the trajectory of torch.optim.SparseAdam, recorded by make_torch_lazy_trajectory.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.testing import numpy_twin

DATA = dict(np.load(Path(__file__).with_name("torch_lazy_trajectory.npz")))


@pytest.mark.parametrize(
    "optimizer", [nn.Adam(float(DATA["lr"]), epsilon=1e-30), numpy_twin(nn.Adam(float(DATA["lr"]), epsilon=1e-30))], ids=["native", "numpy"]
)
def test_lazy_adam_is_sparse_adam(optimizer: Any) -> None:
    network = nn.Sequential(nn.Embedding(DATA["tables"].shape[1] - 1, DATA["tables"].shape[2]), nn.Dense(1))
    network.build(1, loss="mse", optimizer=optimizer, dtype="float64", rng=0)
    network.groups = {"embedding_1.*": {"lazy": True}}
    kept = network.named_parameters()
    for name, path in (("embedding_1.weight_0", "tables"), ("dense_1.weight", "weights"), ("dense_1.bias", "biases")):
        kept[name][...] = DATA[path][0]
    for step, (codes, y) in enumerate(zip(DATA["codes"], DATA["targets"], strict=True), start=1):
        network.train_on_batch(codes[:, None].astype(float), y)
        kept = network.named_parameters()
        for name, path in (("embedding_1.weight_0", "tables"), ("dense_1.weight", "weights"), ("dense_1.bias", "biases")):
            np.testing.assert_allclose(kept[name], DATA[path][step], rtol=0, atol=1e-12)
    still = (np.diff(DATA["tables"], axis=0) == 0).all(axis=2)
    assert still.any(axis=1).all(), "rows that Adam would move are unchanged in every step"
