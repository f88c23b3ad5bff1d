"""Multi-layer perceptrons inside scikit-learn's tools, and with frames instead of arrays."""

from __future__ import annotations

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingRegressor, VotingClassifier
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import nncore as nn
from nncore.errors import DataError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.estimators.fit_tasks import CallbackSupportMixin

QUICK = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "max_iter": 25, "batch_size": 32, "random_state": 0}

# A fit of a few epochs has not converged; these tests ignore the warning.
pytestmark = [pytest.mark.filterwarnings("ignore:Stochastic Optimizer"), pytest.mark.filterwarnings("ignore:.*is ignored, as in scikit")]


@pytest.fixture(scope="module")
def shop():
    """Sales with two categorical columns, one of them of many levels, a column with gaps, and a boolean."""
    rng = np.random.default_rng(0)
    n = 400
    city = rng.choice([f"city {i:02}" for i in range(20)], n)
    kind = rng.choice(["book", "game", "tool"], n)
    price = rng.gamma(2.0, 10.0, n)
    is_open = rng.random(n) < 0.7
    effect = dict(zip(sorted(set(city)), rng.normal(size=20), strict=True))
    demand = 2 * (kind == "game") - 0.05 * price + np.array([effect[name] for name in city]) + is_open
    price[rng.random(n) < 0.1] = np.nan
    data = {"price": price, "kind": kind.astype(object), "open": is_open, "city": city.astype(object)}
    return pd.DataFrame(data), (demand > np.median(demand)).astype(int), demand


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(240, 3))
    return X, (X[:, 0] ** 2 + X[:, 1] > 0.5).astype(int)


def libraries(frame):
    """The same frame in several libraries, and as an array."""
    polars = pytest.importorskip("polars")
    yield frame
    yield frame.astype({"kind": "category", "city": "category"})
    pytest.importorskip("sklearn", minversion="1.9", reason="scikit-learn before 1.9 does not see the names of polars' columns")
    yield polars.DataFrame({name: column.to_list() for name, column in frame.items()})
    yield polars.DataFrame(frame.to_dict("list")).with_columns(polars.col("city").cast(polars.Categorical))


# ---- frames ---------------------------------------------------------------------------------------------------------------


def test_frames_of_any_library_and_arrays_give_the_same_predictions(shop):
    frame, y, _ = shop
    array = frame.to_numpy(object)
    reference = MLPClassifier(**QUICK, standardize=True, categorical_features=[1, 3]).fit(array, y).predict_proba(array)
    for X in libraries(frame):
        model = MLPClassifier(**QUICK, standardize=True).fit(X, y)
        assert model.feature_names_in_.tolist() == ["price", "kind", "open", "city"]
        assert model.n_features_in_ == 4
        assert model.predict_proba(X).tobytes() == reference.tobytes()
        np.testing.assert_allclose(model.predict_proba(X[:3]), reference[:3], rtol=1e-5)


def test_a_network_for_a_table_has_the_layers_it_needs(shop):
    frame, y, _ = shop
    model = MLPClassifier(**QUICK, standardize=True).fit(frame, y)
    assert model.network_.layer_names == ["fill_missing_1", "embedding_1", "dense_1", "dense_2"]
    assert model.network_.named_parameters()["dense_1.weight"].shape == (
        1 + 3 + 1 + 1 + 5,
        16,
    )  # price, kind, open, "price is missing", a vector of 5 for 20 cities
    assert model.score(frame, y) > 0.85
    assert model.fit(np.nan_to_num(frame[["price", "open"]].to_numpy(float)), y).network_.layer_names == ["dense_1", "dense_2"]


def test_what_training_did_not_have_is_no_error(shop):
    frame, _, demand = shop
    model = MLPRegressor(**QUICK, standardize=True).fit(frame, demand)
    changed = {"city": ["city 01", "Atlantis", None, "city 01"], "kind": ["book", "book", "food", None], "open": [True, None, False, True]}
    later = frame.head(4).assign(**changed)
    assert np.isfinite(model.predict(later)).all()


