"""Loss and metrics against the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.contract import History
from nncore.displays.display import MARKERS, TRAINING, VALIDATION, Display, figure_of, new_figure, only_axes, spans_decades, tidy
from nncore.errors import NotBuiltError, ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Columns of a history that are not drawn.
_NOT_SCORES = ("loss", "seconds")


class LearningCurveDisplay(Display):
    """Learning curves: loss (left) and metrics (right, if any) of training and validation for each epoch.

    A point marks the best epoch. The loss has a logarithmic scale if it falls by more than a factor of 30.

    Parameters
    ----------
    history : History
        The history that `fit` returned.

    Attributes
    ----------
    ax_ : Axes
        The axes of the loss.
    axes_ : ndarray of Axes, shape (1,) or (2,)
        The axes of loss and metrics.
    figure_ : Figure

    Examples
    --------
    >>> from nncore import History
    >>> from nncore.displays import LearningCurveDisplay
    >>> history = History()
    >>> for loss in (0.9, 0.5, 0.4):
    ...     history.append(loss=loss, val_loss=loss + 0.1)
    >>> LearningCurveDisplay.from_history(history).ax_.get_ylabel()
    'loss'
    """

    ax_: Axes
    axes_: np.ndarray

    def __init__(self, *, history: History) -> None:
        self.history = history

    @classmethod
    def from_history(cls, history: History, *, ax: Axes | None = None) -> Self:
        """Draw the history that `fit` returned.

        Parameters
        ----------
        history : History
            A history with at least one epoch.
        ax : Axes, optional
            Axes to draw the loss into, without metrics.
        """
        return cls(history=history).plot(ax=ax)

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Axes | None = None) -> Self:
        """Draw the training of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted estimator with ``history_``, or with ``loss_curve_`` (and ``validation_scores_``, if any) as scikit-learn's MLPs have.
        ax : Axes, optional
            Axes to draw the loss into, without metrics.

        Raises
        ------
        NotBuiltError
            The estimator has neither, for example because it is not fitted.
        """
        history = getattr(estimator, "history_", None)
        if not isinstance(history, History):
            losses = getattr(estimator, "loss_curve_", None)
            if losses is None:
                raise NotBuiltError(f"{type(estimator).__name__} has neither history_ nor loss_curve_: call fit first")
            history = _history_of(losses, getattr(estimator, "validation_scores_", None))
        return cls(history=history).plot(ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw the loss into, without metrics.

        Returns
        -------
        Self
            The drawn display.

        Raises
        ------
        ParameterError
            The history has no epoch.
        """
        history = self.history
        if not isinstance(history, History):
            raise ParameterError(f"history must be a nncore.History, which fit returns, got {type(history).__name__}")
        if not len(history):
            raise ParameterError("the history has no epoch to draw; fit the network first")
        shown = dict.fromkeys(key.removeprefix("val_").removeprefix("train_") for key in history if key not in history.moved)
        metrics = [name for name in shown if name not in _NOT_SCORES]
        if ax is not None:
            self.axes_ = only_axes(ax)
        else:
            self.axes_ = new_figure(9.0 if metrics else 5.0, 3.6).subplots(1, 2 if metrics else 1, squeeze=False)[0]
        self.ax_, self.figure_ = self.axes_[0], figure_of(self.axes_[0])
        _draw(self.ax_, history, ["loss"], ylabel="loss")
        if len(self.axes_) > 1:
            _draw(self.axes_[1], history, metrics, ylabel=metrics[0].replace("_", " ") if len(metrics) == 1 else "metric")
        return self


def _history_of(losses: Any, scores: Any) -> History:
    """The history of an estimator that keeps lists."""
    history = History()
    for epoch, loss in enumerate(losses):
        score = {"val_score": scores[epoch]} if scores is not None and epoch < len(scores) else {}
        history.append(loss=loss, **score)
    return history


def _alone(values: np.ndarray) -> np.ndarray:
    """Mask of the values that no line would show, because their neighbours are NaN or infinite."""
    finite = np.pad(np.isfinite(values), 1)
    alone: np.ndarray = finite[1:-1] & ~finite[:-2] & ~finite[2:]
    return alone


def _draw(ax: Axes, history: History, names: list[str], ylabel: str) -> None:
    """Training and validation curves of the columns `names`; several metrics share the axes with different markers."""
    from matplotlib.ticker import MaxNLocator

    markers = ["", *MARKERS[1:]]  # the first curve needs none
    single = len(history) == 1
    drawn = []
    for index, name in enumerate(names):
        trained = f"train_{name}" if f"train_{name}" in history else name  # as the validation is scored, where there is that
        for part, column, style in (("training", trained, TRAINING), ("validation", f"val_{name}", VALIDATION)):
            if column not in history or np.isnan(history[column]).all():
                continue
            values = history[column]
            label = part if len(names) == 1 else f"{part} {name.replace('_', ' ')}"
            if part == "validation" and not single and history.mode(column) is not None:
                best = history.best(column)
                label += f" (best {values[best - 1]:.4g} in epoch {best})"
                ax.plot(best, values[best - 1], "o", color=style["color"], markeredgecolor="white", markersize=8, zorder=3)
            marker = "o" if single else markers[index % len(markers)]
            spacing = max(1, len(values) // 8)
            ax.plot(history.epochs, values, label=label, marker=marker, markevery=spacing, markersize=4, linewidth=1.8, **style)
            if not single and (alone := _alone(values)).any():
                ax.plot(history.epochs[alone], values[alone], "o", color=style["color"], markersize=4)
            drawn.append(values)
    if names == ["loss"] and drawn and spans_decades(np.concatenate(drawn)):
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    ax.set_ylabel(ylabel)
    ax.margins(x=0.02, y=0.12)
    tidy(ax)
    if drawn:
        ax.legend(frameon=False, fontsize=9)
