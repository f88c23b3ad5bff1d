from __future__ import annotations

import numpy as np
import pytest
from drawing import drawn, overlapping_texts
from matplotlib.figure import Figure

from nncore.displays import LearningRateDisplay
from nncore.errors import ShapeError
from nncore.network import LearningRateSearch

RATES = np.geomspace(1e-7, 1, 50)
LOSSES = 2 - 1.5 / (1 + np.exp(-4 * (np.log10(RATES) + 2.5))) + 1e3 * (RATES > 0.5)


def test_losses_and_suggestion():
    search = LearningRateSearch(RATES, LOSSES, LOSSES, 10**-2.5, "all rates tried")
    display = search.plot()
    points, smoothed, at, mark = display.ax_.lines
    np.testing.assert_array_equal(points.get_xdata(), RATES)
    np.testing.assert_array_equal(smoothed.get_ydata(), LOSSES)
    assert at.get_xdata()[0] == mark.get_xdata()[0] == 10**-2.5
    assert display.ax_.get_xscale() == "log"
    assert display.ax_.get_ylim()[1] < 4, "the divergence at the end must not flatten the rest of the curve"
    assert "suggestion 0.0032" in [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert overlapping_texts(display.figure_) == []


def test_nothing_to_suggest():
    ax = Figure().subplots()
    display = LearningRateDisplay(rates=RATES, losses=np.ones(50), smoothed=np.ones(50)).plot(ax=ax)
    assert "never falls" in ax.get_title()
    drawn(display.figure_)


def test_what_does_not_fit():
    with pytest.raises(ShapeError, match="one length"):
        LearningRateDisplay(rates=[1, 2], losses=[1], smoothed=[1])
    with pytest.raises(ShapeError, match="one length"):
        LearningRateDisplay(rates=[], losses=[], smoothed=[])
