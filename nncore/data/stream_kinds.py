"""Recognise streams that users pass to a fit: paths, Arrow datasets, lists of batches, data loaders, functions, generators."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nncore.arguments import path_text
from nncore.blocks import rows_at_once
from nncore.data.arrow_streams import arrow_dataset, arrow_stream, is_arrow
from nncore.data.batch_streams import BatchStream
from nncore.data.mapped_arrays import mapped, mapped_members
from nncore.data.samples import as_numbers, as_rows
from nncore.data.streams import ArrayStream, Stream, bytes_of_row
from nncore.errors import DataError, ParameterError

#: Suffixes of files that Arrow reads, and Arrow's name of each format.
FORMATS = {".parquet": "parquet", ".pq": "parquet", ".arrow": "feather", ".feather": "feather", ".ipc": "feather"}
#: Approximate bytes of a piece of an array: large enough that reading pieces in random order is about as fast as in sequence.
_PIECE = 2**20


def as_stream(X: Any, y: Any, sample_weight: Any, role: str = "", *, streams_arrays: bool = False) -> Stream | None:
    """Make a stream of `X` if it is a kind of stream. None for arrays, unless `streams_arrays`.

    Parameters
    ----------
    X, y, sample_weight : object
        As in `nncore.Sequential.fit`.
    role : str, default ""
        Prefix of names in messages.
    streams_arrays : bool, default False
        Make streams of arrays too.

    Raises
    ------
    DataError, DtypeError, ParameterError, ShapeError
        If `X` is a stream that cannot be read.
    """
    if isinstance(X, Stream):
        _nothing_beside(f"{role}X", y, sample_weight)
        return X
    if isinstance(X, (str, os.PathLike)):
        return _of_path(Path(path_text(f"{role}X", X)), y, sample_weight, role)
    if is_arrow(X):
        return arrow_stream(X, y, sample_weight, f"{role}X")
    if are_files(X, y):
        return _of_files([Path(path_text(f"{role}X", path)) for path in X], y, sample_weight, f"the files of {role}X")
    if _is_iterable(X) or _are_batches(X, y):
        _nothing_beside(f"{role}X", y, sample_weight)
        return BatchStream(X, f"{role}X")
    return array_stream(X, y, sample_weight, role) if streams_arrays else None


def is_stream(X: Any, y: Any) -> bool:
    """Whether `X` is a kind of stream. Nothing is opened."""
    return isinstance(X, (Stream, str, os.PathLike)) or is_arrow(X) or are_files(X, y) or _is_iterable(X) or _are_batches(X, y)


def inputs_stream(X: Any) -> Stream | None:
    """Make a stream of samples for predictions: like `as_stream`, but a list counts as an array."""
    return None if isinstance(X, (list, tuple)) else as_stream(X, None, None)


def array_stream(X: Any, y: Any, sample_weight: Any, role: str = "", source: str = "") -> ArrayStream:
    """Make a stream of arrays, which is read in blocks."""
    samples = as_rows(X, f"{role}X", None)
    if len(samples) == 0:
        raise DataError(f"{role}X has no samples")
    targets = None if y is None else as_numbers(y, f"{role}y")
    weights = None if sample_weight is None else as_numbers(sample_weight, f"{role}sample_weight")
    for name, part in (("y", targets), ("sample_weight", weights)):
        if part is not None and (part.ndim == 0 or len(part) != len(samples)):
            raise DataError(f"{role}X has {len(samples)} samples, but {role}{name} has shape {part.shape}: pass one entry for each sample")
    rows = rows_at_once(bytes_of_row(samples), of=_PIECE)
    return ArrayStream(samples, targets, weights, rows, source or f"{role}X")


def _of_path(path: Path, y: Any, sample_weight: Any, role: str) -> Stream:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return array_stream(mapped(path), _of_npy(y), _of_npy(sample_weight), role, path.name)
    if suffix == ".npz":
        return _of_npz(path, y, sample_weight, role)
    if suffix in FORMATS or path.is_dir():
        return _of_files([path], y, sample_weight, path.name)
    raise DataError(
        f"{role}X is the path {str(path)!r}, whose suffix is unknown: use {', '.join(FORMATS)}, .npy or .npz. For CSV, "
        'pass pyarrow.dataset.dataset(path, format="csv"), or use nncore train'
    )


def _of_files(paths: Sequence[Path], y: Any, sample_weight: Any, source: str) -> Stream:
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        raise DataError(f"there is no file {str(missing)!r}")
    formats = {FORMATS.get(path.suffix.lower(), "parquet") for path in paths}
    if len(formats) > 1:
        raise DataError(f"{source} are in several formats ({', '.join(sorted(formats))}): pass files of one format")
    where: Any = str(paths[0]) if len(paths) == 1 else [str(path) for path in paths]
    return arrow_stream(arrow_dataset(where, formats.pop(), source), y, sample_weight, source)


def _of_npy(part: Any) -> Any:
    """Memory-map targets or weights that are given as the path of a file."""
    return mapped(path_text("y", part)) if isinstance(part, (str, os.PathLike)) else part


def _of_npz(path: Path, y: Any, sample_weight: Any, role: str) -> Stream:
    members = mapped_members(path)

    def member(name: Any, what: str) -> Any:
        if not isinstance(name, str):
            return name
        if name not in members:
            raise DataError(f"{path.name} has no array {name!r} for {what}; it has {', '.join(map(repr, members)) or 'none'}")
        return members[name]

    targets, weights = member(y, "y"), member(sample_weight, "sample_weight")
    others = [name for name in members if not any(isinstance(used, str) and name == used for used in (y, sample_weight))]
    if "X" not in members and len(others) != 1:
        raise DataError(
            f"{path.name} must hold the samples as 'X', or as the only array besides y and sample_weight; it has {list(members)}"
        )
    return array_stream(members["X" if "X" in members else others[0]], targets, weights, role, path.name)


def are_files(X: Any, y: Any) -> bool:
    """Whether `X` is a list of paths, and `y` names columns in these files, or is None."""
    if not isinstance(X, (list, tuple)) or not X or not all(isinstance(path, (str, os.PathLike)) for path in X):
        return False
    return y is None or isinstance(y, str) or (isinstance(y, (list, tuple)) and all(isinstance(name, str) for name in y))


def _are_batches(X: Any, y: Any) -> bool:
    """Whether X is a list of batches with targets."""
    return y is None and isinstance(X, (list, tuple)) and all(isinstance(batch, (list, tuple)) and 2 <= len(batch) <= 3 for batch in X)


def _is_iterable(X: Any) -> bool:
    """Whether X yields batches one by one: it is iterable, and not an array, frame, mapping or set."""
    if callable(X) and not isinstance(X, type) and not hasattr(type(X), "__array__"):
        return True
    has_rows = any(hasattr(type(X), name) for name in ("__getitem__", "__array__", "__array_interface__", "columns", "toarray", "collect"))
    return isinstance(X, Iterable) and not has_rows and not isinstance(X, (set, frozenset))


def _nothing_beside(name: str, y: Any, sample_weight: Any) -> None:
    for other, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ParameterError(
                f"{name} is a stream whose batches hold their targets and weights: leave {other} out. To fit on arrays instead, collect "
                "them first: numpy.concatenate(list(...)) of batches or numpy.array(list(...)) of samples"
            )
