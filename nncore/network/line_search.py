"""The search for a step along a line that decreases a function enough: Moré and Thuente's."""

from __future__ import annotations

import math
from typing import NamedTuple


class Point(NamedTuple):
    """A step along the line, with the function's value and slope there."""

    step: float
    value: float
    slope: float


class LineSearch:
    """Finds a step that satisfies the strong Wolfe conditions: the value has decreased enough, and the slope is small enough.

    With the constants, and so the steps, of L-BFGS-B.

    Parameters
    ----------
    value, slope : float
        Of the function where the line begins; the slope is below 0.
    step : float
        To try first.

    Attributes
    ----------
    step : float
        Step to try next; the result, once `judge` has returned True.

    References
    ----------
    Moré & Thuente, "Line search algorithms with guaranteed sufficient decrease", ACM Transactions on Mathematical Software 20(3), 1994.
    """

    #: Of the slope at the beginning: by how much the value must decrease for each unit of the step, and how steep the line may still be.
    DECREASE, CURVATURE = 1e-3, 0.9
    #: The search ends when what brackets the minimum is narrower than this part of the larger step.
    WIDTH = 0.1
    LARGEST = 1e10

    def __init__(self, value: float, slope: float, step: float) -> None:
        self.step = step
        self._start = self._best = self._other = Point(0.0, value, slope)  # the minimum is between the best and the other, if bracketed
        self._least_slope = self.DECREASE * slope
        self._is_bracketed = False
        self._has_decreased = False
        self._low, self._high = 0.0, 5 * step
        self._width, self._width_before = self.LARGEST, 2 * self.LARGEST

    def judge(self, value: float, slope: float) -> bool:
        """Take the function's value and slope at `step`. True if the search is over, else `step` is another one to try."""
        step, least_slope = self.step, self._least_slope
        enough = self._start.value + step * least_slope
        if value <= enough and abs(slope) <= self.CURVATURE * -self._start.slope:
            return True
        if self._is_stuck(step) or (step == self.LARGEST and value <= enough and slope <= least_slope):
            return True  # at the best step that was found
        self._has_decreased = self._has_decreased or (value <= enough and slope >= 0)

        best, other, tried = self._best, self._other, Point(step, value, slope)
        if not self._has_decreased and enough < value <= best.value:  # a function whose minimum lies where the decrease is enough
            seen = tuple(Point(p.step, p.value - p.step * least_slope, p.slope - least_slope) for p in (best, other, tried))
        else:
            seen = best, other, tried
        step = self._next_step(*seen)
        if seen[2].value > seen[0].value:
            self._other = tried
        else:
            if _enclose(seen[2], seen[0]):
                self._other = best
            self._best = tried
        self.step = self._safe(step)
        return False

    def _is_stuck(self, step: float) -> bool:
        low, high = self._low, self._high
        return self._is_bracketed and (step <= low or step >= high or high - low <= self.WIDTH * high)

    def _next_step(self, best: Point, other: Point, tried: Point) -> float:
        """Minimum of cubics and parabolas through two of the points. Sets whether the minimum is bracketed."""
        along = tried.step - best.step
        if tried.value > best.value:
            self._is_bracketed = True
            cubic = best.step + _cubic(best, tried)[0] * along
            parabola = best.step + best.slope / ((best.value - tried.value) / along + best.slope) / 2 * along
            return cubic if abs(cubic - best.step) <= abs(parabola - best.step) else cubic + (parabola - cubic) / 2
        if _enclose(tried, best):
            self._is_bracketed = True
            cubic, secant = tried.step - _cubic(tried, best)[0] * along, _secant(tried, best)
            return cubic if abs(cubic - tried.step) > abs(secant - tried.step) else secant
        if abs(tried.slope) < abs(best.slope):
            part, bends = _cubic(tried, best)
            beyond = self._high if along > 0 else self._low  # also where the cubic has no minimum, or has it on the side of the best
            cubic = tried.step - part * along if part < 0 and bends else beyond
            secant = _secant(tried, best)
            if not self._is_bracketed:
                step = cubic if abs(cubic - tried.step) > abs(secant - tried.step) else secant
                return min(max(step, self._low), self._high)
            step = cubic if abs(cubic - tried.step) < abs(secant - tried.step) else secant
            limit = tried.step + 0.66 * (other.step - tried.step)
            return min(limit, step) if along > 0 else max(limit, step)
        if self._is_bracketed:
            return tried.step + _cubic(tried, other)[0] * (other.step - tried.step)
        return self._high if along > 0 else self._low

    def _safe(self, step: float) -> float:
        """The step within its limits, which are set anew; half way where the bracket has hardly become narrower."""
        best, other = self._best.step, self._other.step
        if self._is_bracketed:
            if abs(other - best) >= 0.66 * self._width_before:
                step = best + 0.5 * (other - best)
            self._width_before, self._width = self._width, abs(other - best)
            self._low, self._high = min(best, other), max(best, other)
        else:
            self._low, self._high = step + 1.1 * (step - best), step + 4 * (step - best)
        step = min(max(step, 0.0), self.LARGEST)
        return best if self._is_stuck(step) else step


def _enclose(a: Point, b: Point) -> bool:
    """Whether the function falls at one of two points and rises at the other."""
    return (a.slope < 0 < b.slope) or (b.slope < 0 < a.slope)


def _secant(a: Point, b: Point) -> float:
    """Position where the slope would be 0 if it changed linearly."""
    return a.step + a.slope / (a.slope - b.slope) * (b.step - a.step)


def _cubic(a: Point, b: Point) -> tuple[float, bool]:
    """Minimum of the cubic through two points, as a fraction of the way from the first to the second; and whether it has one."""
    theta = 3 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope
    size = max(abs(theta), abs(a.slope), abs(b.slope))
    gamma = size * math.sqrt(max(0.0, (theta / size) ** 2 - (a.slope / size) * (b.slope / size)))
    if b.step < a.step:
        gamma = -gamma
    return (gamma - a.slope + theta) / (gamma - a.slope + gamma + b.slope), gamma != 0
