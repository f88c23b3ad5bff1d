from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nncore.data import Fold, Splitter
from nncore.errors import DataError


@given(st.integers(2, 300), st.floats(0.01, 0.9), st.integers(0, 5), st.booleans())
def test_every_row_is_in_one_part(n: int, fraction: float, seed: int, stratified: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = np.arange(n) * 3
    classes = rng.integers(0, 4, n) if stratified else None
    fold = Splitter(None if classes is None else np.repeat(classes, 3)).hold_out(rows, fraction, rng)
    kept, held = fold.train, fold.held_out
    assert np.array_equal(np.sort(np.concatenate([kept, held])), rows)
    assert len(kept) >= 1
    assert len(held) == min(max(round(fraction * n), 1), n - 1)
    assert np.array_equal(kept, np.sort(kept))


@given(st.lists(st.integers(1, 200), min_size=1, max_size=6), st.integers(0, 100))
def test_classes_are_held_out_in_proportion(sizes: list[int], seed: int) -> None:
    classes = np.repeat(np.arange(len(sizes)), sizes)
    if len(classes) < 2:
        return
    held = Splitter(classes).hold_out(np.arange(len(classes)), 0.2, np.random.default_rng(seed)).held_out
    for k, size in enumerate(sizes):
        # The size of each class's part is off by at most one row, and by the rounding of the whole.
        assert abs(np.sum(classes[held] == k) - 0.2 * size) <= 1 + len(sizes) * 0.5 + 1


def test_a_class_of_one_row_is_learnt_from() -> None:
    classes = np.array([0] * 50 + [1])
    for seed in range(20):
        assert 50 in Splitter(classes).hold_out(np.arange(51), 0.2, np.random.default_rng(seed)).train


def test_nothing_is_held_out_if_not_asked() -> None:
    for n, fraction in ((10, 0.0), (1, 0.5)):
        fold = Splitter().hold_out(np.arange(n), fraction, np.random.default_rng(0))
        assert (len(fold.train), len(fold.held_out)) == (n, 0)
    assert len(Fold(np.arange(3), None).held_out) == 0


def test_same_seed_same_rows() -> None:
    for random in (np.random.default_rng, np.random.RandomState):
        first, same, other = (Splitter().hold_out(np.arange(100), 0.3, random(seed)).held_out for seed in (4, 4, 5))
        assert np.array_equal(first, same)
        assert not np.array_equal(first, other)
        one, again = (Splitter().folds(np.arange(40), 4, random(seed)) for seed in (4, 4))
        assert all(np.array_equal(a.train, b.train) for a, b in zip(one, again, strict=True))


@given(st.integers(2, 60), st.integers(2, 8), st.integers(0, 3), st.booleans())
def test_every_row_is_in_one_fold(n_rows: int, n_folds: int, seed: int, has_classes: bool) -> None:
    n_folds = min(n_folds, n_rows)
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, n_rows) if has_classes else None
    rows = np.arange(n_rows) + 2
    folds = Splitter(None if classes is None else np.concatenate([[0, 0], classes])).folds(rows, n_folds, rng)
    assert all(np.array_equal(np.sort(np.concatenate([fold.train, fold.held_out])), rows) for fold in folds)
    parts = [fold.held_out - 2 for fold in folds]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(n_rows))
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    if classes is not None:
        counts = np.array([np.bincount(classes[part], minlength=3) for part in parts])
        assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()


# ---- groups and times -------------------------------------------------------------------------------------------------------


