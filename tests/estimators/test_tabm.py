"""Networks of TabM as estimators: folds, starts, losses, files, and removal of members."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import log_loss

import nncore as nn
from nncore.errors import ParameterError
from nncore.estimators import TabMClassifier, TabMRegressor
from nncore.plugin import Loss


def samples(n=120):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)) * [1, 100, 0.01]
    y = X @ [1.0, 0.02, 100] + 0.3 * rng.normal(size=n)
    return X, y, np.where(y > 0.7, "high", np.where(y > -0.7, "middle", "low"))


X, Y, LABELS = samples()
QUICK = {"n_members": 6, "hidden_layer_sizes": (24, 24), "batch_size": 32, "max_iter": 25, "random_state": 0, "n_threads": 1}
both = pytest.mark.parametrize(("cls", "y"), [(TabMClassifier, LABELS), (TabMRegressor, Y)], ids=["classes", "reals"])


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@both
@pytest.mark.parametrize("arguments", [{}, {"arch": "tabm-mini"}, {"numerical_embedding": True}], ids=str)
def test_it_learns(cls, y, arguments):
    model = cls(**{**QUICK, "max_iter": 60, "scoring": "loss"}, **arguments).fit(X, y)
    assert model.score(X, y) > 0.75
    assert len(model.networks_) == len(model.best_epochs_) == len(model.validation_scores_) == 1


@both
@pytest.mark.parametrize(("arguments", "n_networks", "n_validated"), [({"n_cv": 3, "n_ens": 2}, 6, 6), ({"n_cv": 2, "n_refit": 3}, 3, 2)])
def test_folds_times_starts_or_refits(cls, y, arguments, n_networks, n_validated):
    model = cls(**{**QUICK, "max_iter": 3}, **arguments).fit(X, y)
    assert len(model.networks_) == n_networks
    assert len(model.best_epochs_) == n_validated
    assert len(model.member_orders_) == (0 if "n_refit" in arguments else n_networks)


@both
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(cls, y):
    one = cls(**QUICK, n_cv=2, numerical_embedding=True).fit(X, y)
    assert outputs(cls(**{**QUICK, "n_threads": 3}, n_cv=2, numerical_embedding=True).fit(X, y), X).tobytes() == outputs(one, X).tobytes()
    other = cls(**{**QUICK, "random_state": 1}, n_cv=2, numerical_embedding=True).fit(X, y)
    assert outputs(other, X).tobytes() != outputs(one, X).tobytes()


def shares_batches(model):
    return next(layer for layer in model.networks_[0].layers if isinstance(layer, nn.RepeatMembers)).share_training_batches


@both
def test_members_have_batches_of_their_own_unless_asked(cls, y):
    own, shared = (cls(**QUICK, share_training_batches=shares).fit(X, y) for shares in (None, True))
    assert (shares_batches(own), shares_batches(shared)) == (False, True)
    assert outputs(own, X).tobytes() != outputs(shared, X).tobytes()
    assert outputs(cls(**QUICK, share_training_batches=False).fit(X, y), X).tobytes() == outputs(own, X).tobytes()


class OfBatches(Loss):
    """Squared errors, as a loss that may compare the samples of a batch."""

    needs_batch = True

    def forward(self, output, target, weight):
        return ((output - target) ** 2)[:, 0]

    def backward(self, output, target, weight):
        return 2 * weight[:, None] * (output - target)


def test_batches_that_must_be_shared():
    assert shares_batches(TabMRegressor(**QUICK, loss=OfBatches()).fit(X, Y))
    with pytest.raises(ParameterError, match="share_training_batches=True"):
        TabMRegressor(**QUICK, loss=OfBatches(), share_training_batches=False).fit(X, Y)
    for given, limit, why in ((sparse.csr_array(X), None, "X is sparse"), (X, "1 MB", "read in blocks")):
        TabMRegressor(**{**QUICK, "max_iter": 1}, memory_limit=limit).fit(given, Y)
        with pytest.raises(ParameterError, match=why):
            TabMRegressor(**QUICK, memory_limit=limit, share_training_batches=False).fit(given, Y)


def test_the_first_of_equal_epochs_is_kept_and_the_error_judges():
    model = TabMClassifier(**QUICK).fit(X, LABELS)
    scores = np.array(model.histories_[0]["val_accuracy"])
    assert model.validation_scores_ == [scores.max()]
    assert model.best_epochs_ == [scores.argmax() + 1]


def test_training_ends_after_epochs_without_a_better_score():
    model = TabMRegressor(**{**QUICK, "max_iter": 500, "learning_rate_init": 0.02}).fit(X, Y)
    assert model.n_iter_ == model.best_epochs_[0] + 17


@both
def test_validation_data_of_the_user(cls, y):
    model = cls(**QUICK, scoring="loss").fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    if cls is TabMClassifier:
        proba = model.predict_proba(X[90:])
        proba /= proba.sum(axis=1, keepdims=True)
        assert model.validation_scores_[0] == pytest.approx(log_loss(y[90:], proba, labels=model.classes_), rel=1e-4)
    else:
        scale = model._members[0].target
        error = scale.transform(model.predict(X[90:])) - scale.transform(y[90:])
        assert model.validation_scores_[0] == pytest.approx(np.mean(error**2) / 2, rel=1e-3)


@both
def test_frames_with_categories_and_missing_numbers(cls, y):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "number": np.where(rng.uniform(size=120) < 0.2, np.nan, rng.normal(size=120)),
            "few": rng.choice(["a", "b", "c"], 120),
            "constant": 1,
            "x": X[:, 0],
        }
    )
    model = cls(**QUICK, n_cv=2).fit(table, y)
    assert model.networks_[0].named_parameters()["members_dense_1.input_scale"].shape == (6, 2 + 3 + 1)
    unseen = table.assign(few="new", constant=np.nan)
    with pytest.warns(nn.errors.DataWarning, match="did not occur in training"):
        assert np.isfinite(outputs(model, unseen)).all()


@both
def test_a_table_of_constants_predicts_the_same_for_all(cls, y):
    model = cls(**{**QUICK, "max_iter": 2}).fit(np.ones((120, 2)), y)
    assert len(np.unique(outputs(model, X[:, :2]), axis=0)) == 1


@both
def test_samples_of_weight_0_are_left_out(cls, y):
    weights = np.r_[np.ones(80), np.zeros(40)]
    garbage, same = np.r_[X[:80], np.full((40, 3), 1e6)], np.r_[X[:80], X[:40]]
    one, other = (cls(**QUICK).fit(given, y, weights) for given in (garbage, same))
    np.testing.assert_array_equal(outputs(one, X), outputs(other, X))


def test_class_weights_move_probabilities():
    y = np.where(Y > 0.7, "rare", "often")
    plain, heavy = (TabMClassifier(**QUICK, class_weight=weight, scoring="loss").fit(X, y) for weight in (None, {"rare": 20.0}))
    assert heavy.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.05


@pytest.mark.parametrize("y", [np.column_stack([Y > 0, X[:, 0] > 0]).astype(int), np.column_stack([LABELS, Y > 0]).astype(str)])
def test_several_targets_of_classes(y):
    model = TabMClassifier(**QUICK).fit(X, y)
    assert model.predict(X).shape == y.shape
    assert (model.predict(X) == y).mean() > 0.6


@pytest.mark.parametrize(
    ("loss", "y", "shape"),
    [
        ({"name": "quantile", "quantiles": (0.1, 0.9)}, 100 * Y, (120, 2)),
        ("gaussian_nll", 100 * Y + 7, (120,)),
        ("poisson", np.round(np.exp(Y)), (120,)),
        ("huber", np.column_stack([Y, -Y]), (120, 2)),
    ],
    ids=["quantiles", "distribution", "rates", "several"],
)
def test_losses_of_regression(loss, y, shape):
    model = TabMRegressor(**{**QUICK, "max_iter": 80}, loss=loss).fit(X, y)
    found = model.predict(X)
    assert found.shape == shape
    assert np.corrcoef(found.reshape(120, -1)[:, 0], y.reshape(120, -1)[:, 0])[0, 1] > 0.7


def test_callbacks_and_time():
    seen = []

    class Count(nn.plugin.Callback):
        def on_fit_begin(self, training):
            seen.append(id(training.network))

    TabMRegressor(**QUICK, n_cv=2, callbacks=[Count()]).fit(X, Y)
    assert len(set(seen)) == 2
    limited = TabMRegressor(**{**QUICK, "max_iter": 10**6}, n_iter_no_change=np.inf, time_limit=0.3).fit(X, Y)
    assert "time limit" in limited.histories_[0].stop_reason


@both
def test_pickle_clone_and_file(cls, y, tmp_path):
    model = cls(**QUICK, n_cv=2).fit(X, y)
    for twin in (pickle.loads(pickle.dumps(model)), clone(model).fit(X, y)):
        assert outputs(twin, X).tobytes() == outputs(model, X).tobytes()
    model.save(tmp_path / "model.nncore")
    assert outputs(cls.load(tmp_path / "model.nncore"), X).tobytes() == outputs(model, X).tobytes()


# ---- removal of members -----------------------------------------------------------------------------------------------------


@both
def test_pruned_networks_predict_as_their_members_did(cls, y):
    model = cls(**QUICK, n_cv=2, scoring="loss").fit(X, y)
    kept = [nn.keep_members(network, order[:2].tolist()) for network, order in zip(model.networks_, model.member_orders_, strict=True)]
    small = copy.deepcopy(model).prune(2)
    for network, expected in zip(small.networks_, kept, strict=True):
        assert network.parameters.tobytes() == expected.parameters.tobytes()
    assert [order.tolist() for order in small.member_orders_] == [[0, 1]] * 2
    assert small.networks_ == [network for members in small._members for network in members.networks]
    assert outputs(small, X).tobytes() != outputs(model, X).tobytes()
    one = copy.deepcopy(small).prune(1)
    assert outputs(one, X).tobytes() == outputs(copy.deepcopy(model).prune(1), X).tobytes()
    assert small.score(X, y) > 0.5


@both
def test_the_loss_of_all_members_is_that_of_the_network(cls, y):
    model = cls(**QUICK, scoring="loss").fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    assert sorted(model.member_orders_[0].tolist()) == list(range(6))
    assert model.member_losses_[0][-1] == pytest.approx(model.validation_scores_[0], rel=1e-4)
    assert model.member_losses_[0][0] == pytest.approx(np.min([alone(model, member, y) for member in range(6)]), rel=1e-4)


def alone(model, member, y):
    """Validation loss of one member."""
    [members] = model._members
    rows = members.columns.encode(X[90:], np.dtype(np.float32))
    target = model._encode_target(y[90:] if members.target is None else members.target.transform(y[90:]), model._fitted_loss)
    if members.target is None:
        target = model._encode_target(model._targets.recognised(y[90:]), model._fitted_loss)
    return nn.keep_members(members.networks[0], [member]).evaluate(rows, target)["loss"]


@both
def test_pruning_by_other_data(cls, y, tmp_path):
    model = cls(**QUICK, n_refit=1).fit(X, y)
    with pytest.raises(ParameterError, match="were not ordered by validation"):
        model.prune(3)
    with pytest.raises(ParameterError, match="only one of X_val and y_val is given"):
        model.prune(3, X_val=X)
    with pytest.raises(ParameterError, match="sample_weight_val needs X_val"):
        model.prune(3, sample_weight_val=np.ones(120))
    model.save(tmp_path / "model.nncore")
    loaded = cls.load(tmp_path / "model.nncore")
    for one in (model, loaded):
        assert one.prune(3, X, y, np.r_[np.ones(60), np.zeros(60)]) is one
        assert one.networks_[0].layers[0].n_members == 3
    assert outputs(loaded, X).tobytes() == outputs(model, X).tobytes()


def test_more_members_than_there_are():
    model = TabMRegressor(**{**QUICK, "max_iter": 2}).fit(X, Y)
    with pytest.raises(ParameterError, match="at most 6, as many as the networks have, got 7"):
        model.prune(7)
    with pytest.raises(ParameterError, match="n_members must be a whole number of at least 1"):
        model.prune(0)
