from __future__ import annotations

from bench.samples import results

from nncore.bench import lines
from nncore.bench.results import Line, Results
from nncore.bench.sections import SECTIONS


def test_sections_in_order_and_without_the_empty_ones() -> None:
    found = results()
    found.lines = {"products": found.lines["products"], "fits": [], "calls": found.lines["calls"]}
    assert [name for name, _, _ in lines.measured(found)] == ["calls", "products"]


def test_a_table_of_times() -> None:
    header, first, second = lines.entries(SECTIONS["calls"], results().lines["calls"])
    assert [entry.text for entry in header] == ["Calls", "arithmetic", "nncore", "beyond it", "goal", "torch"]
    assert [entry.text for entry in first] == ["train_on_batch", "2 µs", "14 µs", "12 µs", "≤ 10 µs", "140 µs (10.0×)"]
    assert [entry.bad for entry in first] == [False, False, False, True, False, False]
    assert [entry.text for entry in second] == ["predict", "1 µs", "4 µs", "3 µs", "≤ 4 µs", "2 µs (0.50×)"]
    assert [entry.bad for entry in second] == [False] * 5 + [True]


def test_a_table_of_speeds() -> None:
    _, line = lines.entries(SECTIONS["products"], results().lines["products"])
    assert [entry.text for entry in line] == ["64 × 64 × 64", "100 GFLOP/s", "80 GFLOP/s", "80 %", "≥ 85 %"]


def test_lines_without_a_base() -> None:
    measured = [Line("iris", {"nncore": 2e-3, "sklearn": 10e-3}), Line("digits", {"nncore": 0.5}, goal=6.0)]
    header, iris, digits = lines.entries(SECTIONS["fits"], measured)
    assert [entry.text for entry in header] == ["Small fits", "nncore", "times as fast", "goal", "sklearn"]
    assert [entry.text for entry in iris] == ["iris", "2 ms", "5.00×", "–", "10 ms (5.00×)"]
    assert [entry.text for entry in digits] == ["digits", "500 ms", "–", "≥ 6.00×", "–"]
    assert not digits[2].bad


def test_findings_of_sections_stand_between_the_grid_and_the_facts() -> None:
    found = list(lines.findings(results()))
    assert [finding.label for finding in found][5:9] == ["training", "calls", "products", "memory"]
    calls, products = found[6:8]
    assert calls.text == "1 of 2 goals reached; faster than torch in 1 of 2 cases; in the geometric mean 2.24 times as fast as torch"
    assert calls.bad == "missed: train_on_batch 12 µs (goal ≤ 10 µs); slower: predict (0.50 times torch)"
    assert str(products) == "0 of 1 goals reached; missed: 64 × 64 × 64 80 % (goal ≥ 85 %)"
    assert list(lines.findings(Results({}, results().rates))) == []


def test_lines_without_goals_and_peers_say_nothing() -> None:
    assert list(lines.findings(Results({}, results().rates, lines={"fits": [Line("iris", {"nncore": 2e-3}), Line("digits", {})]}))) == []
