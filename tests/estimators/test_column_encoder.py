"""From frames and arrays to inputs: the encoding of each kind of column, and errors."""

from __future__ import annotations

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator

import nncore as nn
from nncore.errors import DataError, DataWarning, ParameterError
from nncore.estimators.column_encoder import ColumnEncoder

CHECKS: dict[str, object] = {}

PASSENGERS = {
    "age": [22.0, 38.0, None, 35.0],
    "sex": ["male", "female", "female", "male"],
    "deck": ["C", None, "A", "C"],
    "alone": [True, False, True, True],
    "cabin": ["k", "b", "a", "k"],
}
#: age, sex = female, male; deck = A, C, missing; alone; cabin = a, b, k
MATRIX = np.array(
    [
        [22, 0, 1, 0, 1, 0, 1, 0, 0, 1],
        [38, 1, 0, 0, 0, 1, 0, 0, 1, 0],
        [np.nan, 1, 0, 1, 0, 0, 1, 1, 0, 0],
        [35, 0, 1, 0, 1, 0, 1, 0, 0, 1],
    ]
)


class Estimator(BaseEstimator):
    """A minimal object for scikit-learn's validation, which sets attributes on it."""


def fitted(X, **parameters):
    estimator, encoder = Estimator(), ColumnEncoder(**parameters)
    matrix = encoder.fit_transform(estimator, X, **CHECKS)
    return estimator, encoder, matrix


def frames(data):
    """The same table in each installed library of frames."""
    yield pd.DataFrame(data)
    yield pd.DataFrame(data).astype({name: "category" for name in ("sex", "deck", "cabin") if name in data})
    polars = pytest.importorskip("polars")
    pytest.importorskip("sklearn", minversion="1.9", reason="scikit-learn before 1.9 does not see the names of polars' columns")
    yield polars.DataFrame(data)
    yield polars.DataFrame(data).with_columns(polars.col(name).cast(polars.Categorical) for name in ("sex", "deck") if name in data)


# ---- encodings of columns -------------------------------------------------------------------------------------------------


def test_every_library_gives_the_same_matrix():
    for frame in frames(PASSENGERS):
        estimator, encoder, matrix = fitted(frame)
        np.testing.assert_array_equal(matrix, MATRIX)
        np.testing.assert_array_equal(encoder.transform(estimator, frame, **CHECKS), MATRIX)
        assert estimator.n_features_in_ == 5
        assert estimator.feature_names_in_.tolist() == list(PASSENGERS)
        assert encoder.is_categorical.tolist() == [False, True, True, False, True]
        assert encoder.number_columns.tolist() == [0, 3]
        assert encoder.number_inputs.tolist() == [0, 6]
        assert np.flatnonzero(encoder.has_missing).tolist() == [0]


@pytest.mark.parametrize("as_container", [lambda rows: np.array(rows, object), list])
def test_arrays_and_lists_say_their_categories_by_index(as_container):
    rows = as_container([list(row) for row in zip(*PASSENGERS.values(), strict=True)])
    _, _, matrix = fitted(rows, categorical_features=[1, 2, 4])
    np.testing.assert_array_equal(matrix, MATRIX)


def test_names_indices_and_masks_mean_the_same():
    frame = pd.DataFrame(PASSENGERS)
    for chosen in (["sex", "deck", "cabin"], [1, 2, 4], np.array([False, True, True, False, True])):
        np.testing.assert_array_equal(fitted(frame, categorical_features=chosen)[2], MATRIX)


def test_numeric_codes_may_be_categories():
    X = np.array([[3, 0.5], [7, 0.25], [3, 1.0], [np.nan, 0.0]])
    estimator, encoder, matrix = fitted(X, categorical_features=[0])
    assert matrix.tolist() == [[1, 0, 0, 0.5], [0, 1, 0, 0.25], [1, 0, 0, 1.0], [0, 0, 1, 0.0]]
    assert encoder.transform(estimator, [[7, 1], [8, 1], [np.nan, 1]], **CHECKS).tolist() == [[0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 1, 1]]


