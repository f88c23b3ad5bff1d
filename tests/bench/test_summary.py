from __future__ import annotations

import pytest
from bench.samples import LARGE, SMALL, results

from nncore.bench import summary
from nncore.bench.results import Results


def test_geometric_mean() -> None:
    assert summary.geometric_mean([1, 10, 100]) == pytest.approx(10)
    assert summary.geometric_mean(iter([0.25])) == pytest.approx(0.25)
    assert summary.geometric_mean([1e200, 1e200, 1e-100]) == pytest.approx(1e100)  # their product overflows


def test_against_a_peer() -> None:
    comparison = summary.against(summary.with_threads(results().training, 1), "torch")
    assert comparison.mean == pytest.approx((100 * 1.1) ** 0.5)
    assert (comparison.n_good, comparison.n, comparison.worst.widths) == (2, 2, LARGE)
    assert comparison.least == pytest.approx(1.1)


def test_a_missing_cell_does_not_count() -> None:
    comparison = summary.against(summary.with_threads(results().training, 1), "jax")
    assert (comparison.n_good, comparison.n, comparison.worst.widths) == (0, 1, SMALL)


def test_speedups_pair_the_same_case() -> None:
    pairs = summary.speedups(list(reversed(results().training)), 2)
    assert {cell.case.widths: speedup for cell, speedup in pairs} == {SMALL: pytest.approx(0.8), LARGE: pytest.approx(2.0)}
    assert summary.speedups(summary.with_threads(results().training, 2), 2) == []


def test_sentences() -> None:
    assert list(summary.sentences(results())) == [
        (
            "training",
            "1 thread: 10.49 times as fast as torch (geometric mean), faster in 2 of 2 cases; least: 1.10 times in 784-512-10 at 32",
        ),
        ("training", "1 thread: 0.50 times as fast as jax (geometric mean), faster in 0 of 1 cases; least: 0.50 times in 4-16-3 at 32"),
        (
            "limit",
            "1 thread: 50 % of the limit's speed (geometric mean); 1 of 2 cases reach what is wanted; worst: 50 % instead of 85 % in "
            "784-512-10 at 32",
        ),
        (
            "training",
            "2 threads: 14.14 times as fast as torch (geometric mean), faster in 2 of 2 cases; least: 2.00 times in 784-512-10 at 32",
        ),
        ("training", "2 threads: 4.00 times as fast as jax (geometric mean), faster in 1 of 1 cases; least: 4.00 times in 4-16-3 at 32"),
        (
            "threads",
            "2 threads: 1.26 times as fast as one (geometric mean); least: 0.80 times in 4-16-3 at 32; at least 1.8 times in 1 of 1 cases "
            "whose limit is over 1 ms",
        ),
        (
            "prediction",
            "1 thread: 7.00 times as fast as onnxruntime (geometric mean), faster in 1 of 1 cases; least: 7.00 times in 4-16-3 at 1",
        ),
        ("training", "SimpleChains.jl's case, an epoch on 1 thread: nncore 400 µs"),
        ("memory", "fitting 1 GB of float32 adds 70 MB at the peak"),
        ("linearity", "an epoch of 1,000,000 rows takes 10.30 times as long as one of 100,000"),
        ("import", "120 ms, of which NumPy 100 ms; 150 ms until the first network is made"),
        ("wheel", "1.23 MB"),
    ]


def test_nothing_measured_says_nothing() -> None:
    assert list(summary.sentences(Results({}, results().rates))) == []
