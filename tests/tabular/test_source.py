from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from nncore.errors import DataError
from nncore.tabular.reader import read_blocks, read_table
from nncore.tabular.source import TextLines, opened

TEXT = "a,b\n1,x\n2,y\n"


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    assert read_table(path).columns == [["1", "2"], ["x", "y"]]


def test_gzip_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    whole = gzip.compress("".join(f"{i},{i * i % 1013}\n" for i in range(5000)).encode())
    for n in (5, 20, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:n])
        with pytest.raises(DataError, match="damaged or cut off"):
            read_table(path)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(TEXT.encode()))))
    table = read_table("-")
    assert (table.source, table.columns[0]) == ("standard input", ["1", "2"])


class Slow(io.RawIOBase):
    """A pipe that gets one byte at a time."""

    def __init__(self, content: bytes) -> None:
        self.content, self.n = content, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self.content[self.n : self.n + 1]
        buffer[: len(piece)] = piece
        self.n += 1
        return len(piece)


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda content: gzip.compress(content[:1]) + gzip.compress(content[1:])], ids=["plain", "gzip", "parts"]
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_slow_pipe_is_looked_at_as_a_whole(encoding: str, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Slow(pack(TEXT.encode(encoding))))))
    assert read_table("-").columns == [["1", "2"], ["x", "y"]]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Slow(b"SQLite format 3\0" + bytes(900)))))
    with pytest.raises(DataError, match="standard input is an SQLite database"):
        read_table("-")


def test_parquet_by_name_alone(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    path.write_text(TEXT)
    with pytest.raises(DataError, match="not a Parquet file, although its name says so"):
        read_table(path)


def test_wrong_encoding_far_down_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n" + b"1,\xc3\xa9\n" * 30_000 + b"1,\xe9\n")
    with pytest.raises(DataError, match="line 30002 holds the byte 0xe9"):
        read_table(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_reading_that_is_broken_off_is_quiet(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "1,2\n" * 1000, encoding)

    def broken_off() -> None:
        with opened(path) as file:
            lines = iter(TextLines(file, str(path)))
            assert isinstance(lines, Generator)
            held.append(lines)
            next(held[0])
            raise KeyboardInterrupt

    held: list[Generator[str]] = []
    with pytest.raises(KeyboardInterrupt):
        broken_off()
    held[0].close()


def test_blocks_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "1,x\n" * 5000 + "1,x,too long\n")
    blocks = read_blocks(path, n_rows=100)
    assert [next(blocks).n_rows for _ in range(50)] == [100] * 50
    with pytest.raises(DataError, match="line 5002 has 3 values"):
        next(blocks)
