"""The picture of ``nncore demo``: learning curves, confusion matrix, misread digits. Needs the extra ``plot``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nncore.configuration import require
from nncore.displays import ConfusionDisplay, LearningCurveDisplay

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from nncore.contract import History

#: Largest number of misclassified digits to show.
N_SHOWN = 12


def draw(history: History, X: np.ndarray, y: np.ndarray, predicted: np.ndarray) -> Figure:
    """Draw a demonstration.

    Parameters
    ----------
    history : History
        History whose validation columns are those of the test set.
    X : ndarray of shape (n, 8, 8)
        Test images.
    y, predicted : ndarray of shape (n,), int64
        True digits, and predictions of the network.
    """
    figures = require("matplotlib.figure", extra="plot", purpose="the picture")
    figure: Figure = figures.Figure(figsize=(11, 7.2), dpi=120, layout="constrained")
    wrong = np.flatnonzero(predicted != y)
    layout: Any = figure.get_layout_engine()
    layout.set(h_pad=0.1, w_pad=0.1)
    figure.suptitle(f"Handwritten digits: {1 - len(wrong) / len(y):.1%} of {len(y)} test images read correctly", fontsize=14)
    parts: Any = figure.subfigures(2, 1, height_ratios=(2.9, 1), hspace=0.03)
    upper, lower = parts
    curves, matrix = upper.subplots(1, 2, width_ratios=(1.25, 1))
    LearningCurveDisplay.from_history(history, ax=curves)
    curves.set_title("Learning curves (validation: the test images; they choose nothing)", fontsize=11)
    ConfusionDisplay.from_predictions(y, predicted, names=range(10), ax=matrix)
    matrix.set_title("Confusion matrix", fontsize=11)
    _draw_misread(lower, X[wrong], y[wrong], predicted[wrong])
    return figure


def _draw_misread(figure: SubFigure, images: np.ndarray, y: np.ndarray, predicted: np.ndarray) -> None:
    shown = min(len(images), N_SHOWN)
    count = "none" if not shown else f"{shown} of {len(images)}" if shown < len(images) else str(shown)
    figure.suptitle(f"Misread digits: {count}", fontsize=11)
    n_columns = N_SHOWN - shown % 2
    first = (n_columns - shown) // 2  # centre a few digits
    for i, panel in enumerate(figure.subplots(1, n_columns)):
        panel.set_axis_off()
        if first <= i < first + shown:
            k = i - first
            panel.imshow(images[k], cmap="gray_r", vmin=0, vmax=16, interpolation="nearest")
            panel.set_title(f"{y[k]} read as {predicted[k]}", fontsize=8.5, color="#c0392b", pad=4)
