"""Chains that learn from blocks: the same bits as from rows in memory, for any split into blocks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from nncore import registry
from nncore.contract import SAMPLE_SIZE, block_rows, sample_rows, statistics
from nncore.data import ChainLearner, EncodingChain, encoding_chain
from nncore.errors import DataError

CHAINS = (
    ["standard", "indicator"],
    ["robust", "smooth_clip", "indicator"],
    ["robust", "smooth_clip", "standard"],
    ["quantile_normal"],
    [],
    ["clamp", "unit_mean"],
)
N = SAMPLE_SIZE + 5000
RNG_SEED = 3


def numbers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 2)) * [1, 100]
    X[rng.random((N, 2)) < 0.1] = np.nan
    return X, rng.choice([0.0, 0.5, 2.0], N)


def streamed(
    encodings: list, X: np.ndarray, weights: np.ndarray | None, cuts: list[int], n_levels: list[int] | None = None
) -> EncodingChain:
    chain = tuple(registry.resolve("encodings", one) for one in encodings)
    seeds = EncodingChain.seeds(chain, X.shape[1], RNG_SEED)
    learner = ChainLearner(chain, np.arange(X.shape[1]), None if n_levels is None else np.array(n_levels), seeds, None)
    bounds = [0, *sorted(cuts), len(X)]
    while learner.wants_rows:
        for start, stop in pairwise(bounds):
            learner.add(X[start:stop], None if weights is None else weights[start:stop])
        learner.end_pass()
    return EncodingChain.of_learners([learner])


@settings(max_examples=6, deadline=None)
@given(st.sampled_from(CHAINS), st.lists(st.integers(0, N), max_size=6), st.booleans())
def test_blocks_of_any_size(encodings: list[str], cuts: list[int], weighted: bool) -> None:
    X, weights = numbers()
    used = weights if weighted else None
    assert streamed(encodings, X, used, cuts) == EncodingChain.learn(encodings, X, sample_weight=used, rng=RNG_SEED)


@pytest.mark.parametrize("encodings", [*CHAINS, ["robust", "indicator"]], ids="-".join)
def test_wide_tables_are_taken_in_fewer_rows(encodings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of all columns decides how many, in blocks, in memory, and where only some columns are learned at a time."""
    monkeypatch.setattr(statistics, "_BLOCK_CELLS", 2**11)
    monkeypatch.setattr(statistics, "_SAMPLE_CELLS", 2**13)
    monkeypatch.setattr(statistics, "_LEAST_SAMPLE", 2**6)
    assert (block_rows(20), sample_rows(20)) == (64, 256)
    X, _ = numbers()
    X = X[:20_000, 0].reshape(1000, 20)
    expected = EncodingChain.learn(encodings, X, rng=RNG_SEED)
    assert streamed(encodings, X, None, [1, 63, 64, 65, 500, 999]) == expected
    monkeypatch.setattr(encoding_chain, "LEARNED_AT_ONCE", 8 * 1000 * 7)
    assert EncodingChain.learn(encodings, X, rng=RNG_SEED) == expected
    of_some = EncodingChain.learn(encodings, X[:, :3], rng=RNG_SEED, width=20)
    for own, of_all in zip(of_some.learned, expected.learned, strict=True):
        for name, array in own.items():
            np.testing.assert_array_equal(array, of_all[name][: len(array)])


def test_what_follows_is_what_a_pass_of_its_own_finds() -> None:
    X, weights = numbers()
    X[:, 1] = np.where(np.isnan(X[:, 1]), 0, X[:, 1])
    X = np.column_stack([X, np.full(N, np.nan)])
    for encodings in (["standard", "indicator"], ["robust", "smooth_clip", "indicator"]):
        chain = EncodingChain.learn(encodings, X, sample_weight=weights)
        before = EncodingChain(chain.encodings[:-1], chain.learned[:-1], 3)
        alone = EncodingChain.learn(encodings[-1:], before.encode(X), sample_weight=weights)
        for name, array in alone.learned[0].items():
            np.testing.assert_array_equal(chain.learned[-1][name], array)


def test_levels_and_times() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(-1, 3, (N, 2))
    expected = EncodingChain.learn(["one_hot", "robust"], codes, n_levels=[3, 4])
    assert streamed(["one_hot", "robust"], codes, None, [17, 70_000], [3, 4]) == expected
    times = rng.integers(0, 2**52, (N, 1)).astype("datetime64[us]")
    times[::7] = np.datetime64("NaT")
    encodings = [{"name": "date_parts", "parts": ["year", "weekday", "is_year_end"]}, "standard", "indicator"]
    assert streamed(encodings, times, None, [1, 66_000]) == EncodingChain.learn(encodings, times)


def test_columns_together_are_columns_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    X, weights = numbers()
    expected = EncodingChain.learn(["robust", "standard"], X, sample_weight=weights)
    monkeypatch.setattr("nncore.data.encoding_chain.LEARNED_AT_ONCE", 1)
    assert EncodingChain.learn(["robust", "standard"], X, sample_weight=weights) == expected


def test_there_is_a_pass_for_each_encoding_that_needs_what_one_before_has_learned() -> None:
    """Learning takes a pass for each encoding whose statistics need the outputs of an earlier one."""
    X, _ = numbers()
    of_means: list[Any] = ["standard", {"name": "indicator", "fill": "mean"}]
    for encodings, n_passes in (
        (["standard", "indicator"], 1),
        (["robust", "smooth_clip", "indicator"], 1),
        (["robust", "indicator", "quantile_normal"], 2),
        (["standard", "robust", "standard"], 3),
        (of_means, 2),
        (["robust", "smooth_clip"], 1),
        ([], 1),
        (["standard"], 1),
    ):
        learner = ChainLearner(tuple(registry.resolve("encodings", one) for one in encodings), np.arange(2), None, None, None)
        passes = 0
        while learner.wants_rows:
            learner.add(X[:100])
            learner.end_pass()
            passes += 1
        assert passes == n_passes


def test_refusals() -> None:
    learner = ChainLearner((registry.resolve("encodings", "standard"),), np.arange(1), None, None, lambda _: "column 'a'")
    with pytest.raises(DataError, match="there are no rows"):
        learner.end_pass()
    learner.add(np.array([[1.0], [np.inf]]))
    with pytest.raises(DataError, match="column 'a' has an infinite number"):
        learner.end_pass()
