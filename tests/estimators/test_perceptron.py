"""The perceptron algorithm against two transcriptions in plain Python, results by hand, and Novikoff's bound."""

from __future__ import annotations

import _thread
import copy
import sys
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra.numpy import arrays

import nncore.estimators.perceptron as module
from nncore._core.perceptron import PerceptronTrainer
from nncore.errors import ConvergenceWarning, ParameterError
from nncore.estimators import LogisticNeuron, Perceptron

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float), np.array([0, 1, 1, 0])
AND = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float), np.array([0, 0, 0, 1])
overlapping = pytest.mark.filterwarnings("ignore::nncore.errors.ConvergenceWarning")


@dataclass
class Trace:
    """What one run of an oracle did: its mistakes, and w and b after each."""

    mistakes: list[tuple[int, int]] = field(default_factory=list)
    weights: list[tuple[list[float], float]] = field(default_factory=list)
    epoch_ends: list[tuple[list[float], float]] = field(default_factory=list)
    pocket: tuple[list[float], float] | None = None
    pocket_errors: int = sys.maxsize
    n_epochs: int = 0


def score(w, b, x):
    return sum(a * c for a, c in zip(w, x, strict=True)) + b


def n_errors(X, y, weights):
    return sum(label * score(*weights, x) <= 0 for x, label in zip(X, y, strict=True))


def plain_form(X, y, orders, w, b=0.0) -> Trace:
    """The notes' steps 2(a) and 2(b), a score of 0 being wrong for both classes, and a pocket with Gallant's ratchet."""
    trace, run, pocket_run = Trace(), 0, 0
    for order in orders:
        trace.n_epochs += 1
        made_mistake = False
        for i in order:
            f = score(w, b, X[i])
            if (f > 0 and y[i] == 1) or (f < 0 and y[i] == -1):
                run += 1
                continue
            made_mistake = True
            if run > pocket_run and n_errors(X, y, (w, b)) < trace.pocket_errors:
                trace.pocket, trace.pocket_errors, pocket_run = (w, b), n_errors(X, y, (w, b)), run
            run = 0
            if y[i] == -1:
                w, b = [a - c for a, c in zip(w, X[i], strict=True)], b - 1
            else:
                w, b = [a + c for a, c in zip(w, X[i], strict=True)], b + 1
            trace.mistakes.append((trace.n_epochs, i))
            trace.weights.append((w, b))
        trace.epoch_ends.append((w, b))
        if n_errors(X, y, (w, b)) < trace.pocket_errors:
            trace.pocket, trace.pocket_errors = (w, b), n_errors(X, y, (w, b))
        if not made_mistake:
            break
    return trace


def augmented_form(X, y, orders) -> Trace:
    """The notes' second form: x' = y [x, 1], and w += x' until w·x' > 0 for all samples."""
    augmented = [[label * c for c in (*x, 1.0)] for x, label in zip(X, y, strict=True)]
    trace, w = Trace(), [0.0] * (len(X[0]) + 1)
    for order in orders:
        trace.n_epochs += 1
        n_before = len(trace.mistakes)
        for i in order:
            if sum(a * c for a, c in zip(w, augmented[i], strict=True)) <= 0:
                w = [a + c for a, c in zip(w, augmented[i], strict=True)]
                trace.mistakes.append((trace.n_epochs, i))
                trace.weights.append((w[:-1], w[-1]))
        if len(trace.mistakes) == n_before:
            break
    return trace


def orders_of(seed, n_samples, n_epochs):
    rng = np.random.default_rng(seed)
    return (rng.permutation(n_samples).tolist() for _ in range(n_epochs))


@st.composite
def integer_problems(draw):
    """Problems of small integers: sums are exact, so a margin of 0 is 0 in any order of summation. Often not separable."""
    n_samples, n_features = draw(st.integers(2, 12)), draw(st.integers(1, 19))
    X = draw(arrays(np.float64, (n_samples, n_features), elements=st.integers(-3, 3).map(float)))
    y = draw(arrays(np.int64, n_samples, elements=st.sampled_from([-1, 1])))
    assume(len(set(y.tolist())) == 2)
    return X, y


# --- the sequence of mistakes -----------------------------------------------------------------------------------------


