"""Chains of encodings: learned from chosen rows, applied in blocks, written to files and read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
import registering

import nncore as nn
from nncore.data import EncodingChain, encoding_chain
from nncore.errors import (
    DataError,
    DtypeError,
    FileFormatError,
    NNCoreError,
    NoFormulaError,
    ParameterError,
    ShapeError,
    UnknownComponentError,
)
from nncore.inspection import NumPyBuilder
from nncore.plugin import Encoding, Graph

X = np.random.default_rng(0).normal(3, 2, (50, 4))
X[::7, 1] = np.nan
CODES = np.random.default_rng(1).integers(-1, [2, 3, 1], (50, 3))
N_LEVELS = [2, 3, 1]


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    with registering.forgetting():
        yield


class Noisy(Encoding):
    """x plus a random number a column."""

    learns: ClassVar[dict[str, str]] = {"shift": "float64"}
    draws = True

    def learn(self, statistics, n_columns, *, n_levels=None, seeds=None):
        return {"shift": np.array([np.random.default_rng(seed).normal() for seed in seeds.tolist()])}

    def encode(self, columns, learned, out):
        np.add(columns, learned["shift"], out=out)


class Grouped(Encoding):
    """Levels from 1 on become one."""

    takes = gives = "levels"
    learns: ClassVar[dict[str, str]] = {"n_levels": "int64"}

    def learn(self, statistics, n_columns, *, n_levels=None, seeds=None):
        return {"n_levels": n_levels.copy()}

    def n_levels(self, learned):
        return np.minimum(learned["n_levels"], 2)

    def encode(self, columns, learned, out):
        out[...] = np.minimum(columns, 1)


def test_each_encoding_learns_from_what_the_ones_before_gave() -> None:
    chain = EncodingChain.learn(["one_hot", "standard"], CODES, n_levels=N_LEVELS)
    encoded = chain.encode(CODES)
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(encoded.std(axis=0), 1)
    assert (chain.n_columns, chain.n_encoded, chain.widths.tolist(), chain.n_levels) == (3, 5, [1, 3, 1], None)
    assert chain.names(["a", "b", "c"], [["x", "y"], ["u", "v", "w"], ["z"]]) == ["a_x", "b_u", "b_v", "b_w", "c_z"]
    assert chain.names(["a", "b", "c"]) == ["a", "b_0", "b_1", "b_2", "c"]


def test_levels_can_be_grouped_before_they_become_numbers() -> None:
    nn.register("encodings", Grouped)
    chain = EncodingChain.learn([Grouped(), "one_hot"], CODES, n_levels=N_LEVELS)
    assert chain.widths.tolist() == [1, 1, 1]
    np.testing.assert_array_equal(chain.encode(np.array([[0, 2, 0], [1, 0, -1]])), [[1, -1, 1], [-1, 1, 0]])
    grouped = EncodingChain.learn(["grouped"], CODES, n_levels=N_LEVELS)
    assert grouped.n_levels is not None
    assert grouped.n_levels.tolist() == [2, 2, 1]


@pytest.mark.parametrize("encodings", [["robust", "smooth_clip"], ["standard"]])
def test_rows_and_weights_of_0_are_what_is_learned_from(encodings: list[str]) -> None:
    rows = np.arange(5, 40)
    expected = EncodingChain.learn(encodings, X[rows]).encode(X)
    weights = np.zeros(50)
    weights[rows] = 3.0
    for given in ({"rows": rows}, {"sample_weight": weights}, {"rows": rows, "sample_weight": np.ones(50)}):
        np.testing.assert_array_equal(EncodingChain.learn(encodings, X, **given).encode(X), expected)


def test_weights_count_like_rows() -> None:
    weights = np.random.default_rng(2).integers(0, 4, 50)
    repeated = np.repeat(X, weights, axis=0)
    found, expected = EncodingChain.learn(["standard"], X, sample_weight=weights), EncodingChain.learn(["standard"], repeated)
    np.testing.assert_allclose(found.encode(X), expected.encode(X), rtol=1e-12)
    found, expected = EncodingChain.learn(["robust"], X, sample_weight=weights), EncodingChain.learn(["robust"], repeated)
    np.testing.assert_allclose(found.encode(X), expected.encode(X), atol=0.1)  # quantiles of other rows, close to these


def test_bits_do_not_depend_on_blocks_or_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    nn.register("encodings", Noisy)
    chains = (["standard"], ["robust", "smooth_clip", Noisy()])
    expected = [EncodingChain.learn(one, X).encode(X) for one in chains]
    codes = EncodingChain.learn(["one_hot", "noisy", "robust"], CODES, n_levels=N_LEVELS).encode(CODES)
    monkeypatch.setattr(encoding_chain, "LEARNED_AT_ONCE", 1)
    monkeypatch.setattr("nncore.blocks.BLOCK", 100)
    for layout in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        for one, right in zip(chains, expected, strict=True):
            np.testing.assert_array_equal(EncodingChain.learn(one, layout).encode(layout), right)
    again = EncodingChain.learn(["one_hot", "noisy", "robust"], CODES, n_levels=N_LEVELS)
    np.testing.assert_array_equal(again.encode(CODES), codes)


def test_random_numbers_follow_the_seed() -> None:
    nn.register("encodings", Noisy)
    one, same, other = (EncodingChain.learn(["noisy"], X, rng=seed).learned[0]["shift"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert len({*one, *other}) == 8


def test_results_are_rounded_last_and_written_where_asked() -> None:
    large = 1.7e9 + np.random.default_rng(3).uniform(0, 600, (40, 1))
    chain = EncodingChain.learn(["standard"], large)
    exact, rounded = chain.encode(large), chain.encode(large, dtype=np.float32)
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, exact, rtol=1e-6)
    matrix = np.full((40, 3), 7, np.float32)
    chain.encode(large, out=matrix[:, 1:2])
    np.testing.assert_array_equal(matrix[:, 1:2], rounded)
    assert (matrix[:, ::2] == 7).all()


def test_given_columns_are_left_alone() -> None:
    for layout in (X.copy(), np.asfortranarray(X)):
        EncodingChain.learn(["standard", "smooth_clip"], layout).encode(layout)
        assert layout.flags.writeable
        np.testing.assert_array_equal(layout, X)


def test_integers_booleans_and_small_floats_are_numbers() -> None:
    whole = np.arange(12).reshape(6, 2)
    expected = EncodingChain.learn(["standard"], whole.astype(float)).encode(whole.astype(float))
    for dtype in (np.int8, np.uint16, np.float32, np.float16):
        np.testing.assert_array_equal(EncodingChain.learn(["standard"], whole.astype(dtype)).encode(whole.astype(dtype)), expected)
    assert EncodingChain.learn(["standard"], whole > 5).encode(whole > 5).shape == (6, 2)


def test_no_encodings_leave_numbers_as_they_are() -> None:
    chain = EncodingChain.learn([], X)
    np.testing.assert_array_equal(chain.encode(X), X)
    np.testing.assert_array_equal(chain.inverse(X), X)
    assert (chain.n_encoded, chain.n_levels, chain.names(list("abcd"))) == (4, None, list("abcd"))
    assert EncodingChain.read(chain.description(), chain.arrays(), 4).widths.tolist() == [1, 1, 1, 1]
    with pytest.raises(DataError, match="column 2 has an infinite number"):
        chain.encode(INFINITE)


def test_one_row() -> None:
    chain = EncodingChain.learn(["robust", "smooth_clip", "indicator"], X)
    for row in (X[3], X[3].astype(np.float32)):
        np.testing.assert_array_equal(chain.encode_row(row), chain.encode(row[None])[0])


def test_only_ratios_of_weights_count() -> None:
    weights = np.random.default_rng(8).uniform(1, 9, len(X))
    one, other = (EncodingChain.learn(["standard"], X, sample_weight=weights * scale) for scale in (1.0, 2.0**1020))
    np.testing.assert_array_equal(one.encode(X), other.encode(X))


def test_targets_come_back() -> None:
    y = np.random.default_rng(4).normal(1e6, 1e4, (30, 2))
    chain = EncodingChain.learn(["standard"], y)
    np.testing.assert_allclose(chain.inverse(chain.encode(y)), y, rtol=1e-14)
    with pytest.raises(ShapeError, match=re.escape("(n_samples, 2) is needed")):
        chain.inverse(y[:, :1])
    with pytest.raises(ParameterError, match=re.escape("OneHot(binary=True) has no inverse")):
        EncodingChain.learn(["one_hot"], CODES, n_levels=N_LEVELS).inverse(np.zeros((1, 5)))


def test_formula() -> None:
    chain = EncodingChain.learn(["one_hot", "robust", "smooth_clip"], CODES, n_levels=N_LEVELS)
    g = Graph(NumPyBuilder("float64"))
    found = chain.formula(g, g.samples(CODES.astype(float), (3,)))
    assert found.shape == (None, 5)
    np.testing.assert_allclose(found.node, chain.encode(CODES), rtol=1e-12)
    nn.register("encodings", Noisy)
    with pytest.raises(NoFormulaError, match="Noisy has no formula"):
        EncodingChain.learn(["noisy"], X).formula(g, g.samples(X, (4,)))


# ---- errors -----------------------------------------------------------------------------------------------------------------

INFINITE = np.where(np.arange(50)[:, None] == 3, [1, 1, np.inf, 1], X)
WRONG: list[tuple[dict[str, Any], type[NNCoreError], str]] = [
    ({"encodings": "robust"}, ParameterError, "encodings must be a list"),
    ({"encodings": ["rbust"]}, UnknownComponentError, "did you mean 'robust'?"),
    ({"encodings": ["robust", "one_hot"]}, ParameterError, "takes levels, but Robust(tail=0.25) before it gives numbers"),
    ({"columns": X[0]}, ShapeError, "columns to encode have shape (4,), (n_samples, n_columns) is needed"),
    ({"columns": X.astype(str)}, DtypeError, "the encoding takes numbers, as float64, and the columns are of <U"),
    ({"columns": X[:0]}, DataError, "there are no rows to learn an encoding from"),
    ({"columns": INFINITE}, DataError, "column 2 has an infinite number: mark it as missing (NaN), or leave the row out"),
    ({"columns": INFINITE, "label": "abcd".__getitem__}, DataError, "c has an infinite number"),
    ({"columns": X * 1e300, "label": "abcd".__getitem__}, DataError, "a holds numbers too large to be encoded (Standard())"),
    ({"rows": []}, DataError, "rows selects no samples"),
    ({"rows": [50]}, DataError, "rows holds 50"),
    ({"sample_weight": np.zeros(50)}, DataError, "sample_weight must not be negative nor all zero"),
    ({"sample_weight": np.arange(50), "rows": [0]}, DataError, "sample_weight is 0 for all rows to learn an encoding from"),
    ({"sample_weight": np.ones(9)}, ShapeError, "sample_weight has shape (9,)"),
    ({"rng": "x"}, ParameterError, "rng must be"),
    ({"encodings": ["one_hot"]}, DtypeError, "the encoding takes levels, as int64"),
    ({"encodings": ["one_hot"], "columns": CODES}, ParameterError, "n_levels must be whole numbers from 0 to 16777216"),
    ({"encodings": ["one_hot"], "columns": CODES, "n_levels": [1, 3, -1]}, ParameterError, "one for each of the 3 columns, got [1, 3, -1]"),
    ({"encodings": ["one_hot"], "columns": CODES, "n_levels": [2, 2, 1]}, DataError, "column 1 holds codes that are neither"),
    ({"encodings": ["one_hot"], "columns": CODES - 1, "n_levels": N_LEVELS}, DataError, "column 0 holds codes that are neither"),
    ({"encodings": ["one_hot"], "columns": CODES, "n_levels": [2**24] * 3}, DataError, "use another encoding for those of many levels"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "error", "message"), WRONG, ids=[message[:40] for _, _, message in WRONG])
def test_what_cannot_be_learned_from_is_refused(given: dict[str, Any], error: type[NNCoreError], message: str) -> None:
    nn.register("encodings", Noisy)
    encodings = given.get("encodings", ["standard", "noisy"])
    others = {key: value for key, value in given.items() if key not in ("encodings", "columns")}
    with pytest.raises(error, match=re.escape(message)):
        EncodingChain.learn(encodings, given.get("columns", X), **others)


def test_what_cannot_be_encoded_is_refused() -> None:
    chain = EncodingChain.learn(["standard"], X)
    with pytest.raises(ShapeError, match="there are 3 columns, the encodings were learned from 4"):
        chain.encode(X[:, :3])
    with pytest.raises(DataError, match=r"^c has an infinite number"):
        chain.encode(INFINITE, label="abcd".__getitem__)
    with pytest.raises(DataError, match="column 1 has a number too large compared with those of training"):
        chain.encode(np.array([[0, 1e300, 0, 0]]), dtype=np.float32)
    assert np.isfinite(chain.encode(np.array([[0, 1e300, 0, 0]]))).all()
    with pytest.raises(DataError, match="column 0 holds codes"):
        EncodingChain.learn(["one_hot"], CODES, n_levels=N_LEVELS).encode(CODES + 5)


# ---- files ------------------------------------------------------------------------------------------------------------------


def test_a_chain_comes_back_from_json_and_arrays() -> None:
    chain = EncodingChain.learn(["one_hot", {"name": "robust", "tail": 0.1}, "smooth_clip"], CODES, n_levels=N_LEVELS)
    again = EncodingChain.read(json.loads(json.dumps(chain.description())), chain.arrays(), 3)
    assert sorted(chain.arrays()) == ["0.n_levels", "1.factor", "1.median"]
    assert again.description() == chain.description()
    np.testing.assert_array_equal(again.encode(CODES), chain.encode(CODES))


def test_a_chain_comes_back_from_json_alone() -> None:
    for chain in (
        EncodingChain.learn(["standard", "indicator"], X),
        EncodingChain.learn(["one_hot", "robust"], CODES, n_levels=N_LEVELS),
        EncodingChain.learn(["quantile_normal"], np.ones((5, 0))),
        EncodingChain.learn(["date_parts"], np.array([["2024-01-31"], ["2024-02-01"]], "datetime64[us]")),
        EncodingChain.learn([], X),
    ):
        again = EncodingChain.from_json(json.loads(json.dumps(chain.to_json())), chain.n_columns)
        assert again == chain
        assert {name: array.dtype for name, array in again.arrays().items()} == {
            name: array.dtype for name, array in chain.arrays().items()
        }


def test_chains_are_equal_by_what_they_have_learned() -> None:
    one = EncodingChain.learn(["standard"], X)
    assert one == EncodingChain.learn(["standard"], X)
    assert one != EncodingChain.learn(["standard"], X + 1)
    assert one != EncodingChain.learn(["robust"], X)
    assert one != EncodingChain.learn([], X)
    assert one != "standard"


@pytest.mark.parametrize(
    ("described", "message"),
    [
        (None, "it must have 'encodings' and what they have 'learned'"),
        ({"encodings": []}, "it must have 'encodings' and what they have 'learned'"),
        ({"encodings": [], "learned": []}, "it must have 'encodings' and what they have 'learned'"),
        ({"encodings": {}, "learned": {}}, "it must be a list"),
        ({"encodings": [3], "learned": {}}, "the description of encodings is damaged: "),
        ({"encodings": ["standard"], "learned": {"0.mean": 1.0, "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
        ({"encodings": ["standard"], "learned": {"0.mean": ["1"], "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
        ({"encodings": ["standard"], "learned": {"0.mean": [[1.0], [1.0, 2.0]], "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
        ({"encodings": ["standard"], "learned": {"0.mean": [1], "0.std": [1.0]}}, "it has mean of int64"),
        ({"encodings": ["standard"], "learned": {"0.mean": [], "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
        ({"encodings": ["standard"], "learned": {"0.mean": {"shape": [0]}, "0.std": [1.0]}}, "it has mean of 0 columns"),
        ({"encodings": ["standard"], "learned": {"0.mean": {"shape": [1]}, "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
        ({"encodings": ["standard"], "learned": {"0.mean": {"shape": [0, -1]}, "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
        ({"encodings": ["standard"], "learned": {"0.mean": {"shape": [0, 2**60]}, "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
        ({"encodings": ["standard"], "learned": {"0.mean": {"shape": "0"}, "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
        ({"encodings": ["standard"], "learned": {"0.mean": [10**400], "0.std": [1.0]}}, "'0.mean' is not a list of numbers"),
    ],
)
def test_damaged_json_is_refused(described: object, message: str) -> None:
    with pytest.raises(FileFormatError, match=re.escape(message)):
        EncodingChain.from_json(described, 1)


def test_an_encoding_that_draws_may_have_no_columns() -> None:
    chain = EncodingChain.learn(["quantile_normal"], np.ones((5, 0)))
    assert chain.encode(np.ones((2, 0))).shape == (2, 0)


CHAIN = EncodingChain.learn(["one_hot", "robust", "smooth_clip"], CODES, n_levels=N_LEVELS)
RIGHT = CHAIN.arrays()
HOSTILE: list[tuple[Any, dict[str, Any], int, str]] = [
    ({}, RIGHT, 3, "it must be a list"),
    ([], RIGHT, 3, "there is an array '0.n_levels'"),
    ([{"name": "robust", "tail": 7}], {}, 3, "the description of encodings is damaged: "),
    ([*CHAIN.description(), {"name": "one_hot"}], RIGHT, 3, "takes levels"),
    (CHAIN.description(), RIGHT, 4, "it has n_levels of 3 columns, not of 4"),
    (CHAIN.description(), RIGHT | {"3.x": RIGHT["1.median"]}, 3, "there is an array '3.x'"),
    (CHAIN.description(), RIGHT | {"x": RIGHT["1.median"]}, 3, "there is an array 'x'"),
    (CHAIN.description(), RIGHT | {"٣.x": RIGHT["1.median"]}, 3, "there is an array '٣.x'"),
    (CHAIN.description(), RIGHT | {"2.x": RIGHT["1.median"]}, 3, "the learned state of SmoothClip is damaged: it has ['x'], not []"),
    (CHAIN.description(), {"0.n_levels": RIGHT["0.n_levels"]}, 3, "it has [], not ['factor', 'median']"),
    (CHAIN.description(), RIGHT | {"1.factor": -RIGHT["1.factor"]}, 3, "it has a negative factor"),
    (CHAIN.description(), RIGHT | {"1.factor": RIGHT["1.factor"][:, None]}, 3, "it has more than one number a column"),
    (CHAIN.description(), RIGHT | {"0.n_levels": np.array([2**62, 2**62, 2**62])}, 3, "it would make"),
    (CHAIN.description(), RIGHT | {"0.n_levels": np.array([-1, 3, 1])}, 3, "it has n_levels that count nothing"),
]


@pytest.mark.parametrize(("description", "arrays", "n_columns", "message"), HOSTILE)
def test_a_damaged_file_is_refused(description: Any, arrays: dict[str, Any], n_columns: int, message: str) -> None:
    with pytest.raises(FileFormatError, match=re.escape(message)):
        EncodingChain.read(description, arrays, n_columns)
