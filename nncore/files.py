"""Write files atomically: a file appears complete or not at all. All files that nncore writes are written here.

A file is first written under a temporary, unpredictable name in the same folder. It is renamed once the disk has all of it. The writer
holds a lock on the temporary file. So the next write into that folder recognises the files of killed processes, and removes them.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, Self, TextIO, TypeAlias

from nncore.arguments import path_text, plain, shown
from nncore.errors import FileFormatError, ParameterError

try:
    import fcntl
except ImportError:  # Windows: an open file cannot be removed, which serves as a lock
    fcntl = None  # type: ignore[assignment]

#: Where a model is saved: a path, or a binary file object such as `io.BytesIO`.
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]

_IS_TEXT = "{} is a file of texts: open it in binary mode, open(..., 'rb') or open(..., 'wb'), or use io.BytesIO"

_TEMPORARY = ".nncore-{}.tmp"
_OURS = re.compile(r"\.nncore-[0-9a-f]{16}\.tmp")

#: Where files cannot be locked, a temporary file older than this counts as left by a killed process.
_STALE_SECONDS = 24 * 3600

_ACL = "system.posix_acl_access"

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK if os.name == "posix" else getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)


def is_stream(path: Path) -> bool:
    """Whether `path` exists and is not a file that can be replaced: a pipe, a terminal, ``/dev/stdout``."""
    return path.exists() and not path.is_file()


@contextmanager
def writing(path: str | os.PathLike[str], *, may_be_stream: bool = False) -> Iterator[BinaryIO]:
    """Open a file that replaces `path` when the block ends. Until then, and if the block raises, `path` does not change.

    If `path` is a symbolic link, its target is replaced. The new file gets the mode, the access list and, where the system permits it, the
    owner of the file it replaces. Otherwise it gets the mode of any new file.

    Parameters
    ----------
    path : str or path-like
    may_be_stream : bool, default False
        Write directly to a pipe, a terminal or ``/dev/stdout``. False raises an error for them.

    Raises
    ------
    OSError
        If `path` cannot be written: there is no such folder, it is a folder itself, a device, or write-protected, or the disk is full.
    """
    path = Path(path)
    if may_be_stream and is_stream(path) and not path.is_dir():
        with path.open("wb") as stream:
            yield stream
        return
    path = _target(path)
    _remove_stale(path.parent)
    file, temporary = _new_file(path)
    try:
        with file:
            yield file
            file.flush()
            _take_after(path, file.fileno())
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows does not rename open files
            os.replace(temporary, path)  # under the lock
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


@contextmanager
def writing_text(path: str | os.PathLike[str], *, may_be_stream: bool = False) -> Iterator[TextIO]:
    """Open a UTF-8 text file as `writing` does. Line ends are written unchanged."""
    with writing(path, may_be_stream=may_be_stream) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        try:
            yield text
            text.flush()
        finally:
            with contextlib.suppress(OSError, ValueError):  # after an error, which says more
                text.detach()


def write(path: str | os.PathLike[str], content: bytes | str, *, may_be_stream: bool = False) -> None:
    """Write bytes or UTF-8 text to `path` atomically: after an error, `path` holds what it held before."""
    with writing(path, may_be_stream=may_be_stream) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def try_to_write(path: str | os.PathLike[str], content: bytes) -> None:
    """Raise as `write` would, and leave everything as it is."""
    path = _target(Path(path))
    _remove_stale(path.parent)
    file, temporary = _new_file(path)
    try:
        with file:
            file.write(content)
    finally:
        temporary.unlink(missing_ok=True)


class FilePlace:
    """Where a model is saved, loaded or exported: a path or an open binary file.

    A file object is written from its current position, after the content has been checked, and read from its current position to the end.
    It need not be seekable, and is not closed. The suffix of its ``name``, if it has one, counts like that of a path.

    Parameters
    ----------
    name : str
        Name of the argument, for error messages.
    value : str, path-like or binary file object
        What the user passed.

    Attributes
    ----------
    path : Path
        The path. For a file object, its name if that is a string: only the suffix is used.
    file : binary file object or None

    Raises
    ------
    ParameterError
        If `value` is something else, a text file, or a closed file.
    """

    def __init__(self, name: str, value: Any) -> None:
        self._name, self.file, self._content = name, None, b""
        if not isinstance(value, io.IOBase) and not (hasattr(value, "read") or hasattr(value, "write")):
            found = plain(value)
            if not isinstance(found, (str, os.PathLike)):
                raise ParameterError(f"{name} must be a path, a text, a pathlib.Path or a binary file object, got {shown(value)}")
            self.path = Path(path_text(name, value))
            return
        self.file = value
        if isinstance(value, io.TextIOBase) or hasattr(value, "encoding"):
            raise ParameterError(_IS_TEXT.format(name))
        if getattr(value, "closed", False):
            raise ParameterError(f"{name} is a file that is closed: open it again")
        called = getattr(value, "name", None)
        self.path = Path(called) if isinstance(called, str) and called and "\0" not in called else Path()

    @classmethod
    def of(cls, name: str, value: Any) -> Self:
        """Make one from what a user passed. A `FilePlace` is returned unchanged, so that a file object is read only once."""
        return value if isinstance(value, cls) else cls(name, value)

    def __str__(self) -> str:
        return str(self.path) if self.file is None or self.path.name else "the file object"

    def read(self, what: str) -> bytes:
        """Read all bytes. `what` the file should hold is for messages: "a saved network". A file object is read only once.

        Raises
        ------
        FileFormatError
            If it is a folder, a device or an empty file.
        OSError
            If it cannot be read.
        """
        if self._content:
            return self._content
        if self.file is not None:
            data = self._read_file(self.file)
            if not data:
                raise FileFormatError(f"{self} has nothing to read at its current position: call seek(0) after writing to it")
            self._content = data
            return data
        if self.path.exists() and not self.path.is_file():
            raise FileFormatError(f"{self.path} is a {'folder' if self.path.is_dir() else 'device'}, not {what}")
        data = self.path.read_bytes()
        if not data:
            raise FileFormatError(f"{self.path} is empty: it was never written, or lost in a crash")
        return data

    def _read_file(self, file: IO[bytes]) -> bytes:
        parts = []
        if not hasattr(file, "read"):
            raise ParameterError(f"{self._name} is not a readable file: open it with 'rb'")
        try:
            while part := file.read():  # a raw file may return fewer bytes; an empty result is the end
                if not isinstance(part, (bytes, bytearray, memoryview)):
                    raise ParameterError(_IS_TEXT.format(self._name))
                parts.append(bytes(part))
        except io.UnsupportedOperation as error:
            raise ParameterError(f"{self._name} is not a readable file ({error}): open it with 'rb'") from None
        return b"".join(parts)

    def write(self, content: bytes | str) -> None:
        """Write bytes, or text as UTF-8: to a path atomically, to a file object from its current position.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        if self.file is None:
            write(self.path, content)
            return
        self._check_writable(self.file)
        left = memoryview(content.encode() if isinstance(content, str) else content)
        while left:
            try:
                written = self.file.write(left)
            except TypeError:  # a text file
                raise ParameterError(_IS_TEXT.format(self._name)) from None
            if written is None and isinstance(self.file, io.RawIOBase):
                raise BlockingIOError(errno.EAGAIN, "this file cannot be written to now: open it in blocking mode", str(self))
            left = left[len(left) if written is None else written :]  # a raw file may write fewer; None: all

    def try_to_write(self, content: bytes) -> None:
        """Raise as `write` would, and leave everything as it is."""
        if self.file is None:
            try_to_write(self.path, content)
        else:
            self._check_writable(self.file)

    def _check_writable(self, file: IO[bytes]) -> None:
        writable = getattr(file, "writable", None)
        if not hasattr(file, "write") or (writable is not None and not writable()):
            raise ParameterError(f"{self._name} is not a writable file: open it with 'wb'")


