"""The optimizer of each solver, and its learning-rate rule."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning

import nncore as nn
from nncore.errors import NNCoreError, ParameterError
from nncore.estimators import MLPClassifier, MLPRegressor
from nncore.estimators.given import Given
from nncore.estimators.solver import HeldRate, StochasticSolver, make_optimizer


@pytest.mark.parametrize(
    ("arguments", "kind", "config"),
    [
        ({"solver": "sgd"}, nn.Nesterov, {"lr": 0.001, "momentum": 0.9}),
        ({"solver": "sgd", "nesterovs_momentum": False, "momentum": 0.5}, nn.Momentum, {"momentum": 0.5}),
        ({"solver": "sgd", "momentum": 0}, nn.SGD, {"lr": 0.001}),
        ({"solver": "adam", "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6}, nn.Adam, {"beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6}),
        ({"solver": "adamw", "beta_1": 0.8, "learning_rate_init": 0.1}, nn.AdamW, {"lr": 0.1, "beta1": 0.8, "weight_decay": 0.01}),
        ({"solver": "nadam", "beta_1": 0.8, "learning_rate_init": 0.1}, nn.NAdam, {"lr": 0.1, "beta1": 0.8, "momentum_decay": 0.004}),
        ({"solver": "adamax", "beta_2": 0.9}, nn.Adamax, {"lr": 0.001, "beta2": 0.9}),
        ({"solver": "radam", "beta_2": 0.9}, nn.RAdam, {"lr": 0.001, "beta2": 0.9}),
        ({"solver": "lion", "beta_2": 0.9}, nn.Lion, {"lr": 0.001, "beta2": 0.99}),
        ({"solver": "lamb"}, nn.LAMB, {"lr": 0.001, "epsilon": 1e-6}),
        ({"solver": "adadelta", "learning_rate_init": 1.0}, nn.Adadelta, {"lr": 1.0, "rho": 0.9}),
        ({"solver": "momentum", "momentum": 0.7}, nn.Momentum, {"momentum": 0.7}),
        ({"solver": "rmsprop", "learning_rate_init": 0.1, "epsilon": 1e-3}, nn.RMSProp, {"lr": 0.1}),
        ({"solver": {"name": "adam", "lr": 0.5}, "learning_rate_init": 0.1}, nn.Adam, {"lr": 0.5}),
        ({"solver": {"name": "adamw", "weight_decay": 0.1}, "learning_rate_init": 0.1, "beta_1": 0.8}, nn.AdamW, {"lr": 0.1, "beta1": 0.8}),
        ({"solver": {"name": "nesterov"}, "momentum": 0.5}, nn.Nesterov, {"lr": 0.001, "momentum": 0.5}),
        ({"solver": {"name": "sgd"}, "learning_rate_init": 0.1}, nn.SGD, {"lr": 0.1}),
        ({"solver": {"name": "sam", "rho": 0.1}, "learning_rate_init": 0.1}, nn.SAM, {"rho": 0.1}),
        ({"solver": {"name": "sam", "optimizer": nn.SGD(lr=0.5)}, "learning_rate_init": 0.1}, nn.SAM, {}),
        ({"solver": nn.AdaGrad(lr=0.5)}, nn.AdaGrad, {"lr": 0.5}),
    ],
    ids=str,
)
def test_optimizers(arguments, kind, config):
    optimizer = make_optimizer(Given(MLPClassifier(**arguments)))
    assert type(optimizer) is kind
    assert optimizer.config() | config == optimizer.config()
    assert optimizer is not arguments["solver"]


def test_a_wrapper_by_name_hands_its_learning_rate_on():
    for name, kind in (("lookahead", nn.Lookahead), ("sam", nn.SAM)):
        optimizer = make_optimizer(Given(MLPClassifier(solver=name, learning_rate_init=0.5)))
        assert type(optimizer) is kind
        assert optimizer.optimizer.lr == 0.5


@pytest.mark.parametrize("solver", ["muon", "sam", "schedule_free", "schedule_free_sgd", "lamb", "lion", "nadam", "radam", "adamax"])
def test_estimators_train_by_name(solver):
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = MLPClassifier((8,), solver=solver, learning_rate_init=0.02, max_iter=30, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        losses = model.fit(X, X[:, 0] > 0).loss_curve_
    assert losses[-1] < losses[0]


def test_an_optimizer_that_takes_no_one_and_no_zero():
    assert 0.999 < make_optimizer(Given(MLPClassifier(solver="sgd", momentum=1))).momentum < 1
    assert make_optimizer(Given(MLPClassifier(epsilon=1e-300))).epsilon > 0


@pytest.mark.parametrize(("solver", "rule"), [("sgd", "adaptive"), ("adam", "constant"), ("rmsprop", "adaptive")])
def test_adam_ignores_scikit_learns_rules(solver, rule):
    assert StochasticSolver(Given(MLPClassifier(solver=solver, learning_rate="adaptive"))).rule == rule


def test_adaptive():
    network = nn.Sequential(nn.Dense(1)).build(1, loss="mse")
    network.fit(np.zeros((2, 1)), np.zeros(2), optimizer="sgd", epochs=0, schedule=HeldRate(), progress=False)
    solver = StochasticSolver(Given(MLPClassifier(solver="sgd", momentum=0, learning_rate="adaptive", learning_rate_init=1e-4)))
    rates = []
    while solver.lower_rate(network):
        rates.append(solver.learning_rate)
        assert network.schedule.held == pytest.approx(solver.learning_rate / 1e-4)
    assert rates == pytest.approx([2e-5, 4e-6, 8e-7])


def test_schedules_by_the_paths_of_what_they_move():
    X = np.random.default_rng(0).normal(size=(40, 2))
    schedules = {"lr": "cosine", "dropout_1.rate": {"name": "step", "multiplier": 0.5}, "beta1": nn.ConstantRate()}
    model = MLPClassifier((4,), dropout=0.5, learning_rate=schedules, max_iter=4, n_iter_no_change=9, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, X[:, 0] > 0)
    assert model.history_.moved == tuple(schedules)
    assert model.history_["lr"][-1] < model.history_["lr"][0] <= 0.001
    assert model.history_["dropout_1.rate"][0] == 0.5 > model.history_["dropout_1.rate"][-1]
    with pytest.raises(ParameterError, match=r"no number 'dropout_2\.rate' .* did you mean 'dropout_1\.rate'"):
        model.set_params(learning_rate={"dropout_2.rate": "cosine"}).fit(X, X[:, 0] > 0)


def test_groups_and_samplers_reach_the_network():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = (X[:, 0] > 1).astype(int)
    model = MLPClassifier((4,), groups={"dense_1.*": {"frozen": True}}, sampler="balanced", max_iter=3, random_state=0)
    start = MLPClassifier((4,), solver=nn.SGD(lr=0.0), max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    with pytest.warns(ConvergenceWarning):
        start.fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], start.coefs_[0])
    assert np.abs(model.coefs_[1] - start.coefs_[1]).max() > 0
    assert model.network_.groups == {"dense_1.*": {"frozen": True}}
    with pytest.raises(ParameterError, match="no tensor is called 'dense_7"):
        model.set_params(groups={"dense_7.*": {"frozen": True}}).fit(X, y)
    with pytest.raises(ParameterError, match="contradict each other"):
        model.set_params(groups=None, shuffle=False).fit(X, y)
    for arguments in ({"groups": {"*.bias": {"frozen": True}}}, {"sampler": "balanced"}, {"transforms": ["mixup"]}):
        with pytest.raises(ParameterError, match=f"{next(iter(arguments))}=.* would be ignored"):
            MLPClassifier(solver="lbfgs", **arguments).fit(X, y)


def test_a_sampler_is_what_a_network_does_with_it():
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = (X[:, 0] > 1).astype(int)
    plain, balanced = (
        MLPClassifier((4,), sampler=sampler, max_iter=20, learning_rate_init=0.05, random_state=0) for sampler in (None, "balanced")
    )
    for model in (plain, balanced):
        with pytest.warns(ConvergenceWarning):
            model.fit(X, y)
    assert balanced.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean() + 0.1


def fitted(**arguments):
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = MLPClassifier((4,), max_iter=3, random_state=0, **arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, X[:, 0] > 0)


def test_transforms_are_what_a_network_does_with_them():
    given = [nn.GaussianNoise(0.5), "mixup"]
    model, plain = fitted(transforms=given), fitted()
    assert np.abs(model.coefs_[0] - plain.coefs_[0]).max() > 1e-6
    assert given == model.transforms
    for same in ([{"name": "gaussian_noise", "std": 0.5}, nn.Mixup()], [nn.GaussianNoise(0.5), {"name": "mixup"}]):
        np.testing.assert_array_equal(fitted(transforms=same).network_.parameters, model.network_.parameters)
    for none in (None, [], ()):
        np.testing.assert_array_equal(fitted(transforms=none).network_.parameters, plain.network_.parameters)
    for reordered in (given[::-1], given[:1]):
        assert np.abs(fitted(transforms=reordered).coefs_[0] - model.coefs_[0]).max() > 1e-6
    regressors = [MLPRegressor(hidden_layer_sizes=(4,), transforms=transforms, max_iter=3, random_state=0) for transforms in (given, None)]
    for regressor in regressors:
        with pytest.warns(ConvergenceWarning):
            regressor.fit(np.eye(30), np.arange(30.0))
    assert np.abs(regressors[0].coefs_[0] - regressors[1].coefs_[0]).max() > 1e-6


def test_transforms_of_sparse_rows_and_of_epochs_one_by_one():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) * (rng.random((60, 3)) < 0.5)
    models = [MLPClassifier((4,), transforms=["gaussian_noise"], random_state=0) for _ in range(3)]
    models[2].set_params(transforms=None)
    for model, samples in zip(models, (X, csr_matrix(X), X), strict=True):
        for _ in range(3):
            model.partial_fit(samples, X[:, 0] > 0, classes=[False, True])
    np.testing.assert_array_equal(models[1].network_.parameters, models[0].network_.parameters)
    assert np.abs(models[2].coefs_[0] - models[0].coefs_[0]).max() > 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transforms": "mixup"}, "transforms must be a list, also of one thing, or None, got 'mixup'"),
        ({"transforms": {"name": "mixup"}}, "transforms must be a list"),
        ({"transforms": ["mixupp"]}, "did you mean 'mixup'"),
        ({"transforms": [nn.GaussianNoise(columns=[3])]}, "no column 3, each sample has 3 features"),
    ],
    ids=str,
)
def test_transforms_that_a_network_refuses_leave_the_estimator_as_it_was(arguments, message):
    with pytest.raises(NNCoreError, match=message):
        fitted(**arguments)
    model = fitted(warm_start=True)
    before = model.network_.parameters.copy()
    with pytest.raises(NNCoreError, match=message):
        model.set_params(**arguments).fit(np.eye(4, 3), [0, 1, 0, 1])
    np.testing.assert_array_equal(model.network_.parameters, before)


def test_a_loss_that_takes_no_mixtures_refuses_mixup():
    with pytest.raises(ParameterError, match="does not take mixtures"):
        fitted(transforms=["mixup"], loss="hinge")


def test_lbfgs_takes_an_empty_list_of_transforms():
    X = np.random.default_rng(0).normal(size=(60, 3))
    assert MLPClassifier((4,), solver="lbfgs", transforms=[], random_state=0, max_iter=500).fit(X, X[:, 0] > 0).score(X, X[:, 0] > 0) > 0.9


def test_partial_fit_keeps_to_the_first_rate_of_a_schedule():
    solver = StochasticSolver(Given(MLPClassifier(learning_rate="cosine")))
    assert solver.schedule(incremental=True) is None
    assert type(solver.schedule(incremental=False)) is nn.get("schedules", "cosine")
