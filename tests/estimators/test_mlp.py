"""Multi-layer perceptrons: agreement with scikit-learn's, and additional features."""

from __future__ import annotations

import copy
import pickle
import warnings

import joblib
import numpy as np
import pytest
import sklearn.neural_network as theirs
from scipy.sparse import bsr_array, coo_matrix, csc_array, csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import nncore as nn
import nncore.data
from nncore.data import SparseSamples
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
both = pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])


def pair(kind, *args, **arguments):
    """Ours and scikit-learn's, fitted alike."""
    ours, his = (getattr(module, kind)(**{"random_state": 3, "max_iter": 30} | arguments) for module in (nn.estimators, theirs))
    return ours.fit(X, y, *args), his.fit(X, y, *args)


# ---- scikit-learn's results -------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "arguments",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "shuffle": False, "batch_size": 50},
        {"solver": "sgd", "momentum": 0.0, "activation": "logistic"},
        {"solver": "sgd", "nesterovs_momentum": False, "alpha": 3.0, "hidden_layer_sizes": (7, 5), "activation": "tanh"},
        {"solver": "sgd", "learning_rate": "invscaling", "shuffle": False, "batch_size": 30},
        {"solver": "sgd", "learning_rate": "adaptive", "max_iter": 300, "tol": 1e-2, "learning_rate_init": 0.05},
        {"solver": "sgd", "early_stopping": True, "batch_size": 135, "shuffle": False, "tol": 1e-3},
        {"solver": "sgd", "hidden_layer_sizes": ()},
        {"solver": "adam", "activation": "tanh", "epsilon": 1e-12},
        {"solver": "adam", "activation": "logistic", "shuffle": False, "batch_size": 50, "epsilon": 1e-12, "beta_1": 0.8, "beta_2": 0.9},
        {"solver": "lbfgs", "alpha": 0.5, "max_iter": 20},
        {"solver": "lbfgs", "activation": "tanh", "hidden_layer_sizes": (4, 4), "max_iter": 20},
    ],
    ids=str,
)
def test_the_same_fit_as_scikit_learns(kind, arguments):
    ours, his = pair(kind, **arguments)
    assert (ours.n_iter_, ours.t_, ours.n_layers_, ours.n_outputs_) == (his.n_iter_, his.t_, his.n_layers_, his.n_outputs_)
    assert ours.out_activation_ == his.out_activation_
    for mine, other in zip([*ours.coefs_, *ours.intercepts_], [*his.coefs_, *his.intercepts_], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.loss_, his.loss_, rtol=1e-8)
    if arguments["solver"] != "lbfgs":
        np.testing.assert_allclose(ours.loss_curve_, his.loss_curve_, rtol=1e-8)
        np.testing.assert_allclose(ours.best_loss_ or 0, his.best_loss_ or 0, rtol=1e-8)
        np.testing.assert_allclose(ours.validation_scores_ or [], his.validation_scores_ or [], rtol=1e-8)
    method = "predict_proba" if kind == "MLPClassifier" else "predict"
    np.testing.assert_allclose(getattr(ours, method)(X), getattr(his, method)(X), rtol=1e-6, atol=1e-8)


