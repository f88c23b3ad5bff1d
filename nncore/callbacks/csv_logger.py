"""Write the history of a fit to a CSV file, row by row."""

from __future__ import annotations

import csv
import errno
import io
import os
import sys
from pathlib import Path
from typing import Any, TextIO

from nncore.arguments import path_text
from nncore.errors import FileFormatError
from nncore.files import open_log, writing_text
from nncore.plugin import Callback


class CSVLogger(Callback):
    """Log each epoch's losses and metrics to a CSV file.

    Each row is written at once, so you can watch a run, and its numbers survive a crash. The first column, ``epoch``, is the number of
    epochs that the network has been trained for. A new column (a resumed fit with other metrics) is added, empty in earlier rows.

    Parameters
    ----------
    path : str or path
        File to write. The folder must exist.
    append : bool, default False
        Append to an existing file. False overwrites it when the fit begins. A row that a crash cut short is dropped.

    Raises
    ------
    OSError
        Before the first epoch, if the file cannot be written.
    FileFormatError
        Before the first epoch, with `append`, if the file is not a log of epochs.
    """

    flags = ("append",)
    reports = True
    examples = ({"path": "run.csv"}, {"path": "run.csv", "append": True})

    def __init__(self, path: str | os.PathLike[str], append: bool = False) -> None:
        self.path = path_text("CSVLogger: path", path)
        self.append = append
        self._file: TextIO | None = None
        self._columns: list[str] = []

    def on_fit_begin(self, training: Any) -> None:
        folder = Path(self.path).parent
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the folder does not exist; create it first", str(folder))
        if Path(self.path).is_dir():
            raise IsADirectoryError(errno.EISDIR, "CSVLogger needs the name of a file, and this is a folder", self.path)
        columns, rows = self._read() if self.append and Path(self.path).is_file() else ([], [])
        if columns:
            self._rewrite(columns, rows)
        else:
            self._open([], anew=True)

    def epochs_ahead(self, training: Any) -> int:
        return sys.maxsize

    def on_epoch_end(self, training: Any) -> None:
        row = {"epoch": str(training.network.n_epochs)}
        row |= {name: repr(float(training.history[name][-1])) for name in training.history}
        if new := [name for name in row if name not in self._columns]:
            if self._columns:
                columns, rows = self._read()
                self._rewrite([*columns, *new], rows)
            else:
                self._columns = new
                self._write([dict(zip(new, new, strict=True))])
        self._write([row])

    def on_fit_end(self, training: Any) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, columns: list[str], *, anew: bool) -> None:
        self._columns = columns
        self._file = open_log(self.path, anew=anew)

    def _write(self, rows: list[dict[str, str]]) -> None:
        assert self._file is not None
        csv.DictWriter(self._file, self._columns, lineterminator="\n").writerows(rows)
        self._file.flush()

    def _read(self) -> tuple[list[str], list[dict[str, str]]]:
        """The columns of the file, and its rows, without one that a crash cut short."""
        try:
            text = Path(self.path).read_text(encoding="utf-8")
            reader = csv.DictReader(io.StringIO(text[: text.rfind("\n") + 1]), restval="", strict=True)
            columns, rows = list(reader.fieldnames or []), list(reader)
        except (csv.Error, UnicodeDecodeError) as error:
            raise FileFormatError(f"CSVLogger cannot append to {self.path}: {error}. Give it another path") from None
        if columns and (columns[0] != "epoch" or any(None in row for row in rows)):
            raise FileFormatError(f"CSVLogger cannot append to {self.path}: it is not a log of epochs. Give it another path")
        return columns, rows

    def _rewrite(self, columns: list[str], rows: list[dict[str, str]]) -> None:
        """Replace the file by one with these columns and rows, whole or not at all, and continue with it."""
        if self._file is not None:
            self._file.close()
        with writing_text(self.path) as file:
            writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        self._open(columns, anew=False)
