"""Confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.arguments import several, texts
from nncore.data import as_labels, as_numbers, in_terms_of
from nncore.displays.axes_display import AxesDisplay
from nncore.displays.display import INK, percent, shortened
from nncore.displays.predictions import predicted_classes
from nncore.errors import DataError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: More classes than this leave room for the counts only, then for the colours only.
_CLASSES_WITH_SHARES, _CLASSES_WITH_COUNTS = 12, 30


class ConfusionDisplay(AxesDisplay):
    """A confusion matrix: how many samples of each true class were predicted as which class.

    Each cell shows the count and the share of its row, which is also its shade.

    Parameters
    ----------
    counts : array-like of int, shape (n_classes, n_classes)
        Number of samples; one row for each true class, one column for each predicted class.
    names : sequence of str
        Names of the classes.

    Attributes
    ----------
    shares : ndarray of shape (n_classes, n_classes), float64
        `counts` divided by the sum of each row.
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from nncore.displays import ConfusionDisplay
    >>> display = ConfusionDisplay.from_predictions(["cat", "dog", "dog"], ["cat", "dog", "cat"])
    >>> display.shares
    array([[1. , 0. ],
           [0.5, 0.5]])
    """

    def __init__(self, counts: Any, *, names: Sequence[Any] | np.ndarray) -> None:
        self.counts = as_numbers(counts, "counts")
        self.names = texts("names", names)
        n = len(self.names)
        if self.counts.shape != (n, n) or not n:
            raise ShapeError(f"{n} classes need counts of shape ({n}, {n}) and at least one class, got {self.counts.shape}")
        self.shares = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)

    @classmethod
    def from_predictions(cls, y_true: Any, y_pred: Any, *, names: Sequence[Any] | None = None, ax: Axes | None = None) -> Self:
        """Count and draw true and predicted classes.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted classes: integers, strings, or anything that can be sorted.
        names : sequence of str, optional
            Name of each class, in sorted order. With names, integer classes are indices into them, and classes that do not occur keep their
            row.
        ax : Axes, optional
            Axes to draw into.

        Raises
        ------
        DataError
            The values are numbers of a regression.
        ShapeError
            The arguments are not two vectors of the same length, are empty, or `names` has another length.
        """
        names = None if names is None else several("names", names)
        true, predicted = (np.asarray(as_labels(y, name)) for y, name in ((y_true, "y_true"), (y_pred, "y_pred")))
        if true.ndim == 1:
            predicted = np.asarray(in_terms_of(np.unique(true), predicted))
        if true.ndim != 1 or true.shape != predicted.shape or not true.size:
            raise ShapeError(f"a confusion matrix needs two vectors of one length, got shapes {true.shape} and {predicted.shape}")
        if any(part.dtype.kind == "f" and (part != np.round(part)).any() for part in (true, predicted)):
            raise DataError("a confusion matrix needs classes, but some values are not whole numbers; ResidualsDisplay shows a regression")
        try:
            classes, indices = np.unique(np.concatenate([true, predicted]), return_inverse=True)
        except TypeError:
            raise DataError(f"y_true holds {true.dtype}, but y_pred {predicted.dtype}: pass labels of one type") from None
        if names is not None and np.issubdtype(classes.dtype, np.integer):
            if classes.min() < 0 or classes.max() >= len(names):
                raise ShapeError(f"classes go from {classes.min()} to {classes.max()}, but there are {len(names)} names")
            classes, indices = np.arange(len(names)), np.concatenate([true, predicted])
        if names is not None and len(names) != len(classes):
            raise ShapeError(f"there are {len(classes)} classes, but {len(names)} names")
        counts = np.zeros((len(classes), len(classes)), np.int64)
        np.add.at(counts, (indices[: len(true)], indices[len(true) :]), 1)
        return cls(counts, names=classes if names is None else names).plot(ax=ax)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, y: Any, *, names: Sequence[Any] | None = None, ax: Axes | None = None) -> Self:
        """Predict the classes of samples and compare them with the true ones.

        Parameters
        ----------
        estimator : network or estimator
            Network or estimator that predicts.
        X : array-like of shape (n_samples, ...)
            Samples.
        y : array-like of shape (n_samples,)
            True classes of the samples.
        names, ax : optional
            As in `from_predictions`.
        """
        return cls.from_predictions(y, predicted_classes(estimator, X), names=names, ax=ax)

    @property
    def _size(self) -> tuple[float, float]:
        cell = 0.62 if len(self.names) <= _CLASSES_WITH_SHARES else 0.36
        longest = max(len(shortened(name)) for name in self.names)
        side = max(3.2, min(14.0, cell * len(self.names) + 1.4 + 0.07 * max(0, longest - 6)))
        return side, side

    def _draw(self, ax: Axes) -> None:
        n, labels = len(self.names), [shortened(name) for name in self.names]
        size = 10 if n <= _CLASSES_WITH_SHARES else 7
        ax.imshow(self.shares, cmap="Blues", vmin=0, vmax=1)
        if n <= _CLASSES_WITH_COUNTS:
            self._write(ax, size)
        long = max(map(len, labels)) > 3
        ax.set_xticks(range(n), labels, fontsize=size, rotation=45 if long else 0, ha="right" if long else "center")
        for label in ax.get_xticklabels():
            label.set_rotation_mode("anchor")
        ax.set_yticks(range(n), labels, fontsize=size)
        ax.tick_params(length=0)
        ax.set_xlabel("predicted")
        ax.set_ylabel("true")
        ax.set_title(f"{100 * self.counts.trace() / max(self.counts.sum(), 1):.4g} % of {self.counts.sum()} correct", fontsize=11)
        ax.set_xticks(np.arange(1, n) - 0.5, minor=True)
        ax.set_yticks(np.arange(1, n) - 0.5, minor=True)
        ax.grid(which="minor", color="white", linewidth=1.5)
        ax.tick_params(which="minor", length=0)
        ax.spines[:].set_visible(False)

    def _write(self, ax: Axes, size: float) -> None:
        """Counts, and beneath them shares, into the cells that are not empty."""
        with_shares = len(self.names) <= _CLASSES_WITH_SHARES
        for row, column in zip(*np.nonzero(self.counts), strict=True):
            color = "white" if self.shares[row, column] > 0.55 else INK
            place: dict[str, Any] = {"ha": "center", "color": color}
            ax.text(column, row, f"{self.counts[row, column]}", va="bottom" if with_shares else "center", fontsize=size, **place)
            if with_shares:
                ax.text(column, row + 0.06, percent(self.shares[row, column]), va="top", fontsize=0.7 * size, **place)
