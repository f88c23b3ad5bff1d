"""Common parts of the displays: axes, figures and style."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore.arguments import shown
from nncore.configuration import require
from nncore.errors import ParameterError
from nncore.words import explains_calls

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Okabe and Ito's colours, which people with any kind of colour vision tell apart; the yellow, too light on white, comes last.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555", "#F0E442")
#: Each colour is combined with the marker next to it.
MARKERS = "osD^vP*X"
INK, GRID = "#333333", "#e6e6e6"

#: Training and validation, told apart without colour by the line's style.
TRAINING: dict[str, Any] = {"color": COLORS[0], "linestyle": "-"}
VALIDATION: dict[str, Any] = {"color": COLORS[1], "linestyle": "--"}

#: Numbers that differ by more than this factor are drawn on a logarithmic scale.
LOG_RATIO = 30.0


class Display:
    """Base of the displays.

    Attributes
    ----------
    figure_ : matplotlib.figure.Figure
        The figure, once it is drawn.
    """

    figure_: Figure

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        explains_calls(cls)

    def _repr_png_(self) -> bytes | None:
        """The picture for a notebook; None if there is none, or if pyplot already shows it."""
        figure = getattr(self, "figure_", None)
        if figure is None or figure.canvas.manager is not None:
            return None
        file = io.BytesIO()
        figure.savefig(file, format="png")
        return file.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure, size in inches, with automatic space for labels.

    If the program has imported pyplot, the figure is one of pyplot's, and ``plt.show()`` shows it. Otherwise nothing global changes and
    no window is needed. The figure is then gone with the last reference to it.
    """
    figures = require("matplotlib.figure", extra="plot", purpose="plotting")
    pyplot = sys.modules.get("matplotlib.pyplot")
    make = figures.Figure if pyplot is None else pyplot.figure
    figure: Figure = make(figsize=(width, height), dpi=120, layout="constrained")
    return figure


def figure_of(ax: Axes) -> Figure:
    """The figure an axes is in, also if it is in a subfigure."""
    if isinstance(ax, type) or not hasattr(ax, "get_figure"):
        raise ParameterError(f"ax must be axes of matplotlib, got {shown(ax)}")
    figure: Any = ax.get_figure(root=True)
    made: Figure = figure
    return made


def only_axes(ax: Axes) -> np.ndarray:
    """Check the user's axes for a display that draws several by default, and return them as its `axes_`."""
    figure_of(ax)  # raises if it is not an axes
    return np.array([ax])


def tidy(ax: Axes) -> None:
    """A quiet grid behind the data, and no frame but the two axes."""
    ax.grid(True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def shortened(label: str, most: int = 20) -> str:
    """Shorten a label to a number of characters."""
    return label if len(label) <= most else label[: most - 1] + "…"


def percent(share: float) -> str:
    """``"7 %"``; what is neither nothing nor everything never looks like it."""
    return "<1 %" if 0 < share < 0.005 else ">99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def spans_decades(values: np.ndarray, ratio: float = LOG_RATIO) -> bool:
    """Whether a logarithmic scale suits positive numbers better."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and finite.min() > 0 and finite.max() > ratio * finite.min())
