"""Under-fitting, good fit and over-fitting: a score against a hyperparameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.arguments import several, shown, text, whole_number
from nncore.contract import History
from nncore.displays.axes_display import AxesDisplay
from nncore.displays.display import COLORS, INK, TRAINING, VALIDATION, spans_decades, tidy
from nncore.displays.predictions import as_reals
from nncore.errors import DataError, ParameterError, ShapeError
from nncore.network import metric_name
from nncore.registry import resolve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNDERFITTING, GOOD, OVERFITTING = "under-fitting", "good", "over-fitting"
_SHADES = {UNDERFITTING: COLORS[4], GOOD: COLORS[2], OVERFITTING: COLORS[3]}
#: Without repetitions, a score this near to the best is as good: part of the range of all validation scores.
_NEAR = 0.05
#: As scikit-learn has it: gaps between values that differ more than this ask for a logarithmic axis.
_GAP_RATIO = 5.0
#: So many values are all named on the axis.
_MOST_TICKS = 10


class ValidationCurveDisplay(AxesDisplay):
    """Validation curve: training and validation score against a hyperparameter, with regions of under-fitting, good fit and over-fitting.

    A value is *good* if its mean validation score is within one standard error of the best one (one-standard-error rule), and no value
    between the two is worse. With a single repetition, it must be within 5 % of the range of all scores. Any other value is *under-fitting*
    if its training score is worse than that of the best value, else *over-fitting*.

    Parameters
    ----------
    param_values : sequence of numbers or str, length n_values
        Values of the hyperparameter, in the order of the axis. Numbers must increase.
    train_scores, validation_scores : array-like of shape (n_values,) or (n_values, n_repetitions)
        Scores of each value. The band around each curve is one standard deviation over the repetitions.
    param_name, score_name : str, default "parameter" and "loss"
        Labels of the axes.
    higher_is_better : bool or None, default None
        Whether a higher score is better. None decides by `score_name`: False for ``"loss"``, True for ``"accuracy"``.

    Attributes
    ----------
    best_ : int
        Index of the value with the best validation score.
    regions_ : list of str
        ``"under-fitting"``, ``"good"`` or ``"over-fitting"`` for each value.
    ax_ : Axes
    figure_ : Figure

    References
    ----------
    Breiman, Friedman, Olshen & Stone, "Classification and regression trees", 1984, section 3.4.3 (one-standard-error rule).

    Examples
    --------
    >>> from nncore.displays import ValidationCurveDisplay
    >>> display = ValidationCurveDisplay(param_values=[1, 10, 100], train_scores=[9, 4, 1], validation_scores=[10, 5, 12])
    >>> display.regions_
    ['under-fitting', 'good', 'over-fitting']
    """

    _size = (6.4, 4.0)

    def __init__(
        self,
        *,
        param_values: Sequence[Any] | np.ndarray,
        train_scores: Any,
        validation_scores: Any,
        param_name: str = "parameter",
        score_name: str = "loss",
        higher_is_better: bool | None = None,
    ) -> None:
        self.param_values = several("param_values", param_values)
        self.train_scores = _columns(train_scores, len(self.param_values))
        self.validation_scores = _columns(validation_scores, len(self.param_values))
        self.param_name, self.score_name = text("param_name", param_name), text("score_name", score_name)
        if higher_is_better is None and History().mode(score_name) is None:
            raise ParameterError(f"it is unknown whether a higher {score_name!r} is better: pass higher_is_better=True or False")
        self.higher_is_better = History().mode(score_name) == "max" if higher_is_better is None else higher_is_better
        if self._is_numeric and not (np.diff(np.asarray(self.param_values, np.float64)) > 0).all():
            raise ParameterError(f"param_values must increase, got {self.param_values}")
        self.best_, self.regions_ = self._judge()

    @classmethod
    def from_networks(
        cls,
        fit: Callable[[Any, int], Any],
        param_values: Sequence[Any] | np.ndarray,
        *,
        train: tuple[Any, Any],
        validation: tuple[Any, Any],
        n_repetitions: int = 3,
        param_name: str = "parameter",
        score: str = "loss",
        higher_is_better: bool | None = None,
        ax: Axes | None = None,
    ) -> Self:
        """Fit networks for every value of a hyperparameter, score them and draw the curve.

        Parameters
        ----------
        fit : callable
            ``fit(value, rng)`` returns a fitted network; `rng` is 0, 1, ... for the repetitions.
        param_values : sequence
            Values to try, in the order of the axis.
        train, validation : (X, y)
            Data on which `Sequential.evaluate` scores the networks. `fit` trains on `train`.
        n_repetitions : int, default 3
            Number of networks for each value; their spread is the band around the curves.
        param_name : str, default "parameter"
            Label of the axis.
        score : str, default "loss"
            Name of a score that `evaluate` returns.
        higher_is_better : bool, optional
            Whether a higher score is better. None decides by the metric or its name: False for ``"loss"``, True for ``"accuracy"``.
        ax : Axes, optional
            Axes to draw into.
        """
        if not callable(fit):
            raise ParameterError(f"fit must be a function of a value and the number of a repetition, got {shown(fit)}")
        for name, pair in {"train": train, "validation": validation}.items():
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise ParameterError(f"{name} must be (X, y), got {shown(pair)}")
        param_values, n_repetitions = several("param_values", param_values), whole_number("n_repetitions", n_repetitions, 1)
        scores = np.empty((2, len(param_values), n_repetitions))
        for row, value in enumerate(param_values):
            for repetition in range(n_repetitions):
                network = fit(value, repetition)
                for part, (X, y) in enumerate((train, validation)):
                    found = network.evaluate(X, y)
                    if score not in found:
                        raise ParameterError(f"there is no score {score!r}; evaluate gives {', '.join(found)}")
                    scores[part, row, repetition] = found[score]
                if higher_is_better is None:
                    higher_is_better = _declared(network, score)
        display = cls(
            param_values=param_values,
            train_scores=scores[0],
            validation_scores=scores[1],
            param_name=param_name,
            score_name=score,
            higher_is_better=higher_is_better,
        )
        return display.plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        param_name: str,
        param_range: Sequence[Any] | np.ndarray,
        score_name: str = "score",
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Cross-validate an estimator for every value of a parameter and draw the curve.

        The scores are those of `sklearn.model_selection.validation_curve`.

        Parameters
        ----------
        estimator : scikit-learn estimator
            Estimator whose parameter `param_name` is varied.
        X, y : array-like
            Samples and targets. Each fold is held out once.
        param_name : str
            Name of the parameter: ``"hidden_layer_sizes"``, or in a pipeline ``"mlpclassifier__alpha"``.
        param_range : sequence
            Values to try.
        score_name : str, default "score"
            Label of the axis. scikit-learn's scores are better when higher.
        ax : Axes, optional
            Axes to draw into.
        **options
            Passed to `validation_curve`: ``cv``, ``scoring``, ``n_jobs``, ...
        """
        from nncore.configuration import require

        selection = require("sklearn.model_selection", extra="sklearn", purpose="ValidationCurveDisplay.from_estimator")
        names = {"param_name": text("param_name", param_name), "score_name": text("score_name", score_name)}
        train, test = selection.validation_curve(estimator, X, y, param_name=param_name, param_range=param_range, **options)
        return cls(param_values=param_range, train_scores=train, validation_scores=test, higher_is_better=True, **names).plot(ax=ax)

    @property
    def _is_numeric(self) -> bool:
        return all(isinstance(value, (int, float, np.number)) for value in self.param_values)

    def _judge(self) -> tuple[int, list[str]]:
        """The best value, and the region of each."""
        sign = -1.0 if self.higher_is_better else 1.0
        train, validation = sign * self.train_scores.mean(axis=1), sign * self.validation_scores.mean(axis=1)  # lower is better
        best, n = int(validation.argmin()), self.validation_scores.shape[1]
        error = self.validation_scores[best].std(ddof=1) / np.sqrt(n) if n > 1 else _NEAR * float(np.ptp(validation))
        is_good = validation <= validation[best] + error
        first, last = best, best
        while first > 0 and is_good[first - 1]:
            first -= 1
        while last < len(train) - 1 and is_good[last + 1]:
            last += 1
        outside = [UNDERFITTING if value > train[best] else OVERFITTING for value in train]
        return best, [GOOD if first <= index <= last else region for index, region in enumerate(outside)]

    def _draw(self, ax: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        numeric = self._is_numeric
        x = np.asarray(self.param_values, np.float64) if numeric else np.arange(len(self.param_values), dtype=np.float64)
        logarithmic = numeric and len(x) > 2 and x[0] > 0 and spans_decades(np.diff(x), _GAP_RATIO)
        for name, scores, style in (("training", self.train_scores, TRAINING), ("validation", self.validation_scores, VALIDATION)):
            mean, spread = scores.mean(axis=1), scores.std(axis=1)
            marker = "os"[name == "validation"]
            ax.plot(x, mean, marker=marker, markersize=5, linewidth=1.8, label=name, **style)
            if scores.shape[1] > 1:
                ax.fill_between(x, mean - spread, mean + spread, color=style["color"], alpha=0.2, linewidth=0)
        if logarithmic:
            ax.set_xscale("log")
        if not numeric or len(x) <= _MOST_TICKS:
            ax.set_xticks(x, [f"{value:g}" if numeric else str(value) for value in self.param_values])
            ax.set_xticks([], minor=True)
        elif all(isinstance(value, (int, np.integer)) for value in self.param_values) and not logarithmic:
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        both = np.concatenate([self.train_scores.ravel(), self.validation_scores.ravel()])
        if not self.higher_is_better and spans_decades(both):
            ax.set_yscale("log")
        best = self.validation_scores.mean(axis=1)[self.best_]
        label = f"best: {self.param_values[self.best_]:g}" if numeric else f"best: {self.param_values[self.best_]}"
        ax.plot(x[self.best_], best, "*", color=VALIDATION["color"], markeredgecolor="white", markersize=15, zorder=3, label=label)
        ax.set_xlabel(self.param_name)
        ax.set_ylabel(self.score_name)
        tidy(ax)
        self._name_regions(ax, x, logarithmic)
        ax.legend(frameon=True, framealpha=0.85, edgecolor="none", fontsize=9)

    def _name_regions(self, ax: Axes, x: np.ndarray, logarithmic: bool) -> None:
        """Shade stretches of values in one region, which meet half way between two values, and name them above the axes."""
        places = np.log(x) if logarithmic else x
        middles = (places[1:] + places[:-1]) / 2
        margin = 0.03 * float(np.ptp(places)) or 0.5
        edges = np.concatenate([[places[0] - margin], middles, [places[-1] + margin]])
        limits = np.exp(edges) if logarithmic else edges
        ax.set_xlim(limits[0], limits[-1])
        begin = 0
        for end in range(1, len(x) + 1):
            if end < len(x) and self.regions_[end] == self.regions_[begin]:
                continue
            region = self.regions_[begin]
            ax.axvspan(limits[begin], limits[end], color=_SHADES[region], alpha=0.13, linewidth=0, zorder=0)
            if begin:
                ax.axvline(limits[begin], color=INK, linewidth=0.8, linestyle=":")
            width = (edges[end] - edges[begin]) / (edges[-1] - edges[0])
            center = (edges[end] + edges[begin]) / 2
            # A name that is wider than its stretch stands upright in it.
            fits = width > 0.016 * len(region)
            ax.annotate(
                region,
                (float(np.exp(center)) if logarithmic else center, 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 4 if fits else -6),
                textcoords="offset points",
                ha="center",
                va="bottom" if fits else "top",
                rotation=0 if fits else 90,
                fontsize=10 if fits else 8,
                color=INK,
                bbox={"facecolor": "white", "alpha": 0.0 if fits else 0.8, "edgecolor": "none", "pad": 1.0},
            )
            begin = end


def _columns(scores: Any, n_values: int) -> np.ndarray:
    """Scores as (n_values, n_repetitions)."""
    array = as_reals(scores, "scores")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or len(array) != n_values or not array.size:
        raise ShapeError(f"{n_values} values need scores of shape ({n_values},) or ({n_values}, n_repetitions), got {np.shape(scores)}")
    if not np.isfinite(array).all():
        raise DataError("a score is NaN or infinite: leave out that value, or check why its training failed")
    return array


def _declared(network: Any, score: str) -> bool | None:
    """Whether more of a score of `evaluate` is better, if a metric that goes with the network's loss says so."""
    metrics = [resolve("metrics", metric) for metric in network.loss.metrics]
    found: bool | None = {metric_name(metric): metric.higher_is_better for metric in metrics}.get(score)
    return found
