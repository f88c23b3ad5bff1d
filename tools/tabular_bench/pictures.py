"""The critical-difference diagram, and score against processor time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tabular_bench.methods import METHODS
from tabular_bench.ranks import Block

OURS, THEIRS = "#c2410c", "#334155"


def draw(block: Block, file: Path) -> None:
    """Both, side by side, as PNG."""
    figure = Figure(figsize=(15, 6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    _ranks(left, block)
    _curve(right, block)
    figure.suptitle(f"{len(block.tables)} tables, one thread; nncore orange")
    figure.savefig(file, dpi=100)


def _ranks(ax: Axes, block: Block) -> None:
    """Mean ranks on a scale, best on top; a bar as long as the critical difference hangs from each group that Nemenyi's test joins."""
    ranks = block.ranks("score").sort_values()
    difference = block.critical_difference()
    for y, (method, rank) in enumerate(ranks.items()):
        colour = _colour(str(method))
        ax.plot([rank], [y], "o", color=colour)
        ax.annotate(f"{METHODS[str(method)].label}  {rank:.2f}", (rank, y), (8, 0), textcoords="offset points", va="center", color=colour)
    for start, end in groups(ranks.to_numpy(), difference):
        x = ranks.iloc[start] - 0.12 - 0.08 * (start % 3)
        ax.plot([x, x], [start - 0.2, end + 0.2], color="0.6", lw=3, solid_capstyle="butt")
    ax.set_xlim(min(ranks) - 0.6, max(ranks) + 0.55 * (max(ranks) - min(ranks)))
    ax.invert_yaxis()
    ax.set_yticks([])
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.set_xlabel("mean rank by accuracy or R²")
    ax.set_title(f"Critical difference {difference:.2f} (Nemenyi, 5 %): a grey bar joins what is not told apart", fontsize=10)


def groups(ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """First and last of the longest runs of sorted `ranks` that lie within `difference`; runs inside others are left out."""
    ends = [int(np.searchsorted(ranks, rank + difference, side="right")) - 1 for rank in ranks]
    return [(start, end) for start, end in enumerate(ends) if end > start and (start == 0 or ends[start - 1] < end)]


def _curve(ax: Axes, block: Block) -> None:
    """Normalised score against seconds of a fit; a line joins those that nothing quicker beats."""
    seconds, score = block.seconds("fit"), block.normalised()
    best, front = -np.inf, []
    for method in seconds.sort_values().index:
        if score[method] > best:
            best = score[method]
            front.append(method)
    ax.plot(seconds[front], score[front], color="0.8", zorder=0)
    for number, method in enumerate(score.sort_values().index):
        ax.plot([seconds[method]], [score[method]], "o", color=_colour(method))
        offset = 5, 4 if number % 2 else -9  # neighbours' labels keep clear of each other
        place = seconds[method], score[method]
        ax.annotate(METHODS[method].label, place, offset, textcoords="offset points", fontsize=8, color=_colour(method))
    ax.set_xscale("log")
    ax.set_xlim(seconds.min() / 1.5, seconds.max() * (seconds.max() / seconds.min()) ** 0.35)
    ax.set_xlabel("processor seconds of fit (geometric mean)")
    ax.set_ylabel("normalised score (1: best of a table)")
    ax.grid(alpha=0.2)


def _colour(method: str) -> str:
    return OURS if METHODS[method].is_ours else THEIRS
