from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from nncore.tabular.split import folds, hold_out


@given(st.integers(2, 300), st.floats(0.01, 0.9), st.integers(0, 5), st.booleans())
def test_every_row_is_in_one_part(n: int, fraction: float, seed: int, stratified: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = np.arange(n) * 3
    classes = rng.integers(0, 4, n) if stratified else None
    kept, held = hold_out(rows, fraction, rng, classes)
    assert np.array_equal(np.sort(np.concatenate([kept, held])), rows)
    assert len(kept) >= 1
    assert len(held) == min(max(round(fraction * n), 1), n - 1)
    assert np.array_equal(kept, np.sort(kept))


@given(st.lists(st.integers(1, 200), min_size=1, max_size=6), st.integers(0, 100))
def test_classes_are_held_out_in_proportion(sizes: list[int], seed: int) -> None:
    classes = np.repeat(np.arange(len(sizes)), sizes)
    if len(classes) < 2:
        return
    _, held = hold_out(np.arange(len(classes)), 0.2, np.random.default_rng(seed), classes)
    for k, size in enumerate(sizes):
        # Each class is cut within one row of its share, and once more by the rounding of the whole.
        assert abs(np.sum(classes[held] == k) - 0.2 * size) <= 1 + len(sizes) * 0.5 + 1


def test_a_class_of_one_row_is_learnt_from() -> None:
    classes = np.array([0] * 50 + [1])
    for seed in range(20):
        kept, _ = hold_out(np.arange(51), 0.2, np.random.default_rng(seed), classes)
        assert 50 in kept


def test_nothing_is_held_out_if_not_asked() -> None:
    kept, held = hold_out(np.arange(10), 0.0, np.random.default_rng(0))
    assert (len(kept), len(held)) == (10, 0)
    kept, held = hold_out(np.arange(1), 0.5, np.random.default_rng(0))
    assert (len(kept), len(held)) == (1, 0)


def test_same_seed_same_rows() -> None:
    first = hold_out(np.arange(100), 0.3, np.random.default_rng(4))[1]
    assert np.array_equal(first, hold_out(np.arange(100), 0.3, np.random.default_rng(4))[1])
    assert not np.array_equal(first, hold_out(np.arange(100), 0.3, np.random.default_rng(5))[1])


@given(st.integers(2, 60), st.integers(2, 8), st.integers(0, 3), st.booleans())
def test_every_row_is_in_one_fold(n_rows: int, n_folds: int, seed: int, has_classes: bool) -> None:
    n_folds = min(n_folds, n_rows)
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, n_rows) if has_classes else None
    parts = folds(n_rows, n_folds, rng, classes)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n_rows))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    if classes is not None:
        counts = np.array([np.bincount(classes[part], minlength=3) for part in parts])
        assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()
