"""Helpers for tests of displays."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text


def drawn(figure: Figure) -> bytes:
    """Draw and return the picture; matplotlib finds most mistakes only then."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    assert file.getvalue().startswith(b"\x89PNG")
    return file.getvalue()


def overlapping_texts(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts (labels, ticks, titles, notes) that are drawn over each other."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = {text for ax in figure.axes for axis in (ax.xaxis, ax.yaxis) for text in _hidden_labels(axis)}
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t not in hidden]
    boxes = np.array([text.get_window_extent(renderer).shrunk(0.9, 0.7).extents for text in texts])  # (n, 4): x0, y0, x1, y1
    apart = (boxes[:, None, :2] >= boxes[None, :, 2:]).any(axis=2)
    first, second = np.nonzero(np.triu(~(apart | apart.T), 1))
    return [(texts[i].get_text(), texts[j].get_text()) for i, j in zip(first, second, strict=True)]


def _hidden_labels(axis: Axis) -> set[Text]:
    """Tick labels that matplotlib keeps but does not draw: spare ones, those beyond the ends, those of a shared axis."""
    low, high = np.sort(axis.get_view_interval())
    slack = 1e-9 * max(abs(low), abs(high))
    drawn = {
        label
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        if low - slack <= tick.get_loc() <= high + slack
        for label in (tick.label1, tick.label2)
        if label.get_visible()
    }
    return {label for tick in (*axis.majorTicks, *axis.minorTicks) for label in (tick.label1, tick.label2)} - drawn