def test_by_hand():
    # Samples in order, from w = 0, b = 0. Epoch 1: x0 scores 0, a mistake: w = (2, 1), b = 1. x1 scores 2 + 1 = 3 but is
    # negative: w = (1, 1), b = 0. x2 scores -1, right. Epoch 2: x0 scores 3, right. x1 scores 1, wrong: w = (0, 1), b = -1.
    # x2 scores -1, right. Epoch 3: x0 scores 0, a mistake: w = (2, 2), b = 0. x1 scores 2, wrong: w = (1, 2), b = -1.
    # x2 scores -2, right. Epoch 4: 3, 0 (a mistake: w = (0, 2), b = -2), -2. Epoch 5: 0 (w = (2, 3), b = -1),
    # 1 (w = (1, 3), b = -2), -3. Epoch 6: 3, -1, -3: no mistake.
    X, y = [[2, 1], [1, 0], [-1, 0]], [1, -1, -1]
    model = Perceptron(shuffle=False, init="zeros", record_updates=True).fit(X, y)
    assert model.updates_["epoch"].tolist() == [1, 1, 2, 3, 3, 4, 5, 5]
    assert model.updates_["sample"].tolist() == [0, 1, 1, 0, 1, 1, 0, 1]
    assert model.updates_["margin"].tolist() == [0, -3, -1, 0, -2, 0, 0, -1]
    assert model.coef_.tolist() == [[1, 3]]
    assert model.intercept_.tolist() == [-2]
    assert (model.n_iter_, model.n_updates_, model.n_errors_, model.converged_) == (6, 8, 0, True)


def test_first_visit_from_zero_is_a_mistake():
    model = Perceptron(max_epochs=5, init="zeros", record_updates=True, random_state=0).fit([[1.0], [-1.0]], [1, 0])
    assert model.updates_["margin"][0] == 0


@overlapping
@settings(deadline=None)
@given(integer_problems(), st.integers(0, 2**32), st.integers(1, 15))
def test_same_sequence_as_both_forms(problem, seed, max_epochs):
    X, y = problem
    model = Perceptron(max_epochs, init="zeros", record_updates=True, random_state=seed).fit(X, y)
    rows, labels = X.tolist(), y.tolist()
    plain = plain_form(rows, labels, orders_of(seed, len(X), max_epochs), [0.0] * X.shape[1])
    augmented = augmented_form(rows, labels, orders_of(seed, len(X), max_epochs))
    assert plain.mistakes == augmented.mistakes
    assert plain.weights == augmented.weights

    assert list(zip(model.updates_["epoch"], model.updates_["sample"], strict=True)) == plain.mistakes
    assert (model.n_updates_, model.n_iter_) == (len(plain.mistakes), plain.n_epochs)
    assert model.n_errors_ == plain.pocket_errors
    assert (model.coef_[0].tolist(), model.intercept_[0]) == plain.pocket


def test_random_start_is_drawn_first_and_is_small():
    X, y = AND
    model = Perceptron(record_updates=True, random_state=3).fit(X, y)
    rng = np.random.default_rng(3)
    first = rng.uniform(-1 / np.sqrt(2), 1 / np.sqrt(2), 3)
    orders = (rng.permutation(4).tolist() for _ in range(1000))
    trace = plain_form(X.tolist(), np.where(y == 1, 1, -1).tolist(), orders, first[:2].tolist(), float(first[2]))
    assert list(zip(model.updates_["epoch"], model.updates_["sample"], strict=True)) == trace.mistakes
    np.testing.assert_allclose([*model.coef_[0], *model.intercept_], [*trace.weights[-1][0], trace.weights[-1][1]], rtol=1e-14)


@overlapping
def test_every_epoch_visits_in_a_fresh_order(monkeypatch):
    orders = []

    class Recording(PerceptronTrainer):
        def epoch(self, order, mistakes, margins):
            orders.append(tuple(order))
            return super().epoch(order, mistakes, margins)

    monkeypatch.setattr(module, "PerceptronTrainer", Recording)
    Perceptron(10, random_state=0).fit(np.repeat(XOR[0], 5, axis=0), np.repeat(XOR[1], 5))
    assert len(set(orders)) == 10
    assert all(sorted(order) == list(range(20)) for order in orders)


@overlapping
def test_determined_by_random_state():
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    for state in (0, np.random.default_rng(5), np.random.RandomState(5)):
        # A generator moves on while it is used: each fit gets its own copy.
        twins = [Perceptron(20, record_updates=True, random_state=copy.deepcopy(state)).fit(X, y) for _ in range(2)]
        assert twins[0].updates_.tobytes() == twins[1].updates_.tobytes()
        assert twins[0].coef_.tobytes() == twins[1].coef_.tobytes()
    other = Perceptron(20, record_updates=True, random_state=1).fit(X, y)
    assert other.updates_.tobytes() != Perceptron(20, record_updates=True, random_state=0).fit(X, y).updates_.tobytes()


def test_without_intercept():
    X, y = [[1.0], [2.0], [-1.0]], [1, 1, 0]
    model = Perceptron(fit_intercept=False, random_state=0).fit(X, y)
    assert model.intercept_.tolist() == [0]
    assert model.converged_
    with pytest.warns(ConvergenceWarning):  # 1 and 2 cannot be separated by the sign of w x
        Perceptron(50, fit_intercept=False).fit([[1.0], [2.0]], [0, 1])


