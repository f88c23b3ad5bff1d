"""Pictures: learning curves, confusion matrices, grids of images. Needs the extra ``plot``.

Every function returns a `matplotlib.figure.Figure` made without pyplot: nothing global changes, no window is needed, and
``figure.savefig("curves.png")`` works on a machine without a screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore.configuration import require
from nncore.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nncore.history import History

__all__ = ["confusion_matrix", "image_grid", "learning_curves"]

#: Training and validation; told apart without colour by the line's style.
_STYLES: dict[str, dict[str, Any]] = {
    "training": {"color": "#3b6fb6", "linestyle": "-"},
    "validation": {"color": "#d9702c", "linestyle": "--"},
}
#: A loss that falls by more than this factor is drawn on a logarithmic scale.
_LOG_RATIO = 30.0
_INK = "#444444"


def _figure(width: float, height: float) -> Figure:
    """An empty figure, size in inches, that makes room for its labels by itself."""
    figure = require("matplotlib.figure", extra="plot", purpose="plotting")
    made: Figure = figure.Figure(figsize=(width, height), dpi=120, layout="constrained")
    return made


def _figure_of(ax: Axes) -> Figure:
    """The figure an axes is in, also if it is in a subfigure."""
    figure: Any = ax.get_figure(root=True)
    made: Figure = figure
    return made


def learning_curves(history: History, ax: Axes | None = None) -> Figure:
    """Loss (left) and metrics (right, if any) against the epoch, for training and validation.

    A point marks the best epoch of the validation curve. The loss is drawn on a logarithmic scale if it falls by more
    than a factor of 30.

    Parameters
    ----------
    history : History
    ax : Axes, optional
        Draw the loss alone, here.

    Raises
    ------
    ParameterError
        If no epoch is recorded.
    """
    if not len(history):
        raise ParameterError("the history has no epoch to draw; fit the network first")
    metrics = [name for name in dict.fromkeys(key.removeprefix("val_") for key in history) if name not in ("loss", "seconds")]
    if ax is not None:
        _draw_curves(ax, history, ["loss"], ylabel="loss")
        return _figure_of(ax)
    figure = _figure(9.0 if metrics else 5.0, 3.6)
    panels = figure.subplots(1, 2 if metrics else 1, squeeze=False)[0]
    _draw_curves(panels[0], history, ["loss"], ylabel="loss")
    if metrics:
        _draw_curves(panels[1], history, metrics, ylabel=metrics[0].replace("_", " ") if len(metrics) == 1 else "metric")
    return figure


def _draw_curves(ax: Axes, history: History, names: list[str], ylabel: str) -> None:
    """Training and validation curves of the columns `names`; several metrics share the axes with different markers."""
    from matplotlib.ticker import MaxNLocator

    markers = ["", *"sD^v<>"]  # the first curve needs none
    single = len(history) == 1
    drawn = []
    for index, name in enumerate(names):
        for part, column in (("training", name), ("validation", f"val_{name}")):
            if column not in history or np.isnan(history[column]).all():
                continue
            values = history[column]
            label = part if len(names) == 1 else f"{part} {name.replace('_', ' ')}"
            if part == "validation" and not single:
                best = history.best(column)
                label += f" (best {values[best - 1]:.4g} in epoch {best})"
                ax.plot(best, values[best - 1], "o", color=_STYLES[part]["color"], markeredgecolor="white", markersize=8, zorder=3)
            marker = "o" if single else markers[index % len(markers)]
            spacing = max(1, len(values) // 8)
            ax.plot(history.epochs, values, label=label, marker=marker, markevery=spacing, markersize=4, linewidth=1.8, **_STYLES[part])
            drawn.append(values)
    if names == ["loss"] and drawn and _spans_decades(np.concatenate(drawn)):
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.set_xlabel("epoch")
    ax.set_ylabel(ylabel)
    ax.margins(x=0.02, y=0.12)
    ax.grid(True, color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    if drawn:
        ax.legend(frameon=False, fontsize=9)


def _spans_decades(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return bool(finite.size and finite.min() > 0 and finite.max() > _LOG_RATIO * finite.min())


def confusion_matrix(
    y_true: Sequence[Any] | np.ndarray,
    y_predicted: Sequence[Any] | np.ndarray,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """How many samples of each class were predicted as which.

    The number is the count, the shade the share of its row (of its true class).

    Parameters
    ----------
    y_true, y_predicted : array-like of shape (n_samples,)
        Classes: integers, strings, anything that sorts.
    names : sequence of str, optional
        One for each class in sorted order. Given names, integer classes are indices into them and classes that do not
        occur keep their row.
    ax : Axes, optional
        Where to draw.

    Raises
    ------
    ShapeError
        If the two are not vectors of one length, or empty, or `names` is too short.
    """
    true, predicted = np.asarray(y_true), np.asarray(y_predicted)
    if true.ndim != 1 or true.shape != predicted.shape or not true.size:
        raise ShapeError(f"confusion_matrix needs two vectors of one length, got shapes {true.shape} and {predicted.shape}")
    classes, indices = np.unique(np.concatenate([true, predicted]), return_inverse=True)
    if names is not None and np.issubdtype(classes.dtype, np.integer):
        if classes.min() < 0 or classes.max() >= len(names):
            raise ShapeError(f"classes go from {classes.min()} to {classes.max()}, but there are {len(names)} names")
        classes, indices = np.arange(len(names)), np.concatenate([true, predicted])
    labels = [str(name) for name in (classes if names is None else names)]
    n = len(classes)
    if len(labels) != n:
        raise ShapeError(f"there are {n} classes, but {len(labels)} names")
    counts = np.zeros((n, n), dtype=np.int64)  # (true class, predicted class)
    np.add.at(counts, (indices[: len(true)], indices[len(true) :]), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    if ax is None:
        side = max(3.2, min(12.0, 0.5 * n + 1.4))
        ax = _figure(side, side).subplots()
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    size = 10 if n <= 12 else 7
    for row, column in zip(*np.nonzero(counts), strict=True):
        color = "white" if share[row, column] > 0.55 else _INK
        ax.text(column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=size, color=color)
    long = max(map(len, labels)) > 3
    ax.set_xticks(range(n), labels, fontsize=size, rotation=45 if long else 0, ha="right" if long else "center", rotation_mode="anchor")
    ax.set_yticks(range(n), labels, fontsize=size)
    ax.tick_params(length=0)
    ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    ax.set_title(f"{counts.trace() / counts.sum():.2%} of {counts.sum()} correct", fontsize=11)
    ax.set_xticks(np.arange(1, n) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, n) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=1.5)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(False)
    return _figure_of(ax)


def image_grid(
    images: np.ndarray, titles: Sequence[str] | None = None, *, n_columns: int | None = None, highlight: Sequence[bool] | None = None
) -> Figure:
    """Small images side by side, row by row.

    Parameters
    ----------
    images : array of shape (n_images, height, width) or (n_images, height, width, 3 or 4)
        Grey values on a common scale, drawn dark on white, or colours (uint8, or floats from 0 to 1).
    titles : sequence of str, optional
        One above each image.
    n_columns : int, optional
        By default the grid is about twice as wide as high.
    highlight : sequence of bool, optional
        Images whose title is red: those a network got wrong, for instance.

    Raises
    ------
    ShapeError
        If `images` are not images, there is none, or a sequence has another length.
    """
    images = np.asarray(images)
    n = len(images) if images.ndim else 0
    if not n or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (3, 4)):
        raise ShapeError(f"images need the shape (n_images, height, width), with a last axis of 3 or 4 colours if any; got {images.shape}")
    for argument, values in (("titles", titles), ("highlight", highlight)):
        if values is not None and len(values) != n:
            raise ShapeError(f"there are {n} images, but {argument} has {len(values)} entries")
    if n_columns is not None and n_columns < 1:
        raise ParameterError(f"n_columns must be at least 1, got {n_columns}")
    columns = min(n, n_columns or int(np.ceil(np.sqrt(2 * n))))
    rows = -(-n // columns)
    room = 0.0 if titles is None else 0.25
    aspect = images.shape[1] / images.shape[2]
    figure = _figure(columns * 0.95, rows * (0.95 * aspect + room))
    engine: Any = figure.get_layout_engine()
    engine.set(w_pad=0.03, h_pad=0.03)
    scale: dict[str, Any] = {} if images.ndim == 4 else {"cmap": "gray_r", "vmin": images.min(), "vmax": images.max()}
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for index, ax in enumerate(panels):
        ax.set_axis_off()
        if index < n:
            ax.imshow(images[index], interpolation="nearest", **scale)
            if titles is not None:
                wrong = highlight is not None and highlight[index]
                ax.set_title(str(titles[index]), fontsize=9, pad=3, color="#c0392b" if wrong else _INK)
    return figure
