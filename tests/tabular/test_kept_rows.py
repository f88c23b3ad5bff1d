"""Rows of a stream that are kept in memory."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.contract import row_hashes
from nncore.tabular.kept_rows import KeptRows


def kept(n: int, step: int, most: int, n_sets: int = 3) -> tuple[KeptRows, np.ndarray]:
    """The numbers of rows, passed on in blocks. A row is in each of the sets but one."""
    rows = KeptRows(n_sets, most, lambda block, places: block[places])
    for start in range(0, n, step):
        numbers = np.arange(start, min(start + step, n))
        rows.add(numbers, row_hashes(numbers), numbers % n_sets != np.arange(n_sets)[:, None])
    return rows, np.concatenate(rows.blocks)


@pytest.mark.parametrize("n", [5, 40, 41, 50, 1000])
def test_rows_of_the_smallest_ranks_of_each_set_are_kept_in_order_whatever_the_blocks(n: int) -> None:
    found = [kept(n, step, most=40) for step in (1, 7, 1000)]
    for number in range(3):
        for most in (None, 10, 1):
            own = np.arange(n)[np.arange(n) % 3 != number]
            expected = np.sort(own[np.argsort(row_hashes(own))[: min(40, most or 40)]])
            for rows, numbers in found:
                np.testing.assert_array_equal(numbers[rows.places(number, most)], expected)
                np.testing.assert_array_equal(np.concatenate(list(rows.chosen(rows.places(number, most)))), expected)


def test_memory_is_bounded() -> None:
    rows, numbers = kept(20_000, 100, most=50, n_sets=4)
    assert len(numbers) < 1.25 * 200
    assert all(len(rows.places(number)) == 50 for number in range(4))


@pytest.mark.parametrize("n", [5, 40, 41, 1000])
@pytest.mark.parametrize("guesses", [False, True])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_each_row_is_kept_or_dropped_once(n: int, guesses: bool, step: int) -> None:
    dropped: list[int] = []
    rows = KeptRows[np.ndarray](1, 40, lambda block, places: block[places], lambda block, places: dropped.extend(block[places].tolist()))
    for start in range(0, n, step):
        numbers = np.arange(start, min(start + step, n))
        share = (numbers[-1] + 1) / n if guesses else 1.0
        rows.add(numbers, row_hashes(numbers), np.ones((1, len(numbers)), bool), share)
    rows.finish()
    found = np.concatenate(rows.blocks).tolist()
    assert sorted([*found, *dropped]) == list(range(n))
    assert found == np.sort(np.argsort(row_hashes(np.arange(n)))[: len(found)]).tolist()
    assert len(found) == min(n, 40) or (guesses and 5 <= len(found) <= 40)


def test_kept_rows_are_copies_and_without_rows_a_block_has_their_form() -> None:
    block = np.arange(6)
    rows = KeptRows(1, 9, lambda block, places: block[places])
    assert len(rows.places(0)) == 0
    rows.add(block, row_hashes(block), np.zeros((1, 6), bool))
    assert [own.dtype for own in rows.blocks] == [block.dtype]
    rows.add(block, row_hashes(block), np.ones((1, 6), bool))
    block[:] = 0
    np.testing.assert_array_equal(np.concatenate(rows.blocks)[rows.places(0)], np.arange(6))
    assert [own.tolist() for own in rows.chosen(np.empty(0, np.int64))] == [[]]
    assert [own.tolist() for own in rows.chosen(np.array([1, 4]), frees=True)] == [[1, 4]]
    assert not rows.blocks
