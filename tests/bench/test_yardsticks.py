from __future__ import annotations

import pytest

from nncore.bench.results import Line
from nncore.bench.yardsticks import AGAINST_SKLEARN, BEYOND, FRACTION, MULTIPLE, SHARE, Yardstick


@pytest.mark.parametrize(
    ("yardstick", "figure"),
    [(BEYOND, 6e-6), (MULTIPLE, 4.0), (FRACTION, 0.25), (SHARE, 0.75), (AGAINST_SKLEARN, 3.0)],
    ids=["beyond", "multiple", "fraction", "share", "sklearn"],
)
def test_figures(yardstick: Yardstick, figure: float) -> None:
    assert yardstick.of(Line("a", {"nncore": 8e-6, "sklearn": 24e-6}, base=2e-6)) == pytest.approx(figure)
    assert yardstick.of(Line("a", {"nncore": 8e-6})) is None


def test_less_than_the_base_is_no_share() -> None:
    assert SHARE.of(Line("a", {"nncore": 1e-6}, base=2e-6)) == 0


@pytest.mark.parametrize(("yardstick", "just", "short"), [(BEYOND, 2e-6, 2.1e-6), (FRACTION, 1e-6, 1.01e-6)], ids=["at most", "at least"])
def test_a_goal_is_missed_on_one_side(yardstick: Yardstick, just: float, short: float) -> None:
    def line(seconds: float, goal: float | None) -> Line:
        return Line("a", {"nncore": seconds}, base=0.5e-6, goal=goal)

    goal = yardstick.of(line(just, None))
    assert not yardstick.misses(line(just, goal))
    assert yardstick.misses(line(short, goal))
    assert not yardstick.misses(line(short, None))
    assert not yardstick.misses(Line("a", {"nncore": short}, goal=goal))


def test_less_than_the_arithmetic_is_nothing_beyond_it() -> None:
    assert BEYOND.text(-30.6e-6) == "none"
    assert BEYOND.text(3e-6) == "3 µs"


def test_a_goal_missed_by_a_hundredth_looks_missed() -> None:
    line = Line("a", {"nncore": 1.054}, base=1.0, goal=1.05)
    assert (MULTIPLE.misses(line), MULTIPLE.text(1.054), MULTIPLE.goal(line)) == (True, "1.054×", "≤ 1.050×")


def test_goals_in_words() -> None:
    assert BEYOND.goal(Line("a", goal=10e-6)) == "≤ 10 µs"
    assert FRACTION.goal(Line("a", goal=0.9)) == "≥ 90 %"
    assert MULTIPLE.goal(Line("a")) == "–"
