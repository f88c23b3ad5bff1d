"""Loss against a growing learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.arguments import shown
from nncore.displays.axes_display import AxesDisplay
from nncore.displays.display import COLORS, INK, tidy
from nncore.displays.predictions import as_reals
from nncore.errors import ParameterError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nncore.network import LearningRateSearch


class LearningRateDisplay(AxesDisplay):
    """The loss against a growing learning rate, as found by `nncore.find_learning_rate`, with the suggested rate.

    It shows the loss of every step and its smoothed course.

    Parameters
    ----------
    rates, losses, smoothed : array-like of shape (n_steps,)
        Learning rate of every step, its loss, and the smoothed loss.
    suggestion : float or None
        Suggested learning rate; None if the loss falls nowhere.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    """

    _size = (5.6, 3.6)

    def __init__(self, *, rates: Any, losses: Any, smoothed: Any, suggestion: float | None = None) -> None:
        given = {"rates": rates, "losses": losses, "smoothed": smoothed}
        self.rates, self.losses, self.smoothed = (as_reals(values, name) for name, values in given.items())
        self.suggestion = suggestion
        if self.rates.ndim != 1 or not self.rates.shape == self.losses.shape == self.smoothed.shape or not self.rates.size:
            shapes = f"{self.rates.shape}, {self.losses.shape} and {self.smoothed.shape}"
            raise ShapeError(f"rates, losses and smoothed must be vectors of one length, got shapes {shapes}")

    @classmethod
    def from_search(cls, search: LearningRateSearch, *, ax: Axes | None = None) -> Self:
        """Draw the result of `nncore.find_learning_rate`.

        Parameters
        ----------
        search : LearningRateSearch
            The result of `nncore.find_learning_rate`.
        ax : Axes, optional
            Axes to draw into.
        """
        if not hasattr(search, "smoothed"):
            raise ParameterError(f"search must be a result of nncore.find_learning_rate, got {shown(search)}")
        curves = {"rates": search.rates, "losses": search.losses, "smoothed": search.smoothed}
        return cls(**curves, suggestion=search.suggestion).plot(ax=ax)

    def _draw(self, ax: Axes) -> None:
        ax.plot(self.rates, self.losses, ".", color=COLORS[5], markersize=4, label="loss of each batch")
        ax.plot(self.rates, self.smoothed, color=COLORS[0], linewidth=2, label="smoothed")
        ax.set_xscale("log")
        ax.set_xlim(self.rates[0], self.rates[-1])
        # What comes before the loss explodes is what matters: up to somewhat above where it began.
        low, begin = float(self.smoothed.min()), float(self.smoothed[: max(1, len(self.rates) // 10)].max())
        room = max(begin - low, 1e-12 + 0.02 * abs(begin))
        ax.set_ylim(low - 0.15 * room, begin + 0.6 * room)
        if self.suggestion is not None:
            height = float(np.interp(np.log(self.suggestion), np.log(self.rates), self.smoothed))
            ax.axvline(self.suggestion, color=COLORS[1], linestyle="--", linewidth=1.2)
            label = f"suggestion {self.suggestion:.2g}"
            ax.plot(self.suggestion, height, "D", color=COLORS[1], markeredgecolor="white", markersize=9, label=label)
        else:
            ax.set_title("the loss never falls: there is nothing to suggest", fontsize=10, color=INK)
        ax.set_xlabel("learning rate")
        ax.set_ylabel("loss")
        tidy(ax)
        ax.legend(frameon=False, fontsize=9, loc="lower left")
