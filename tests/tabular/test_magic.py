from __future__ import annotations

import io
import json
import pickle
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nncore.errors import DataError
from nncore.tabular import read_table
from nncore.tabular.magic import FOREIGN, HEAD

ARRAY = np.arange(6.0).reshape(3, 2)


def npy() -> bytes:
    file = io.BytesIO()
    np.save(file, ARRAY)
    return file.getvalue()


def tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("data.csv"), io.BytesIO(b""))
    return file.getvalue()


#: First bytes of files that are not tables, by a part of the name of their kind.
FILES: dict[str, Callable[[], bytes]] = {
    "a NumPy array": npy,
    "a pickle of Python": lambda: pickle.dumps({"a": [1, 2]}),
    "JSON": lambda: json.dumps([{"a": 1}], indent=2).encode(),
    "a tar archive": tar,
    "an HDF5 file": lambda: b"\x89HDF\r\n\x1a\n" + bytes(50),
    "an old Excel": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50),
    "a Feather file of version 1": lambda: b"FEA1" + bytes(50),
    "an encrypted Parquet file": lambda: b"PARE\x15\x00",
    "an Arrow stream": lambda: b"\xff\xff\xff\xff\x70\x00\x00\x00",
    "an ORC file": lambda: b"ORC\x0a\x06\x0a\x04",
    "an Avro file": lambda: b"Obj\x01\x04",
    "a file of R": lambda: b"RDX3\nX\n\0",
    "an SPSS file": lambda: b"$FL2@(#) SPSS DATA FILE",
    "a Stata file": lambda: b"<stata_dta><header>",
    "a SAS file": lambda: bytes(12) + b"\xc2\xea\x81\x60\xb3\x14",
    "a 7z archive": lambda: b"7z\xbc\xaf\x27\x1c\x00\x04",
    "a RAR archive": lambda: b"Rar!\x1a\x07\x00",
    "a file packed by compress": lambda: b"\x1f\x9d\x90",
    "a PDF document": lambda: b"%PDF-1.7\n%\xe2\xe3",
    "a picture": lambda: b"\x89PNG\r\n\x1a\n",
    "a program": lambda: b"\x7fELF\x02\x01\x01",
    "a web page or XML": lambda: b"\n<!doctype html>\n<html>",
}


@pytest.mark.parametrize("what", FILES)
def test_what_is_no_table_is_named_with_a_remedy(what: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(FILES[what]())
    with pytest.raises(DataError, match=f"data.csv is {what}.*, not a table of text; [a-z]"):
        read_table(path)


def test_a_database(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    connection = sqlite3.connect(path)
    connection.execute("create table t (a)")
    connection.close()
    with pytest.raises(DataError, match="is an SQLite database, not a table of text; export a table of it"):
        read_table(path)


def test_every_kind_is_tried() -> None:
    contents = [make() for make in FILES.values()]
    untried = {foreign.what for foreign in FOREIGN if not any(foreign.matches(content[:HEAD]) for content in contents)}
    assert untried == {"an SQLite database"}


@pytest.mark.parametrize(
    "name", ["PAR1", "ARROW1", "ORC", "FEA1", "Obj", "RDX2", "Rar!", "BZ", "BZh1", "<a>", "{km}", "[1]", "A", "X", "MZ", "$FL", "7z", "GIF"]
)
def test_names_of_columns_that_are_first_bytes_elsewhere(name: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(f"{name},b\n1,2\n3,4\n")
    assert read_table(path).names == [name, "b"]
    path.write_text(f"{name}\n1\n3\n")
    assert read_table(path).names == [name]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("é,温度\n1,x\n2,ü\n".encode(encoding))
    table = read_table(path)
    assert (table.names, table.columns) == (["é", "温度"], [["1", "2"], ["x", "ü"]])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_encodings_with_a_mark_cut_off(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("a,b\n1,x\n".encode(encoding)[:-1])
    with pytest.raises(DataError, match=f"begins as {encoding.upper()}, but the rest is not"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16 without a byte-order mark"),
        ("a,b\n1,2\n".encode("utf-16-be"), "UTF-16 without a byte-order mark"),
        (bytes(range(1, 256)) + bytes(40), "is not text: it has zero bytes"),
        ("a,b\n1,caf\xe9\n".encode("latin-1"), "line 2 holds the byte 0xe9"),
    ],
    ids=["le", "be", "binary", "latin"],
)
def test_bytes_that_are_no_text(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(path)
