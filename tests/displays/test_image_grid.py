from __future__ import annotations

import numpy as np
import pytest
from drawing import drawn

from nncore.displays import ImageGridDisplay
from nncore.errors import ParameterError, ShapeError


@pytest.mark.parametrize("shape", [(1, 8, 8), (7, 8, 8), (10, 5, 9), (3, 4, 4, 3), (2, 4, 4, 4)])
def test_image_grid(shape: tuple[int, ...]):
    images = np.random.default_rng(0).random(shape)
    titles = [f"title {i}" for i in range(len(images))]
    display = ImageGridDisplay.from_images(images, titles=titles)
    shown = [ax for ax in display.axes_.ravel() if ax.images]
    assert [ax.get_title() for ax in shown] == titles
    np.testing.assert_allclose(shown[-1].images[0].get_array(), images[-1])
    drawn(display.figure_)


def test_grey_images_share_a_scale():
    images = np.stack([np.zeros((2, 2)), np.full((2, 2), 4.0), np.full((2, 2), 16.0)])
    axes = ImageGridDisplay.from_images(images).axes_.ravel()
    assert {ax.images[0].get_clim() for ax in axes if ax.images} == {(0.0, 16.0)}


def test_columns_and_highlight():
    display = ImageGridDisplay(np.zeros((5, 2, 2)), titles=["a"] * 5, highlight=[True] + [False] * 4).plot(n_columns=2)
    assert display.axes_.shape == (3, 2)
    first, second = (display.axes_[0, i].title for i in (0, 1))
    assert first.get_color() != second.get_color()
    assert first.get_fontweight() != second.get_fontweight()  # distinguishable without colour
    drawn(display.figure_)


@pytest.mark.parametrize("images", [np.zeros((0, 2, 2)), np.zeros((2, 2)), np.zeros((1, 2, 2, 2)), np.float64(1)])
def test_what_is_not_images(images: np.ndarray):
    with pytest.raises(ShapeError, match="images"):
        ImageGridDisplay(images)


def test_arguments_are_checked():
    images = np.zeros((3, 2, 2))
    with pytest.raises(ShapeError, match="titles"):
        ImageGridDisplay(images, titles=["a"])
    with pytest.raises(ShapeError, match="highlight"):
        ImageGridDisplay(images, highlight=[True])
    with pytest.raises(ParameterError, match="n_columns"):
        ImageGridDisplay.from_images(images, n_columns=0)
