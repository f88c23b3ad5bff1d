"""Specific properties of each built-in encoding, with values by hand."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from nncore import registry
from nncore.data import EncodingChain
from nncore.encodings.normal import normal_quantile
from nncore.errors import DataError, FileFormatError, ParameterError
from nncore.plugin import Encoding, Learned, quantiles

NAN = np.nan


def column(*numbers: float) -> np.ndarray:
    return np.array(numbers)[:, None]


def test_standard_keeps_the_digits_of_large_numbers() -> None:
    X = column(1.7e9, 1.7e9 + 1, 1.7e9 + 2)
    np.testing.assert_allclose(EncodingChain.learn(["standard"], X).encode(X)[:, 0], [-(1.5**0.5), 0, 1.5**0.5])


def test_a_constant_column_becomes_0() -> None:
    X = np.full((7, 1), 0.1) * 3
    for name in ("standard", "robust"):
        np.testing.assert_array_equal(EncodingChain.learn([name], X).encode(X), 0)
        assert EncodingChain.learn([name], X).inverse(np.zeros((1, 1))) == X[0]
    for name in ("quantile_normal", "piecewise_linear"):
        chain = EncodingChain.learn([name], np.hstack([X, np.arange(7.0)[:, None], X]))
        assert (chain.widths[[0, 2]] == 0).all()
        assert chain.widths[1] > 0


def test_nothing_is_there() -> None:
    X = np.full((4, 1), NAN)
    for name, width in {"standard": 1, "robust": 1, "clamp": 1, "indicator": 2, "quantile_normal": 0, "piecewise_linear": 0}.items():
        assert EncodingChain.learn([name], X).encode(X).shape == (4, width)


def test_robust_falls_back_to_the_range() -> None:
    X = column(*[0.0] * 9, 4.0)  # equal quartiles
    np.testing.assert_allclose(EncodingChain.learn(["robust"], X).encode(X)[-1], [2.0])
    tiny = column(0, 5e-324, 5e-324 * 2, 5e-324 * 3)  # whose range has no reciprocal
    np.testing.assert_array_equal(EncodingChain.learn(["robust"], tiny).encode(tiny), 0)
    with pytest.raises(DataError, match="column 0 holds numbers too large to be encoded"):
        EncodingChain.learn(["robust"], column(-1.7e308, 0, 1, 1.7e308))


@pytest.mark.parametrize("levels", [[0.5], [0, 0.25, 0.5, 0.75, 1], [0.1, 0.1, 0.9], np.linspace(0, 1, 33)], ids=len)
@pytest.mark.parametrize("n", [1, 2, 7, 1001])
def test_quantiles_are_those_of_numpy(n: int, levels: list[float]) -> None:
    rng = np.random.default_rng(0)
    columns = np.round(rng.normal(size=(n, 5)), 1)  # with equal numbers
    columns[rng.random((n, 5)) < 0.3] = np.nan
    columns[:, 4] = np.nan
    for column, found in zip(columns.T, quantiles(columns, levels, None), strict=True):
        present = column[~np.isnan(column)]
        expected = np.quantile(present, levels) if len(present) else np.full(len(levels), np.nan)
        np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


def test_weighted_quantiles_are_in_the_middle_of_weights() -> None:
    X, weights = column(1, 2, 4), np.array([1.0, 2.0, 1.0])
    chain = EncodingChain.learn(["robust"], X, sample_weight=weights)  # levels 0, ½, 1
    assert chain.learned[0] == {"median": [2.0], "factor": [1 / (3 - 1.5)]}


def test_smooth_clip_never_goes_beyond_its_limit() -> None:
    X = column(0, 3, -3, 1e8, 1e308, -1e308, NAN)
    found = EncodingChain.learn(["smooth_clip"], X).encode(X)[:, 0]
    np.testing.assert_allclose(found, [0, 3 / 2**0.5, -3 / 2**0.5, 3, 3, -3, NAN])
    half = EncodingChain.learn([{"name": "smooth_clip", "limit": 1e-300}], X)
    np.testing.assert_allclose(half.encode(X)[3:5, 0], 1e-300)


def test_one_hot() -> None:
    codes = np.array([[0, 0, 0], [1, 1, -1], [-1, 2, 0]])
    found = EncodingChain.learn(["one_hot"], codes, n_levels=[2, 3, 1]).encode(codes)
    np.testing.assert_array_equal(found, [[1, 1, 0, 0, 1], [-1, 0, 1, 0, 0], [0, 0, 0, 1, 1]])
    two = EncodingChain.learn([{"name": "one_hot", "binary": False}], codes, n_levels=[2, 3, 1])
    np.testing.assert_array_equal(two.encode(codes)[:, :2], [[1, 0], [0, 1], [0, 0]])
    assert two.names(["a", "b", "c"], [["x", "y"], ["u", "v", "w"], ["z"]])[:2] == ["a_x", "a_y"]


def test_ordinal_keeps_codes_for_an_embedding() -> None:
    codes = np.array([[0, 5], [-1, 2]])
    chain = EncodingChain.learn(["ordinal"], codes, n_levels=[1, 6])
    assert chain.encode(codes, dtype=np.float32).tolist() == codes.tolist()
    assert chain.n_levels is not None
    assert chain.n_levels.tolist() == [1, 6]
    with pytest.raises(ParameterError, match=r"takes numbers, but Ordinal\(\) before it gives levels"):
        EncodingChain.learn(["ordinal", "robust"], codes, n_levels=[1, 6])


def test_normal_quantiles() -> None:
    p = np.array([1e-300, 1e-12, 1e-7, 0.01, 0.074, 0.076, 0.3, 0.5, 0.7, 0.99, 1 - 1e-12])
    exact = [statistics.NormalDist().inv_cdf(one) for one in p.tolist()]
    np.testing.assert_allclose(normal_quantile(p, np), exact, rtol=1e-14)
    assert np.isnan(normal_quantile(np.array([NAN]), np))


def test_quantile_normal_is_normal() -> None:
    X = np.random.default_rng(0).exponential(5, (3000, 1)).round(1)
    chain = EncodingChain.learn(["quantile_normal"], X)
    assert chain.learned[0]["quantiles"].shape == (1, 100)
    found = np.sort(chain.encode(X)[:, 0])
    expected = [statistics.NormalDist().inv_cdf((k + 0.5) / 3000) for k in range(3000)]
    np.testing.assert_allclose(found[100:-100], expected[100:-100], atol=0.15)  # of 600 different numbers
    np.testing.assert_allclose(chain.encode(column(-1, 1e9)), [[-5.199337582605575], [5.19933758270342]])


def test_the_noise_of_quantiles() -> None:
    X = column(*np.arange(1000.0) % 2)  # standard deviation ½
    learned = EncodingChain.learn(["quantile_normal"], X, rng=1).learned[0]["quantiles"][0]
    assert 1e-3 < learned[5] - learned[0] < 8e-3
    assert EncodingChain.learn([{"name": "quantile_normal", "noise": 0}], X).learned[0]["quantiles"][0, 5] == 0


def test_piecewise_linear() -> None:
    X = column(0, 1, 2, 4, NAN)
    chain = EncodingChain.learn([{"name": "piecewise_linear", "n_bins": 3}], X)
    assert chain.learned[0]["edges"].tolist() == [0, 1, 2, 4]
    found = chain.encode(column(-1, 0.5, 3, 6, NAN))
    np.testing.assert_array_equal(found, [[-1, 0, 0], [0.5, 0, 0], [1, 1, 0.5], [1, 1, 2], [NAN, NAN, NAN]])
    assert EncodingChain.learn(["piecewise_linear"], X).n_encoded == 48


def test_indicator() -> None:
    X = np.array([[1, NAN], [3, 5], [2, 7], [10, NAN]])
    chain = EncodingChain.learn(["indicator"], X)
    np.testing.assert_array_equal(chain.encode(X), [[1, 6, 1], [3, 5, 0], [2, 7, 0], [10, 6, 1]])
    np.testing.assert_array_equal(chain.encode(np.full((1, 2), NAN)), [[2.5, 6, 1]])  # this column had no missing values in training
    assert chain.names(["a", "b"]) == ["a", "b", "b_missing"]
    always = EncodingChain.learn([{"name": "indicator", "fill": "mean", "always": True}], X)
    np.testing.assert_array_equal(always.encode(X[:1]), [[1, 0, 6, 1]])
    zero = EncodingChain.learn([{"name": "indicator", "fill": "zero"}], X)
    np.testing.assert_array_equal(zero.encode(X[:1]), [[1, 0, 1]])


def test_clamp_holds_predictions_to_the_range_of_training() -> None:
    y = column(2, 3, 7)
    chain = EncodingChain.learn(["clamp", "standard"], y)
    np.testing.assert_allclose(chain.encode(column(12))[0, 0], (12 - 4) / np.std(y))  # a target of a validation sample is not changed
    np.testing.assert_allclose(chain.inverse(column(-9, 0, 9)), column(2, 4, 7))


TIMES = np.array([["2024-02-29T06:30:00"], ["2023-12-31T18:00:15"], ["2024-03-01T00:00:00"], ["NaT"]], "M8[us]")


def test_date_parts_as_numbers() -> None:
    parts = ["elapsed", "year", "month", "day", "weekday", "day_of_year", "hour", "minute", "second"]
    chain = EncodingChain.learn([{"name": "date_parts", "parts": parts, "cyclic": False}], TIMES)
    expected = [
        [19782 + 6.5 / 24, 2024, 2, 29, 3, 60, 6, 30, 0],
        [19722 + 18 / 24 + 15 / 86400, 2023, 12, 31, 6, 365, 18, 0, 15],
        [19783, 2024, 3, 1, 4, 61, 0, 0, 0],
        [NAN] * 9,
    ]
    np.testing.assert_allclose(chain.encode(TIMES), expected, rtol=1e-14)
    assert chain.names(["t"]) == [f"t_{part}" for part in parts]


def test_date_parts_that_come_again() -> None:
    chain = EncodingChain.learn([{"name": "date_parts", "parts": ["month", "hour"]}], TIMES)
    assert chain.names(["t"]) == ["t_month_sin", "t_month_cos", "t_hour_sin", "t_hour_cos"]
    angles = 2 * np.pi * np.array([[1 / 12, 6 / 24], [11 / 12, 18 / 24], [2 / 12, 0]])
    expected = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(3, 4)
    np.testing.assert_allclose(chain.encode(TIMES)[:3], expected, atol=1e-15)


def test_date_parts_that_are_true_or_not() -> None:
    parts = ["is_weekend", "is_month_start", "is_month_end", "is_quarter_start", "is_quarter_end", "is_year_start", "is_year_end"]
    days = np.array(["2024-02-29", "2023-12-31", "2024-03-01", "2024-01-01", "2024-06-30", "2024-07-01"], "M8[D]")[:, None]
    chain = EncodingChain.learn([{"name": "date_parts", "parts": parts}], days)
    expected = [
        [0, 0, 1, 0, 0, 0, 0], [1, 0, 1, 0, 1, 0, 1], [0, 1, 0, 0, 0, 0, 0],
        [0, 1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 1, 0, 0], [0, 1, 0, 1, 0, 0, 0],
    ]  # fmt: skip
    np.testing.assert_array_equal(chain.encode(days), expected)


def test_parts_that_are_the_same_in_all_training_rows_are_dropped() -> None:
    days = np.array(["2024-02-29", "2024-03-01", "NaT"], "M8[D]")[:, None]
    chain = EncodingChain.learn(["date_parts"], days)
    endings = [name.removeprefix("t_") for name in chain.names(["t"])]
    assert {"hour_sin", "year", "minute_cos"}.isdisjoint(endings)
    assert endings[0] == "elapsed"
    assert len(endings) == chain.n_encoded == 9
    for parts in ([], ["yaer"], ["year", "year"], "year"):
        with pytest.raises(ParameterError, match="parts must be"):
            registry.resolve("encodings", {"name": "date_parts", "parts": parts})


WRONG: list[tuple[str, Learned, str]] = [
    ("standard", {"mean": np.zeros(2), "std": np.array([1.0, 0.0])}, "std that is not positive"),
    ("standard", {"mean": np.zeros((2, 1)), "std": np.ones(2)}, "more than one number a column"),
    ("ordinal", {"n_levels": np.array([1, -1])}, "count nothing"),
    ("clamp", {"least": np.ones(2), "largest": np.zeros(2)}, "a least number above the largest"),
    ("indicator", {"filling": np.ones(2), "has_indicator": np.array([0, 2])}, "neither 0 nor 1"),
    ("indicator", {"filling": np.ones((2, 1)), "has_indicator": np.array([0, 1])}, "more than one number a column"),
    ("quantile_normal", {"quantiles": np.zeros(2), "kept": np.array([1, 1])}, "has no quantiles"),
    ("quantile_normal", {"quantiles": np.array([[1.0, 0], [0, 1]]), "kept": np.array([1, 1])}, "quantiles that do not rise"),
    ("quantile_normal", {"quantiles": np.zeros((2, 1)), "kept": np.array([1, 0])}, "one quantile of a column that is not constant"),
    ("quantile_normal", {"quantiles": np.zeros((2, 2)), "kept": np.array([1, 3])}, "neither 0 nor 1"),
    ("piecewise_linear", {"edges": np.arange(4.0), "n_edges": np.array([2, 3])}, "other edges than it counts"),
    ("piecewise_linear", {"edges": np.arange(4.0), "n_edges": np.array([5, -1])}, "other edges than it counts"),
    ("piecewise_linear", {"edges": np.array([0, 1, 0, 0.0]), "n_edges": np.array([2, 2])}, "edges that do not rise"),
    ("piecewise_linear", {"edges": np.ones((4, 1)), "n_edges": np.array([2, 2])}, "more than one dimension"),
    ("date_parts", {"kept": np.ones((2, 3), np.int64)}, "kept of shape"),
    ("date_parts", {"kept": np.full((2, 9), 2)}, "neither 0 nor 1"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "learned", "message"), WRONG)
def test_what_was_not_learned_is_refused(name: str, learned: Learned, message: str) -> None:
    encoding: Encoding = registry.resolve("encodings", name)
    with pytest.raises(FileFormatError, match=message):
        encoding.check(learned, 2)
