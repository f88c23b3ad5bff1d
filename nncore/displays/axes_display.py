"""Base class of displays that are drawn into one axes: a given one, or one of a new figure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from nncore.displays.display import Display, figure_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class AxesDisplay(Display, ABC):
    """Base of the displays that draw into one axes.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure
    """

    ax_: Axes

    @property
    @abstractmethod
    def _size(self) -> tuple[float, float]:
        """Width and height in inches of a new figure."""

    @abstractmethod
    def _draw(self, ax: Axes) -> None:
        """Draw into `ax`, which is `ax_` by now."""

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : Axes, optional
            Axes to draw into. None makes a new figure.

        Returns
        -------
        Self
            The drawn display.
        """
        if ax is None:
            ax = new_figure(*self._size).subplots()
        self.ax_, self.figure_ = ax, figure_of(ax)
        self._draw(ax)
        return self
