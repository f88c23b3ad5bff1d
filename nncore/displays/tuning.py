"""Trials of a search of hyperparameters: how good each was, how far it came, and which of them are in the ensemble."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.arguments import flag, shown, text
from nncore.displays.axes_display import AxesDisplay
from nncore.displays.display import COLORS, INK, spans_decades, tidy
from nncore.errors import NotBuiltError, ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What `trials` must say of each.
KEYS = ("number", "status", "score", "n_epochs", "weight")
#: Scores that are farther from the best one than this many times the median distance are drawn at the edge.
_FAR = 4.0


class TuningDisplay(AxesDisplay):
    """The trials of a hyperparameter search with ``tune=``: the score of each trial, and the best score so far.

    Full dots are trials that had all their epochs; hollow dots were stopped early. A larger dot had more epochs. A square marks each trial
    of the ensemble, with its weight beside it if it counts more than once. Triangles at the worse edge are trials with scores far beyond
    it, and crosses are trials that failed.

    Parameters
    ----------
    trials : sequence of dict
        ``trials_`` of an estimator that was fitted with ``tune=``.
    score_name : str, default "validation score"
        Label of the axis of scores.
    higher_is_better : bool, default False
        Whether higher scores are better.

    Attributes
    ----------
    best_so_far_ : ndarray of shape (n_trials,), float64
        Best score of the trials up to each trial; NaN before the first score.
    ax_ : Axes
    figure_ : Figure

    Raises
    ------
    ParameterError
        `trials` are not trials.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from nncore.displays import TuningDisplay
    >>> from nncore.estimators import RealMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = RealMLPClassifier("fast", n_cv=2, max_iter=15, tune=4, random_state=0).fit(X, y)
    >>> TuningDisplay.from_estimator(model).best_so_far_.shape
    (4,)
    """

    _size = (6.4, 3.8)

    def __init__(
        self, *, trials: Sequence[Mapping[str, Any]], score_name: str = "validation score", higher_is_better: bool = False
    ) -> None:
        known = isinstance(trials, Sequence) and bool(trials) and all(isinstance(trial, Mapping) for trial in trials)
        if not known or not all(set(KEYS) <= set(trial) for trial in trials):
            raise ParameterError(f"trials must be dicts with {', '.join(KEYS)}, as trials_ of an estimator, got {shown(trials)}")
        self.trials = list(trials)
        self.score_name, self.higher_is_better = text("score_name", score_name), flag("higher_is_better", higher_is_better)
        best = np.fmax if higher_is_better else np.fmin
        self.best_so_far_ = np.asarray(best.accumulate(self._numbers("score")), np.float64)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> Self:
        """Draw the search of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            An estimator fitted with ``tune=``.
        ax : Axes, optional
            Axes to draw into.

        Raises
        ------
        NotBuiltError
            The estimator was not fitted, or not with ``tune=``.
        """
        trials = getattr(estimator, "trials_", None)
        if not isinstance(trials, list) or not trials:
            raise NotBuiltError(f"{type(estimator).__name__} has no trials_: pass tune= and call fit first")
        # Of scikit-learn's scores, more is always better; those of the trials are as the metric has them.
        higher = trials[estimator.best_index_]["score"] == estimator.best_score_
        scoring = getattr(estimator, "scoring", None)
        better = "more" if higher else "less"
        name = f"{scoring if isinstance(scoring, str) else 'validation score'} ({better} is better)"
        return cls(trials=trials, score_name=name, higher_is_better=higher).plot(ax=ax)

    def _numbers(self, name: str) -> np.ndarray:
        return np.array([trial[name] for trial in self.trials], np.float64)

    def _edge(self, scores: np.ndarray) -> float:
        """Worse scores than this are drawn here."""
        there = scores[np.isfinite(scores)]
        if not len(there):
            return math.nan
        sign = -1.0 if self.higher_is_better else 1.0
        distances = np.sort(sign * there - (sign * there).min())
        limit = _FAR * float(np.median(distances[1:])) if len(distances) > 1 else 0.0
        within = distances[distances <= limit]
        return float(sign * ((sign * there).min() + (within[-1] if len(within) else 0.0)))

    def _draw(self, ax: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        numbers, scores = self._numbers("number"), self._numbers("score")
        epochs, weights = self._numbers("n_epochs"), self._numbers("weight")
        sign = -1.0 if self.higher_is_better else 1.0
        edge = self._edge(scores)
        is_far = sign * scores > sign * edge
        is_there = np.isfinite(scores) & ~is_far
        is_whole = np.array([trial["status"] == "finished" for trial in self.trials])
        is_chosen = weights > 0
        sizes = 16 + 44 * epochs / max(1.0, float(epochs.max()))
        ax.step(numbers, self.best_so_far_, where="post", color=INK, linewidth=1.2, linestyle="--", label="best so far", zorder=1)
        for some, label, face in ((is_whole, "trained to the end", COLORS[0]), (~is_whole, "overtaken (small: early)", "white")):
            if (shown_ones := some & is_there).any():
                ax.scatter(
                    numbers[shown_ones],
                    scores[shown_ones],
                    s=sizes[shown_ones],
                    facecolors=face,
                    edgecolors=COLORS[0],
                    linewidths=1.2,
                    label=label,
                    zorder=3,
                )
        if (marked := is_chosen & is_there).any():
            ax.scatter(
                numbers[marked],
                scores[marked],
                s=170,
                marker="s",
                facecolors="none",
                edgecolors=COLORS[1],
                linewidths=1.6,
                label="in the ensemble (× how often)",
                zorder=4,
            )
        for number, score, weight in zip(numbers[marked], scores[marked], weights[marked], strict=True):
            if weight > 1:
                # At the better side, where the line of the best is not.
                place: dict[str, Any] = {
                    "xytext": (0, -9 * sign),
                    "textcoords": "offset points",
                    "ha": "center",
                    "va": "top" if sign > 0 else "bottom",
                }
                ax.annotate(f"×{weight:.0f}", (number, score), **place, fontsize=9, color=COLORS[1])
        self._draw_edge(ax, numbers, edge, is_far, np.isnan(scores))
        if is_there.all() and not self.higher_is_better and spans_decades(scores):
            ax.set_yscale("log")
        ax.set_xlabel("trial")
        ax.set_ylabel(self.score_name)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.margins(x=0.04, y=0.14)
        tidy(ax)
        ax.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)

    def _draw_edge(self, ax: Axes, numbers: np.ndarray, edge: float, is_far: np.ndarray, has_failed: np.ndarray) -> None:
        """Draw trials without a score, or with one far worse than the others, at the worse end of the axis."""
        place = edge if math.isfinite(edge) else 0.0
        for some, marker, label in ((is_far, "v" if self.higher_is_better else "^", "far worse"), (has_failed, "x", "failed")):
            if some.any():
                ax.plot(numbers[some], np.full(int(some.sum()), place), marker, color=COLORS[6], markersize=6, label=label, zorder=3)
