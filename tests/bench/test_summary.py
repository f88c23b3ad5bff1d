from __future__ import annotations

import pytest
from bench.samples import LARGE, SMALL, results

from nncore.bench import summary
from nncore.bench.grid import Case
from nncore.bench.results import Cell, Results


def test_geometric_mean() -> None:
    assert summary.geometric_mean([1, 10, 100]) == pytest.approx(10)
    assert summary.geometric_mean(iter([0.25])) == pytest.approx(0.25)
    assert summary.geometric_mean([1e200, 1e200, 1e-100]) == pytest.approx(1e100)  # their product overflows


def standing(cells: list[Cell]) -> tuple[str, str]:
    return summary.standing(cells, lambda cell: cell.case.net)


def test_standing_ahead_of_all() -> None:
    assert standing(summary.with_threads(results().training, 2)) == (
        "faster than every other library in 2 of 2 cases; in the geometric mean 14.14 times as fast as torch, 4.00 as jax; "
        "least: 784-512-10 (2.00 times torch)",
        "",
    )


def test_a_case_with_one_faster_library_is_lost_and_a_missing_cell_does_not_count() -> None:
    assert standing(summary.with_threads(results().training, 1)) == (
        "faster than every other library in 1 of 2 cases; in the geometric mean 10.49 times as fast as torch, 0.50 as jax",
        "slower: 4-16-3 (0.50 times jax)",
    )


def test_few_of_many_losses_are_named_the_worst_first() -> None:
    cells = [Cell(Case((n, 2), 1), 1e-6, {"nncore": 1e-3, "jax": n * 1e-4}) for n in range(1, 9)]
    assert standing([*cells, Cell(Case((9, 2), 1), 1e-6, {"nncore": 1e-3})]) == (
        "faster than jax in 0 of 8 cases; in the geometric mean 0.38 times as fast as jax",
        "slower: 1-2 (0.10 times jax), 2-2 (0.20 times jax), 3-2 (0.30 times jax), 4-2 (0.40 times jax) and 4 more",
    )


def test_speedups_pair_the_same_case() -> None:
    pairs = summary.speedups(list(reversed(results().training)), 2)
    assert {cell.case.widths: speedup for cell, speedup in pairs} == {SMALL: pytest.approx(0.8), LARGE: pytest.approx(2.0)}
    assert summary.speedups(summary.with_threads(results().training, 2), 2) == []


def test_findings() -> None:
    found = [(finding.label, finding.text, finding.bad) for finding in summary.findings(results())]
    assert [label for label, _, _ in found] == ["training", "training", "prediction", "limit", "threads", "training"]
    assert found[2:] == [
        (
            "prediction",
            "on 1 thread faster than onnxruntime in 1 of 1 cases; in the geometric mean 7.00 times as fast as onnxruntime; "
            "least: 4-16-3 at 1 (7.00 times onnxruntime)",
            "",
        ),
        (
            "limit",
            "on 1 thread 50 % of the limit's speed (geometric mean); 1 of 2 cases reach what is wanted",
            "least: 50 % instead of 85 % in 784-512-10 at 32",
        ),
        (
            "threads",
            "2 threads are 1.26 times as fast as one (geometric mean); at least 1.8 times in 1 of 1 cases whose limit is over 1 ms",
            "least: 0.80 times in 4-16-3 at 32",
        ),
        ("training", "SimpleChains.jl's case, an epoch on 1 thread: nncore 400 µs", ""),
    ]
    assert found[1][1].startswith("on 2 threads faster than every other library in 2 of 2 cases")


def test_two_threads_that_are_never_slower_are_no_bad_news() -> None:
    cells = [Cell(Case(SMALL, 32, threads), 1e-6, {"nncore": 4e-6 / threads}) for threads in (1, 2)]
    (_, threads) = summary.findings(Results({}, results().rates, training=cells))
    assert (threads.text, threads.bad) == (
        "2 threads are 2.00 times as fast as one (geometric mean); least: 2.00 times in 4-16-3 at 32",
        "",
    )


def test_facts() -> None:
    assert [(finding.label, str(finding)) for finding in summary.facts_in_words(results().facts)] == [
        ("memory", "fitting 1 GB of float32 adds 70 MB at the peak"),
        ("linearity", "an epoch of 1,000,000 rows takes 10.30 times as long as one of 100,000"),
        ("import", "120 ms, of which NumPy 100 ms; 150 ms until the first network is made"),
        ("wheel", "1.23 MB"),
    ]


def test_nothing_measured_says_nothing() -> None:
    assert list(summary.findings(Results({}, results().rates))) == []
