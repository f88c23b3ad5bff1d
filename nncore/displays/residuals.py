"""Residuals of a regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.displays.display import COLORS, INK, Display, figure_of, new_figure, only_axes, tidy
from nncore.displays.predictions import as_reals, as_vector, predicted_values
from nncore.errors import DataError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: More samples than this are drawn as a density, since points would hide each other.
_MOST_POINTS = 2000


class ResidualsDisplay(Display):
    """Residuals of a regression: predictions against true values (left), and the distribution of true − predicted (right).

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_samples,)
        True and predicted values.
    name : str, default ""
        Name of the target, for the labels.

    Attributes
    ----------
    residuals : ndarray of shape (n_samples,), float64
        ``y_true - y_pred``.
    axes_ : ndarray of Axes, shape (1,) or (2,)
    ax_ : Axes
        The first of them.
    figure_ : Figure
    """

    ax_: Axes
    axes_: np.ndarray

    def __init__(self, *, y_true: Any, y_pred: Any, name: str = "") -> None:
        self.y_true, self.y_pred = as_reals(y_true, "y_true"), as_reals(y_pred, "y_pred")
        if self.y_true.ndim != 1 or self.y_true.shape != self.y_pred.shape or not self.y_true.size:
            raise ShapeError(f"residuals need two vectors of one length, got shapes {self.y_true.shape} and {self.y_pred.shape}")
        self.name = name
        self.residuals = self.y_true - self.y_pred
        if not np.isfinite(self.residuals).all():
            raise DataError("residuals need finite numbers: drop or impute samples with NaN or infinity first")

    @classmethod
    def from_predictions(cls, y_true: Any, y_pred: Any, *, name: str = "", ax: Axes | None = None) -> Self:
        """Draw predictions against true values.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted values.
        name : str, default ""
            Name of the target, for the labels.
        ax : Axes, optional
            Axes to draw predictions against true values into, without their distribution.

        Raises
        ------
        ShapeError, DataError
            The arguments are not two vectors of the same length, are empty, or not finite.
        """
        return cls(y_true=y_true, y_pred=y_pred, name=name).plot(ax=ax)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, name: str = "", ax: Axes | None = None) -> Self:
        """Predict the targets of samples and compare them with the true ones.

        Parameters
        ----------
        estimator : network or estimator
            Network or estimator that predicts one number for each sample.
        X : array-like of shape (n_samples, ...)
            Samples.
        y : array-like of shape (n_samples,)
            True targets of the samples.
        name, ax : optional
            As in `from_predictions`.
        """
        return cls.from_predictions(as_vector(as_reals(y, "y")), predicted_values(estimator, X), name=name, ax=ax)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the residuals.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw predictions against true values into, without their distribution.

        Returns
        -------
        Self
            The drawn display.
        """
        self.axes_ = new_figure(9.0, 4.0).subplots(1, 2, width_ratios=(1, 1.1)) if ax is None else only_axes(ax)
        self.ax_, self.figure_ = self.axes_[0], figure_of(self.axes_[0])
        self._draw_predictions(self.ax_)
        if len(self.axes_) > 1:
            self._draw_residuals(self.axes_[1])
        return self

    def _draw_predictions(self, ax: Axes) -> None:
        low, high = min(self.y_true.min(), self.y_pred.min()), max(self.y_true.max(), self.y_pred.max())
        margin = 0.03 * (high - low) or 1.0
        limits = (low - margin, high + margin)
        if len(self.y_true) > _MOST_POINTS:
            extent = (*limits, *limits)
            cells = ax.hexbin(self.y_true, self.y_pred, gridsize=50, bins="log", cmap="Blues", mincnt=1, extent=extent, linewidths=0.1)
            bar = self.figure_.colorbar(cells, ax=ax, shrink=0.8)
            bar.set_label("samples")
            bar.outline.set_visible(False)
        else:
            alpha = float(np.clip(30 / np.sqrt(len(self.y_true)), 0.3, 0.9))
            ax.scatter(self.y_true, self.y_pred, s=14, color=COLORS[0], alpha=alpha, linewidths=0, rasterized=True)
        ax.axline((low, low), slope=1, color=INK, linestyle="--", linewidth=1.2, label="prediction = truth")
        ax.set(xlim=limits, ylim=limits, aspect="equal")
        ax.locator_params(nbins=5)  # this many numbers of six digits fit
        ax.set_xlabel(f"true {self.name}".strip())
        ax.set_ylabel(f"predicted {self.name}".strip())
        ax.legend(frameon=False, fontsize=9, loc="upper left")
        tidy(ax)

    def _draw_residuals(self, ax: Axes) -> None:
        residuals = self.residuals
        low, high = np.quantile(residuals, [0.001, 0.999])  # a few outliers would squeeze everything else into one bar
        outside = int(((residuals < low) | (residuals > high)).sum()) if len(residuals) > _MOST_POINTS else 0
        limits = (low, high) if outside else (residuals.min(), residuals.max())
        n_bins = int(np.clip(np.sqrt(len(residuals)), 8, 60))
        counts, edges = np.histogram(residuals, bins=n_bins, range=limits)
        ax.stairs(counts, edges, fill=True, color=COLORS[0], alpha=0.85)
        ax.axvline(0, color=INK, linestyle="--", linewidth=1.2)
        ax.set_title(f"mean {residuals.mean():.3g}, standard deviation {residuals.std():.3g}", fontsize=10)
        if outside:
            ax.text(0.99, 0.98, f"{outside} outliers\nnot shown", transform=ax.transAxes, ha="right", va="top", fontsize=8, color=INK)
        ax.locator_params(axis="x", nbins=5)
        ax.set_xlabel("truth − prediction")
        ax.set_ylabel("samples")
        tidy(ax)
