"""How far off predicted numbers are, as a picture. Needs the extra ``plot``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nncore.configuration import require

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: More points than these only cover each other.
MOST_POINTS = 4_000


def residuals(true: np.ndarray, predicted: np.ndarray, name: str) -> Figure:
    """Predicted against true values, both of shape ``(n_rows,)``, beside the distribution of their differences."""
    figure: Figure = require("matplotlib.figure", extra="plot", purpose="--report").Figure(figsize=(9, 4), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    shown = np.random.default_rng(0).permutation(len(true))[:MOST_POINTS]
    left.scatter(true[shown], predicted[shown], s=6, alpha=0.35, color="#3b6fb6", linewidths=0, rasterized=True)
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    left.plot([low, high], [low, high], color="#444444", linewidth=1)
    left.set_xlabel(f"true {name}")
    left.set_ylabel(f"predicted {name}")
    error = predicted - true
    # Few rows that are far off must not squeeze all others into one bar.
    edge = float(np.quantile(np.abs(error), 0.99)) or 1.0
    right.hist(np.clip(error, -edge, edge), bins=41, color="#3b6fb6")
    right.axvline(0, color="#444444", linewidth=1)
    right.locator_params(axis="x", nbins=5)
    right.set_xlabel("predicted - true")
    right.set_ylabel("rows")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(True, color="#e6e6e6", linewidth=0.8)
        axes.set_axisbelow(True)
    return figure
