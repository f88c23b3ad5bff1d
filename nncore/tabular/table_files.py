"""Tables in one or several files, which can be read repeatedly, in blocks of rows."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from nncore.errors import DataError
from nncore.tabular.reader import RowWatcher, SomeRows, Writing, opened_file, read_blocks, read_some
from nncore.tabular.source import STDIN
from nncore.tabular.table import Table, unknown_column

#: Characters that make a path a pattern.
_PATTERN = "*?["


def is_one_file(path: Path) -> bool:
    """Whether a path is a single file or standard input, and not a folder or a pattern."""
    return str(path) == STDIN or path.is_file() or not (path.is_dir() or any(letter in str(path) for letter in _PATTERN))


def files_of(path: Path) -> list[Path]:
    """The files of a path, sorted by name: a single file, all in a folder, or those that match a pattern.

    Raises
    ------
    DataError
        If there are none.
    """
    if is_one_file(path):
        paths = [path]
    elif path.is_dir():
        paths = sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith((".", "_")))
    else:
        paths = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if os.path.isfile(name))
    if not paths or not paths[0].exists():
        raise DataError(f"there is no file {path}" if not path.is_dir() else f"{path} is a folder without files")
    return paths


class TableFiles:
    """Files with the same columns, read as one table.

    Parameters
    ----------
    paths : sequence of Path
        At least one.
    writing : Writing
        Format of the first file. The others have the same format.
    source : str
        Name of the table in messages.

    Raises
    ------
    DataError
        If a file cannot be read, or has other columns than the first.
    """

    def __init__(self, paths: list[Path], writing: Writing, source: str) -> None:
        self.paths, self.source = paths, source
        with opened_file(paths[0], writing) as first:
            self.names, has_header, separator = first.names, first.has_header, first.delimiter
        self._writing = replace(writing, header=has_header, separator=separator or None)
        for path in paths[1:]:
            with opened_file(path, self._writing) as file:
                if file.names != self.names:
                    other = next((name for name in file.names if name not in self.names), "another order")
                    raise DataError(f"{path} has other columns than {paths[0]} ({other!r}): use files with the same columns")

    @classmethod
    def of(cls, path: Path, writing: Writing | None = None) -> Self:
        """The files of a path, sorted by name: a single file, all in a folder, or those that match a pattern.

        Raises
        ------
        DataError
            If there are none, or it is standard input, which can be read only once.
        """
        if str(path) == STDIN:
            raise DataError("standard input can be read only once, but training in blocks reads the rows several times: write a file")
        return cls(files_of(path), writing or Writing(), str(path))

    def check(self, needed: Sequence[str]) -> None:
        """Raise `DataError` with similar names if a column does not exist."""
        for name in needed:
            if name not in self.names:
                raise unknown_column(self.source, self.names, name, has_header=bool(self._writing.header))

    @cached_property
    def _opened(self) -> list[tuple[list[int], int]]:
        """Number of rows of each row group, and bytes of memory while it is read, for each file."""
        found = []
        for path in self.paths:
            with opened_file(path, self._writing) as file:
                found.append((file.groups, file.bytes_while_read))
        return found

    @property
    def _groups(self) -> list[list[int]]:
        """Number of rows of each row group, for each file."""
        return [groups for groups, _ in self._opened]

    @property
    def bytes_while_read(self) -> int:
        """Approximate memory for reading one of `pieces`, in bytes, beside its rows."""
        return max(n_bytes for _, n_bytes in self._opened)

    @cached_property
    def pieces(self) -> list[tuple[Path, int | None]]:
        """Pieces that can be read in any order: row groups by number for files that have them, otherwise whole files."""
        found: list[tuple[Path, int | None]] = []
        for path, groups in zip(self.paths, self._groups, strict=True):
            found += [(path, number) for number, n_rows in enumerate(groups) if n_rows] if any(groups) else [(path, None)]
        return found

    def blocks(self, number: int, n_rows: int) -> Iterator[Table]:
        """Read the rows of one of `pieces` in order, at most `n_rows` at a time."""
        path, group = self.pieces[number]
        return read_blocks(path, self._writing, n_rows=n_rows, group=group)

    def piece_sizes(self, sizes: Sequence[int]) -> list[int]:
        """Number of rows of each of `pieces`, from those of the files."""
        found: list[int] = []
        for size, groups in zip(sizes, self._groups, strict=True):
            found += [n_rows for n_rows in groups if n_rows] or [size]
        return found

    def drawn(self, most: int, seed: int, watcher: RowWatcher | None = None) -> SomeRows:
        """A random sample of about `most` rows, or all if there are fewer: those whose numbers have the smallest hashes.

        Rows are numbered over all files, which are read once. A watcher sees the other rows.
        """
        found = read_some(self.paths, self._writing, most, seed % 2**64, watcher)
        if found.table.delimiter:
            self._writing = replace(self._writing, decimal_comma=found.table.decimal_comma)
        return replace(found, table=replace(found.table, source=self.source))
