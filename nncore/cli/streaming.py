"""Decide whether `nncore train` reads a table in blocks."""

from __future__ import annotations

from dataclasses import dataclass

from nncore.blocks import available_memory
from nncore.cli.settings import Settings
from nncore.cli.task import writing_of
from nncore.errors import ParameterError
from nncore.tabular import STDIN, TableFiles, is_one_file

#: Approximate memory for training on a file, relative to its size.
TIMES = 4

#: Default memory limit: at most this many bytes, and this fraction of the free memory.
USUAL_LIMIT, FREE_SHARE = 2 * 2**30, 2


@dataclass(frozen=True)
class Streaming:
    """Settings for reading a table in blocks.

    Attributes
    ----------
    limit : int
        Memory limit of the rows, in bytes.
    why : str
        Reason, for the user.
    """

    limit: int
    why: str


def streaming_of(settings: Settings) -> Streaming | None:
    """Decide whether the table is read in blocks: by options, otherwise if it may not fit into memory. None if it is read at once.

    Raises
    ------
    ParameterError
        If several files should be read at once.
    DataError
        If standard input should be read in blocks.
    """
    path = settings.data
    assert path is not None, "the command line asks for it"
    free = available_memory()
    room = settings.memory_limit if settings.memory_limit is not None else free
    one = is_one_file(path)
    if one and (str(path) == STDIN or not path.is_file()):
        if settings.stream:
            TableFiles.of(path, writing_of(settings))  # raises the error
        return None
    if settings.stream is False:
        if not one:
            raise ParameterError(f"--no-stream: {path} is not a single file, and several files are read in blocks; leave it out")
        return None
    n_bytes = path.stat().st_size if one else 0
    if settings.stream:
        why = "as asked"
    elif not one:
        why = "several files"
    elif room is not None and TIMES * n_bytes > room:
        what = "--memory-limit allows" if settings.memory_limit is not None else "is free"
        why = f"{size_text(n_bytes)}, which would need about {TIMES} times as much memory, and {size_text(room)} {what}"
    else:
        return None
    usual = USUAL_LIMIT if free is None else max(min(free // FREE_SHARE, USUAL_LIMIT), 2**28)
    return Streaming(settings.memory_limit or usual, why)


def size_text(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.3g} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.3g} MB"