# --- Novikoff's bound -------------------------------------------------------------------------------------------------


@st.composite
def separable_problems(draw):
    """Samples, labels, and a unit vector (its last entry the bias) that separates them by a margin of at least gamma."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_features, gamma, scale = draw(st.integers(1, 20)), draw(st.floats(0.02, 0.5)), draw(st.sampled_from([0.1, 1.0, 30.0]))
    unit = rng.normal(size=n_features + 1)
    unit /= np.linalg.norm(unit)
    X = rng.normal(size=(draw(st.integers(10, 80)), n_features)) * scale
    distance = X @ unit[:-1] + unit[-1]
    far = np.abs(distance) >= gamma
    X, y = X[far], np.sign(distance[far])
    assume(len(set(y.tolist())) == 2)
    return X, y, unit


@pytest.mark.parametrize("init", ["zeros", "random"])
@settings(deadline=None)
@given(problem=separable_problems(), seed=st.integers(0, 2**32))
def test_novikoff_bound(init, problem, seed):
    X, y, unit = problem
    augmented = np.column_stack([X, np.ones(len(X))])
    radius = np.linalg.norm(augmented, axis=1).max()
    gamma = (y * (augmented @ unit)).min()
    first_norm = 0 if init == "zeros" else np.sqrt((X.shape[1] + 1) / X.shape[1])
    bound = (radius / gamma) ** 2 + 2 * first_norm / gamma
    # An epoch that is not the last one makes a mistake.
    model = Perceptron(max_epochs=int(bound) + 2, init=init, random_state=seed).fit(X, y)
    assert model.converged_
    assert model.n_updates_ <= bound
    assert model.score(X, y) == 1


def test_novikoff_bound_is_attained():
    # R = γ = 1: one update, which is the bound.
    model = Perceptron(fit_intercept=False, init="zeros").fit([[1.0], [-1.0]], [1, 0])
    assert model.n_updates_ == 1


# --- the pocket -------------------------------------------------------------------------------------------------------


def test_xor_warns_and_keeps_the_best():
    model = Perceptron(max_epochs=100, random_state=0)
    with pytest.warns(ConvergenceWarning, match="did not separate the classes in 100 epochs.* 1 of 4 training samples wrong"):
        model.fit(*XOR)
    assert not model.converged_
    assert model.n_iter_ == 100
    assert model.n_errors_ == 1
    assert model.score(*XOR) == 0.75


def test_pocket_survives_an_epoch_that_ends_badly():
    # x0 makes w = 1, b = 1; the next three are right; the outlier then makes w = -99, b = 0, which turns every answer round.
    X, y = [[1.0], [-2.0], [2.0], [-3.0], [100.0]], [1, 0, 1, 0, 0]
    with pytest.warns(ConvergenceWarning, match="1 of 5"):
        model = Perceptron(max_epochs=1, shuffle=False, init="zeros").fit(X, y)
    assert (model.coef_[0, 0], model.intercept_[0]) == (1, 1)
    assert model.predict(X).tolist() == [1, 0, 1, 0, 1]


@overlapping
@settings(deadline=None)
@given(integer_problems(), st.integers(0, 2**32))
def test_pocket_is_as_good_as_any_epoch_end(problem, seed):
    X, y = problem
    model = Perceptron(12, init="zeros", record_updates=True, random_state=seed).fit(X, y)
    w, b, worst_allowed = np.zeros(X.shape[1]), 0.0, len(X)
    for epoch in range(1, model.n_iter_ + 1):
        for i in model.updates_["sample"][model.updates_["epoch"] == epoch]:
            w, b = w + y[i] * X[i], b + y[i]
        worst_allowed = min(worst_allowed, int((y * (X @ w + b) <= 0).sum()))
    assert model.n_errors_ <= worst_allowed
    assert model.n_errors_ == (y * (X @ model.coef_[0] + model.intercept_[0]) <= 0).sum()
    assert model.converged_ == (model.n_errors_ == 0)


def test_no_warning_if_the_last_epoch_allowed_ends_with_separating_weights():
    model = Perceptron(max_epochs=1, shuffle=False, init="zeros").fit([[1.0], [-3.0]], [1, 0])
    assert (model.n_iter_, model.n_updates_, model.converged_) == (1, 1, True)


# --- unusual data -----------------------------------------------------------------------------------------------------


def test_duplicates_count_as_samples():
    X, y = np.repeat(AND[0], 3, axis=0), np.repeat(AND[1], 3)
    model = Perceptron(random_state=0).fit(X, y)
    assert model.converged_
    with pytest.warns(ConvergenceWarning, match="1 of 3"):
        Perceptron(20).fit([[1.0], [1.0], [1.0]], [0, 1, 1])


def test_features_that_are_all_zero():
    with pytest.warns(ConvergenceWarning):
        model = Perceptron(20, init="zeros", random_state=0).fit(np.zeros((5, 3)), [0, 0, 0, 1, 1])
    assert model.coef_.tolist() == [[0, 0, 0]]
    # Only the bias moves: it is 1, 0 or -1, and -1 has the fewest errors.
    assert (model.intercept_[0], model.n_errors_) == (-1, 2)


@pytest.mark.parametrize("n_features", [1, 7, 8, 9, 16, 1023])
def test_every_feature_takes_part(n_features):
    rng = np.random.default_rng(n_features)
    X = rng.integers(-3, 4, (40, n_features)).astype(float)
    y = np.where(X @ np.arange(1, n_features + 1) > 0, 1, -1)
    model = Perceptron(5000, random_state=0).fit(X, y)
    assert model.converged_
    np.testing.assert_array_equal(np.sign(model.decision_function(X)), y)


def test_large_numbers_do_not_overflow():
    X = np.array([[1e140, -1e140], [-1e140, 1e140], [1e140, 1e139]])
    model = Perceptron().fit(X, [1, 0, 1])
    assert model.converged_
    assert np.isfinite(model.decision_function(X)).all()


@pytest.mark.parametrize("parameters", [{"max_epochs": 0}, {"max_epochs": 2.5}, {"max_epochs": True}, {"init": "ones"}])
def test_parameters_out_of_range(parameters):
    with pytest.raises(ParameterError, match=next(iter(parameters))):
        Perceptron(**parameters).fit(*AND)


def test_updates_are_kept_only_on_request():
    model = Perceptron(record_updates=True, random_state=0).fit(*AND)
    assert len(model.updates_) == model.n_updates_
    assert not hasattr(model.set_params(record_updates=False).fit(*AND), "updates_")


# --- the compiled loop ------------------------------------------------------------------------------------------------


def test_memory(monkeypatch):
    seen = []

    class Recording(PerceptronTrainer):
        def __init__(self, X, sign, weights, fit_intercept):
            seen.append(X)
            super().__init__(X, sign, weights, fit_intercept)

    monkeypatch.setattr(module, "PerceptronTrainer", Recording)
    X = AND[0].copy()
    X.flags.writeable = False
    Perceptron().fit(X, AND[1])
    Perceptron().fit(X.astype(np.float32), AND[1])
    Perceptron().fit(np.asfortranarray(X), AND[1])
    assert np.shares_memory(seen[0], X)
    assert all(used.dtype == np.float64 and used.flags.c_contiguous and (used == AND[0]).all() for used in seen)


def test_trainer_refuses_shapes_that_do_not_fit():
    X, sign = np.zeros((3, 2)), np.ones(3)
    with pytest.raises(ValueError, match="shape"):
        PerceptronTrainer(X, sign, np.zeros(2), True)
    with pytest.raises(ValueError, match="shape"):
        PerceptronTrainer(X, sign[:2], np.zeros(3), True)
    trainer = PerceptronTrainer(X, sign, np.zeros(3), True)
    with pytest.raises(ValueError, match="room"):
        trainer.epoch(np.arange(3), np.empty(2, np.int64), np.empty(3))


def test_other_threads_run_during_an_epoch():
    X = np.ones((1000, 1000))
    visits = np.random.default_rng(0).integers(0, 1000, 2_000_000)
    trainer = PerceptronTrainer(X, np.ones(1000), np.ones(1001), True)
    started, finished = threading.Event(), threading.Event()

    def work():
        room = np.empty(len(visits), np.int64), np.empty(len(visits))
        started.set()
        trainer.epoch(visits, *room)
        finished.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # no forced switches of threads: this thread continues only if the epoch releases the GIL
    try:
        worker = threading.Thread(target=work)
        worker.start()
        started.wait()
        assert not finished.is_set()
    finally:
        sys.setswitchinterval(interval)
        worker.join()


def test_interrupt_ends_the_fit():
    model = Perceptron(max_epochs=10**9, random_state=0)
    timer = threading.Timer(0.1, _thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (the interrupt may come as soon as the timer runs)
        timer.start()
        try:
            model.fit(*XOR)
        finally:
            timer.cancel()
    assert not hasattr(model, "coef_")


@pytest.mark.filterwarnings("ignore::nncore.errors.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [Perceptron, LogisticNeuron])
def test_a_seed_that_holds_itself_is_refused(estimator):
    """A seed that contains itself is refused; NumPy would recurse until the process crashes."""
    seed: list = []
    seed.append(seed)
    with pytest.raises(ParameterError, match="random_state must be a seed"):
        estimator(random_state=seed).fit([[0.0], [1.0]], [0, 1])
    estimator(random_state=[1, 2]).fit([[0.0], [1.0], [0.0], [1.0]], [0, 1, 1, 0])
