"""Small images side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from nncore.arguments import flag, several, texts, whole_number
from nncore.data import as_numbers
from nncore.displays.display import COLORS, INK, Display, new_figure
from nncore.errors import ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class ImageGridDisplay(Display):
    """Small images in a grid, row by row.

    Parameters
    ----------
    images : array of shape (n_images, height, width) or (n_images, height, width, 3 or 4)
        Grey images on a common scale, drawn dark on white, or colour images (uint8, or floats from 0 to 1).
    titles : sequence of str, optional
        Title above each image.
    highlight : sequence of bool, optional
        Whether to draw the title of each image in bold and orange, for example those a network got wrong.

    Attributes
    ----------
    axes_ : ndarray of Axes, shape (n_rows, n_columns)
    figure_ : Figure

    Raises
    ------
    ShapeError
        `images` are not images, are empty, or a sequence has another length.
    """

    axes_: np.ndarray

    def __init__(self, images: Any, *, titles: Sequence[str] | None = None, highlight: Sequence[bool] | None = None) -> None:
        self.images = as_numbers(images, "images")
        shape, n = self.images.shape, len(self.images) if self.images.ndim else 0
        if not n or len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (3, 4)):
            raise ShapeError(f"images need the shape (n_images, height, width), with a last axis of 3 or 4 colours if any; got {shape}")
        for argument, values in (("titles", titles), ("highlight", highlight)):
            if values is not None and len(several(argument, values)) != n:
                raise ShapeError(f"there are {n} images, but {argument} has {len(several(argument, values))} entries")
        self.titles = None if titles is None else texts("titles", titles)
        self.highlight = None if highlight is None else [flag("highlight", each) for each in several("highlight", highlight)]

    @classmethod
    def from_images(
        cls,
        images: Any,
        *,
        titles: Sequence[str] | None = None,
        highlight: Sequence[bool] | None = None,
        n_columns: int | None = None,
    ) -> Self:
        """Draw images in a grid.

        Parameters
        ----------
        images, titles, highlight : array-like
            As for the class.
        n_columns : int, optional
            Number of columns. None makes the grid about twice as wide as high.
        """
        return cls(images, titles=titles, highlight=highlight).plot(n_columns=n_columns)

    def plot(self, *, n_columns: int | None = None) -> Self:
        """Draw the images.

        Parameters
        ----------
        n_columns : int, optional
            Number of columns. None makes the grid about twice as wide as high.

        Returns
        -------
        Self
            The drawn display.
        """
        images, n = self.images, len(self.images)
        columns = min(n, int(np.ceil(np.sqrt(2 * n))) if n_columns is None else whole_number("n_columns", n_columns, 1))
        rows = -(-n // columns)
        room = 0.0 if self.titles is None else 0.25
        self.figure_ = new_figure(columns * 0.95, rows * (0.95 * images.shape[1] / images.shape[2] + room))
        engine: Any = self.figure_.get_layout_engine()
        engine.set(w_pad=0.03, h_pad=0.03)
        self.axes_ = self.figure_.subplots(rows, columns, squeeze=False)
        scale: dict[str, Any] = {} if images.ndim == 4 else {"cmap": "gray_r", "vmin": images.min(), "vmax": images.max()}
        for index, ax in enumerate(self.axes_.ravel()):
            ax.set_axis_off()
            if index < n:
                ax.imshow(images[index], interpolation="nearest", **scale)
                self._title(ax, index)
        return self

    def _title(self, ax: Axes, index: int) -> None:
        if self.titles is not None:
            stands_out = self.highlight is not None and self.highlight[index]
            style: dict[str, Any] = {"color": COLORS[1], "fontweight": "bold"} if stands_out else {"color": INK}
            ax.set_title(self.titles[index], fontsize=9, pad=3, **style)
