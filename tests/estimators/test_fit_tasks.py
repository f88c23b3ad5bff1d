"""scikit-learn's callbacks are called for the fit and each epoch, and may end it; before scikit-learn 1.9 nothing changes."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has no callbacks")

from sklearn.base import BaseEstimator, RegressorMixin, clone  # noqa: E402

import nncore as nn  # noqa: E402
from nncore.estimators.fit_tasks import CallbackSupportMixin, FitTasks, with_callbacks  # noqa: E402

X = np.random.default_rng(0).normal(size=(60, 3))
Y = X @ [1.0, -2.0, 0.5]


class Regressor(CallbackSupportMixin, RegressorMixin, BaseEstimator):
    """A minimal estimator with a fit."""

    def __init__(self, epochs=4, raises=False):
        self.epochs, self.raises = epochs, raises

    @with_callbacks
    def fit(self, X, y, sample_weight=None):
        network = nn.Sequential(nn.Dense(1))
        tasks = FitTasks(
            self, X, y, sample_weight, max_iter=self.epochs, fitted=lambda: {"network_": copy.deepcopy(network), "n_features_in_": 3}
        )
        options = {"loss": "mse", "epochs": self.epochs, "progress": False, "rng": 0, "optimizer": nn.Adam(lr=0.1)}
        network.fit(X, y, sample_weight=sample_weight, callbacks=[tasks], **options)
        if self.raises:
            raise RuntimeError("after training")
        self.network_, self.n_features_in_ = network, 3
        tasks.finish()
        return self

    def predict(self, X):
        return self.network_.predict(X)[:, 0]


class Listener:
    """Records its calls; requests to stop after epoch `last`."""

    def __init__(self, last=None, wants_copy=False):
        self.last, self.heard, self.copies = last, [], []
        if wants_copy:
            self.on_fit_task_end = self._on_end_with_copy

    def setup(self, estimator, context):
        self.heard.append("setup")

    def teardown(self, estimator, context):
        self.heard.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.heard.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context):
        self.heard.append(("end", context.task_name, context.task_id))
        return context.task_name == "epoch" and context.task_id == self.last

    def _on_end_with_copy(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.copies.append((context.task_name, X, y, metadata, fitted_estimator))


def test_the_fit_and_its_epochs():
    listener = Listener()
    Regressor(epochs=2).set_callbacks(listener).fit(X, Y)
    epochs = [(event, "epoch", i) for i in range(2) for event in ("begin", "end")]
    assert listener.heard == ["setup", ("begin", "fit", 0), *epochs, ("end", "fit", 0), "teardown"]


def test_a_callback_ends_the_fit():
    listener = Listener(last=1)
    model = Regressor(epochs=50).set_callbacks(listener).fit(X, Y)
    assert model.network_.n_epochs == 2
    assert [event for event in listener.heard if event[0] == "begin"] == [("begin", "fit", 0), ("begin", "epoch", 0), ("begin", "epoch", 1)]
    assert listener.heard[-2:] == [("end", "fit", 0), "teardown"]


def test_copies_are_fitted_so_far_and_stay_so():
    listener = Listener(wants_copy=True)
    weights = np.ones(len(X))
    model = Regressor(epochs=3).set_callbacks(listener).fit(X, Y, sample_weight=weights)
    *epochs, fit = listener.copies
    assert [name for name, *_ in listener.copies] == ["epoch"] * 3 + ["fit"]
    losses = [((copy.predict(X) - Y) ** 2).mean() for _, _, _, _, copy in epochs]
    assert losses[0] > losses[1] > losses[2]
    assert (epochs[-1][4].predict(X) == model.predict(X)).all()
    assert (fit[4].predict(X) == model.predict(X)).all()
    for _, seen_X, seen_y, metadata, _ in listener.copies:
        assert seen_X is X
        assert seen_y is Y
        assert metadata["sample_weight"] is weights


def test_an_error_tears_down():
    listener = Listener()
    with pytest.raises(RuntimeError, match="after training"):
        Regressor(raises=True).set_callbacks(listener).fit(X, Y)
    assert listener.heard[-1] == "teardown"


def test_an_epoch_that_is_broken_off_ends(monkeypatch):
    listener = Listener()

    def interrupt(self, training):
        raise KeyboardInterrupt

    monkeypatch.setattr(FitTasks, "on_progress", interrupt)
    Regressor().set_callbacks(listener).fit(X, Y)
    assert listener.heard == ["setup", ("begin", "fit", 0), ("begin", "epoch", 0), ("end", "epoch", 0), ("end", "fit", 0), "teardown"]


def test_without_callbacks_there_are_no_tasks():
    model = clone(Regressor())
    tasks = []
    original = FitTasks.on_epoch_end
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FitTasks, "on_epoch_end", lambda self, training: (tasks.append(self._task), original(self, training)))
        model.fit(X, Y)
    assert tasks == [None] * 4


def test_scoring_monitor():
    monitor = callback.ScoringMonitor(scoring="r2")
    model = Regressor(epochs=5).set_callbacks(monitor).fit(X, Y)
    scores = [row["r2"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 5
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(model.score(X, Y))


def test_progress_bar(capsys):
    pytest.importorskip("rich")
    Regressor().set_callbacks(callback.ProgressBar()).fit(X, Y)
    assert "Regressor - fit" in capsys.readouterr().out


def test_before_scikit_learn_1_9():
    code = (
        "import sys, sklearn.model_selection; sys.modules['sklearn.callback'] = None\n"  # scikit-learn's own modules need it
        "from nncore.estimators.fit_tasks import CallbackSupportMixin, FitTasks, with_callbacks\n"
        "class Estimator(CallbackSupportMixin): pass\n"
        "assert not hasattr(Estimator, 'set_callbacks')\n"
        "assert with_callbacks(len) is len\n"
        "tasks = FitTasks(Estimator(), None, None, None, max_iter=1, fitted=dict)\n"
        "tasks.begin(); assert tasks.end() is False; tasks.finish()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
