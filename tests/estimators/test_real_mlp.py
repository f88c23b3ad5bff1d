"""Ensembles of the two RealMLPs: folds, starts, refits, and combined predictions."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score

import nncore as nn
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.estimators import RealMLPClassifier, RealMLPRegressor
from nncore.plugin import Loss

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 3)) * [1, 100, 0.01]
Y = X @ [1.0, 0.02, 100] + 0.3 * rng.normal(size=120)
LABELS = np.where(Y > 0.7, "high", np.where(Y > -0.7, "middle", "low"))
QUICK = {"preset": "fast", "max_iter": 15, "random_state": 0, "n_threads": 1}
both = pytest.mark.parametrize(("cls", "y"), [(RealMLPClassifier, LABELS), (RealMLPRegressor, Y)], ids=["classes", "reals"])


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


# ---- members ----------------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("arguments", "n_networks", "n_validated"),
    [({}, 8, 8), ({"n_cv": 3, "n_ens": 2}, 6, 6), ({"n_cv": 1}, 1, 1), ({"n_cv": 2, "n_refit": 3}, 3, 2)],
)
def test_folds_times_starts_or_refits(cls, y, arguments, n_networks, n_validated):
    model = cls(**QUICK, **arguments).fit(X, y)
    assert len(model.networks_) == len(model.histories_) == n_networks
    assert len(model.best_epochs_) == len(model.validation_scores_) == n_validated
    assert model.score(X, y) > 0.5
    assert 1 <= max(model.best_epochs_) <= model.n_iter_ <= 15


@both
def test_more_samples_have_fewer_folds_and_those_of_weight_0_do_not_count(cls, y):
    many, answers, weights = np.tile(X, (42, 1))[:5001], np.tile(y, 42)[:5001], np.r_[np.ones(5000), 0]
    quick = {"preset": "fast", "max_iter": 1, "hidden_layer_sizes": 2, "random_state": 0}
    assert len(cls(**quick).fit(many, answers).networks_) == 5
    assert len(cls(**quick).fit(many, answers, weights).networks_) == 8
    assert len(cls(**quick, n_cv=2).fit(many, answers).networks_) == 2


@both
def test_a_prediction_is_the_mean_of_the_members(cls, y):
    model = cls(**QUICK, n_cv=2, n_ens=2).fit(X, y)
    found = [
        members.target.inverse(out, network.loss) if members.target else out
        for members in model._members
        for network in members.networks
        for out in [network.predict_proba(members.columns.encode(X, network.dtype))]
    ]
    np.testing.assert_allclose(outputs(model, X).reshape(len(X), -1), np.mean(found, axis=0), rtol=1e-6, atol=1e-7)


@both
def test_one_sample_is_answered_as_among_others(cls, y):
    model = cls(**QUICK, n_cv=2).fit(X, y)
    answers = outputs(model, X)
    one = model.predict_proba_one if hasattr(model, "predict_proba_one") else model.predict_one
    for row in (X[5], X[5].tolist()):
        np.testing.assert_allclose(one(row), answers[5], rtol=1e-6)
    with pytest.raises(ValueError, match="infinity"):
        one(np.array([np.inf, 0, 0]))
    filled = np.where(np.arange(3) == 1, model._columns.means, X[5])
    np.testing.assert_allclose(one(np.where(np.arange(3) == 1, np.nan, X[5])), one(filled), rtol=1e-6)


@both
def test_each_member_keeps_its_best_epoch(cls, y):
    model = cls(**QUICK, n_cv=2).fit(X, y)
    for history, epoch, score in zip(model.histories_, model.best_epochs_, model.validation_scores_, strict=True):
        assert score == min(history["val_loss"]) == history["val_loss"][epoch - 1]


def test_a_refit_stops_at_the_mean_of_the_best_epochs():
    model = RealMLPRegressor(**QUICK, n_cv=2, n_refit=1).fit(X, Y)
    assert len(model.histories_[0]) == round(np.mean(model.best_epochs_))
    assert "val_loss" not in model.histories_[0]


def test_a_fold_learns_from_its_own_rows():
    model = RealMLPRegressor(**QUICK, n_cv=2).fit(X, Y)
    first, second = model._members
    assert not np.array_equal(first.columns.numbers.arrays()["0.median"], second.columns.numbers.arrays()["0.median"])
    assert first.target.chain.arrays()["1.mean"] != second.target.chain.arrays()["1.mean"]


@both
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(cls, y):
    one = cls(**QUICK).fit(X, y)
    assert outputs(cls(**{**QUICK, "n_threads": 3}).fit(X, y), X).tobytes() == outputs(one, X).tobytes()
    assert outputs(cls(**{**QUICK, "random_state": 1}).fit(X, y), X).tobytes() != outputs(one, X).tobytes()


@both
def test_rows_are_predicted_the_same_in_blocks(cls, y, monkeypatch):
    model = cls(**QUICK, n_cv=2).fit(X, y)
    whole = outputs(model, X)
    monkeypatch.setattr("nncore.estimators.ensemble.row_blocks", lambda n, size: [slice(0, 50), slice(50, n)])
    np.testing.assert_allclose(outputs(model, X), whole, rtol=1e-6)


# ---- validation samples -------------------------------------------------------------------------------------------------------


@both
def test_validation_data_of_the_user(cls, y):
    model = cls(**QUICK).fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    assert len(model.networks_) == 8
    assert len(model._members) == 1


@both
def test_what_would_be_ignored_is_refused(cls, y):
    with pytest.raises(ParameterError, match="n_cv=4 splits X"):
        cls(**QUICK, n_cv=4).fit(X, y, X_val=X, y_val=y)
    with pytest.raises(ParameterError, match=r"validation_fraction=0.3 would be ignored: n_cv=8"):
        cls(**QUICK, validation_fraction=0.3).fit(X, y)
    with pytest.raises(ParameterError, match="only one of X_val and y_val is given"):
        cls(**QUICK).fit(X, y, X_val=X)
    with pytest.raises(ParameterError, match="'sgd' has no weight decay"):
        cls(**QUICK, solver="sgd", weight_decay=0.1).fit(X, y)


@both
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "slow"}, "preset must be 'td', 'td-s' or 'fast'"),
        ({"n_cv": 0}, "n_cv must be a whole number of at least 1"),
        ({"n_refit": -1}, "n_refit must be a whole number of at least 1 or 0"),
        ({"n_cv": 500}, "n_samples=120 cannot be split into n_cv=500 folds"),
        ({"time_limit": 0}, "time_limit must be a number above 0"),
        ({"scoring": "best"}, "scoring must be 'loss', a metric"),
        ({"smooth_clip": 0}, "smooth_clip must be a number above 0"),
        ({"weight_decay": -1}, "weight_decay must be"),
        ({"lr_factors": {"biases": 1.0}}, "lr_factors must be a dict with keys among 'bias'"),
        ({"numerical_embedding": "pbld"}, "numerical_embedding must be True, False or a dict"),
        ({"numerical_embedding": {"columns": [0]}}, "for all columns of numbers: leave out 'columns'"),
        ({"initializer": "zeros"}, "initializer must be"),
    ],
)
def test_arguments_outside_their_range(cls, y, arguments, message):
    model = cls(**{**QUICK, **arguments})
    with pytest.raises((ParameterError, DataError), match=message):
        model.fit(X, y)
    assert not hasattr(model, "networks_")


def test_the_best_epoch_by_a_metric():
    model = RealMLPClassifier(**QUICK, n_cv=2, scoring="accuracy").fit(X, LABELS)
    assert model.validation_scores_ == [max(history["val_accuracy"]) for history in model.histories_]


@both
@pytest.mark.parametrize("n_ens", [1, 3])
@pytest.mark.parametrize("scoring", [None, "metric", "scorer", "function"])
def test_starts_are_kept_at_the_best_epoch_of_their_average(cls, y, n_ens, scoring):
    is_classifier = cls is RealMLPClassifier
    asked = []

    def neg_error(estimator, X, y):
        asked.append(len(X))
        return -np.mean(estimator.predict(X) != y) if is_classifier else -np.abs(estimator.predict(X) - y).mean()

    scorings = {"metric": "accuracy" if is_classifier else "r2", "scorer": "neg_log_loss" if is_classifier else "r2", "function": neg_error}
    given = {**QUICK, "n_cv": 1, "n_ens": n_ens, "scoring": scorings.get(scoring)}
    given |= {} if is_classifier else {"clip_target": False}
    model = cls(**given).fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    assert len(model.networks_) == n_ens
    assert len(set(model.best_epochs_)) == len(set(model.validation_scores_)) == 1
    assert set(asked) == ({30} if scoring == "function" else set())
    answers = outputs(model, X[90:])
    if scoring == "function":
        expected = neg_error(model, X[90:], y[90:])
    elif scoring is None:
        scale = None if is_classifier else Y[:90].std()
        expected = log_loss(y[90:], answers, labels=model.classes_) if is_classifier else 0.5 * np.mean((answers - y[90:]) ** 2) / scale**2
    elif is_classifier and scoring == "scorer":
        expected = -log_loss(y[90:], answers, labels=model.classes_)
    else:
        expected = model.score(X[90:], y[90:])
    assert model.validation_scores_[0] == pytest.approx(float(np.ravel(expected)[0]), rel=1e-4)


def test_the_best_epoch_of_the_average_depends_on_no_thread():
    given = {**QUICK, "n_cv": 2, "n_ens": 3}
    one, two = (RealMLPClassifier(**{**given, "n_threads": n_threads}).fit(X, LABELS) for n_threads in (1, 3))
    assert one.best_epochs_ == two.best_epochs_
    assert outputs(one, X).tobytes() == outputs(two, X).tobytes()


def test_a_scorer_asks_for_its_samples_alone():
    def curious(estimator, validation, y):
        return estimator.score(X, Y)

    with pytest.raises(ParameterError, match="can only predict for the X it is given"):
        RealMLPRegressor(**QUICK, scoring=curious).fit(X, Y)
    with pytest.raises(DataError, match="cannot score the 5 validation samples"):
        RealMLPRegressor(**QUICK, n_cv=1, scoring="d2_absolute_error_score").fit(X, Y, X_val=X[:5], y_val=np.ones(5))


# ---- temperature ------------------------------------------------------------------------------------------------------------


def test_a_temperature_makes_probabilities_of_held_out_samples_right():
    noisy = np.where(np.random.default_rng(1).uniform(size=120) < 0.3, "low", LABELS)
    given = {**QUICK, "max_iter": 60, "n_cv": 1, "scoring": "accuracy", "label_smoothing": 0.3}
    fits = [(X[:60], noisy[:60]), {"X_val": X[60:], "y_val": noisy[60:]}]
    plain = RealMLPClassifier(**given).fit(*fits[0], **fits[1])
    scaled = RealMLPClassifier(**given, temperature_scaling=True).fit(*fits[0], **fits[1])
    assert plain.temperature_ == 1
    assert scaled.temperature_ != 1
    before, after = (log_loss(noisy[60:], model.predict_proba(X[60:]), labels=model.classes_) for model in (plain, scaled))
    assert after < before
    assert (scaled.predict(X) == plain.predict(X)).all()
    logits = np.log(plain.predict_proba(X)) / scaled.temperature_
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scaled.predict_proba(X), expected, rtol=1e-6)
    np.testing.assert_allclose(scaled.predict_proba(X).sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("y", [Y > 0, np.column_stack([Y > 0, X[:, 0] > 0]), np.column_stack([LABELS, Y > 0]).astype(str)])
def test_every_kind_of_classes_has_a_temperature(y):
    y = y.astype(int) if y.dtype == bool else y
    plain, scaled = (RealMLPClassifier(**QUICK, n_cv=2, temperature_scaling=scales).fit(X, y) for scales in (None, True))
    assert scaled.temperature_ > 0
    assert (scaled.predict(X) == plain.predict(X)).all()


def test_what_has_no_temperature():
    td_s = {"max_iter": 2, "hidden_layer_sizes": (4,), "random_state": 0, "label_smoothing": 0.0}
    assert RealMLPClassifier("td-s", **td_s, loss="hinge").fit(X, LABELS).temperature_ == 1
    assert RealMLPClassifier("td-s", **td_s).fit(X, LABELS).temperature_ != 1
    with pytest.raises(ParameterError, match="no logits to divide by a temperature"):
        RealMLPClassifier(**QUICK, n_cv=2, loss="hinge", temperature_scaling=True).fit(X, LABELS)


@both
def test_a_time_limit_is_shared(cls, y):
    model = cls("fast", max_iter=10**6, n_iter_no_change=np.inf, time_limit=0.3, random_state=0, n_refit=1).fit(X, y)
    assert len(model.networks_) == 1
    assert "time limit" in model.histories_[0].stop_reason


@both
def test_callbacks_see_every_network(cls, y):
    seen = []

    class Count(nn.plugin.Callback):
        def on_fit_begin(self, training):
            seen.append(id(training.network))

    cls(**QUICK, callbacks=[Count()]).fit(X, y)
    assert len(set(seen)) == 8


class Listener:
    """A callback of scikit-learn that records the tasks, keeps copies, and may end the fit."""

    def __init__(self, last=None):
        self.last, self.began, self.ended, self.scores = last, [], [], {}

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context):
        self.ended.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.began.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, fitted_estimator=None):
        self.ended.append((context.task_name, context.task_id))
        if fitted_estimator is not None:
            self.scores.setdefault(context.task_name, []).append(fitted_estimator.score(X, y))
        return context.task_name == "epoch" and context.task_id == self.last


needs_callbacks = pytest.mark.skipif(not hasattr(RealMLPClassifier, "set_callbacks"), reason="scikit-learn before 1.9 has no callbacks")


@needs_callbacks
@both
def test_callbacks_of_scikit_learn_hear_of_networks_and_their_epochs(cls, y):
    listener = Listener()
    model = cls(**{**QUICK, "max_iter": 4}, n_cv=2, n_refit=1).set_callbacks(listener).fit(X, y)
    networks = [("network", number) for number in range(3)]
    assert [task for task in listener.began if task[0] == "network"] == networks
    assert sorted(task for task in listener.ended if task[0] == "network") == networks
    n_epochs = 2 * 4 + len(model.histories_[0])
    assert sum(task[0] == "epoch" for task in listener.began) == sum(task[0] == "epoch" for task in listener.ended) == n_epochs
    assert listener.ended[-2:] == [("fit", 0), "teardown"]
    assert len(listener.scores["epoch"]) == n_epochs
    assert listener.scores["fit"] == [model.score(X, y)]
    plain = cls(**{**QUICK, "max_iter": 4}, n_cv=2, n_refit=1).fit(X, y)
    assert outputs(plain, X).tobytes() == outputs(model, X).tobytes()


@needs_callbacks
@both
def test_a_callback_of_scikit_learn_ends_the_fit(cls, y):
    listener = Listener(last=1)
    model = cls(**QUICK, n_cv=2).set_callbacks(listener).fit(X, y)
    assert all(len(history) <= 3 for history in model.histories_)
    assert model.score(X, y) > 0
    assert not hasattr(cls().set_callbacks(listener), "networks_")


# ---- data -------------------------------------------------------------------------------------------------------------------


def frame(n=120):
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "number": np.where(rng.uniform(size=n) < 0.2, np.nan, rng.normal(size=n)),
            "few": rng.choice(["a", "b", "c"], n),
            "many": pd.Categorical(rng.choice([f"level {i}" for i in range(20)], n)),
            "constant": 1,
        }
    )


@both
def test_frames_with_categories_and_missing_numbers(cls, y):
    table = frame()
    model = cls(**QUICK, n_cv=2, embedding_size=5).fit(table, y)
    assert model.feature_names_in_.tolist() == list(table)
    assert {type(layer).__name__ for layer in model.networks_[0].layers} >= {"FillMissing", "Embedding"}
    assert [view.shape for name, view in model.networks_[0].named_parameters().items() if name.startswith("embedding_1.")] == [(21, 5)]
    unseen = table.assign(few="new", constant=np.nan)
    with pytest.warns(nn.errors.DataWarning, match="did not occur in training"):
        assert np.isfinite(outputs(model, unseen)).all()


@both
def test_samples_of_weight_0_are_left_out(cls, y):
    weights = np.r_[np.ones(80), np.zeros(40)]
    garbage, same = np.r_[X[:80], np.full((40, 3), 1e6)], np.r_[X[:80], X[:40]]
    one, other = (cls(**QUICK).fit(given, y, weights) for given in (garbage, same))
    np.testing.assert_array_equal(outputs(one, X), outputs(other, X))


def test_class_weights_move_probabilities():
    y = np.where(Y > 0.7, "rare", "often")
    plain, heavy = (RealMLPClassifier(**QUICK, class_weight=weight).fit(X, y) for weight in (None, {"rare": 20.0}))
    assert heavy.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.05


@pytest.mark.parametrize("y", [np.column_stack([Y > 0, X[:, 0] > 0]).astype(int), np.column_stack([LABELS, Y > 0]).astype(str)])
def test_several_targets_of_classes(y):
    model = RealMLPClassifier(**QUICK).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert (model.predict(X) == y).mean() > 0.6


@both
def test_pickle_copy_and_clone(cls, y):
    model = cls(**QUICK, n_cv=2).fit(X, y)
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), clone(model).fit(X, y)):
        assert outputs(twin, X).tobytes() == outputs(model, X).tobytes()
    assert not hasattr(clone(model), "networks_")


def test_it_works_in_cross_validation():
    assert cross_val_score(RealMLPRegressor(**QUICK), X, Y, cv=3).mean() > 0.6


# ---- losses of regression -----------------------------------------------------------------------------------------------------


def test_targets_of_any_size_give_the_same_answers():
    small, large = (RealMLPRegressor(**QUICK).fit(X, y).score(X, y) for y in (Y, 1e6 * Y + 1e7))
    assert small == pytest.approx(large, abs=1e-3)
    assert small > 0.7


def test_the_length_of_a_loss_counts_deviations_of_targets():
    small, large = (RealMLPRegressor(**QUICK, n_cv=2, loss="huber").fit(X, unit * Y).score(X, unit * Y) for unit in (1.0, 1e4))
    assert small == pytest.approx(large, abs=1e-4)


def test_predictions_stay_in_the_range_of_the_training():
    far = X * 50
    model = RealMLPRegressor(**QUICK).fit(X, Y)
    assert Y.min() - 1e-9 <= model.predict(far).min() <= model.predict(far).max() <= Y.max() + 1e-9


def test_quantiles():
    model = RealMLPRegressor(**{**QUICK, "max_iter": 60}, loss={"name": "quantile", "quantiles": (0.1, 0.9)}).fit(X, 100 * Y)
    low, high = model.predict(X).T
    assert 0.6 < np.mean((low <= 100 * Y) & (high >= 100 * Y)) < 0.98
    assert RealMLPRegressor(**QUICK, loss={"name": "quantile", "quantiles": (0.1, 0.9)}).fit(X, np.column_stack([Y, Y])).predict(
        X
    ).shape == (120, 2, 2)


def test_a_normal_distribution_has_the_deviation_of_the_mixture():
    model = RealMLPRegressor(**{**QUICK, "max_iter": 60}, loss="gaussian_nll").fit(X, 100 * Y + 7)
    mean, std = model.predict(X, return_std=True)
    assert np.corrcoef(mean, Y)[0, 1] > 0.8
    assert 10 < np.median(std) < 150
    assert np.isfinite(model.score(X, 100 * Y + 7))


class Laplace(Loss):
    """log 2b + |x − μ|/b: outputs are the means, then log b, of which √2 b is the deviation."""

    output_domain = "logits"

    def n_targets(self, n_outputs):
        if n_outputs % 2:
            raise ShapeError("a mean and a width for each target")
        return n_outputs // 2

    def decide(self, output):
        return output[:, : output.shape[1] // 2]

    def deviation(self, output):
        return np.sqrt(2) * np.exp(output[:, output.shape[1] // 2 :])

    def of_moments(self, mean, deviation):
        return np.hstack([mean, np.log(deviation / np.sqrt(2))])

    def forward(self, output, target):
        mean, log_width = np.hsplit(output, 2)
        return (np.log(2) + log_width + np.abs(target - mean) * np.exp(-log_width)).mean(axis=1)

    def backward(self, output, target):
        mean, log_width = np.hsplit(output, 2)
        d_mean, d_width = -np.sign(target - mean) * np.exp(-log_width), 1 - np.abs(target - mean) * np.exp(-log_width)
        return (np.hstack([d_mean, d_width]) / target.shape[1]).astype(output.dtype)


def test_deviations_of_a_loss_of_ones_own():
    """A user's loss predicts deviations as `gaussian_nll` does: with scaled targets, mixtures of networks, and a single one."""
    mean, std = RealMLPRegressor(**{**QUICK, "max_iter": 60}, loss=Laplace(), n_cv=2).fit(X, 100 * Y + 7).predict(X, return_std=True)
    assert np.corrcoef(mean, Y)[0, 1] > 0.8
    assert 10 < np.median(std) < 150
    with pytest.raises(ParameterError, match="learns deviations"):
        RealMLPRegressor(**QUICK).fit(X, Y).predict(X, return_std=True)


