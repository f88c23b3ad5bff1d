"""Figures of lines outside the grid: how to compute them from times, and whether the goal is an upper or lower limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nncore.bench.results import Line
from nncore.bench.summary import percent
from nncore.bench.tables import duration, times


@dataclass(frozen=True)
class Yardstick:
    """A figure of a line.

    Parameters
    ----------
    column : str
        What the figure is, as the head of a column.
    base : str
        What the line's base is, as the head of a column; empty if lines of this kind have none.
    of : callable
        The figure of a line, or None if something is missing for it.
    text : callable
        The figure in words.
    at_most : bool
        The goal is the largest good figure; otherwise the smallest.
    """

    column: str
    base: str
    of: Callable[[Line], float | None]
    text: Callable[[float], str]
    at_most: bool

    def goal(self, line: Line) -> str:
        """``"≤ 10 µs"``, ``"≥ 90 %"``, or a dash without a goal."""
        return "–" if line.goal is None else f"{'≤' if self.at_most else '≥'} {self.text(line.goal)}"

    def misses(self, line: Line) -> bool:
        """Whether the line has a goal and a figure on the wrong side of it."""
        figure = self.of(line)
        if figure is None or line.goal is None:
            return False
        return figure > line.goal if self.at_most else figure < line.goal


def _beyond(line: Line) -> float | None:
    return None if line.base is None else line.seconds["nncore"] - line.base


def _multiple(line: Line) -> float | None:
    return None if line.base is None else line.seconds["nncore"] / line.base


def _fraction(line: Line) -> float | None:
    return None if line.base is None else line.base / line.seconds["nncore"]


def _share(line: Line) -> float | None:
    return None if line.base is None else max(0.0, 1 - line.base / line.seconds["nncore"])


def _against_sklearn(line: Line) -> float | None:
    return line.ratio("sklearn") if "sklearn" in line.seconds else None


def _duration_beyond(seconds: float) -> str:
    return "none" if seconds <= 0 else duration(seconds)


def _finely(ratio: float) -> str:
    """A thousandth more is a goal missed."""
    return f"{ratio:.3f}×"


#: Time beyond that of the arithmetic.
BEYOND = Yardstick("beyond it", "arithmetic", _beyond, _duration_beyond, at_most=True)
#: How many times as long as the base.
MULTIPLE = Yardstick("times as long", "base", _multiple, _finely, at_most=True)
#: Part of the speed that the machine's peak leaves.
FRACTION = Yardstick("of peak", "at peak", _fraction, percent, at_most=False)
#: Part of the time that is not the base's.
SHARE = Yardstick("share", "ReLU", _share, percent, at_most=True)
#: How many times as fast as the base in float32.
AGAINST_FLOAT32 = Yardstick("times as fast", "float32", _fraction, times, at_most=False)
#: How many times as fast as scikit-learn.
AGAINST_SKLEARN = Yardstick("times as fast", "", _against_sklearn, times, at_most=False)
