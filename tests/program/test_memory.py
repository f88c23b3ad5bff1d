"""Placement of vectors in memory, and errors when memory is short."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import OutOfMemoryError
from nncore.initializers.uniform_fan_in import UniformFanIn
from nncore.program.memory import ALIGNMENT, PAGE, Arena, SharedRoom, aligned_zeros

FLOAT32 = np.dtype(np.float32)


@pytest.mark.parametrize("size", [1, 1000, 1024, 5000])
def test_a_vector_begins_on_a_cache_line(size: int) -> None:
    vector = aligned_zeros(size, FLOAT32)
    assert vector.shape == (size,)
    assert vector.ctypes.data % ALIGNMENT == 0
    assert not vector.any()


def test_small_vectors_take_no_page() -> None:
    base = aligned_zeros(10, FLOAT32).base
    assert isinstance(base, np.ndarray)
    assert base.nbytes < 200


def test_large_vectors_begin_at_different_places_of_a_page() -> None:
    assert len({aligned_zeros(5000, FLOAT32).ctypes.data % PAGE for _ in range(4)}) == 4


def test_small_vectors_of_an_arena_share_its_pieces() -> None:
    arena = Arena()
    small, large = [arena.take(100, FLOAT32) for _ in range(20)], arena.take(5000, FLOAT32)
    assert all(vector.ctypes.data % ALIGNMENT == 0 and not vector.any() for vector in (*small, large))
    for number, vector in enumerate(small):
        vector[:] = number
    assert [float(vector.min()) for vector in small] == [float(vector.max()) for vector in small] == list(range(20))
    assert len({id(vector.base) for vector in small}) == 3
    assert arena.take(0, FLOAT32).shape == (0,)


def test_vectors_of_a_room_lie_apart() -> None:
    room = SharedRoom(5 * 4 * 1000, 5)
    vectors = [room.take(1000, FLOAT32) for _ in range(5)]
    places = sorted(vector.ctypes.data for vector in vectors)
    assert all(after - before >= 4000 for before, after in itertools.pairwise(places))
    assert all(place % ALIGNMENT == 0 for place in places)
    begin = room.room.ctypes.data
    assert begin <= places[0]
    assert places[-1] + 4000 <= begin + room.room.nbytes


ZEROS = np.zeros


def refuse(shape: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    """Allocate zeros, but raise MemoryError for large arrays."""
    if np.prod(shape) > 5000:
        raise MemoryError
    return ZEROS(shape, *args, **kwargs)


def test_no_memory_for_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Dense(1000))
    monkeypatch.setattr(np, "zeros", refuse)
    with pytest.raises(OutOfMemoryError, match=r"1,001,000 parameters of the network, 0\.003729 GiB: take a smaller batch_size, fewer or"):
        network.build(1000)
    monkeypatch.undo()
    assert not network.is_built
    assert network.build(4).is_built


def test_no_memory_for_first_values(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Dense(1000))
    monkeypatch.setattr(UniformFanIn, "sample", lambda self, rng, shape, *fans: refuse(shape))
    with pytest.raises(MemoryError, match=r"the first values of dense_1\.weight in float64, 0\.007451 GiB: take a smaller batch_size"):
        network.build(1000)
    assert not network.is_built


def test_no_memory_for_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Sequential(nn.Dense(10), nn.Dense(1)).build(4, loss="mse", optimizer="sgd", rng=0)
    before, X = network.parameters.copy(), np.ones((500, 4), np.float32)
    monkeypatch.setattr(np, "zeros", refuse)
    with pytest.raises(OutOfMemoryError, match="smaller batch_size"):
        network.fit(X, X[:, 0], batch_size=500, epochs=1, progress=False)
    monkeypatch.undo()
    assert np.array_equal(network.parameters, before)
    network.fit(X, X[:, 0], batch_size=10, epochs=1, progress=False)
