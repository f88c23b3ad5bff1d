"""Normalisation by the root mean square."""

from __future__ import annotations

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 15, 16, 17, 300])
def test_the_mean_square_of_outputs_is_1(n: int, dtype: str) -> None:
    X = (np.random.default_rng(1).normal(size=(50, n)) * 7 + 2).astype(dtype)
    y = nn.Sequential(nn.RMSNorm(1e-30)).build(n, dtype=dtype).predict(X)
    np.testing.assert_allclose((y.astype(np.float64) ** 2).mean(axis=1), 1, rtol=20 * np.finfo(dtype).eps)


def test_it_takes_samples_of_any_shape_and_rows_of_zeros() -> None:
    X = np.random.default_rng(2).normal(size=(6, 3, 4)).astype(np.float32)
    X[0] = 0
    net = nn.Sequential(nn.RMSNorm()).build((3, 4))
    np.testing.assert_allclose(net.predict(X), X / np.sqrt((X**2).mean(axis=(1, 2), keepdims=True) + 1e-6), rtol=1e-6)
    assert net.named_parameters()["rms_norm_1.gamma"].shape == (3, 4)


@pytest.mark.parametrize("epsilon", [0.0, -1.0, np.inf, "1"])
def test_an_epsilon_that_is_none_is_refused(epsilon: object) -> None:
    with pytest.raises(ParameterError, match="RMSNorm: epsilon"):
        nn.RMSNorm(epsilon)  # type: ignore[arg-type]
