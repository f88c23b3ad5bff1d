"""The display of a search."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nncore.displays import TuningDisplay
from nncore.errors import NotBuiltError, ParameterError
from nncore.estimators import RealMLPClassifier


def trials(scores: list[float], weights: list[int] | None = None, finished: tuple[int, ...] = (0,)) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "params": {},
            "status": "failed" if math.isnan(score) else "finished" if number in finished else "stopped",
            "score": score,
            "n_epochs": 10 + number,
            "weight": 0 if weights is None else weights[number],
        }
        for number, score in enumerate(scores)
    ]


def labels(display: TuningDisplay) -> list[str]:
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_the_best_so_far():
    scores = [0.5, math.nan, 0.6, 0.4, 0.45]
    np.testing.assert_array_equal(TuningDisplay(trials=trials(scores)).best_so_far_, [0.5, 0.5, 0.5, 0.4, 0.4])
    np.testing.assert_array_equal(TuningDisplay(trials=trials(scores), higher_is_better=True).best_so_far_, [0.5, 0.5, 0.6, 0.6, 0.6])
    assert np.isnan(TuningDisplay(trials=trials([math.nan])).plot().best_so_far_).all()


def test_what_is_drawn():
    display = TuningDisplay(trials=trials([0.5, 0.6, 0.4, math.nan, 90.0], [1, 0, 3, 0, 0])).plot()
    assert labels(display) == [
        "best so far", "trained to the end", "overtaken (small: early)", "in the ensemble (× how often)", "far worse", "failed",
    ]  # fmt: skip
    assert [text.get_text() for text in display.ax_.texts] == ["×3"]
    assert display.ax_.get_ylim()[1] < 1
    plain = TuningDisplay(trials=trials([0.5, 0.6], [0, 0], finished=(0, 1))).plot()
    assert labels(plain) == ["best so far", "trained to the end"]


def test_scores_of_decades():
    assert TuningDisplay(trials=trials([1e-4, 1e-2, 1e-1, 0.3])).plot().ax_.get_yscale() == "log"


@pytest.mark.filterwarnings("ignore:.*onverge")
def test_from_an_estimator():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    model = RealMLPClassifier("fast", n_cv=2, max_iter=6, tune=4, random_state=0).fit(X, X[:, 0] > 0)
    display = TuningDisplay.from_estimator(model)
    assert display.ax_.get_ylabel() == "validation score (less is better)"
    np.testing.assert_array_equal(display.best_so_far_[-1], -model.best_score_)
    model.set_params(scoring="accuracy").fit(X, X[:, 0] > 0)
    display = TuningDisplay.from_estimator(model)
    assert display.ax_.get_ylabel() == "accuracy (more is better)"
    assert display.best_so_far_[-1] == model.best_score_


@pytest.mark.parametrize("estimator", [RealMLPClassifier(), SimpleNamespace(trials_=3), None])
def test_an_estimator_without_a_search_is_refused(estimator: Any):
    with pytest.raises(NotBuiltError, match="pass tune= and call fit first"):
        TuningDisplay.from_estimator(estimator)


@pytest.mark.parametrize("wrong", [[], None, 3, [{}], [3], trials([1.0])[0]])
def test_what_are_no_trials_is_refused(wrong: Any):
    with pytest.raises(ParameterError, match="trials must be dicts with number, status, score"):
        TuningDisplay(trials=wrong)