def test_learning_categories_and_gaps_pays(shop):
    frame, y, _ = shop
    model = MLPClassifier(**QUICK | {"alpha": 0.1}, standardize=True)
    whole = cross_val_score(model, frame, y, cv=3).mean()
    without = cross_val_score(model, frame[["price", "open"]], y, cv=3).mean()
    assert whole > without + 0.1


def test_errors_name_the_column(shop):
    frame, y, _ = shop
    with pytest.raises(DataError, match=r"column 'kind' of X holds '.*', which is not a number"):
        MLPClassifier(**QUICK, categorical_features=["city"]).fit(frame, y)
    model = MLPClassifier(**QUICK).fit(frame, y)
    with pytest.raises(DataError, match="column 'price' of X holds 'free'"):
        model.predict(frame.astype({"price": object}).replace({"price": {frame["price"][0]: "free"}}))
    with pytest.raises(ValueError, match=r"now missing:\n- kind"):
        model.predict(frame.drop(columns="kind"))
    with pytest.raises(ValueError, match="same order"):
        model.predict(frame[["kind", "price", "open", "city"]])
    assert model.score(frame, y) > 0.6  # the estimator stays usable


def test_validation_data_go_the_same_way(shop):
    frame, y, _ = shop
    model = MLPClassifier(**QUICK, standardize=True)
    model.fit(frame[:300], y[:300], X_val=frame[300:], y_val=y[300:])
    assert max(model.validation_scores_) == pytest.approx(model.score(frame[300:], y[300:]))


@pytest.mark.parametrize("scoring", ["roc_auc", lambda estimator, X, y: accuracy_score(y, estimator.predict(X))])
def test_a_scorer_sees_the_frame(shop, scoring):
    frame, y, _ = shop
    model = MLPClassifier(**QUICK, standardize=True, early_stopping=True, scoring=scoring).fit(frame, y)
    assert 0.5 < model.best_validation_score_ <= 1


def test_partial_fit_learns_the_columns_from_its_first_batch(shop):
    frame, y, _ = shop
    model = MLPClassifier(**QUICK, standardize=True)
    for start in range(0, 400, 100):
        model.partial_fit(frame[start : start + 100], y[start : start + 100], classes=[0, 1])
    assert model.network_.layer_names[:2] == ["fill_missing_1", "embedding_1"]
    assert model.predict(frame).shape == (400,)


def test_a_warm_start_keeps_the_columns(shop):
    frame, y, _ = shop
    model = MLPClassifier(**QUICK, standardize=True, warm_start=True).fit(frame, y)
    first = model.loss_
    assert model.fit(frame.iloc[:200], y[:200]).loss_ < first
    assert model.network_.named_parameters()["dense_1.weight"].shape == (11, 16)


def test_standardize_is_a_scaler_before(numbers):
    X, y = numbers
    X = X * [1, 1e3, 1e-3] + [0, 5e3, 1]
    weights = np.linspace(0.5, 2, len(X))
    inside = MLPClassifier(**QUICK, standardize=True).fit(X, y, sample_weight=weights)
    scaler = StandardScaler().fit(X, sample_weight=weights)
    outside = MLPClassifier(**QUICK).fit(scaler.transform(X), y, sample_weight=weights)
    np.testing.assert_allclose(inside.predict_proba(X), outside.predict_proba(scaler.transform(X)), rtol=1e-6)
    assert inside.score(X, y) > MLPClassifier(**QUICK).fit(X, y).score(X, y)


