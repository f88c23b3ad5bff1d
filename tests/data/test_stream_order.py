"""Orders of streams: every sample once, determined by seed and epoch, and mixed as far as pieces and buffer allow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, strategies as st

from nncore import registry
from nncore.data import ArrayStream, Stream, StreamBlock, StreamedDataset, StreamMemory, TargetsWanted, in_turn
from nncore.data.stream_order import Mixing, by_pieces
from nncore.errors import DataError

WANTED = TargetsWanted.by(registry.resolve("losses", "mse"), 1)


def stream_of(n: int, rows_a_piece: int) -> ArrayStream:
    X = np.arange(n, dtype=np.float32)[:, None]
    return ArrayStream(X, X[:, 0], None, rows_a_piece)


def visited(stream: Stream, mixing: Mixing, seed: int = 0, epoch: int = 0) -> np.ndarray:
    found = list(by_pieces(stream, mixing, seed, epoch))
    for first, block in found:
        np.testing.assert_array_equal(block.X[:, 0], np.arange(first, first + len(block)))
    return np.concatenate([block.X[:, 0] for _, block in found])


@given(
    n=st.integers(1, 200),
    rows_a_piece=st.integers(1, 50),
    buffer=st.integers(1, 100),
    together=st.integers(1, 8),
    rows_at_once=st.integers(1, 30),
)
def test_pieces_come_in_random_order_with_all_their_samples(
    n: int, rows_a_piece: int, buffer: int, together: int, rows_at_once: int
) -> None:
    order = visited(stream_of(n, rows_a_piece), Mixing(buffer, together, rows_at_once))
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    again = visited(stream_of(n, rows_a_piece), Mixing(buffer, together, max(1, rows_at_once // 2)))
    np.testing.assert_array_equal(order, again)  # for any split of the source


def test_several_pieces_come_by_turns() -> None:
    order = visited(stream_of(1000, 100), Mixing(buffer=100, together=5, rows_at_once=64))
    assert len(np.unique(order[:100] // 100)) == 5
    assert not np.array_equal(order, visited(stream_of(1000, 100), Mixing(100, 5, 64), epoch=1))
    assert not np.array_equal(order, visited(stream_of(1000, 100), Mixing(100, 5, 64), seed=1))


def shuffled(stream: Stream, buffer: int, limit: int = 10**6, epoch: int = 0, step: int = 8) -> np.ndarray:
    sample = [next(in_turn(stream, 10))]
    data = StreamedDataset(stream, sample, WANTED, np.dtype(np.float32), False, StreamMemory(limit, buffer))
    blocks = list(data.mixed_blocks(step, data.mixing(step), 0, epoch))
    assert all(len(block) % step == 0 for block in blocks[:-1])
    for block in blocks:
        assert block.reals is not None
        np.testing.assert_array_equal(block.inputs, block.reals)
    return np.concatenate([block.inputs[:, 0] for block in blocks])


@given(n=st.integers(1, 300), rows_a_piece=st.integers(1, 300), buffer=st.integers(1, 400), step=st.integers(1, 40))
def test_a_buffer_loses_and_doubles_nothing(n: int, rows_a_piece: int, buffer: int, step: int) -> None:
    np.testing.assert_array_equal(np.sort(shuffled(stream_of(n, rows_a_piece), buffer, step=step)), np.arange(n))


def test_a_buffer_that_holds_everything_shuffles_fully() -> None:
    n = 4000
    order = shuffled(stream_of(n, n), n)
    assert abs(np.corrcoef(order, np.arange(n))[0, 1]) < 5 / n**0.5
    assert np.abs(np.diff(order)).mean() == pytest.approx(n / 3, rel=0.1)


def test_sorted_data_are_mixed_from_all_over_by_small_pieces() -> None:
    """If pieces are small compared with the buffer, batches of sorted data are mixed almost as well as by a full shuffle."""
    n = 20_000
    order = shuffled(stream_of(n, 100), 2000)
    means = order.reshape(-1, 100).mean(axis=1)
    assert abs(np.corrcoef(order, np.arange(n))[0, 1]) < 0.2
    assert means.std() < 3 * (n / 12**0.5) / 10  # in a full shuffle: a tenth of the deviation of the samples
    front_to_back = shuffled(stream_of(n, n), 2000)  # one piece: only the buffer mixes
    assert front_to_back.reshape(-1, 100).mean(axis=1).std() > means.std()


class Wrong(Stream):
    """Declares another number of samples than it yields."""

    shape, bytes_per_row, source = (1,), 4, "a source"

    def __init__(self, said: list[int], given: list[int]) -> None:
        self.n_samples, self._said, self._given = sum(said), np.array(said, np.int64), given

    @property
    def piece_rows(self) -> np.ndarray:
        return self._said

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        return iter([StreamBlock(np.zeros((self._given[piece], 1)), np.zeros(self._given[piece]))])


@pytest.mark.parametrize(("said", "given_rows"), [([5], [4]), ([5], [6]), ([5, 3], [5, 2]), ([5, 3], [5, 4])])
def test_a_piece_has_the_samples_that_it_had(said: list[int], given_rows: list[int]) -> None:
    message = r"(piece \d of )?a source had \d samples at first, and has \d now"
    with pytest.raises(DataError, match=message):
        list(in_turn(Wrong(said, given_rows), 10))
    with pytest.raises(DataError, match=message):
        list(by_pieces(Wrong(said, given_rows), Mixing(10, 2, 10), 0, 0))
