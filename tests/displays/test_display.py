"""Common behaviour of all displays."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import matplotlib.style
import numpy as np
import pytest
from hostile import hostile_values
from matplotlib.figure import Figure

import nncore.displays
from nncore.contract import History
from nncore.displays import (
    ConfusionDisplay,
    DecisionRegionDisplay,
    ImageGridDisplay,
    LearningCurveDisplay,
    ResidualsDisplay,
    ValidationCurveDisplay,
)
from nncore.displays.display import COLORS, GRID, percent
from nncore.errors import MissingExtraError, ParameterError


@pytest.mark.parametrize("name", nncore.displays.__all__)
def test_every_display_is_loaded_when_it_is_asked_for(name: str):
    display = getattr(nncore.displays, name)
    assert display.__name__ == name in dir(nncore.displays)
    assert any(method.startswith("from_") for method in vars(display))


def test_a_display_that_is_not_there():
    with pytest.raises(AttributeError, match="PieDisplay"):
        nncore.displays.PieDisplay  # noqa: B018


def run(program: str) -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_pyplot_and_its_global_state_are_not_touched():
    drawing = "import sys; from nncore.displays import ConfusionDisplay as C; d = C.from_predictions([0, 1], [0, 1])"
    run(f"{drawing}; assert d._repr_png_().startswith(b'\\x89PNG'); assert 'matplotlib.pyplot' not in sys.modules")


def test_a_program_with_pyplot_finds_the_figure_there():
    imports = "import matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as plt; from nncore.displays import ConfusionDisplay as C"
    drawing = "d = C.from_predictions([0, 1], [0, 1]); assert plt.gcf() is d.figure_; assert d._repr_png_() is None"
    into_axes = "a = plt.subplots()[1]; n = len(plt.get_fignums()); d.plot(ax=a); assert d.ax_ is a; assert len(plt.get_fignums()) == n"
    run(f"{imports}; {drawing}; {into_axes}")


def test_importing_displays_imports_no_matplotlib():
    run("import sys, nncore.displays; nncore.displays.ConfusionDisplay; assert 'matplotlib' not in sys.modules")


@pytest.mark.parametrize(
    "display",
    [
        ImageGridDisplay(np.zeros((1, 2, 2))),
        ConfusionDisplay([[1]], names=["a"]),
        DecisionRegionDisplay(x=np.arange(2), y=np.arange(2), probability=np.ones((2, 2, 1)), classes=["a"]),
        ValidationCurveDisplay(param_values=[1, 2], train_scores=[1, 2], validation_scores=[1, 2]),
    ],
    ids=lambda display: type(display).__name__,
)
def test_without_matplotlib(display: Any, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r"nncore-ml\[plot\]"):
        display.plot()


def test_a_display_that_is_not_drawn_has_no_picture():
    assert ConfusionDisplay([[1]], names=["a"])._repr_png_() is None


def test_the_style_has_the_colors_of_the_displays():
    with matplotlib.style.context("nncore.displays.style"):
        cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
        assert tuple(cycle) == COLORS
        assert matplotlib.rcParams["grid.color"] == GRID


def test_plot_returns_the_display():
    display = ConfusionDisplay([[1]], names=["a"])
    assert display.plot() is display
    assert isinstance(display.figure_, Figure)


def luminance(color: str) -> float:
    """Of the standard WCAG 2, from 0 (black) to 1 (white)."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_colours_of_lines_stand_out_from_white():
    for color in COLORS[:4]:
        assert 1.05 / (luminance(color) + 0.05) > 2.5


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.001, "<1 %"), (0.005, "0 %"), (0.07, "7 %"), (0.994, "99 %"), (0.999, ">99 %"), (1, "100 %")],
)
def test_percent(share: float, text: str):
    assert percent(share) == text


@pytest.mark.parametrize("name", hostile_values())
def test_what_cannot_predict_is_refused(name: str) -> None:
    """Every display that takes an estimator refuses objects that cannot predict."""
    X, y = np.zeros((4, 2)), [0, 1, 0, 1]
    for display in (ConfusionDisplay, DecisionRegionDisplay, ResidualsDisplay):
        with pytest.raises(ParameterError, match="which has predict"):
            display.from_estimator(hostile_values()[name], X, y)


@pytest.mark.parametrize("name", sorted(hostile_values().keys() - {"none"}))
def test_what_is_no_axes_is_refused(name: str) -> None:
    """Every display that draws into the user's axes refuses other objects, and draws nothing."""
    history = History()
    history.append(loss=1.0)
    for display in (
        ConfusionDisplay(np.eye(2, dtype=int), names=["a", "b"]),
        ResidualsDisplay(y_true=[1.0, 2.0], y_pred=[1.0, 3.0]),
        LearningCurveDisplay(history=history),
    ):
        with pytest.raises(ParameterError, match="ax must be axes of matplotlib"):
            display.plot(ax=hostile_values()[name])
        assert not hasattr(display, "figure_")
