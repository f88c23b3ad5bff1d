"""Memory-mapped arrays in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncore.data import as_stream
from nncore.data.mapped_arrays import mapped, mapped_members
from nncore.errors import DataError


@pytest.mark.parametrize("order", ["C", "F"])
def test_members_of_an_archive_are_mapped_where_they_lie(order: str, tmp_path: Path) -> None:
    X = np.asarray(np.arange(12, dtype=np.float32).reshape(4, 3), order=order)  # type: ignore[call-overload]
    np.savez(tmp_path / "all.npz", X=X, y=np.arange(4), scalar=np.float64(2))
    found = mapped_members(tmp_path / "all.npz")
    assert list(found) == ["X", "y", "scalar"]
    assert all(isinstance(array, np.memmap) for array in found.values())
    np.testing.assert_array_equal(found["X"], X)
    np.testing.assert_array_equal(found["y"], np.arange(4))


def test_what_cannot_be_mapped_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "packed.npz", X=np.zeros((3, 2)))
    with pytest.raises(DataError, match=r"is compressed, so that it cannot be memory-mapped: write it by numpy\.savez"):
        mapped_members(tmp_path / "packed.npz")
    np.save(tmp_path / "objects.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "objects.npz", X=np.array([{}, {}], dtype=object))
    (tmp_path / "none.npy").write_bytes(b"nothing")
    (tmp_path / "none.npz").write_bytes(b"nothing")
    for name in ("objects", "none", "absent"):
        with pytest.raises(DataError, match=r"cannot be read as a \.npy file"):
            mapped(tmp_path / f"{name}.npy")
        with pytest.raises(DataError, match=r"cannot be read as a \.npz file"):
            mapped_members(tmp_path / f"{name}.npz")
    whole = (tmp_path / "good.npz", np.zeros((100, 2)))
    np.savez(whole[0], X=whole[1])
    data = bytearray(whole[0].read_bytes())
    place = data.index(b"(100, 2)")
    data[place : place + 8] = b"(900, 9)"
    whole[0].write_bytes(data)
    with pytest.raises(DataError, match=r"cannot be read as a \.npz file"):
        mapped_members(whole[0])


def test_arrays_are_found_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "all.npz", features=np.zeros((4, 3)), y=np.arange(4), w=np.ones(4))
    found = as_stream(tmp_path / "all.npz", "y", "w")
    assert found is not None
    assert found.shape == (3,)
    with pytest.raises(DataError, match=r"all\.npz has no array 'z' for y; it has 'features', 'y', 'w'"):
        as_stream(tmp_path / "all.npz", "z", "w")
    with pytest.raises(DataError, match=r"must hold the samples as 'X', or as the only array besides y and sample_weight"):
        as_stream(tmp_path / "all.npz", "y", None)
