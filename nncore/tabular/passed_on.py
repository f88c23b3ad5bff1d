"""Base class of streams that wrap a file."""

from __future__ import annotations

import io


class PassedOn(io.RawIOBase):
    """A file that reads from another file. A subclass implements ``readinto``."""

    def __init__(self, file: io.BufferedReader) -> None:
        self.file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.file.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()