def test_deviations_follow_the_unit_of_the_targets():
    """Deviations scale with the unit of the targets: the loss's smallest variance, 1e-6, is in units of the networks."""
    arguments = {**QUICK, "loss": "gaussian_nll", "n_cv": 2}
    large, small = (RealMLPRegressor(**arguments).fit(X, unit * Y) for unit in (1.0, 1e-6))
    np.testing.assert_allclose(small.predict(X, return_std=True)[1], 1e-6 * large.predict(X, return_std=True)[1], rtol=1e-3)
    assert small.score(X, 1e-6 * Y) == pytest.approx(large.score(X, Y) - np.log(1e-6), rel=1e-3)


def test_rates_with_an_exposure():
    rng = np.random.default_rng(1)
    exposure = rng.uniform(0.5, 40, 120)
    counts = rng.poisson(exposure * np.exp(0.5 * X[:, 0]))
    model = RealMLPRegressor(**{**QUICK, "max_iter": 100}, loss="poisson").fit(X, counts, exposure=exposure)
    assert np.corrcoef(np.log(model.predict(X)), X[:, 0])[0, 1] > 0.8
    np.testing.assert_allclose(model.predict(X, exposure=exposure), model.predict(X) * exposure)
    assert model.predict(X, exposure=exposure).sum() == pytest.approx(counts.sum(), rel=0.2)