# ---- pipelines and searches -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_column_transformer_and_output_containers(shop, container):
    if container != "default":
        pytest.importorskip(container)
    if container == "polars":
        pytest.importorskip("sklearn", minversion="1.9", reason="scikit-learn before 1.9 does not see the names of polars' columns")
    frame, y, _ = shop
    frame = frame.fillna({"price": 0.0})
    encode = ColumnTransformer(
        [("kind", OneHotEncoder(sparse_output=False), ["kind", "city"])], remainder=StandardScaler(), verbose_feature_names_out=False
    )
    pipeline = make_pipeline(encode, MLPClassifier(**QUICK)).set_output(transform=container)
    pipeline.fit(frame, y)
    assert pipeline.score(frame, y) > 0.85
    names = getattr(pipeline[-1], "feature_names_in_", None)
    assert (names is None) == (container == "default")
    assert names is None or names[-2:].tolist() == ["price", "open"]


def test_sparse_matrices_from_a_pipeline(shop):
    frame, y, _ = shop
    dense = make_pipeline(OneHotEncoder(sparse_output=False), MLPClassifier(**QUICK)).fit(frame[["kind", "city"]], y)
    sparse = make_pipeline(OneHotEncoder(), MLPClassifier(**QUICK)).fit(frame[["kind", "city"]], y)
    np.testing.assert_allclose(sparse.predict_proba(frame[["kind", "city"]]), dense.predict_proba(frame[["kind", "city"]]))


def test_grid_search_in_two_processes(numbers):
    X, y = numbers
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**QUICK))
    grid = {"mlpclassifier__hidden_layer_sizes": [(1,), (16,)], "mlpclassifier__solver": ["adamw", "adam"]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X, y)
    assert search.best_params_["mlpclassifier__hidden_layer_sizes"] == (16,)
    assert search.best_score_ > 0.85
    alone = clone(search.best_estimator_).fit(X, y)
    assert alone.predict_proba(X).tobytes() == search.predict_proba(X).tobytes()


def test_cross_val_predict(numbers):
    X, y = numbers
    probabilities = cross_val_predict(MLPClassifier(**QUICK), X, y, cv=3, method="predict_proba")
    assert probabilities.shape == (240, 2)
    assert ((probabilities[:, 1] > 0.5) == y).mean() > 0.85


def test_calibration(shop):
    frame, y, _ = shop
    calibrated = CalibratedClassifierCV(MLPClassifier(**QUICK, standardize=True), cv=3).fit(frame, y)
    np.testing.assert_allclose(calibrated.predict_proba(frame).sum(axis=1), 1)
    assert calibrated.score(frame, y) > 0.8


def test_permutation_importance(shop):
    frame, y, _ = shop
    model = MLPClassifier(**QUICK, standardize=True).fit(frame, y)
    importance = permutation_importance(model, frame, y, n_repeats=3, random_state=0).importances_mean
    assert importance.argmin() == 2  # whether it is open matters least
    assert (importance[[0, 1, 3]] > 0.02).all()


def test_partial_dependence(shop):
    frame, _, demand = shop
    model = MLPRegressor(**QUICK, standardize=True).fit(frame, demand)
    average = partial_dependence(model, frame, ["kind"], categorical_features=["kind"], kind="average")
    assert average["average"].shape == (1, 3)
    assert average["grid_values"][0][average["average"][0].argmax()] == "game"


def test_voting_and_stacking(numbers):
    X, y = numbers
    voting = VotingClassifier([("mlp", MLPClassifier(**QUICK)), ("line", LogisticRegression())], voting="soft", weights=[3, 1]).fit(X, y)
    assert voting.score(X, y) > 0.85
    stacking = StackingRegressor([("mlp", MLPRegressor(**QUICK)), ("line", Ridge())], cv=3).fit(X, X[:, 0] * X[:, 1])
    assert stacking.score(X, X[:, 0] * X[:, 1]) > 0.5


# ---- copies and files -----------------------------------------------------------------------------------------------------


