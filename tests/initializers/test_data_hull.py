"""RealMLP's initial values: units have variance 1 over the batch, and each is 0 at a random point among the samples."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import DataError, ParameterError
from nncore.initializers.data_hull import DataHull

DTYPES = [np.float32, np.float64]
#: pytabkit's values for samples and random numbers, recorded by make_pytabkit_values.py.
RECORDED = np.load(Path(__file__).with_name("pytabkit_values.npz"))


def batch(n_rows: int, n_columns: int, dtype: type[np.floating]) -> np.ndarray:
    """Columns of different means and scales."""
    rng = np.random.default_rng(1)
    return (rng.normal(size=(n_rows, n_columns)) * rng.uniform(0.1, 10, n_columns) + 3 * rng.normal(size=n_columns)).astype(dtype)


def refined(initializer: DataHull, x: np.ndarray, n_outputs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weight = initializer.sample(rng, (x.shape[1], n_outputs), x.shape[1], n_outputs).astype(x.dtype)
    bias = np.full(n_outputs, 7, x.dtype)
    initializer.refine(rng, x, weight, bias)
    return weight, bias


@pytest.mark.parametrize("dtype", DTYPES)
def test_as_pytabkit(dtype: type[np.floating]) -> None:
    """Values equal pytabkit's: its weight is ours times √d, by which its layers divide."""
    x, scale = RECORDED["x"].astype(dtype), math.sqrt(RECORDED["x"].shape[1])
    weight, bias = (RECORDED["sample"] / scale).astype(dtype), np.zeros(RECORDED["bias"].shape, dtype)
    drawn: Any = SimpleNamespace(dirichlet=lambda *_: RECORDED["shares"], integers=lambda *_, size: RECORDED["rows"].T.reshape(size))
    DataHull().refine(drawn, x, weight, bias)
    np.testing.assert_allclose(weight, RECORDED["weight"] / scale, rtol=1e-5)
    np.testing.assert_allclose(bias, RECORDED["bias"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_points", [1, 5, 50])
def test_every_unit_has_variance_1_and_is_0_in_the_hull_of_the_samples(dtype: type[np.floating], n_points: int) -> None:
    x = batch(300, 6, dtype)
    weight, bias = refined(DataHull(n_points), x, 200)
    z = x.astype(np.float64) @ weight
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-5)
    assert ((z.min(axis=0) <= -bias + 1e-4) & (-bias - 1e-4 <= z.max(axis=0))).all()
    distance = np.abs(z[:, :, None].transpose(1, 0, 2)[..., 0] + bias[:, None]).min(axis=1)
    assert (distance < 1e-4).all() == (n_points == 1), "with one point it is a sample"
    spread = (z.mean(axis=0) + bias).std()
    # A mean of n rows with Dirichlet shares has the variance 2/(n + 1) of one row's.
    assert spread == pytest.approx(math.sqrt(2 / (n_points + 1)), rel=0.15)


def test_without_bias_the_weights_are_the_same() -> None:
    x, rng = batch(50, 4, np.float64), np.random.default_rng(0)
    weight = DataHull().sample(rng, (4, 3), 4, 3)
    DataHull().refine(rng, x, weight, None)
    np.testing.assert_array_equal(weight, refined(DataHull(), x, 3)[0])


def test_the_generator_decides() -> None:
    x = batch(50, 4, np.float64)
    one, same, other = (refined(DataHull(), x, 3, seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).all()


@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.full((10, 3), 0.5), np.array([[1.0, 2.0, np.nan], [0.0, 1.0, 2.0]])])
def test_unusable_batches(x: np.ndarray) -> None:
    weight, bias = np.ones((3, 4)), np.zeros(4)
    with pytest.raises(DataError, match=r"pass a few hundred samples|pass a batch of different samples|remove NaN and infinity"):
        DataHull().refine(np.random.default_rng(0), x, weight, bias)
    np.testing.assert_array_equal(weight, 1)
    np.testing.assert_array_equal(bias, 0)


def test_biases_that_would_overflow() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2))
    x[:, 0] = 3e38
    weight, bias = np.array([[10, 0], [0, 5]], np.float32), np.zeros(2, np.float32)
    with pytest.raises(DataError, match="scale the samples"):
        DataHull().refine(np.random.default_rng(0), x, weight, bias)
    np.testing.assert_array_equal(weight, [[10, 0], [0, 5]])


def test_dropout_is_no_variance_of_the_data() -> None:
    x = batch(300, 6, np.float64)
    layers = [nn.Dense(8, "relu", weight_initializer=DataHull()), nn.Dense(3, weight_initializer=DataHull())]
    plain, noisy = (nn.Sequential(layers[0], *between, layers[1]).build(6, rng=0, batch=x) for between in ([], [nn.Dropout(0.5)]))
    np.testing.assert_array_equal(noisy.parameters, plain.parameters)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_a_network_layer_after_layer(dtype: str) -> None:
    x = batch(300, 6, np.float64)
    widths = (6, 16, 16, 3)
    layers = [nn.Dense(n, "relu" if n > 3 else None, weight_initializer=DataHull()) for n in widths[1:]]
    net = nn.Sequential(*layers).build(6, rng=0, dtype=dtype, batch=x)
    z, named = x.astype(dtype), net.named_parameters()
    for number, _ in enumerate(pairwise(widths), 1):
        z = (np.maximum(z, 0) if number > 1 else z) @ named[f"dense_{number}.weight"] + named[f"dense_{number}.bias"]
        np.testing.assert_allclose(z.std(axis=0, dtype=np.float64), 1, atol=1e-4)
        assert (np.abs(z.mean(axis=0)) > 1e-3).all(), "no unit is centred"


@pytest.mark.parametrize(("wanted", "seen"), [(50, 50), (4096, 5000 // 2)])
def test_how_many_rows_it_looks_at(wanted: int, seen: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X, lengths = np.random.default_rng(0).normal(size=(5000, 2)), []
    refine = DataHull.refine
    monkeypatch.setattr(DataHull, "refine", lambda self, rng, x, *tensors: lengths.append(len(x)) or refine(self, rng, x, *tensors))
    given: dict[str, Any] = {"loss": "mse", "optimizer": "sgd", "epochs": 1, "rng": 0, "progress": False}
    nn.Sequential(nn.Dense(1, weight_initializer=DataHull(batch_rows=wanted))).fit(X, X[:, 0], **given)
    assert lengths == [seen]


@pytest.mark.parametrize("arguments", [{"n_points": 0}, {"n_points": 1.5}, {"batch_rows": 0}, {"batch_rows": "all"}])
def test_bad_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(arguments))):
        DataHull(**arguments)