def test_many_levels_become_codes():
    X = pd.DataFrame({"city": ["b", "c", "a", "b", None], "size": [1.0, 2.0, 3.0, 4.0, 5.0]})
    estimator, encoder, matrix = fitted(X, max_one_hot=3)
    assert matrix.tolist() == [[1, 1], [2, 2], [0, 3], [1, 4], [3, 5]]
    later = encoder.transform(estimator, pd.DataFrame({"city": ["c", "x", None], "size": [0.0, 0.0, 0.0]}), **CHECKS)
    assert later[:, 0].tolist() == [2, -1, 3]  # an unknown level has no code
    assert fitted(X, max_one_hot=4)[2].shape == (5, 5)


def test_what_training_did_not_have():
    estimator, encoder, _ = fitted(pd.DataFrame(PASSENGERS).drop(index=1))
    later = pd.DataFrame(
        PASSENGERS | {"sex": ["male", "x", None, "male"], "deck": ["C", None, "F", "C"], "alone": [True, None, True, None]}
    )
    matrix = encoder.transform(estimator, later, **CHECKS)
    assert matrix.shape == (4, 8)
    assert matrix[:, 1:3].sum(axis=1).tolist() == [1, 0, 0, 1]  # unknown and missing categories match none of the known ones
    assert matrix[:, 3:5].sum(axis=1).tolist() == [1, 0, 0, 1]
    assert np.isnan(matrix[:, 0]).tolist() == [False, False, True, False]  # a trained value replaces it in the network
    assert matrix[1, 5] == matrix[3, 5] == 1.0  # the mean of the training values


def test_objects_that_are_numbers_are_no_categories():
    X = pd.DataFrame({"d": [Decimal("1.5"), None, Decimal(3)]})
    matrix = ColumnEncoder().fit_transform(Estimator(), X, **CHECKS)
    np.testing.assert_array_equal(matrix, [[1.5], [np.nan], [3.0]])
    with pytest.raises(DataError, match="column 'c' of X holds 1j, which is not a number"):
        ColumnEncoder().fit_transform(
            Estimator(), pd.DataFrame({"c": pd.Series([1j, 2j, 3j], dtype=object), "t": ["u", "v", "u"]}), **CHECKS
        )


def test_objects_are_judged_by_their_values():
    X = pd.DataFrame({"n": pd.Series([1, 2.5, None], dtype=object), "s": pd.Series(["u", 3, None], dtype=object)})
    _, encoder, matrix = fitted(X)
    assert encoder.is_categorical.tolist() == [False, True]
    np.testing.assert_array_equal(matrix, [[1, 0, 1, 0], [2.5, 1, 0, 0], [np.nan, 0, 0, 1]])


def test_nullable_numbers():
    X = pd.DataFrame(
        {"i": pd.array([1, None, 3], dtype="Int64"), "b": pd.array([True, None, False], dtype="boolean"), "c": ["x", "y", "x"]}
    )
    np.testing.assert_array_equal(fitted(X)[2], [[1, 1, 1, 0], [np.nan, np.nan, 0, 1], [3, 0, 1, 0]])


def test_the_order_of_rows_does_not_matter():
    frame = pd.DataFrame(PASSENGERS)
    order = [2, 0, 3, 1]
    np.testing.assert_array_equal(fitted(frame.iloc[order])[2], MATRIX[order])


def test_the_encoder_can_be_pickled():
    estimator, encoder, _ = fitted(pd.DataFrame(PASSENGERS))
    estimator, encoder = pickle.loads(pickle.dumps((estimator, encoder)))
    np.testing.assert_array_equal(encoder.transform(estimator, pd.DataFrame(PASSENGERS), **CHECKS), MATRIX)


# ---- front layers ---------------------------------------------------------------------------------------------------------