@both
def test_the_same_weighted_fit_as_scikit_learns(kind):
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for arguments in ({"solver": "sgd", "alpha": 1.0}, {"solver": "lbfgs", "alpha": 1.0, "max_iter": 20}):
        ours, his = pair(kind, weights, **arguments)
        np.testing.assert_allclose(ours.coefs_[0], his.coefs_[0], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(ours.loss_, his.loss_, rtol=1e-8)


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_several_targets_as_in_scikit_learn(solver):
    Y, labels = np.column_stack([y, -2 * y, X[:, 0]]), np.column_stack([y == 0, y != 1, X[:, 0] > 0]).astype(int)
    arguments = {"solver": solver, "random_state": 3, "max_iter": 10}
    # scikit-learn's L-BFGS uses the mean over targets with the gradient of their sum, an inconsistency, so results differ.
    for kind, target in [("MLPClassifier", labels), ("MLPRegressor", Y)][: 2 if solver == "sgd" else 1]:
        ours, his = (getattr(module, kind)(**arguments).fit(X, target) for module in (nn.estimators, theirs))
        np.testing.assert_allclose(ours.coefs_[0], his.coefs_[0], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(ours.loss_, his.loss_, rtol=1e-6)


def test_poisson_as_scikit_learn():
    arguments = {"loss": "poisson", "solver": "sgd", "random_state": 3, "max_iter": 20, "learning_rate_init": 0.01}
    ours, his = MLPRegressor(**arguments).fit(X, y), theirs.MLPRegressor(**arguments).fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, his.loss_curve_, rtol=1e-8)
    np.testing.assert_allclose(ours.predict(X), his.predict(X), rtol=1e-8)
    assert ours.out_activation_ == his.out_activation_ == "exp"


@both
def test_all_of_scikit_learns_parameters_with_its_defaults(kind):
    ours, his = getattr(nn.estimators, kind)().get_params(), getattr(theirs, kind)().get_params()
    assert {name: ours[name] for name in his} == his


@both
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit_goes_on_as_fit_would(kind, solver):
    cls = getattr(nn.estimators, kind)
    whole = cls(solver=solver, random_state=1, max_iter=7, batch_size=40, tol=0, n_iter_no_change=100).fit(X, y)
    parts = cls(solver=solver, random_state=1, batch_size=40)
    for _ in range(7):
        parts.partial_fit(X, y, **({"classes": [0, 1, 2]} if kind == "MLPClassifier" else {}))
    assert parts.t_ == whole.t_
    assert len(parts.loss_curve_) == len(parts.history_) == 7
    assert parts.n_iter_ == 1
    np.testing.assert_allclose(parts.loss_curve_[0], whole.loss_curve_[0], rtol=0.2)  # samples in another order, the same initial weights


# ---- the same bits ----------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_same_bits_for_a_seed_and_any_number_of_threads(kind, solver):
    cls = getattr(nn.estimators, kind)
    models = [
        cls(300, solver=solver, random_state=5, max_iter=3, n_threads=n, dropout=0.0).fit(X, y)
        if kind == "MLPClassifier"
        else cls(hidden_layer_sizes=300, solver=solver, random_state=5, max_iter=3, n_threads=n).fit(X, y)
        for n in (1, 2, None)
    ]
    assert len({model.network_.parameters.tobytes() for model in models}) == 1
    other = clone(models[0]).set_params(random_state=6).fit(X, y)
    assert other.network_.parameters.tobytes() != models[0].network_.parameters.tobytes()


@both
def test_random_states_of_all_kinds(kind):
    cls = getattr(nn.estimators, kind)
    for make in (np.random.RandomState, np.random.default_rng):
        one, two = (cls(random_state=make(4), max_iter=2).fit(X, y) for _ in range(2))
        assert one.network_.parameters.tobytes() == two.network_.parameters.tobytes()
    assert cls(max_iter=1).fit(X, y).coefs_[0].tobytes() != cls(max_iter=1).fit(X, y).coefs_[0].tobytes()


@both
def test_pickle_joblib_copy(kind, tmp_path):
    model = getattr(nn.estimators, kind)(random_state=0, max_iter=5, normalization="batch_norm").fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), joblib.load(tmp_path / "model.joblib")):
        assert twin.predict(X).tobytes() == model.predict(X).tobytes()
        assert twin.partial_fit(X, y).predict(X).tobytes() == copy.deepcopy(model).partial_fit(X, y).predict(X).tobytes()


@both
def test_float32_is_kept_and_can_be_asked_for(kind):
    cls = getattr(nn.estimators, kind)
    for data, dtype, expected in [
        (X, "input", np.float64),
        (X.astype(np.float32), "input", np.float32),
        (X, "float32", np.float32),
        (X.astype(np.float32), "float64", np.float64),
        ((10 * X).astype(int), "input", np.float64),
    ]:
        for solver in ("adam", "lbfgs"):
            model = cls(max_iter=3, random_state=0, dtype=dtype, solver=solver).fit(data, y)
            assert model.coefs_[0].dtype == model.intercepts_[0].dtype == expected
            assert (model.predict_proba if kind == "MLPClassifier" else model.predict)(data).dtype == expected


@pytest.fixture
def made_dense(monkeypatch):
    """Numbers of rows that sparse samples were converted to dense, one for each conversion."""
    counts = []
    to_dense = SparseSamples.__getitem__

    def counted(samples, rows):
        found = to_dense(samples, rows)
        counts.append(len(found) if found.ndim > 1 else 1)
        return found

    monkeypatch.setattr(SparseSamples, "__getitem__", counted)
    return counts


@both
@pytest.mark.parametrize("early_stopping", [False, True])
def test_networks_that_read_every_number_get_large_sparse_matrices_dense_batch_by_batch(kind, early_stopping, made_dense, monkeypatch):
    cls = getattr(nn.estimators, kind)
    layers = [nn.BatchNorm(), nn.Dense(10, activation="tanh")]
    settings = {"random_state": 0, "max_iter": 5, "batch_size": 16, "early_stopping": early_stopping, "layers": layers}
    dense = cls(**settings).fit(X, y)
    for module in ("nncore.data.dataset", "nncore.estimators.plain_numbers"):
        monkeypatch.setattr(f"{module}.CONVERT_AT_ONCE", 24 * X.shape[1] * 8)
    monkeypatch.setattr("nncore.blocks.BLOCK", 32 * X.shape[1] * 8)
    sparse = cls(**settings).fit(csr_matrix(X), y)
    assert dense.network_.parameters.tobytes() == sparse.network_.parameters.tobytes()
    assert dense.loss_curve_ == sparse.loss_curve_
    made_dense.clear()  # initialisation converts more rows
    np.testing.assert_array_equal(sparse.predict(csr_matrix(X)), dense.predict(X))
    assert 0 < max(made_dense) <= 32


