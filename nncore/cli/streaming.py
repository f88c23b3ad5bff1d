"""When `nncore train` reads a table in blocks rather than at once."""

from __future__ import annotations

from dataclasses import dataclass

from nncore.blocks import available_memory
from nncore.cli.settings import Settings
from nncore.cli.task import writing_of
from nncore.errors import ParameterError
from nncore.tabular import STDIN, TableFiles, is_one_file

#: About how many times its size a file needs in memory, with all that is made of it.
TIMES = 4

#: Memory that is used if nobody says how much, at most, and the part of what is free.
USUAL_LIMIT, FREE_SHARE = 2 * 2**30, 2


@dataclass(frozen=True)
class Streaming:
    """That a table is to be read in blocks.

    Attributes
    ----------
    limit : int
        Bytes that rows may take.
    why : str
        For a person.
    """

    limit: int
    why: str


def streaming_of(settings: Settings) -> Streaming | None:
    """Whether the table is to be read in blocks: what is said, else whether it may not fit in memory; None if it is read at once.

    Raises
    ------
    ParameterError
        If several files are to be read at once.
    DataError
        If standard input is to be read in blocks.
    """
    path = settings.data
    assert path is not None, "the command line asks for it"
    free = available_memory()
    room = settings.memory_limit if settings.memory_limit is not None else free
    one = is_one_file(path)
    if one and (str(path) == STDIN or not path.is_file()):
        if settings.stream:
            TableFiles.of(path, writing_of(settings))  # says why not
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