def open_log(path: str | os.PathLike[str], *, anew: bool) -> TextIO:
    """Open a UTF-8 text file that others may read while it grows. `anew` empties it first; otherwise text is appended."""
    return open(path, "w" if anew else "a", newline="", encoding="utf-8")


def _target(path: Path) -> Path:
    """The file that a path leads to through symbolic links. Raises an error if it cannot be replaced."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, "this link leads in a circle; remove it, or give another name", str(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder; make it first", str(target.parent))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "this is a folder; give the name of a file", str(path))
    if is_stream(target):  # replacing a device would remove it for the whole machine
        raise OSError(errno.EINVAL, "this is a device or a pipe; give the name of a file", str(path))
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "this file is write-protected; allow writing to it, or give another name", str(path))
    with contextlib.suppress(FileNotFoundError):
        os.lstat(target)  # raises for a name that is too long, before the work
    return target


def _new_file(path: Path) -> tuple[BinaryIO, Path]:
    """Create an empty, locked file in the folder of `path`. Only those who may read `path` may read it."""
    mode = 0o600 if path.exists() else 0o666  # the system applies the umask and the folder's access list
    while True:
        temporary = path.with_name(_TEMPORARY.format(secrets.token_hex(8)))
        with contextlib.suppress(FileExistsError):
            file = os.fdopen(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, mode), "w+b")
            if _lock(file.fileno(), wait=True) is not False and temporary.exists():  # nobody removed it as stale before it was locked
                return file, temporary
            file.close()


def _take_after(path: Path, descriptor: int) -> None:
    """Give a new file the owner, mode and access list of the one that it replaces."""
    if os.name != "posix" or not path.exists():
        return
    older, newer = path.stat(), os.fstat(descriptor)
    mode = stat.S_IMODE(older.st_mode)
    if (older.st_uid, older.st_gid) != (newer.st_uid, newer.st_gid):
        with contextlib.suppress(OSError):
            os.fchown(descriptor, older.st_uid, older.st_gid)
        if os.fstat(descriptor).st_gid != older.st_gid:
            with contextlib.suppress(OSError):  # a group may be allowed where an owner is not
                os.fchown(descriptor, -1, older.st_gid)
        if os.fstat(descriptor).st_gid != older.st_gid:
            mode &= ~0o070 | (mode & 0o007) << 3  # another group gets the permissions of others
    os.fchmod(descriptor, mode & 0o777)
    if hasattr(os, "getxattr"):
        with contextlib.suppress(OSError):  # most files have none, and some file systems do not support them
            os.setxattr(descriptor, _ACL, os.getxattr(path, _ACL))


def _lock(descriptor: int, *, wait: bool) -> bool | None:
    """Lock a file until it is closed. True if it was locked, False if another process holds the lock, None where files cannot be locked."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:  # not on this file system
        return None
    return True


def _remove_stale(folder: Path) -> None:
    """Remove temporary files that killed processes left in a folder. Errors are ignored: they do not prevent writing."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_if_stale(entry.path)


def _remove_if_stale(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | _FLAGS)
    try:
        locked = _lock(descriptor, wait=False)
        is_old = time.time() - os.fstat(descriptor).st_mtime > _STALE_SECONDS
        if fcntl is not None and (locked or (locked is None and is_old)):
            os.unlink(path)
    finally:
        os.close(descriptor)
    if fcntl is None and is_old:
        os.unlink(path)


def _sync(folder: Path) -> None:
    """Wait until the disk holds the folder's entry for the new name."""
    if os.name == "posix":
        with contextlib.suppress(OSError):  # some network file systems cannot sync a folder; the file itself is safe
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
