"""Histograms of the layers, one below the other, and a plot of the spread of each layer's numbers next to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.arguments import shown
from nncore.displays.display import COLORS, INK, Display, new_figure, percent, tidy
from nncore.displays.predictions import as_reals
from nncore.errors import DataError, ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_N_BINS = 60
#: Room in inches for each layer, and for all else.
_ROW, _REST = 0.62, 1.25


class LayerHistograms(Display, ABC):
    """Base of the displays of activations and gradients.

    Parameters
    ----------
    values : dict of str to ndarray
        Numbers by the name of the layer or tensor, from the first to the last.

    Attributes
    ----------
    std : dict of str to float
        Standard deviation of each.
    axes_ : ndarray of Axes, shape (2,)
        Histograms, standard deviations.
    ax_ : Axes
        That of the histograms.
    figure_ : Figure
    """

    axes_: np.ndarray
    ax_: Axes
    #: Of the panel of histograms.
    xlabel = ""
    title = ""
    color = COLORS[0]

    def __init__(self, values: dict[str, Any]) -> None:
        if not isinstance(values, Mapping):
            raise ParameterError(f"values must be a dict of numbers by layer, got {shown(values)}")
        self.values = {name: as_reals(numbers, f"values[{name!r}]") for name, numbers in values.items()}
        if not self.values or not all(numbers.ndim and numbers.size for numbers in self.values.values()):
            raise ParameterError("there is nothing to draw: give at least one layer, and numbers for each")
        for name, numbers in self.values.items():
            if not np.isfinite(numbers).all():
                raise DataError(f"{name} holds NaN or infinity and has no histogram: lower the learning rate and train again")
        self.std = {name: float(numbers.std()) for name, numbers in self.values.items()}

    def _shown(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers of a layer that the histogram counts."""
        return numbers.ravel()

    def _note(self, name: str) -> str:
        """Text next to a layer's histogram: how many of its numbers are 0."""
        zero = float((self.values[name] == 0).mean())
        return f"{percent(zero)} zero" if zero >= 0.005 else ""

    @abstractmethod
    def _verdict(self) -> str:
        """One line about all of them, or nothing."""

    @abstractmethod
    def _limits(self, shown: list[np.ndarray]) -> tuple[float, float]:
        """Ends of the common axis of the histograms."""

    def plot(self) -> Self:
        """Draw.

        Returns
        -------
        Self
            This display, drawn.
        """
        self.figure_ = new_figure(9.0, min(_REST + _ROW * len(self.values), 40.0))
        self.axes_ = self.figure_.subplots(1, 2, width_ratios=(1.9, 1.0), sharey=True)
        self.ax_ = self.axes_[0]
        self._draw_histograms(self.ax_)
        self._draw_spread(self.axes_[1])
        verdict = self._verdict()
        self.figure_.suptitle(self.title + (f": {verdict}" if verdict else ""), fontsize=11)
        return self

    def _draw_histograms(self, ax: Axes) -> None:
        """From the first layer (top) to the last, each as high as its row allows."""
        shown = [self._shown(numbers) for numbers in self.values.values()]
        limits = self._limits([numbers for numbers in shown if numbers.size])
        for row, (name, numbers) in enumerate(zip(self.values, shown, strict=True)):
            # What lies outside is counted in the last bin.
            counts, edges = np.histogram(np.clip(numbers, *limits), bins=_N_BINS, range=limits)
            ground = row + 0.42
            ax.stairs(ground - 0.84 * counts / max(counts.max(), 1), edges, baseline=ground, fill=True, color=self.color)
            ax.axhline(ground, color=INK, linewidth=0.6)
            # Beside the axes: anywhere inside, bars may be in the way.
            ax.annotate(self._note(name), (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8, color=INK)
        ax.set_xlim(limits)
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.set_yticks(range(len(shown)), list(self.values), fontsize=9)
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.set_xlabel(self.xlabel)

    def _draw_spread(self, ax: Axes) -> None:
        """Standard deviations from the first layer (top) to the last, on a logarithmic axis; 0 has an arrow at its left end."""
        from matplotlib.ticker import NullFormatter

        spreads = np.array(list(self.std.values()))
        places = np.arange(len(spreads))
        positive = spreads > 0
        # Whole powers of ten, so that nothing but them needs a label.
        exponents = np.log10(spreads[positive]) if positive.any() else np.zeros(1)
        low, high = 10 ** np.floor(exponents.min() - 0.15), 10 ** np.ceil(exponents.max() + 0.15)
        ax.set_xscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.set_xlim(low, high)
        ax.plot(spreads[positive], places[positive], "o-", color=self.color, linewidth=1.5, markersize=6)
        for place in places[~positive]:
            ax.plot(low, place, "<", color=COLORS[1], markersize=8, clip_on=False)
            ax.annotate("0", (low, place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=9, color=COLORS[1])
        ax.set_xlabel("standard deviation")
        ax.tick_params(axis="y", length=0)
        tidy(ax)