def test_front_layers_fit_the_matrix():
    X = pd.DataFrame({"size": [1.0, None, 3.0, 5.0], "city": ["b", "c", "a", "d"], "sex": ["f", "m", "f", None], "n": [1.0, 2.0, 3.0, 4.0]})
    estimator, encoder, matrix = fitted(X, max_one_hot=3)
    assert matrix.shape == (4, 6)
    fill, embed = encoder.front_layers()
    assert (fill.columns, fill.values) == ([0], [3.0])
    assert (embed.columns, embed.n_categories) == ([1], [4])
    network = nn.Sequential(*encoder.front_layers(), nn.Dense(1))
    network.fit(matrix, X["n"], loss="mse", epochs=2, progress=False, rng=0)
    with pytest.warns(DataWarning, match="column 'city' of X: 4 of 4 values did not occur in training, first 'e'"):
        later = encoder.transform(estimator, X.assign(city="e", size=np.nan, n=np.nan), **CHECKS)
    assert np.isfinite(network.predict(later)).all()


# ---- standardised numbers -------------------------------------------------------------------------------------------------


def test_numbers_are_standardised_and_categories_are_not():
    estimator, encoder, matrix = fitted(pd.DataFrame(PASSENGERS), standardize=True)
    expected = MATRIX.copy()
    for column in (0, 6):
        expected[:, column] = (MATRIX[:, column] - np.nanmean(MATRIX[:, column])) / np.nanstd(MATRIX[:, column])
    np.testing.assert_allclose(matrix, expected, rtol=1e-12)
    np.testing.assert_allclose(encoder.transform(estimator, pd.DataFrame(PASSENGERS), **CHECKS), expected, rtol=1e-12)
    later = encoder.transform(estimator, pd.DataFrame(PASSENGERS | {"alone": [None] * 4}), **CHECKS)
    assert (later[:, 6] == 0).all()  # the mean
    assert encoder.front_layers()[0].values == [pytest.approx(0)]


def test_the_users_array_is_not_standardised():
    X = np.array([[1, 10], [3, 20]], np.float32)
    _, _, matrix = fitted(X, standardize=True)
    assert matrix.tolist() == [[-1, -1], [1, 1]]
    assert matrix.dtype == np.float32
    assert X.tolist() == [[1, 10], [3, 20]]


def test_weights_count_in_the_mean():
    encoder = ColumnEncoder(standardize=True)
    matrix, _ = encoder.fit_transform(Estimator(), np.array([[0.0], [4.0]]), [0, 1], sample_weight=[3, 1], **CHECKS)
    assert encoder.inputs.numbers.arrays()["0.mean"].tolist() == [1]
    assert matrix[0, 0] == -matrix[1, 0] / 3


def test_inputs_are_made_as_they_are_asked_for():
    for X, how in ((pd.DataFrame(PASSENGERS), {}), (np.array([[1, 10], [3, 20], [5, 60]]), {}), (csr_array([[0, 1.0], [2, 1]]), CHECKS)):
        encoder, estimator = ColumnEncoder(standardize=True), Estimator()
        whole = encoder.fit_transform(estimator, X, accept_sparse=["csr", "csc"], **how)
        rows = encoder.rows(estimator, X)
        assert (rows.shape, rows.dtype, len(rows)) == (whole.shape, whole.dtype, len(whole))
        for chosen in (slice(None), slice(1, 2), np.array([1, 0, 1]), 1):
            np.testing.assert_array_equal(rows[chosen], whole[chosen])


def test_one_sample_has_the_inputs_of_its_row():
    X = np.array([[1, 10], [3, 20], [5, 60]], np.float32)
    estimator, encoder, matrix = fitted(X, standardize=True)
    row = encoder.row(estimator, X[1])
    assert row.dtype == np.float32
    np.testing.assert_array_equal(row, matrix[1])
    frame = pd.DataFrame(PASSENGERS)
    estimator, encoder, _ = fitted(frame)
    assert encoder.row(estimator, frame.to_numpy()[0]) is None


def test_large_numbers_keep_their_digits():
    x = 1.7e9 + np.arange(600.0)
    frame = pd.DataFrame({"t": x, "c": ["a", "b"] * 300})
    encoder, estimator = ColumnEncoder(standardize=True), Estimator()
    matrix = encoder.fit_transform(estimator, frame, dtype=np.dtype(np.float32), **CHECKS)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix[:, 0], (np.arange(600) - 299.5) / np.arange(600).std(), rtol=1e-6)
    with pytest.warns(DataWarning, match="column 0 of X lies between"):
        ColumnEncoder().fit_transform(estimator, frame, dtype=np.dtype(np.float32), **CHECKS)


