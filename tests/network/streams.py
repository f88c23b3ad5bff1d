"""Sources of the same samples, for tests of streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Batch = tuple[np.ndarray, ...]


class Loader:
    """Batches that can be iterated repeatedly, like a data loader's: lists of arrays."""

    def __init__(self, parts: tuple[np.ndarray, ...], rows: int) -> None:
        self.parts, self.rows = parts, rows

    def __iter__(self) -> Iterator[list[np.ndarray]]:
        for start in range(0, len(self.parts[0]), self.rows):
            yield [part[start : start + self.rows] for part in self.parts]


def as_list(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    return {"X": [tuple(batch) for batch in Loader(parts, rows)]}


def as_loader(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    return {"X": Loader(parts, rows)}


def as_function(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    return {"X": lambda: iter(Loader(parts, rows))}


def as_arrays(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    return {**dict(zip(("X", "y", "sample_weight"), parts, strict=False)), "memory_limit": "2 MB"}


def as_npy(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    for name, part in zip(("X", "y"), parts, strict=False):
        np.save(folder / f"{name}.npy", part)
    return {"X": folder / "X.npy", "y": str(folder / "y.npy"), **({"sample_weight": parts[2]} if len(parts) > 2 else {})}


def as_npz(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    np.savez(folder / "all.npz", **dict(zip(("X", "y", "w"), parts, strict=False)))
    return {"X": folder / "all.npz", "y": "y", **({"sample_weight": "w"} if len(parts) > 2 else {})}


def table(parts: Batch) -> Any:
    import pyarrow as pa

    columns = {f"x{number}": column for number, column in enumerate(parts[0].T)}
    return pa.table({**columns, **dict(zip(("y", "w"), parts[1:], strict=False))})


def _columns(parts: Batch) -> dict[str, Any]:
    return {"y": "y", **({"sample_weight": "w"} if len(parts) > 2 else {})}


def as_parquet(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    pq.write_table(table(parts), folder / "all.parquet", row_group_size=rows)
    return {"X": folder / "all.parquet", **_columns(parts)}


def as_files(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    half, whole = len(parts[0]) // 2, table(parts)
    pq.write_table(whole.slice(0, half), folder / "1.parquet", row_group_size=rows)
    pq.write_table(whole.slice(half), folder / "2.parquet", row_group_size=rows)
    return {"X": [str(folder / "1.parquet"), str(folder / "2.parquet")], **_columns(parts)}


def as_feather(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    import pyarrow.feather as feather

    feather.write_feather(table(parts), folder / "all.feather", chunksize=rows)
    return {"X": folder / "all.feather", **_columns(parts)}


def as_filtered(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    import pyarrow.dataset as ds

    given = as_parquet(parts, rows, folder)
    return given | {"X": ds.dataset(given["X"]).filter(ds.field("x0") > -1e9)}


def as_scanner(parts: Batch, rows: int, folder: Path) -> dict[str, Any]:
    import pyarrow.dataset as ds

    given = as_parquet(parts, rows, folder)
    return given | {"X": ds.dataset(given["X"]).scanner(batch_size=rows)}


#: Functions that make a fit's arguments from arrays, a batch size and a folder.
SOURCES: dict[str, Callable[[Batch, int, Path], dict[str, Any]]] = {
    "list": as_list,
    "loader": as_loader,
    "function": as_function,
    "arrays": as_arrays,
    "npy": as_npy,
    "npz": as_npz,
    "parquet": as_parquet,
    "files": as_files,
    "feather": as_feather,
    "filtered": as_filtered,
    "scanner": as_scanner,
}
#: Streams that Arrow reads.
OF_ARROW = ("parquet", "files", "feather", "filtered", "scanner")
