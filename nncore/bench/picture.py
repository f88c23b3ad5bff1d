"""Results as one picture: heat maps of the part of the limit's speed and of the ratio to each peer. Needs the extra ``plot``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore.bench.results import Cell, Results, peers_of
from nncore.bench.summary import geometric_mean, percent, thread_counts, with_threads
from nncore.bench.tables import times
from nncore.configuration import require
from nncore.errors import ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Ratios beyond it, either way, have the same colour.
LARGEST_RATIO = 32.0
_INK, _FAINT, _BAD = "#222222", "#666666", "#a01818"


@dataclass(frozen=True)
class Panel:
    """One heat map: of the ratio to a peer or, without one, of the part of the limit's speed."""

    cells: list[Cell]
    peer: str | None

    def value(self, cell: Cell) -> float:
        return cell.fraction if self.peer is None else cell.ratio(self.peer)

    def text(self, value: float) -> str:
        return percent(value) if self.peer is None else times(value)

    @property
    def title(self) -> str:
        mean = self.text(geometric_mean(map(self.value, self.cells)))
        return f"{'of the limit' if self.peer is None else f'against {self.peer}'}: {mean}"

    def shade(self, value: float) -> float:
        """Position of `value` on the colour scale: from 0 to 1, or for ratios from -1 to 1."""
        if self.peer is None:
            return min(value, 1.0)
        return max(-1.0, min(1.0, math.log(value) / math.log(LARGEST_RATIO)))


def columns(results: Results) -> dict[str, list[Panel]]:
    """Panels from the top down, by the column's title: training for each number of threads, then prediction."""
    groups = {
        f"training, {threads} thread{'' if threads == 1 else 's'}": with_threads(results.training, threads)
        for threads in thread_counts(results.training)
    }
    groups["prediction, 1 thread"] = results.prediction
    return {
        title: [Panel(cells, None), *(Panel([cell for cell in cells if peer in cell.seconds], peer) for peer in peers_of(cells))]
        for title, cells in groups.items()
        if cells
    }


def draw(results: Results) -> Figure:
    """Draw a run.

    Raises
    ------
    ParameterError
        If neither training nor prediction was measured.
    """
    parts = columns(results)
    if not parts:
        raise ParameterError("a picture needs training or prediction among what is measured")
    figures = require("matplotlib.figure", extra="plot", purpose="the picture")
    n_nets = max(len(_nets(panels[0])) for panels in parts.values())
    widths = [1.3 + 0.62 * max(3, len(_batches(panels[0]))) for panels in parts.values()]
    n_rows = max(map(len, parts.values()))
    figure: Figure = figures.Figure(figsize=(max(sum(widths), 7.5), 1.1 + n_rows * (0.75 + 0.3 * n_nets)), dpi=120, layout="constrained")
    layout: Any = figure.get_layout_engine()
    layout.set(h_pad=0.09, w_pad=0.09)
    figure.suptitle("How many times as fast nncore is: over 1× it is faster (blue), under 1× slower (red)", fontsize=12)
    machine = results.machine
    about = f"{machine['CPU']}, {machine['cores']} cores, CPU level {machine['CPU level']}, {machine['date']}"
    if results.busy:
        about += ", beside a busy neighbour"
    figure.supxlabel(f"columns: batch size; rows: widths of the network; titles: geometric means\n{about}", fontsize=8.5, color=_FAINT)
    axes = figure.subplots(n_rows, len(parts), squeeze=False, width_ratios=widths)
    for column, (title, panels) in zip(axes.T, parts.items(), strict=True):
        for row, ax in enumerate(column):
            if row < len(panels):
                _draw_panel(ax, panels[row], f"{title}\n" if row == 0 else "")
            else:
                ax.set_axis_off()
    return figure


def _nets(panel: Panel) -> list[str]:
    return list(dict.fromkeys(cell.case.net for cell in panel.cells))


def _batches(panel: Panel) -> list[int]:
    return sorted({cell.case.batch for cell in panel.cells})


def _draw_panel(ax: Axes, panel: Panel, heading: str) -> None:
    nets, batches = _nets(panel), _batches(panel)
    shades = np.full((len(nets), len(batches)), np.nan)
    for cell in panel.cells:
        i, j = nets.index(cell.case.net), batches.index(cell.case.batch)
        shades[i, j] = shade = panel.shade(panel.value(cell))
        slower = panel.peer is not None and shade < 0
        ink = "white" if abs(shade) > 0.62 else _BAD if slower else _INK
        weight = "bold" if slower else "normal"
        ax.text(j, i, panel.text(panel.value(cell)), ha="center", va="center", fontsize=7.5, color=ink, fontweight=weight)
    cmap, lowest = ("YlGn", 0) if panel.peer is None else ("RdBu", -1)
    ax.imshow(shades, cmap=cmap, vmin=lowest, vmax=1, aspect="auto")
    ax.set_title(panel.title, fontsize=9)
    if heading:
        ax.text(0.5, 1.2, heading.strip(), transform=ax.transAxes, ha="center", fontsize=11, fontweight="bold", color=_INK)
    ax.set_xticks(range(len(batches)), [str(batch) for batch in batches], fontsize=8)
    ax.set_yticks(range(len(nets)), nets, fontsize=8)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