def test_numbers_too_large_beside_those_of_training_are_named():
    estimator, encoder, _ = fitted(pd.DataFrame({"c": ["u", "v"], "x": [1e-12, 3e-12]}), standardize=True)
    with pytest.raises(DataError, match="column 'x' of X has a number too large compared with those of training"):
        encoder.transform(estimator, pd.DataFrame({"c": ["u", "v"], "x": [1.0, 1e30]}), dtype=np.dtype(np.float32), **CHECKS)


def test_a_sparse_matrix_becomes_dense_to_be_standardised():
    X = np.array([[0, 1.0], [2, 1]])
    encoder, estimator = ColumnEncoder(standardize=True), Estimator()
    assert encoder.fit_transform(estimator, csr_array(X), accept_sparse="csr", **CHECKS).tolist() == [[-1, 0], [1, 0]]
    assert encoder.transform(estimator, csr_array(X), accept_sparse="csr", **CHECKS).tolist() == [[-1, 0], [1, 0]]


# ---- plain numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_plain_numbers_are_not_copied(dtype):
    X = np.arange(12, dtype=dtype).reshape(4, 3)
    estimator, encoder, matrix = fitted(X)
    assert matrix is X
    assert encoder.transform(estimator, X, **CHECKS) is X
    assert encoder.front_layers() == []
    assert encoder.is_categorical is None


def test_missing_numbers():
    X = np.array([[1.0, 2.0], [np.nan, 4.0], [3.0, 6.0]])
    estimator, encoder, matrix = fitted(X)
    assert matrix is X
    assert encoder.has_missing.tolist() == [True, False]
    later = np.array([[np.nan, np.nan], [1.0, 2.0]])
    np.testing.assert_array_equal(encoder.transform(estimator, later, **CHECKS), [[np.nan, 4], [1, 2]])
    assert np.isnan(later[0, 1])  # the user's array is unchanged


def test_huge_numbers_are_not_missing():
    X = np.array([[1e308, 1.0], [1e308, np.nan], [-1e308, 1.0], [-1e308, 1.0]])
    _, encoder, _ = fitted(X)
    assert encoder.has_missing.tolist() == [False, True]
    assert encoder.means[0] == 0


def test_sparse():
    X = csr_array(np.array([[0, 1.0], [2, 0], [0, 3]]))
    estimator, encoder = Estimator(), ColumnEncoder()
    matrix = encoder.fit_transform(estimator, X, accept_sparse="csr", **CHECKS)
    assert (matrix != X).nnz == 0
    np.testing.assert_array_equal(encoder.transform(estimator, [[1, np.nan]], **CHECKS), [[1, 4 / 3]])
    with pytest.raises(ValueError, match="NaN"):
        ColumnEncoder().fit_transform(Estimator(), csr_array(np.array([[np.nan, 1.0]])), accept_sparse="csr", **CHECKS)
    with pytest.raises(DataError, match="sparse"):
        ColumnEncoder([0]).fit_transform(Estimator(), X, accept_sparse="csr", **CHECKS)


def test_y_is_checked_with_x():
    estimator, encoder = Estimator(), ColumnEncoder()
    _, y = encoder.fit_transform(estimator, pd.DataFrame(PASSENGERS), [1, 2, 3, 4], **CHECKS)
    assert isinstance(y, np.ndarray)
    for X in (pd.DataFrame(PASSENGERS), np.zeros((4, 2))):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            ColumnEncoder().fit_transform(Estimator(), X, [1, 2, 3], **CHECKS)


# ---- errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("auto", "must be 'from_dtype', a list or None"),
        (["sexe"], "names 'sexe'; the columns of X are 'age', 'sex'"),
        ([5], r"outside 0 to 4: \[5\]"),
        ([-1], "outside 0 to 4"),
        ([True, False], "mask of shape"),
        ([1.5], "names, indices or booleans"),
    ],
)
def test_wrong_categorical_features(chosen, message):
    with pytest.raises(ParameterError, match=message):
        fitted(pd.DataFrame(PASSENGERS), categorical_features=chosen)


