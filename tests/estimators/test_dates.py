"""Date columns of frames have the parts that the command makes, in training, in predictions and in files."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone

from nncore.data import EncodingChain
from nncore.errors import DataError
from nncore.estimators import MLPClassifier, MLPRegressor, RealMLPClassifier, RealMLPRegressor, TabMRegressor
from nncore.estimators.columns import TableColumns
from nncore.tabular import TableEncoder, column_kinds, read_table

N = 60


def frame(seed=0, zone=None, holes=0):
    rng = np.random.default_rng(seed)
    when = pd.Series(pd.Timestamp("2023-03-01") + pd.to_timedelta(rng.integers(0, 400 * 86_400, N), unit="s"))
    when = when if zone is None else when.dt.tz_localize("UTC").dt.tz_convert(zone)
    when[:holes] = pd.NaT
    return pd.DataFrame({"kind": rng.choice(["a", "b"], N), "when": when, "x": rng.normal(size=N)})


def target(X):
    return X["x"].to_numpy() + np.nan_to_num(X["when"].dt.month.to_numpy(float), nan=6) / 6


def learned(X, categorical_features="from_dtype"):
    columns = TableColumns(categorical_features)
    return columns, columns.fit_transform(MLPRegressor(), X)


def test_samples_have_standardised_parts_in_the_place_of_the_date():
    X = frame()
    columns, samples = learned(X)
    parts = EncodingChain.learn(["date_parts", "standard"], X[["when"]].to_numpy("datetime64[us]"))
    np.testing.assert_array_equal(samples[:, 1:-1], parts.encode(X[["when"]].to_numpy("datetime64[us]")))
    np.testing.assert_array_equal(samples[:, 0], X["kind"] == "b")
    np.testing.assert_array_equal(samples[:, -1], X["x"])
    assert columns.names == ["kind", *parts.names(["when"]), "x"]
    assert columns.number_columns.tolist() == list(range(1, samples.shape[1]))
    assert columns.starts.tolist() == [0, 1, samples.shape[1] - 1]


@pytest.mark.parametrize("holes", [0, 5])
def test_they_are_those_of_files(tmp_path, holes):
    X = frame(holes=holes)
    _, samples = learned(X)
    X.assign(y=X["x"]).to_csv(tmp_path / "t.csv", index=False)
    X.assign(y=X["x"]).to_parquet(tmp_path / "t.parquet")
    there = np.arange(N) >= holes
    for file in ("t.csv", "t.parquet"):
        table = read_table(tmp_path / file)
        encoder = TableEncoder.fit(table, column_kinds(table, "y"), "y", "regression", range(N))
        encoded = encoder.transform(table)[0][:, encoder.spans()["when"]]
        parts = encoded[:, ::2] if holes else encoded  # columns then have indicators, for which the networks of estimators have a layer
        np.testing.assert_allclose(parts[there], samples[there, 1:-1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [lambda X: X, pl.from_pandas, pa.Table.from_pandas], ids=["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_frames_of_every_library_are_the_same(make, zone):
    X = frame(zone=zone, holes=3)
    columns, expected = learned(X)
    np.testing.assert_array_equal(learned(make(X))[1], expected)
    np.testing.assert_array_equal(columns.transform(fitted_stub(X), make(X)), expected)


def fitted_stub(X):
    stub = MLPRegressor()
    stub.n_features_in_, stub.feature_names_in_ = X.shape[1], np.array(X.columns, object)
    return stub


ESTIMATORS = [
    MLPRegressor(hidden_layer_sizes=(8,), max_iter=5, early_stopping=True, random_state=0),
    MLPRegressor(hidden_layer_sizes=(8,), max_iter=5, standardize=True, solver="lbfgs", random_state=0),
    RealMLPRegressor(preset="fast", n_cv=2, max_iter=3, hidden_layer_sizes=(8,), random_state=0),
    TabMRegressor(n_cv=1, max_iter=2, hidden_layer_sizes=(8,), random_state=0),
]


@pytest.mark.filterwarnings("ignore:.*onverge")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("holes", [0, 4])
def test_estimators_predict_from_dates(tmp_path, estimator, holes):
    X = frame(holes=holes)
    model = clone(estimator).fit(X, target(X))
    predicted = model.predict(X)
    assert np.isfinite(predicted).all()
    assert model.n_features_in_ == 3
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), predicted)
    np.testing.assert_array_equal(model.predict(pl.from_pandas(X)), predicted)
    np.testing.assert_allclose(model.predict_one(X.iloc[7]), predicted[7], rtol=1e-5)
    missing = X.assign(when=pd.Series(pd.NaT, X.index, dtype=X["when"].dtype))
    assert np.isfinite(model.predict(missing)).all()
    later = X.assign(when=X["when"] + pd.Timedelta(days=31))
    assert (model.predict(later)[holes:] != predicted[holes:]).any()
    if not isinstance(model, MLPRegressor):
        model.save(tmp_path / "m.nncore")
        loaded = type(model).load(tmp_path / "m.nncore")
        np.testing.assert_array_equal(loaded.predict(X), predicted)
        with pytest.raises(DataError, match="column 'when' of X holds numbers, but training had dates"):
            loaded.predict(X.assign(when=1.0))


def test_dates_alone_and_without_categories():
    X = frame()[["when"]]
    model = MLPClassifier(hidden_layer_sizes=(16,), solver="lbfgs", max_iter=200, random_state=0)
    assert model.fit(X, X["when"].dt.month >= 7).score(X, X["when"].dt.month >= 7) > 0.95
    with pytest.raises(AttributeError, match="features are encoded"):
        model.coefs_  # noqa: B018


@pytest.mark.parametrize(
    ("other", "holds"),
    [
        (lambda when: when.dt.strftime("%Y-%m-%d"), "text"),
        (lambda when: when.astype("int64"), "numbers"),
        (lambda when: when.dt.strftime("%Y-%m-%d").astype("category"), "categories"),
        (lambda when: when.dt.tz_localize("UTC"), "dates with a time zone"),
    ],
)
def test_columns_that_are_no_longer_dates_are_refused(other, holds):
    X = frame()
    columns, _ = learned(X)
    with pytest.raises(DataError, match=f"column 'when' of X holds {holds}, but training had .*: convert"):
        columns.transform(fitted_stub(X), X.assign(when=other(X["when"])))


@pytest.mark.parametrize("others", [["x"], ["kind", "x"]])
def test_dates_where_training_had_numbers_are_refused(others):
    X = frame()
    columns, _ = learned(X[others])
    with pytest.raises(DataError, match="column 'x' of X holds dates, where training had numbers"):
        columns.transform(fitted_stub(X[others]), X[others].assign(x=X["when"]))


def test_durations_are_refused_with_the_remedy():
    X = frame()
    X["took"] = X["when"] - X["when"].min()
    with pytest.raises(DataError, match=r"column 'took' of X holds durations: .*X\['took'\]\.dt\.total_seconds\(\)"):
        learned(X)
    with pytest.raises(DataError, match="holds durations"):
        learned(X[["took"]], None)


def test_dates_may_be_categories():
    X = frame()
    X["when"] = X["when"].dt.normalize().where(X["x"] > 0, pd.Timestamp("2023-01-01"))
    columns, samples = learned(X[["when", "x"]], ["when"])
    assert list(columns.categories) == [0]
    assert not columns.dates
    assert samples.shape == (N, 2)


def test_dates_that_are_all_the_same_become_nothing():
    X = frame().assign(when=pd.Timestamp("2024-02-29"))
    _, samples = learned(X)
    assert samples.shape == (N, 2)
    with pytest.raises(DataError, match="nothing to learn from"):
        learned(X[["when"]])


def test_a_frame_of_objects_has_dates():
    X = frame()
    X["when"] = X["when"].dt.date
    _, samples = learned(X)
    assert samples.shape[1] > 8
    np.testing.assert_array_equal(learned(X.assign(when=pd.to_datetime(X["when"])))[1], samples)


def test_classes_from_dates():
    X = frame(zone="Asia/Tokyo")
    y = np.where(X["x"] > 0, "yes", "no")
    model = RealMLPClassifier(preset="fast", n_cv=2, max_iter=3, hidden_layer_sizes=(8,), random_state=0).fit(X, y)
    assert set(model.predict(X)) <= {"yes", "no"}


def test_values_that_are_no_dates_are_named():
    X = frame()
    columns, _ = learned(X)
    mixed = X["when"].astype(object)
    mixed[3] = datetime.timedelta(1)
    with pytest.raises(DataError, match=r"column 'when' of X holds .*timedelta.* among its dates"):
        columns.transform(fitted_stub(X), X.assign(when=mixed))