def test_clone_forgets_what_was_learnt(shop):
    frame, y, _ = shop
    settings = {name: value for name, value in QUICK.items() if name != "hidden_layer_sizes"}
    model = MLPClassifier(**settings, standardize=True, layers=[nn.Dense(8, activation="tanh")]).fit(frame, y)
    copy = clone(model)
    assert not hasattr(copy, "network_")
    assert copy.fit(frame, y).predict_proba(frame).tobytes() == model.predict_proba(frame).tobytes()


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_pickle_and_joblib(shop, tmp_path, kind):
    frame, y, _ = shop
    model = kind(**QUICK, standardize=True).fit(frame, y)
    joblib.dump(model, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        assert copy.predict(frame).tobytes() == model.predict(frame).tobytes()
        assert copy.network_.parameters.tobytes() == model.network_.parameters.tobytes()
        copy.set_params(warm_start=True).fit(frame, y)  # the copy can continue training, too


def test_a_pickle_does_not_hold_the_data(shop):
    frame, y, _ = shop
    few = len(pickle.dumps(MLPClassifier(**QUICK, standardize=True).fit(frame, y)))
    many = len(pickle.dumps(MLPClassifier(**QUICK, standardize=True).fit(pd.concat([frame] * 10), np.tile(y, 10))))
    assert many < 1.1 * few


def test_html(shop):
    frame, y, _ = shop
    model = make_pipeline(FunctionTransformer(), MLPClassifier(**QUICK))
    assert "MLPClassifier" in model._repr_html_()
    assert "MLPClassifier" in model.fit(frame, y)._repr_html_()


# ---- scikit-learn's callbacks ---------------------------------------------------------------------------------------------


needs_callbacks = pytest.mark.skipif(not hasattr(CallbackSupportMixin, "set_callbacks"), reason="scikit-learn before 1.9 has no callbacks")


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.filterwarnings("ignore:lbfgs failed")
def test_scoring_monitor(shop, solver):
    from sklearn.callback import ScoringMonitor

    frame, y, _ = shop
    monitor = ScoringMonitor(scoring="neg_log_loss")
    model = MLPClassifier(**QUICK | {"max_iter": 8, "solver": solver}, standardize=True).set_callbacks(monitor).fit(frame, y)
    scores = [row["neg_log_loss"] for row in monitor.get_logs().data if row["task_name"] != "fit"]
    assert len(scores) == 8
    assert scores[-1] > scores[0]
    assert len(set(scores)) == 8
    assert hasattr(model, "n_iter_")


@needs_callbacks
def test_progress_bar_of_a_search(numbers, capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    X, y = numbers
    search = GridSearchCV(MLPClassifier(**QUICK | {"max_iter": 3}), {"alpha": [0, 1]}, cv=2).set_callbacks(ProgressBar())
    search.fit(X, y)
    shown = capsys.readouterr().out
    assert "GridSearchCV" in shown
    assert "MLPClassifier" in shown


class Listener:
    """Ends the fit after `last` epochs, or fails there; records whether it was torn down."""

    def __init__(self, last, fails=False):
        self.last, self.fails, self.torn_down = last, fails, 0

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context):
        self.torn_down += 1

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        is_last = context.parent is not None and context.task_id == self.last - 1
        if is_last and self.fails:
            raise RuntimeError("the callback fails")
        return is_last


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_callback_stops_the_fit(numbers, solver):
    X, y = numbers
    listener = Listener(3)
    model = MLPClassifier(**QUICK | {"solver": solver}).set_callbacks(listener).fit(X, y)
    assert model.n_iter_ == 3
    assert listener.torn_down == 1


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_callbacks_are_torn_down_after_an_error(numbers, solver):
    X, y = numbers
    listener = Listener(2, fails=True)
    model = MLPClassifier(**QUICK | {"solver": solver}).set_callbacks(listener)
    with pytest.raises(RuntimeError, match="the callback fails"):
        model.fit(X, y)
    assert listener.torn_down == 1
    assert sorted(vars(model)) == sorted(vars(clone(model).set_callbacks(listener)))  # no state of the fit remains