def test_names_need_a_frame():
    with pytest.raises(ParameterError, match="X has none"):
        fitted(np.zeros((3, 2)), categorical_features=["a"])


@pytest.mark.parametrize("chosen", [None, ["deck", "cabin"]])
def test_text_in_a_numeric_column(chosen):
    for frame in frames(PASSENGERS):
        with pytest.raises(DataError, match=r"column 'sex' of X holds 'male', which is not a number"):
            fitted(frame, categorical_features=chosen)


@pytest.mark.parametrize("X", [np.array([[1, "a"], [2, "b"]], object), np.array([["1", "a"], ["2", "b"]]), [[1.0, "a"], [2.0, "b"]]])
def test_text_in_an_array(X):
    with pytest.raises(DataError, match=r"column 1 of X holds .*'a'.*, which is not a number.*name it in categorical_features"):
        fitted(X)
    assert fitted(X, categorical_features=[1])[2].tolist() == [[1, 1, 0], [2, 0, 1]]


def test_numbers_too_large_to_be_standardised_are_named():
    X = pd.DataFrame({"c": ["u", "v"], "huge": [1e300, -1e300]})
    with pytest.raises(DataError, match="column 'huge' of X holds numbers too large"):
        fitted(X, standardize=True)


def test_what_is_no_table():
    for X in (np.arange(4.0), np.zeros((3, 2, 2))):
        with pytest.raises(ValueError, match=r"Expected 2D array|dim 3"):
            fitted(X, categorical_features=[0])


def test_text_where_training_had_numbers():
    for data in (PASSENGERS, {name: PASSENGERS[name] for name in ("age", "alone")}):
        for frame in frames(data):
            estimator, encoder, _ = fitted(frame)
            later = pd.DataFrame(data | {"age": ["22", "38", "unknown", None]})
            with pytest.raises(DataError, match=r"column 'age' of X holds 'unknown', which is not a number"):
                encoder.transform(estimator, later, **CHECKS)


def test_dates_that_are_categories():
    X = pd.DataFrame({"when": pd.to_datetime(["2020-01-01", "2020-01-02"]), "x": [1.0, 2.0]})
    assert fitted(X, categorical_features=["when"])[2].tolist() == [[1, 0, 1], [0, 1, 2]]


def test_containers_are_no_categories():
    X = pd.DataFrame({"tags": [["a"], ["b"]], "x": [1.0, 2.0]})
    with pytest.raises(DataError, match="column 'tags' of X holds lists"):
        fitted(X)
    estimator, encoder, _ = fitted(pd.DataFrame({"tags": ["a", "b"], "x": [1.0, 2.0]}))
    with pytest.raises(DataError, match="column 'tags' of X holds lists"):
        encoder.transform(estimator, X, **CHECKS)


def test_infinity_is_refused():
    frame = pd.DataFrame(PASSENGERS | {"age": [1.0, np.inf, 2.0, None]})
    with pytest.raises(ValueError, match="infinity"):
        fitted(frame)


def test_columns_that_are_not_those_of_training():
    frame = pd.DataFrame(PASSENGERS)
    estimator, encoder, _ = fitted(frame)
    with pytest.raises(ValueError, match=r"now missing:\n- age"):
        encoder.transform(estimator, frame.drop(columns="age"), **CHECKS)
    with pytest.raises(ValueError, match="same order"):
        encoder.transform(estimator, frame[frame.columns[::-1]], **CHECKS)
    with pytest.warns(UserWarning, match="does not have valid feature names"), pytest.raises(ValueError, match="4 features"):
        encoder.transform(estimator, frame.to_numpy()[:, :4], **CHECKS)


def test_a_column_that_names_the_rows():
    X = pd.DataFrame({"name": [f"Mr {i}" for i in range(30)], "x": np.arange(30.0)})
    with pytest.warns(DataWarning, match="column 'name' of X has 30 different texts in 30 rows"):
        fitted(X)
    fitted(X, categorical_features=["name"])  # explicitly chosen
    fitted(X.astype({"name": "category"}))