@given(st.integers(2, 40), st.integers(0, 200), st.floats(0.05, 0.6), st.integers(0, 5), st.booleans())
def test_groups_stay_together(n_groups: int, more: int, fraction: float, seed: int, stratified: bool) -> None:
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, more)])
    rows, classes = np.arange(len(groups)) * 3, rng.integers(0, 3, len(groups)) if stratified else None
    splitter = Splitter(None if classes is None else np.repeat(classes, 3), np.repeat(groups, 3))
    fold = splitter.hold_out(rows, fraction, rng)
    kept, held = fold.train, fold.held_out
    assert np.array_equal(np.sort(np.concatenate([kept, held])), rows)
    assert len(kept)
    assert len(held)
    assert not set(groups[kept // 3]) & set(groups[held // 3])
    n_folds = min(n_groups, 4)
    parts = [fold.held_out for fold in splitter.of(rows).folds(np.arange(len(rows)), n_folds, rng)]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(len(groups)))
    assert sum(len(set(groups[part])) for part in parts) == n_groups
    assert all(map(len, parts))


def test_parts_of_groups_are_as_even_as_those_of_scikit_learn() -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.repeat(np.arange(60), rng.integers(1, 30, 60)))
    classes = (rng.random(len(groups)) < 0.1 + 0.6 * (groups % 3 == 0)).astype(int)

    def unevenness(parts: list[np.ndarray]) -> float:
        counts = np.array([np.bincount(classes[part], minlength=2) for part in parts])
        return float((counts / counts.sum(axis=0)).std())

    theirs = selection.StratifiedGroupKFold(5).split(groups, classes, groups)
    ours = Splitter(classes, groups).folds(np.arange(len(groups)), 5, rng)
    assert unevenness([fold.held_out for fold in ours]) <= unevenness([held for _, held in theirs]) + 0.005


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(DataError, match="n_groups=2 cannot be divided into 3 folds, which need 3: use fewer folds"):
        Splitter(groups=np.arange(10) % 2).folds(np.arange(10), 3, np.random.default_rng(0))
    with pytest.raises(DataError, match="n_samples=3 cannot be divided into 4 folds"):
        Splitter().folds(np.arange(3), 4, np.random.default_rng(0))
    assert len(Splitter(groups=np.zeros(10, int)).hold_out(np.arange(10), 0.2, np.random.default_rng(0)).held_out) == 0


@given(st.integers(2, 200), st.integers(2, 50), st.floats(0.05, 0.9), st.integers(0, 5))
def test_the_latest_are_held_out(n: int, n_times: int, fraction: float, seed: int) -> None:
    times = np.random.default_rng(seed).integers(0, n_times, n).astype(float)
    rows = np.arange(n) * 2
    fold = Splitter(times=np.repeat(times, 2)).hold_out(rows, fraction, np.random.default_rng(0))
    kept, held = fold.train, fold.held_out
    assert np.array_equal(np.sort(np.concatenate([kept, held])), rows)
    assert len(kept)
    assert len(held) or len(set(times)) == 1
    if len(held):
        assert times[kept // 2].max() < times[held // 2].min()


@given(st.integers(2, 8), st.integers(0, 100), st.integers(0, 5))
def test_folds_of_time_are_those_of_scikit_learn(n_folds: int, more: int, seed: int) -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    n = 2 * n_folds + more
    order = np.random.default_rng(seed).permutation(n)
    found = Splitter(times=np.argsort(order).astype(float)).folds(np.arange(n), n_folds, np.random.default_rng(0))
    expected = selection.TimeSeriesSplit(n_folds).split(np.arange(n))
    for fold, (their_past, their_held) in zip(found, expected, strict=True):
        assert np.array_equal(fold.train, np.sort(order[their_past]))
        assert np.array_equal(fold.held_out, np.sort(order[their_held]))


def test_rows_of_one_time_stay_together() -> None:
    times = np.repeat([3.0, 1.0, 2.0, 4.0], 5)
    rows, rng = np.arange(20), np.random.default_rng(0)
    found = Splitter(times=times).folds(rows, 3, rng)
    assert [sorted(set(times[fold.held_out])) for fold in found] == [[2.0], [3.0], [4.0]]
    assert [sorted(set(times[fold.train])) for fold in found] == [[1.0], [1.0, 2.0], [1.0, 2.0, 3.0]]
    with pytest.raises(DataError, match="n_times=4 cannot be divided into 4 folds, which need 5"):
        Splitter(times=times).folds(rows, 4, rng)
    with pytest.raises(DataError, match="n_times=1 cannot"):
        Splitter(times=np.zeros(20)).folds(rows, 2, rng)
    with pytest.raises(DataError, match="times are too uneven for"):
        Splitter(times=np.array([0.0] * 17 + [1, 2, 3])).folds(rows, 3, rng)
