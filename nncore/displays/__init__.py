"""Pictures, by scikit-learn's Display convention. They need the extra ``plot``.

A class method computes (`from_history`, `from_network`, `from_estimator`, `from_predictions`), `plot` draws and returns the display, whose
`figure_` and `ax_` (or `axes_`) are matplotlib's::

    from nncore.displays import ConfusionDisplay

    ConfusionDisplay.from_predictions(y_test, predicted).figure_.savefig("confusion.png")

A notebook shows a display that is the last line of a cell. ``plt.style.use("nncore.displays.style")`` gives other pictures the displays'
colours, which people with any kind of colour vision tell apart, and their quiet axes. Every class is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what type checkers and editors see
    from nncore.displays.activation_histogram import ActivationHistogramDisplay as ActivationHistogramDisplay
    from nncore.displays.confusion import ConfusionDisplay as ConfusionDisplay
    from nncore.displays.decision_region import DecisionRegionDisplay as DecisionRegionDisplay
    from nncore.displays.gradient_histogram import GradientHistogramDisplay as GradientHistogramDisplay
    from nncore.displays.image_grid import ImageGridDisplay as ImageGridDisplay
    from nncore.displays.learning_curve import LearningCurveDisplay as LearningCurveDisplay
    from nncore.displays.learning_rate import LearningRateDisplay as LearningRateDisplay
    from nncore.displays.residuals import ResidualsDisplay as ResidualsDisplay
    from nncore.displays.tuning import TuningDisplay as TuningDisplay
    from nncore.displays.validation_curve import ValidationCurveDisplay as ValidationCurveDisplay

#: Displays and the module each is in.
_HOMES = {
    "ActivationHistogramDisplay": "activation_histogram",
    "ConfusionDisplay": "confusion",
    "DecisionRegionDisplay": "decision_region",
    "GradientHistogramDisplay": "gradient_histogram",
    "ImageGridDisplay": "image_grid",
    "LearningCurveDisplay": "learning_curve",
    "LearningRateDisplay": "learning_rate",
    "ResidualsDisplay": "residuals",
    "TuningDisplay": "tuning",
    "ValidationCurveDisplay": "validation_curve",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'nncore.displays' has no attribute {name!r}")
    display = getattr(importlib.import_module(f"nncore.displays.{_HOMES[name]}"), name)
    globals()[name] = display
    return display


def __dir__() -> list[str]:
    return sorted(__all__)