def test_amounts_with_an_exposure():
    rng = np.random.default_rng(1)
    exposure = rng.uniform(0.5, 40, 120)
    amounts = np.array([rng.gamma(2, 1, n).sum() for n in rng.poisson(exposure * np.exp(0.5 * X[:, 0]))])
    model = RealMLPRegressor(**{**QUICK, "max_iter": 100}, loss={"name": "tweedie", "power": 1.4}).fit(X, amounts, exposure=exposure)
    np.testing.assert_allclose(model.predict(X, exposure=exposure), model.predict(X) * exposure)
    assert model.predict(X, exposure=exposure).sum() == pytest.approx(amounts.sum(), rel=0.3)


def test_exposures_are_checked():
    with pytest.raises(ParameterError, match="exposure needs loss='poisson'"):
        RealMLPRegressor(**QUICK).fit(X, Y, exposure=np.ones(120))
    with pytest.raises(DataError, match="finite numbers above 0"):
        RealMLPRegressor(**QUICK, loss="poisson").fit(X, np.abs(Y), exposure=np.zeros(120))
    with pytest.raises(DataError, match="one number for each of the 120 samples"):
        RealMLPRegressor(**QUICK, loss="poisson").fit(X, np.abs(Y), exposure=np.ones(3))
    model = RealMLPRegressor(**QUICK).fit(X, Y)
    with pytest.raises(ParameterError, match="this estimator was trained with"):
        model.predict(X, exposure=np.ones(120))
