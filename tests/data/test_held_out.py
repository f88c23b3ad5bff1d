"""A held-out part of the samples is the same in any order of iteration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nncore.data import HeldOut, as_fraction
from nncore.errors import DataError, ParameterError


@given(seed=st.integers(0, 2**64 - 1), cut=st.integers(0, 500), fraction=st.floats(0.01, 0.99))
def test_each_sample_belongs_to_one_part_wherever_a_block_begins(seed: int, cut: int, fraction: float) -> None:
    held_out, rest = HeldOut(fraction, seed, False), HeldOut(fraction, seed, True)
    whole = held_out.mask(0, 500)
    np.testing.assert_array_equal(np.concatenate([held_out.mask(0, cut), held_out.mask(cut, 500 - cut)]), whole)
    np.testing.assert_array_equal(rest.mask(0, 500), ~whole)


@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9])
def test_about_the_fraction_is_held_out_and_seeds_hold_out_others(fraction: float) -> None:
    n = 100_000
    masks = [HeldOut(fraction, seed, False).mask(0, n) for seed in (0, 1)]
    deviation = (fraction * (1 - fraction) / n) ** 0.5
    for mask in masks:
        assert abs(mask.mean() - fraction) < 5 * deviation
    both = (masks[0] & masks[1]).mean()
    assert abs(both - fraction**2) < 5 * deviation
    neighbours = (masks[0][1:] & masks[0][:-1]).mean()
    assert abs(neighbours - fraction**2) < 5 * deviation


def test_the_part_is_counted() -> None:
    part = HeldOut(0.3, 5, True)
    assert part.count(1000) == part.mask(0, 1000).sum() == len(part.rows(1000))
    with pytest.raises(DataError, match="holds none out: use another fraction"):
        HeldOut(1e-12, 0, False).count(100)
    with pytest.raises(DataError, match="leaves none to train on"):
        HeldOut(1 - 1e-12, 0, True).rows(100)


@pytest.mark.parametrize("value", [0, 1, -0.5, 2, "0.5", None, float("nan")])
def test_a_fraction_lies_between_0_and_1(value: object) -> None:
    with pytest.raises(ParameterError, match="a fraction of the samples between 0 and 1"):
        as_fraction(value)


@given(seed=st.integers(0, 2**64 - 1), n_folds=st.sampled_from([2, 4, 8]))
def test_fractions_side_by_side_are_folds(seed: int, n_folds: int) -> None:
    folds = [HeldOut(1 / n_folds, seed, False, fold / n_folds) for fold in range(n_folds)]
    assert (sum(fold.mask(0, 500).astype(int) for fold in folds) == 1).all()
    smaller = HeldOut(0.5 / n_folds, seed, False, 1 / n_folds).mask(0, 500)
    assert not (smaller & ~folds[1].mask(0, 500)).any()
    rest = HeldOut(1 / n_folds, seed, True, 1 / n_folds)
    np.testing.assert_array_equal(rest.mask_of(np.array([499, 3])), ~folds[1].mask(0, 500)[[499, 3]])