@both
@pytest.mark.parametrize("container", [coo_matrix, csc_array, bsr_array])
def test_samples_are_held_out_of_any_kind_of_sparse_matrix(kind, container):
    cls = getattr(nn.estimators, kind)
    dense, sparse = (cls(random_state=0, max_iter=3, early_stopping=True).fit(data, y) for data in (X, container(X)))
    np.testing.assert_allclose(sparse.validation_scores_, dense.validation_scores_)


@both
def test_sparse_samples_train_as_dense_ones_do_and_stay_sparse(kind, made_dense):
    cls, sparse_X = getattr(nn.estimators, kind), csr_matrix(X * (X > 0))
    for settings in ({}, {"solver": "lbfgs"}, {"early_stopping": True}, {"alpha": 0.1, "batch_size": 7}):
        dense, sparse = (cls(random_state=0, max_iter=3, **settings).fit(data, y) for data in (sparse_X.toarray(), sparse_X))
        np.testing.assert_allclose(sparse.network_.parameters, dense.network_.parameters, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(sparse.score(sparse_X, y), dense.score(sparse_X.toarray(), y))
    sparse.partial_fit(sparse_X, y), dense.partial_fit(sparse_X.toarray(), y)
    np.testing.assert_allclose(sparse.loss_, dense.loss_)
    np.testing.assert_allclose(sparse.predict(sparse_X), dense.predict(sparse_X.toarray()))
    assert made_dense == []


@both
def test_transforms_change_sparse_samples_that_are_made_dense(kind):
    cls, settings = getattr(nn.estimators, kind), {"random_state": 0, "max_iter": 2, "transforms": ["gaussian_noise"]}
    dense, sparse = (cls(**settings).fit(data, y) for data in (X, csr_matrix(X)))
    assert dense.network_.parameters.tobytes() == sparse.network_.parameters.tobytes()


# ---- parameters of the network ----------------------------------------------------------------------------------------------


def test_coefs_are_live_and_settable():
    model = MLPClassifier(4, random_state=0, max_iter=2).fit(X, y)
    weights = model.network_.named_parameters()["dense_1.weight"]
    assert np.shares_memory(model.coefs_[0], weights)
    model.coefs_[0] = np.full((4, 4), 2.0)
    assert (weights == 2).all()
    model.intercepts_ = [np.zeros(4), np.array([0.0, 9.0, 0.0])]
    model.coefs_[1][...] = 0
    assert (model.predict(X) == 1).all()
    with pytest.raises(ShapeError, match=r"shape \(4, 4\)"):
        model.coefs_[0] = np.zeros((3, 4))
    with pytest.raises(ShapeError, match="2 arrays"):
        model.coefs_ = [np.zeros((4, 4))]


def test_assigned_before_the_first_fit():
    model = MLPRegressor(hidden_layer_sizes=(), solver="sgd", momentum=0, learning_rate_init=0.5, alpha=0)
    with pytest.raises(AttributeError, match="not fitted"):
        _ = model.coefs_
    model.coefs_, model.intercepts_ = [np.array([[2.0]])], [np.array([1.0])]
    model.t_, model.best_loss_, model.loss_curve_, model._no_improvement_count = 0, np.inf, [], 0
    model.partial_fit([[3.0]], [5.0])  # 2 · 3 + 1 = 7, two too many
    assert model.coefs_[0] == 2 - 0.5 * 2 * 3
    assert model.intercepts_[0] == 1 - 0.5 * 2


def test_layers_of_other_kinds_come_in_copies():
    layers = [nn.Residual([nn.Dense(4, activation="tanh")]), nn.BatchNorm(), "dropout"]
    model = MLPClassifier(layers=layers, max_iter=2, random_state=0).fit(X, y)
    with pytest.raises(AttributeError, match="no coefs_: its predictions depend on more than dense layers"):
        _ = model.coefs_
    assert [type(layer).__name__ for layer in model.network_.layers] == ["Residual", "BatchNorm", "Dropout", "Dense"]
    assert all(mine is not his for mine, his in zip(layers, model.network_.layers, strict=False))


# ---- errors, stopping, resuming ---------------------------------------------------------------------------------------------


@both
def test_a_fit_that_fails_leaves_everything_as_it_was(kind):
    model = getattr(nn.estimators, kind)(solver="sgd", max_iter=3, random_state=0, learning_rate_init=1e300, batch_size=10)
    with pytest.raises(DataError, match="non-finite parameter weights"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    before = model.set_params(learning_rate_init=0.01).fit(X, y).predict(X)
    with pytest.raises(DataError, match="non-finite parameter weights"):
        model.set_params(learning_rate_init=1e300).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


@both
def test_warm_start_goes_on(kind):
    model = getattr(nn.estimators, kind)(warm_start=True, max_iter=4, random_state=0, tol=0, n_iter_no_change=50)
    first = model.fit(X, y).network_
    model.fit(X, y)
    assert model.network_ is first
    assert model.n_iter_ == 4
    assert len(model.loss_curve_) == len(model.history_) == 8
    assert model.loss_curve_[4] < model.loss_curve_[0]


@both
def test_ctrl_c_is_raised_and_keeps_what_there_is(kind):
    def interrupt(training):
        if training.epoch == 3:
            raise KeyboardInterrupt

    model = getattr(nn.estimators, kind)(max_iter=10, callbacks=[interrupt])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert model.n_iter_ == 3
    assert model.predict(X).shape == y.shape


@both
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_time_limit(kind, solver):
    endless = {"max_fun": 10**9} if solver == "lbfgs" else {"n_iter_no_change": np.inf}
    model = getattr(nn.estimators, kind)(solver=solver, max_iter=10**6, time_limit=0.05, tol=0, **endless)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)  # no warning: the user set a limit
        model.fit(np.tile(X, (20, 1)), np.tile(y, 20))
    assert model.n_iter_ < 10**6
    assert np.isfinite(model.loss_)


def test_verbose(capsys):
    MLPClassifier(verbose=True, max_iter=2, early_stopping=True).fit(X, y)
    printed = capsys.readouterr().out
    assert "Iteration 2, loss = " in printed
    assert "Validation score: " in printed
    MLPRegressor(verbose=True, solver="lbfgs", max_iter=2).fit(X, y)
    assert "Iteration 2, loss = " in capsys.readouterr().out
    MLPRegressor(max_iter=2).fit(X, y)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": -1}, "alpha must be a number of at least 0, got -1"),
        ({"alpha": "much"}, "alpha must be a number"),
        ({"learning_rate_init": 0}, "learning_rate_init must be a number above 0"),
        ({"max_iter": 0}, "max_iter must be a whole number of at least 1"),
        ({"max_iter": 1.5}, "max_iter"),
        ({"batch_size": "big"}, "batch_size must be a whole number of at least 1 or 'auto'"),
        ({"n_iter_no_change": 0}, "n_iter_no_change"),
        ({"momentum": 1.1}, r"momentum must be a number in \[0, 1\]"),
        ({"shuffle": 1}, "shuffle must be True or False"),
        ({"verbose": "loud"}, "verbose"),
        ({"dtype": "float16"}, "dtype must be one of 'input', 'float32', 'float64'"),
        ({"time_limit": 0}, "time_limit must be a number above 0 or None"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be > 0, got"),
        ({"hidden_layer_sizes": 2.5}, "hidden_layer_sizes must be whole numbers"),
        ({"activation": ["relu", "tanh"]}, "lists 2 functions for 1 hidden layers"),
        ({"activation": "rleu"}, "did you mean"),
        ({"dropout": [0.1, 0.2]}, "lists 2 rates for 1 hidden layers"),
        ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\)"),
        ({"solver": "adma"}, "did you mean"),
        ({"learning_rate": "cosin"}, "did you mean"),
        ({"scoring": "beauty"}, "scoring must be 'loss', a metric"),
        ({"solver": "lbfgs", "dropout": 0.1}, "lbfgs"),
        ({"solver": "lbfgs", "callbacks": ["early_stopping"]}, "callbacks=.* would be ignored"),
        ({"callbacks": "early_stopping"}, "callbacks must be a list, also of one thing, or None, got 'early_stopping'"),
        ({"layers": nn.Dense(3)}, "layers must be a list"),
    ],
    ids=str,
)
def test_wrong_arguments(arguments, message):
    for cls in (MLPClassifier, MLPRegressor):
        model = cls(**arguments)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y)
        assert not hasattr(model, "network_")


def test_validation_samples_go_with_their_targets():
    with pytest.raises(ParameterError, match="only one of X_val and y_val is given"):
        MLPClassifier().fit(X, y, X_val=X)


def test_network_can_be_saved(tmp_path):
    model = MLPClassifier(max_iter=3, random_state=0, solver="sgd", learning_rate="invscaling").fit(X, y)
    model.network_.save(tmp_path / "m.nncore")
    np.testing.assert_array_equal(nn.load(tmp_path / "m.nncore").predict_proba(X), model.predict_proba(X))


def test_html():
    assert "MLPClassifier" in MLPClassifier(solver=nn.Adam(lr=0.1))._repr_html_()
