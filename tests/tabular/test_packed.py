from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from nncore.errors import DataError, MissingExtraError
from nncore.tabular import packed, read_table
from nncore.tabular.packed import MOST_LAYERS, PACKERS

TEXT = ("a,b\n" + "".join(f"{i},x{i * i % 1013}\n" for i in range(3000))).encode()


def by_arrow(codec: str) -> Callable[[bytes], bytes]:
    def pack(content: bytes) -> bytes:
        arrow = pytest.importorskip("pyarrow")
        sink = arrow.BufferOutputStream()
        with arrow.CompressedOutputStream(sink, codec) as file:
            file.write(content)
        return bytes(sink.getvalue().to_pybytes())

    return pack


def zipped(content: bytes, *names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("data.csv",):
            archive.writestr(name, content)
    return file.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "two gzips, one after the other": lambda content: gzip.compress(content[:500]) + gzip.compress(content[500:]),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    "zstd": by_arrow("zstd"),
    "lz4": by_arrow("lz4"),
    "zip": zipped,
    "gzip in gzip": lambda content: gzip.compress(gzip.compress(content)),
    "gzip in xz in bz2": lambda content: bz2.compress(lzma.compress(gzip.compress(content))),
}


def read(path: Path, content: bytes) -> list[str | None]:
    path.write_bytes(content)
    return read_table(path).column("a")


@pytest.mark.parametrize("how", PACKED)
def test_what_is_packed_is_read_whatever_its_name(how: str, tmp_path: Path) -> None:
    assert read(tmp_path / "data.csv", PACKED[how](TEXT)) == [str(i) for i in range(3000)]


@pytest.mark.parametrize("how", PACKED)
def test_what_is_cut_off_is_said_to_be(how: str, tmp_path: Path) -> None:
    whole = PACKED[how](TEXT)
    for n in (12, len(whole) // 2, len(whole) - 5):
        with pytest.raises(DataError, match="damaged or cut off"):
            read(tmp_path / "data.csv", whole[:n])


def test_every_packer_is_tried() -> None:
    contents = [pack(TEXT) for pack in PACKED.values()]
    tried = {packer for first, packer in PACKERS.items() if any(content.startswith(first) for content in contents)}
    assert tried == set(PACKERS.values())


def test_layers_have_an_end(tmp_path: Path) -> None:
    content = TEXT
    for _ in range(MOST_LAYERS):
        content = gzip.compress(content)
    assert len(read(tmp_path / "data.csv", content)) == 3000
    with pytest.raises(DataError, match=f"packed more than {MOST_LAYERS} times"):
        read(tmp_path / "data.csv", gzip.compress(content))


@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lambda content: gzip.compress(gzip.compress(content))], ids=["gz", "bz2", "twice"]
)
def test_what_is_made_to_fill_the_memory_is_refused(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "FREE_BYTES", 2**16)
    with pytest.raises(DataError, match="unpacks to more than 250 times its size"):
        read(tmp_path / "data.csv", pack(b"1,2\n" * 2**19))


def test_a_long_table_of_few_values_is_read(tmp_path: Path) -> None:
    assert len(read(tmp_path / "data.csv", bz2.compress(b"a,b\n" + b"1,2\n" * 50_000))) == 50_000


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (("a.csv", "b.csv"), r"zip archive of 2 files \(a.csv, b.csv\)"),
        (("[Content_Types].xml", "xl/workbook.xml"), "a spreadsheet or another Office document"),
        (("mimetype", "content.xml"), "a spreadsheet or another Office document"),
        (("X.npy", "y.npy"), r"a file of NumPy arrays \(.npz\)"),
    ],
    ids=["csv", "xlsx", "ods", "npz"],
)
def test_what_else_a_zip_archive_is(names: tuple[str, ...], what: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=what):
        read(tmp_path / "data.csv", zipped(TEXT, *names))


def test_folders_and_leavings_of_macos_in_an_archive_do_not_count(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/data.csv", TEXT)
        archive.writestr("__MACOSX/folder/._data.csv", b"\0")
    assert len(read(tmp_path / "data.zip", file.getvalue())) == 3000


def test_an_empty_archive(tmp_path: Path) -> None:
    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    with pytest.raises(DataError, match="zip archive of 0 files"):
        read(tmp_path / "data.zip", file.getvalue())


@pytest.mark.parametrize("how", PACKED)
def test_from_standard_input(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe(PACKED[how](TEXT)))))
    if how == "zip":
        with pytest.raises(DataError, match="zip archive, which cannot be read from a pipe; give the name of a file"):
            read_table("-")
    else:
        assert read_table("-").n_rows == 3000


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = by_arrow("zstd")(TEXT)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"reading a file compressed by zstd needs pyarrow: pip install \"nncore-ml\[parquet\]\""):
        read(tmp_path / "data.csv.zst", content)
