"""Decision regions of a classifier with two features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.arguments import several
from nncore.data import as_labels, as_numbers, check_finite
from nncore.displays.axes_display import AxesDisplay
from nncore.displays.display import COLORS, INK, MARKERS
from nncore.displays.predictions import as_reals, as_vector, probabilities
from nncore.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Weight of the class's colour where it is certain; points keep the full colour.
_STRONGEST = 0.45


class DecisionRegionDisplay(AxesDisplay):
    """The regions of two features in which a classifier predicts each class, with the samples.

    A deeper colour is a higher probability. A ring marks samples in a wrong region.

    Parameters
    ----------
    x, y : ndarray of shape (resolution,)
        Values of the two features on the grid.
    probability : ndarray of shape (resolution, resolution, n_classes)
        Probabilities: ``probability[i, j]`` is at ``(x[j], y[i])``.
    classes : sequence
        Name of each class.
    points : ndarray of shape (n_samples, 2), optional
        Samples to draw.
    labels : ndarray of int, shape (n_samples,), optional
        Index of the class of each sample.
    wrong : ndarray of bool, shape (n_samples,), optional
        Samples to mark with a ring.
    feature_names : sequence of str, default ("feature 1", "feature 2")
        Labels of the axes.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    """

    _size = (5.6, 4.4)

    def __init__(
        self,
        *,
        x: np.ndarray,
        y: np.ndarray,
        probability: np.ndarray,
        classes: Sequence[Any] | np.ndarray,
        points: np.ndarray | None = None,
        labels: np.ndarray | None = None,
        wrong: np.ndarray | None = None,
        feature_names: Sequence[str] = ("feature 1", "feature 2"),
    ) -> None:
        self.x, self.y, self.probability = x, y, probability = as_reals(x, "x"), as_reals(y, "y"), as_reals(probability, "probability")
        if x.ndim != 1 or y.ndim != 1:
            raise ShapeError(f"x and y must be vectors, got shapes {x.shape} and {y.shape}")
        self.classes = [str(name) for name in several("classes", classes)]
        self.points, self.labels, self.wrong = points, labels, wrong
        self.feature_names = feature_names
        if probability.shape != (len(y), len(x), len(self.classes)):
            expected = (len(y), len(x), len(self.classes))
            raise ShapeError(f"probability must have the shape {expected}, got {probability.shape}")
        if len(self.classes) > len(COLORS):
            raise ParameterError(f"at most {len(COLORS)} classes can be told apart by colour, there are {len(self.classes)}")

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        names: Sequence[Any] | None = None,
        feature_names: Sequence[str] | None = None,
        resolution: int = 200,
        ax: Axes | None = None,
    ) -> Self:
        """Predict on a grid around the samples and draw the regions.

        Parameters
        ----------
        estimator : network or estimator
            Network or estimator with `predict_proba`. With `predict` only, each region has a single shade.
        X : array-like of shape (n_samples, 2)
            Samples. The column names of a frame become the labels of the axes.
        y : array-like of shape (n_samples,), optional
            Classes of the samples. Without them, no samples are drawn.
        names : sequence of str, optional
            Names of the classes, in sorted order.
        feature_names : sequence of two str, optional
            Labels of the axes.
        resolution : int, default 200
            Number of grid points along each axis.
        ax : Axes, optional
            Axes to draw into.

        Raises
        ------
        ShapeError
            `X` does not have two features.
        ParameterError
            `y` has a class that the estimator does not know, or there are more than eight classes.
        """
        points = as_numbers(X, "X").astype(np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ShapeError(f"decision regions need samples of two features, got shape {points.shape}: choose two columns")
        check_finite(points, "X", points.dtype)
        if resolution < 2:
            raise ParameterError(f"resolution must be at least 2, got {resolution}")
        if feature_names is None:
            feature_names = [str(name) for name in getattr(X, "columns", ("feature 1", "feature 2"))]
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.where(high > low, 0.08 * (high - low), 1.0)
        first, second = np.linspace(low - margin, high + margin, resolution).T
        grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
        classes, probability = probabilities(estimator, _like(X, grid))
        if names is not None and len(names) != len(classes):
            raise ShapeError(f"there are {len(classes)} classes, but {len(names)} names")
        shown: dict[str, Any] = {}
        if y is not None:
            labels = _indices(np.asarray(as_labels(y)), classes, len(points))
            predicted = probabilities(estimator, X)[1].argmax(axis=1)
            shown = {"points": points, "labels": labels, "wrong": predicted != labels}
        return cls(
            x=first,
            y=second,
            probability=probability.reshape(resolution, resolution, -1),
            classes=classes if names is None else names,
            feature_names=feature_names,
            **shown,
        ).plot(ax=ax)

    def _draw(self, ax: Axes) -> None:
        from matplotlib.colors import to_rgb

        n = len(self.classes)
        colors = np.array([to_rgb(color) for color in COLORS[:n]])
        winner = self.probability.argmax(axis=2)
        certainty = np.clip((self.probability.max(axis=2) - 1 / n) / (1 - 1 / n), 0, 1) if n > 1 else np.ones(winner.shape)
        weight = (_STRONGEST * (0.25 + 0.75 * certainty))[..., None]
        extent = (self.x[0], self.x[-1], self.y[0], self.y[-1])
        ax.imshow((1 - weight) + weight * colors[winner], origin="lower", extent=extent, aspect="auto", interpolation="bilinear", zorder=0)
        for number in range(n if n > 2 else n - 1):
            inside = (winner == number).astype(np.float64)
            if 0 < inside.mean() < 1:
                ax.contour(self.x, self.y, inside, levels=[0.5], colors=INK, linewidths=1.0, zorder=1)
        self._draw_points(ax)
        ax.set(xlim=extent[:2], ylim=extent[2:])
        ax.set_xlabel(self.feature_names[0])
        ax.set_ylabel(self.feature_names[1])
        ax.spines[["top", "right"]].set_visible(False)

    def _draw_points(self, ax: Axes) -> None:
        from matplotlib.lines import Line2D

        handles = []
        for number, name in enumerate(self.classes):
            look: dict[str, Any] = {"marker": MARKERS[number], "color": COLORS[number]}
            if self.points is not None and self.labels is not None:
                mine = self.points[self.labels == number]
                size = 26 if len(self.points) <= 500 else 12
                ax.scatter(mine[:, 0], mine[:, 1], s=size, edgecolors="white", linewidths=0.6, zorder=3, **look)
            handles.append(Line2D([], [], linestyle="", markersize=6, markeredgecolor="white", label=name, **look))
        if self.points is not None and self.wrong is not None and self.wrong.any():
            ring: dict[str, Any] = {"marker": "o"}
            missed = self.points[self.wrong]
            ax.scatter(missed[:, 0], missed[:, 1], s=75, facecolors="none", edgecolors="black", linewidths=1.0, zorder=4, **ring)
            label = f"wrong: {int(self.wrong.sum())} of {len(self.points)}"
            handles.append(Line2D([], [], linestyle="", markersize=9, markerfacecolor="none", markeredgecolor="black", label=label, **ring))
        # Beside the axes: samples may lie anywhere in them.
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)


def _like(X: Any, grid: np.ndarray) -> Any:
    """The grid as a frame with the columns of `X`, if that is one, so that the estimator finds them."""
    return type(X)(dict(zip(X.columns, grid.T, strict=True))) if hasattr(X, "columns") else grid


def _indices(labels: np.ndarray, classes: np.ndarray, n_samples: int) -> np.ndarray:
    """Index of the class of each sample."""
    labels = as_vector(labels)
    if labels.shape != (n_samples,):
        raise ShapeError(f"y must have one class for each of the {n_samples} samples, got shape {labels.shape}")
    is_class = labels[:, None] == classes
    unknown = ~is_class.any(axis=1)
    if unknown.any():
        raise ParameterError(f"y contains {labels[unknown][0]!r}, which is not one of the estimator's classes {list(classes)}")
    found: np.ndarray = is_class.argmax(axis=1)
    return found
