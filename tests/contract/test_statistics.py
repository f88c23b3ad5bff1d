"""Statistics of columns are exact where documented, for any number of rows, and close where they sample."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from nncore.contract import SAMPLE_SIZE, block_rows, row_hashes, sample_rows
from nncore.plugin import Extremes, Means, Missing, Moments, RowSample, Statistic

N = 3 * SAMPLE_SIZE + 1234


def fed(statistic: Statistic, columns: np.ndarray, weights: np.ndarray | None = None) -> None:
    """Add rows in blocks, as the host does."""
    for start in range(0, len(columns), SAMPLE_SIZE):
        rows = slice(start, start + SAMPLE_SIZE)
        statistic.add(np.asfortranarray(columns[rows]), None if weights is None else weights[rows])


@pytest.fixture(scope="module")
def columns() -> np.ndarray:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4)) * [1, 1e-3, 1e6, 1] + [0, 1e5, -3, 0]
    X[rng.random(N) < 0.2, 1] = np.nan
    X[SAMPLE_SIZE:, 2] = np.nan
    X[:, 3] = np.nan
    return X


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_are_those_of_all_rows(columns: np.ndarray, weighted: bool) -> None:
    weights = np.random.default_rng(1).choice([0.25, 1.0, 3.0], N) if weighted else None
    moments, means = Moments(4), Means(4)
    fed(moments, columns, weights)
    fed(means, columns, weights)
    np.testing.assert_array_equal(means.mean, moments.mean)
    for column, mean, std in zip(columns.T[:3], moments.mean, moments.std, strict=False):
        is_there = ~np.isnan(column)
        x, w = column[is_there], np.ones(is_there.sum()) if weights is None else weights[is_there]
        exact = math.fsum(w * x) / math.fsum(w)
        deviation = math.sqrt(math.fsum(w * (x - exact) ** 2) / math.fsum(w))
        assert mean == pytest.approx(exact, rel=1e-15, abs=1e-12 * deviation)
        assert std == pytest.approx(deviation, rel=1e-9)
    assert (moments.mean[3], moments.std[3], moments.weight[3]) == (0, 0, 0)


def test_equal_weights_are_none(columns: np.ndarray) -> None:
    one, other = Moments(4), Moments(4)
    fed(one, columns[:SAMPLE_SIZE])
    fed(other, columns[:SAMPLE_SIZE], np.full(SAMPLE_SIZE, 0.7))
    assert (one.mean.tobytes(), one.std.tobytes()) == (other.mean.tobytes(), other.std.tobytes())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(-1000, 1000), min_size=1, max_size=6), min_size=1, max_size=5))
def test_moments_of_pieces_are_those_of_the_whole(pieces: list[list[int]]) -> None:
    moments = Moments(1)
    for piece in pieces:
        moments.add(np.array(piece, float)[:, None], None)
    x = [Fraction(number) for piece in pieces for number in piece]
    mean = sum(x) / len(x)
    variance = sum((number - mean) ** 2 for number in x) / len(x)
    assert moments.mean[0] == pytest.approx(float(mean), abs=1e-10)
    assert moments.std[0] == pytest.approx(math.sqrt(variance), abs=1e-6)


def test_extremes_and_missing(columns: np.ndarray) -> None:
    extremes, missing = Extremes(4), Missing(4)
    fed(extremes, columns)
    fed(missing, columns)
    np.testing.assert_array_equal(extremes.least, [*np.nanmin(columns[:, :3], axis=0), np.nan])
    np.testing.assert_array_equal(extremes.largest, [*np.nanmax(columns[:, :3], axis=0), np.nan])
    assert missing.any.tolist() == [False, True, True, True]


def test_a_sample_of_few_rows_is_all_of_them(columns: np.ndarray) -> None:
    sample, weights = RowSample(4), np.arange(1.0, SAMPLE_SIZE + 1)
    fed(sample, columns[:SAMPLE_SIZE], weights)
    np.testing.assert_array_equal(sample.columns, columns[:SAMPLE_SIZE])
    np.testing.assert_array_equal(sample.sample_weight, weights)
    unweighted = RowSample(4)
    fed(unweighted, columns[:SAMPLE_SIZE])
    np.testing.assert_allclose(unweighted.quantiles([0.25])[0], np.quantile(columns[:SAMPLE_SIZE, 0], 0.25), rtol=1e-14)


@pytest.mark.parametrize("data", ["in order", "periodic", "random"])
def test_quantiles_of_many_rows_are_near(data: str) -> None:
    """Each quantile's rank is within four standard deviations of its level, also for sorted and repeated rows."""
    x = {
        "in order": np.arange(N, dtype=float),
        "periodic": np.arange(N) % 24.0 + np.arange(N) / N,
        "random": np.random.default_rng(2).exponential(size=N),
    }[data]
    sample = RowSample(1)
    fed(sample, x[:, None], np.arange(1.0, N + 1))
    assert sample.columns.shape == (SAMPLE_SIZE, 1)
    assert sample.sample_weight is not None
    rows = sample.sample_weight.astype(int) - 1
    assert len(set(rows.tolist())) == SAMPLE_SIZE
    np.testing.assert_array_equal(sample.columns[:, 0], x[rows])
    levels = np.linspace(0.01, 0.99, 99)
    unweighted = RowSample(1)
    fed(unweighted, x[:, None])
    ranks = np.searchsorted(np.sort(x), unweighted.quantiles(levels)[0]) / N
    assert (np.abs(ranks - levels) < 4 * np.sqrt(levels * (1 - levels) / SAMPLE_SIZE)).all()


@pytest.mark.parametrize("at_once", [1, 8, 50, 64])
@pytest.mark.parametrize("has_weights", [False, True])
def test_a_sample_of_fewer_rows_does_not_depend_on_calls(at_once: int, has_weights: bool) -> None:
    rng = np.random.default_rng(0)
    columns, weights = np.asfortranarray(rng.normal(size=(300, 3))), rng.uniform(1, 2, 300) if has_weights else None
    sample = RowSample(3)
    sample.most = 64
    for start in range(0, 300, at_once):
        rows = slice(start, start + at_once)
        sample.add(np.asfortranarray(columns[rows]), None if weights is None else weights[rows])
    kept = np.argsort(row_hashes(np.arange(300)))[:64]
    order = np.argsort(sample.columns[:, 0])
    wanted = kept[np.argsort(columns[kept, 0])]
    np.testing.assert_array_equal(sample.columns[order], columns[wanted])
    if weights is not None:
        np.testing.assert_array_equal(sample.sample_weight[order], weights[wanted])


def test_wide_tables_are_taken_in_fewer_rows() -> None:
    assert [block_rows(n) for n in (0, 1, 64, 65, 1000, 10**7)] == [SAMPLE_SIZE, SAMPLE_SIZE, SAMPLE_SIZE, 2**15, 2**12, 1]
    assert [sample_rows(n) for n in (0, 128, 129, 1000, 10**7)] == [SAMPLE_SIZE, SAMPLE_SIZE, 2**15, 2**13, 2**13]
