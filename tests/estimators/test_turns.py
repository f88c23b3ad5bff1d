"""Estimators shared by threads, and Ctrl-C, for every estimator and every method."""

from __future__ import annotations

import _thread
import inspect
import pickle
import signal
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import nncore as nn
from nncore.errors import BusyError
from nncore.estimators import turns
from nncore.plugin import Callback

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*is ignored, as in scikit-learn:UserWarning"),
]

#: Every estimator in `nncore.estimators` that can be fitted.
FITTED = [cls for name in nn.estimators.__all__ if hasattr(cls := getattr(nn.estimators, name), "fit")]
#: Arguments that make a fit take long.
LONG = {
    "max_iter": 10**6,
    "max_epochs": 10**6,
    "max_fun": 10**9,
    "tol": 0.0,
    "n_iter_no_change": np.inf,
    "random_state": 0,
    "batch_size": 10,
}


def endless(cls: type[Any], **more: Any) -> Any:
    """An estimator whose fit takes long."""
    known = inspect.signature(cls).parameters
    return cls(**({name: value for name, value in LONG.items() if name in known} | more))


def sooner_or_later(function: Callable[[], Any]) -> None:
    """Call it repeatedly until Ctrl-C raises KeyboardInterrupt."""
    timer, begun = threading.Timer(0.15, lambda: _thread.interrupt_main(signal.SIGINT)), time.perf_counter()
    with pytest.raises(KeyboardInterrupt), warnings.catch_warnings():  # noqa: PT012 (the interrupt may come as soon as the timer runs)
        warnings.simplefilter("ignore")
        timer.start()
        while time.perf_counter() - begun < 10:
            function()


@pytest.mark.parametrize("cls", FITTED, ids=lambda cls: cls.__name__)
def test_ctrl_c_comes_through_fit(cls: type[Any]) -> None:
    sooner_or_later(lambda: endless(cls).fit(X, Y))


@pytest.mark.parametrize("cls", [cls for cls in FITTED if "max_fun" in inspect.signature(cls).parameters], ids=lambda cls: cls.__name__)
def test_ctrl_c_comes_through_lbfgs(cls: type[Any]) -> None:
    sooner_or_later(lambda: endless(cls, solver="lbfgs", tol=1e-300).fit(X, Y))


@pytest.mark.parametrize("cls", [cls for cls in FITTED if hasattr(cls(), "partial_fit")], ids=lambda cls: cls.__name__)
def test_ctrl_c_comes_through_partial_fit(cls: type[Any]) -> None:
    model = endless(cls)
    model.partial_fit(X, Y, **({"classes": [0, 1]} if "classes" in inspect.signature(model.partial_fit).parameters else {}))
    sooner_or_later(lambda: model.partial_fit(X, Y))


def test_ctrl_c_comes_through_a_search() -> None:
    model = endless(nn.estimators.MLPClassifier, time_limit=5.0)
    sooner_or_later(lambda: GridSearchCV(model, {"alpha": [0.1, 0.01, 0.001]}, cv=2).fit(X, Y))


def test_ctrl_c_leaves_the_model_fitted_as_far_as_it_came() -> None:
    def press(training: Any) -> None:
        if training.epoch == 2:
            raise KeyboardInterrupt

    model = endless(nn.estimators.MLPClassifier, callbacks=[press])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert model.n_iter_ == 2
    assert model.history_.interrupted
    assert model.predict(X).shape == Y.shape


# ---- threads ---------------------------------------------------------------------------------------------------------------


class Gate(Callback):
    """Blocks a fit until a test releases it; copies share the same gate."""

    def __init__(self) -> None:
        self.is_reached, self.is_open = threading.Event(), threading.Event()

    def __deepcopy__(self, memo: Any) -> Gate:
        return self

    def on_epoch_end(self, training: Any) -> None:
        self.is_reached.set()
        self.is_open.wait(30)


def public_methods(cls: type[Any]) -> list[str]:
    """Public methods of nncore's own classes, without parameters and texts."""
    own = [base for base in cls.__mro__ if base.__module__.startswith("nncore.") and issubclass(base, turns.TakesTurns)]
    names = {name for base in own for name, value in vars(base).items() if not name.startswith("_") and callable(getattr(cls, name, None))}
    return sorted(name for name in names if not name.endswith("_request"))  # made by scikit-learn


@pytest.mark.parametrize("cls", FITTED, ids=lambda cls: cls.__name__)
def test_every_public_method_takes_turns(cls: type[Any]) -> None:
    names = public_methods(cls)
    assert {"fit", "predict"} <= set(names)
    use = turns._Use()
    use.is_fit = True
    model = cls()
    turns._uses[model] = use
    taken, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        use.turn.take()
        taken.set()
        is_over.wait(30)
        use.turn.leave()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(30)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(turns, "FIT_SECONDS", 0.0)
            for name in names:
                try:
                    method = getattr(model, name)
                except AttributeError:
                    continue  # invalid for these arguments
                if method.__self__ is cls:
                    continue  # a class method, which makes another estimator
                with pytest.raises(BusyError, match=f"{name}: another thread is fitting this {cls.__name__}"):
                    method(*[X, Y, Y][: 1 + ("y" in inspect.signature(method).parameters)])
    finally:
        is_over.set()
        thread.join(30)


def test_a_thread_that_predicts_during_a_fit_gets_an_error_or_a_whole_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "FIT_SECONDS", 0.05)
    gate = Gate()
    model = nn.estimators.MLPClassifier(max_iter=2, random_state=0).fit(X, Y)
    model.set_params(callbacks=[gate])
    thread = threading.Thread(target=lambda: model.fit(X[:, :2], Y))
    thread.start()
    assert gate.is_reached.wait(30)
    with pytest.raises(BusyError, match="predict: another thread is fitting this MLPClassifier"):
        model.predict(X)
    with pytest.raises(BusyError, match="fit: another thread is fitting this MLPClassifier"):
        model.fit(X, Y)
    gate.is_open.set()
    thread.join(30)
    assert model.predict(X[:, :2]).shape == Y.shape
    assert not any("turn" in name for name in vars(model))
    pickle.loads(pickle.dumps(model.set_params(callbacks=None)))


def test_threads_that_predict_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "FIT_SECONDS", 0.001)
    model = nn.estimators.MLPClassifier(max_iter=2, random_state=0).fit(X, Y)
    expected, found = model.predict_proba(X), list[Any]()
    threads = [threading.Thread(target=lambda: found.extend(model.predict_proba(X) for _ in range(20))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 60
    assert all(np.array_equal(one, expected) for one in found)


# ---- one component, several fits -------------------------------------------------------------------------------------------


def test_estimators_that_share_a_callback_have_copies_of_it() -> None:
    stopping = nn.EarlyStopping("loss", patience=2, min_delta=1e9)
    models = [nn.estimators.MLPClassifier(max_iter=30, callbacks=[stopping], random_state=0) for _ in range(4)]
    threads = [threading.Thread(target=model.fit, args=(X, Y)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [model.n_iter_ for model in models] == [3] * 4
    assert stopping.best_epoch == 0  # a fit does not change this argument
    clone(models[0])
