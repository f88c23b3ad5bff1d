"""Streams of samples: pieces that can be read in any order, in blocks."""

from __future__ import annotations

import numpy as np
import pytest

from nncore.data import ArrayStream


@pytest.mark.parametrize(("n_samples", "rows_a_piece", "n_rows"), [(10, 3, 2), (9, 3, 5), (1, 4, 1), (8, 8, 3)])
def test_an_array_is_cut_into_pieces(n_samples: int, rows_a_piece: int, n_rows: int) -> None:
    X, y, weight = np.arange(2 * n_samples).reshape(-1, 2), np.arange(n_samples), np.arange(n_samples) / 2
    stream = ArrayStream(X, y, weight, rows_a_piece)
    pieces = [list(stream.read(piece, n_rows)) for piece in range(len(stream.piece_rows))]
    assert stream.piece_rows.tolist() == [sum(map(len, blocks)) for blocks in pieces]
    blocks = [block for piece in pieces for block in piece]
    assert all(1 <= len(block) <= n_rows for block in blocks)
    for name, whole in (("X", X), ("y", y), ("sample_weight", weight)):
        np.testing.assert_array_equal(np.concatenate([getattr(block, name) for block in blocks]), whole)


def test_a_stream_may_have_no_targets_and_no_weights() -> None:
    stream = ArrayStream(np.zeros((3, 2)), None, None, 2)
    (first, second) = [block for piece in range(2) for block in stream.read(piece, 9)]
    assert (first.y, first.sample_weight, len(second), stream.has_targets) == (None, None, 1, False)
