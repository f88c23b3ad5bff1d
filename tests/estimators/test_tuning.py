"""`tune=`: trials, halving, the ensemble, and resumed searches."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone

import nncore as nn
from nncore.ensembles.trials_file import KEY
from nncore.errors import DataError, FileFormatError, ParameterError
from nncore.estimators import RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor
from nncore.plugin import Callback

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
Y = X @ [1.0, 2.0, 3.0] + 0.3 * RNG.normal(size=90)
LABELS = np.where(Y > 0.7, "high", np.where(Y > -0.7, "middle", "low"))
QUICK = {"preset": "fast", "n_cv": 2, "max_iter": 15, "random_state": 0, "n_threads": 1}
SPACE = {"learning_rate_init": loguniform(0.001, 0.1), "hidden_layer_sizes": [(4,), (8, 8)]}
both = pytest.mark.parametrize(("cls", "y"), [(RealMLPClassifier, LABELS), (RealMLPRegressor, Y)], ids=["classes", "reals"])


def bits(model, X=X):
    return (model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)).tobytes()


def tuned(cls=RealMLPRegressor, y=Y, **arguments):
    return cls(**{**QUICK, "tune": 5, "search_space": SPACE, **arguments}).fit(X, y)


class Break(Callback):
    """Raises Ctrl-C in the epoch of this number, counted over all networks."""

    left = 0

    def on_epoch_end(self, training):
        Break.left -= 1
        if Break.left == 0:
            raise KeyboardInterrupt


# ---- trials -----------------------------------------------------------------------------------------------------------------


@both
def test_half_of_the_trials_go_on_and_the_first_one_always(cls, y):
    model = tuned(cls, y)
    assert [trial["number"] for trial in model.trials_] == list(range(5))
    assert model.trials_[0]["params"] == {}
    by_epochs = sorted(trial["n_epochs"] for trial in model.trials_)
    assert by_epochs[:2] == [1, 1]  # 15 / 15
    assert model.trials_[0]["n_epochs"] == by_epochs[-1] == 15
    assert {trial["status"] for trial in model.trials_ if trial["n_epochs"] < 15} == {"stopped"}
    assert all(trial["status"] == "finished" for trial in model.trials_ if trial["n_epochs"] == 15)


@both
def test_the_search_is_left_as_scikit_learn_leaves_it(cls, y):
    model = tuned(cls, y)
    results = model.cv_results_
    assert model.best_index_ == results["mean_test_score"].argmax() == results["rank_test_score"].argmin()
    assert model.best_score_ == results["mean_test_score"].max()
    assert model.best_params_ == results["params"][model.best_index_]
    assert results["param_learning_rate_init"].mask.tolist() == [True, False, False, False, False]
    assert results["param_learning_rate_init"][1] == model.trials_[1]["params"]["learning_rate_init"]
    sign = -1 if model.trials_[1]["score"] != results["mean_test_score"][1] else 1
    np.testing.assert_allclose(results["split0_test_score"] + results["split1_test_score"], 2 * results["mean_test_score"])
    np.testing.assert_allclose([sign * trial["score"] for trial in model.trials_], results["mean_test_score"])
    again = clone(model).set_params(tune=None, search_space=None, **model.best_params_).fit(X, y)
    assert again.score(X, y) > 0.5
    assert not hasattr(again, "trials_")


@both
def test_the_ensemble_is_the_weighted_mean_of_its_trials(cls, y):
    model = tuned(cls, y)
    counts = [trial["weight"] for trial in model.trials_]
    assert counts == model.cv_results_["ensemble_weight"].tolist()
    n_chosen = np.count_nonzero(counts)
    assert len(model.networks_) == len(model.histories_) == len(model.best_epochs_) == len(model.validation_scores_) == 2 * n_chosen
    weights = [weight for members in model._members for weight in members.weights or [1.0] * len(members.networks)]
    if n_chosen > 1 and len({count for count in counts if count}) > 1:
        assert sorted(weights) == sorted(2 * [float(count) for count in counts if count])
    outputs = [out for members in model._members for out in members.outputs(X, model._fitted_loss)]
    found = np.average(outputs, axis=0, weights=weights)
    expected = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@both
def test_folds_share_what_they_know_of_columns(cls, y):
    model = tuned(cls, y)
    assert len(model._members) == 2


@both
def test_the_same_bits_for_any_number_of_threads(cls, y):
    assert bits(tuned(cls, y)) == bits(tuned(cls, y, n_threads=3)) != bits(tuned(cls, y, random_state=1))


def test_a_trial_does_not_depend_on_how_many_there_are():
    few, many = tuned(tune=2), tuned(tune=4)
    assert few.trials_[1]["params"] == many.trials_[1]["params"]


def test_many_trials_come_in_brackets():
    model = tuned(tune=18, max_iter=2, n_cv=1)
    assert len(model.trials_) == 18
    assert sum(trial["n_epochs"] == 2 for trial in model.trials_[9:]) == 2  # of 9: 5, 3 and 2 continue


def test_a_trial_that_diverges_is_out():
    model = tuned(tune=3, search_space={"learning_rate_init": [1e30]})
    assert [trial["status"] for trial in model.trials_] == ["finished", "failed", "failed"]
    assert np.isnan(model.trials_[1]["score"])
    assert model.best_index_ == 0
    with pytest.raises(DataError, match="no trial has a finite score"):
        RealMLPRegressor(**QUICK, tune=2, learning_rate_init=1e30, search_space={"dropout": [0.1]}).fit(X, Y)


# ---- all kinds of targets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "y", "arguments"),
    [
        (RealMLPClassifier, LABELS == "high", {}),
        (RealMLPClassifier, LABELS == "high", {"preset": "td", "hidden_layer_sizes": (8,), "search_space": "paper"}),
        (RealMLPClassifier, LABELS, {"search_space": "tabarena", "hidden_layer_sizes": (8,)}),
        (RealMLPClassifier, LABELS, {"scoring": "accuracy"}),
        (RealMLPClassifier, (X > 0).astype(int), {}),
        (RealMLPClassifier, np.digitize(X[:, :2], [-0.5, 0.5]), {}),
        (RealMLPRegressor, np.c_[Y, 1000 * Y], {}),
        (RealMLPRegressor, Y, {"loss": "gaussian_nll"}),
        (RealMLPRegressor, np.abs(Y), {"loss": "poisson"}),
        (RealMLPRegressor, Y, {"scoring": "r2"}),
        (RealMLPRegressor, Y, {"n_refit": 2}),
        (RealMLPRegressor, Y, {"n_cv": 1, "n_ens": 2}),
        (RealMLPRegressor, Y, {"search_space": "small", "n_cv": 1}),
    ],
)
def test_targets_and_arguments(cls, y, arguments, tmp_path):
    model = tuned(cls, y, **{"tune": 3, "max_iter": 4, "search_space": {"dropout": [0.0, 0.1]}, **arguments})
    assert sum(trial["weight"] for trial in model.trials_) >= 1
    model.save(tmp_path / "model.nncore")
    loaded = cls.load(tmp_path / "model.nncore")
    again = pickle.loads(pickle.dumps(model))
    for other in (loaded, again):
        assert np.asarray(other.predict(X)).tobytes() == np.asarray(model.predict(X)).tobytes()


def test_validation_data_of_the_user_and_weights():
    weights = np.r_[np.zeros(10), np.ones(50)]
    model = RealMLPRegressor(**{**QUICK, "n_cv": None}, tune=3, search_space=SPACE)
    model.fit(X[:60], Y[:60], sample_weight=weights, X_val=X[60:], y_val=Y[60:])
    assert model.cv_results_["split7_test_score"].shape == (3,)


@pytest.mark.parametrize(("cls", "y"), [(TabMClassifier, LABELS), (TabMRegressor, Y)], ids=["classes", "reals"])
def test_tabm(cls, y):
    space = {"numerical_embedding": [True, False], "hidden_layer_sizes": [(8,), (16, 16)], "dropout": [0.0, 0.1]}
    model = cls(tune=3, max_iter=12, n_members=4, n_cv=2, random_state=0, n_threads=1, search_space=space).fit(X, y)
    assert sorted(trial["n_epochs"] for trial in model.trials_) == [8, 12, 12]
    n_chosen = np.count_nonzero([trial["weight"] for trial in model.trials_])
    assert len(model.member_orders_) == len(model.networks_) == 2 * n_chosen
    assert np.isfinite(model.prune(2).score(X, y))
    published = cls(tune=2, max_iter=1, n_members=2, hidden_layer_sizes=(8,), random_state=0).fit(X, y)
    assert published.trials_[1]["params"]["arch"] == "tabm-mini"


def test_callbacks_of_scikit_learn_are_refused():
    pytest.importorskip("sklearn.callback")
    from sklearn.callback import ProgressBar

    with pytest.raises(ParameterError, match="does not report to the callbacks of set_callbacks"):
        RealMLPRegressor(**QUICK, tune=2).set_callbacks(ProgressBar()).fit(X, Y)


# ---- arguments --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tune": 0}, "tune must be a whole number of at least 1 or None or 'time'"),
        ({"tune": "time"}, "pass time_limit= too"),
        ({"tune": None}, "search_space=.* would be ignored without a search"),
        ({"tune": None, "search_space": None, "trials_file": "x"}, "trials_file='x' would be ignored without a search"),
        ({"scoring": "neg_median_absolute_error"}, "is a scorer; with tune, scoring must be 'loss' or a metric"),
        ({"search_space": "large"}, "search_space must be 'paper', 'tabarena' or 'small'"),
        ({"search_space": {"n_cv": [2]}}, "'n_cv' cannot be tuned"),
        ({"search_space": {"max_iter": [2]}}, "search_space draws max_iter, which max_iter=15 sets"),
        ({"search_space": {"hidden_layer_sizes": [(-1,)]}}, r"trial 1 \(hidden_layer_sizes=\(-1,\)\): "),
        ({"search_space": {"learning_rate_init": [-1.0]}}, r"trial 1 .*learning_rate_init must be a number above 0"),
        ({"search_space": {"lr_factors__biases": [1.0]}}, r"trial 1 .*lr_factors must be a dict with keys among"),
        ({"trials_file": "x", "random_state": None}, "trials_file needs an int as random_state"),
    ],
)
def test_arguments_outside_their_range(arguments, message):
    with pytest.raises(ParameterError, match=message):
        tuned(**arguments)


def test_a_loss_whose_link_has_no_inverse_needs_a_metric():
    loss = nn.FunctionLoss(lambda output, target: (((output - target) ** 2).sum(axis=1), 2 * (output - target)), link="softplus")
    with pytest.raises(ParameterError, match="or a metric as scoring"):
        tuned(loss=loss)


def test_what_is_given_stays_in_all_trials():
    model = tuned(search_space="paper", hidden_layer_sizes=(5,), solver="adam", weight_decay=0.0)
    assert {network.layers[-2].n_outputs for network in model.networks_} == {5}
    assert not {"hidden_layer_sizes", "solver", "weight_decay", "label_smoothing"} & set(model.trials_[1]["params"])


def test_as_many_trials_as_there_is_time_for():
    model = tuned(tune="time", time_limit=0.3, n_cv=1, max_iter=3)
    assert len(model.trials_) >= 4
    assert np.isfinite(model.score(X, Y))


def test_no_time_at_all():
    model = tuned(time_limit=1e-6)
    assert model.trials_[0]["weight"] == 1


def test_progress(capsys):
    tuned(tune=3, progress=True)
    told = capsys.readouterr().err
    assert "tune: 3 of 3 trials: trials 0 to 2 begin\n" in told
    assert "tune: 3 of 3 trials: round 1/4, 2 go on; best val_loss" in told


# ---- resumed searches -------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("epoch", [1, 14, 40])
def test_a_search_that_was_broken_off_goes_on_to_the_same_bits(cls, y, epoch, tmp_path):
    path = tmp_path / "trials.nncore"
    whole = tuned(cls, y)
    Break.left = epoch
    model = cls(**QUICK, tune=5, search_space=SPACE, trials_file=path, callbacks=[Break()])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert np.isfinite(model.predict_proba(X) if cls is RealMLPClassifier else model.predict(X)).all()
    Break.left = 0
    for _ in range(2):  # the second time nothing is left to do
        again = tuned(cls, y, trials_file=path)
        assert bits(again) == bits(whole)
        assert [trial["n_epochs"] for trial in again.trials_] == [trial["n_epochs"] for trial in whole.trials_]
        np.testing.assert_array_equal(again.cv_results_["mean_test_score"], whole.cv_results_["mean_test_score"])


@pytest.fixture
def path(tmp_path):
    tuned(tune=2, max_iter=2, trials_file=tmp_path / "trials.nncore")
    return tmp_path / "trials.nncore"


@pytest.mark.parametrize("change", [{"tune": 3}, {"random_state": 1}, {"dropout": 0.1}, {"n_cv": 3}, {"scoring": "r2"}])
def test_a_file_of_another_search_is_refused(path, change):
    before = path.read_bytes()
    with pytest.raises(ParameterError, match="belongs to a search with other data or arguments"):
        tuned(**{"tune": 2, "max_iter": 2, "trials_file": path, **change})
    assert path.read_bytes() == before


def test_a_file_of_another_space_is_refused(path):
    with pytest.raises(FileFormatError, match="trial 1 has other parameters"):
        tuned(tune=2, max_iter=2, trials_file=path, search_space={"dropout": [0.1]})


def test_a_file_of_other_networks_is_refused(tmp_path):
    path = tmp_path / "net.nncore"
    nn.save_many([nn.Sequential(nn.Dense(1)).build(2)], path)
    with pytest.raises(FileFormatError, match="holds no trials"):
        tuned(trials_file=path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda told: told.update(version=0),
        lambda told: told.update(n_rounds=9),
        lambda told: told.update(n_rounds="3"),
        lambda told: told["trials"].pop(),
        lambda told: told["trials"].append(told["trials"][0]),
        lambda told: told.pop("trials"),
        lambda told: told.update(trials=[1, 2]),
        lambda told: told["trials"][0].update(status="good"),
        lambda told: told["trials"][0].update(status="failed"),
        lambda told: told["trials"][0].update(has_networks=False),
        lambda told: told["trials"][0].update(has_networks=1),
        lambda told: told["trials"][0].update(scores=[1.0]),
        lambda told: told["trials"][0].update(scores=["1", 2.0]),
        lambda told: told["trials"][0].update(best_epochs=[99, 1]),
        lambda told: told["trials"][0].update(histories=[[], {}]),
        lambda told: told["trials"][0]["histories"].__setitem__(0, {"loss": [1.0], "val_loss": []}),
    ],
)
def test_damaged_files_are_refused(path, damage):
    networks = nn.load_many(path)
    told = networks[0].metadata[KEY]
    damage(told)
    networks[0].metadata = {KEY: told}
    nn.save_many(networks, path)
    with pytest.raises(FileFormatError, match="damaged"):
        tuned(tune=2, max_iter=2, trials_file=path)
