"""The fast reader and Python's line-by-line reader give the same table or the same error, for malicious files and pieces of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from nncore.errors import DataError
from nncore.tabular import Table, TableEncoder, Writing, column_kinds, gathering, infer_target, read_blocks, read_table, source, texts
from nncore.tabular.missing import USUAL
from nncore.tabular.plain_csv import read_plain

#: Whether lines are split in one call, bytes of a piece, and the number up to which distinct texts are few.
WAYS = [(False, 40, 0), (False, 2**20, 0), (True, 40, 0), (True, 300, 20_000), (True, 300, 0), (True, 2**20, 0)]

N = 40
HOSTILE = {
    "numbers": "a,b\n" + "".join(f"{i}.5,{i * i}\n" for i in range(N)),
    "words among numbers": "a,b\n" + "".join(f"{i if i % 7 else 'NA'},{i if i != 30 else 'abc'}\n" for i in range(N)),
    "numbers in many ways": "a,b\n" + "".join(f"{text},{i}\n" for i, text in enumerate(
        ["+7", "007", "1.", ".5", "1e5", "1E+05", "nan", "inf", "-Infinity", "1e999", "1e-400", "0x10", "1_0", "1d5", "1f", "-", ".", "-0",
         "٣", "½", "1 000", "\xa01\xa0", "nan(1)", "4.9e-324", "0.1000000000000000055511151231257827", "9007199254740993", "1e00005",
         "True", "TRUE"])),
    "blanks": "a, b\n" + "".join(f" {i} ,\tx{i}\x1c\n" for i in range(N)),
    "blanks that are not ASCII": "a,b\n" + "".join(f"\u2003{i}\xa0,\x85x{i}\u3000\n" for i in range(N)),
    "quotes": "a,b\n" + "".join(f'"{i}, {i}",{i}\n' for i in range(N)),
    "doubled quotes": "a,b\n" + "".join(f'"say ""{i}""",""\n""""""," ""{i} "\n' for i in range(N)),
    "quotes inside": "a,b\n" + "".join(f'{i}" screen,5\' {i}"\n' for i in range(N)),
    "quotes behind blanks": "a,b\n" + "".join(f'{i}, "x, {i}"\n' for i in range(N)),
    "text behind a quote": "a,b\n" + "".join(f"{i},{i}\n" for i in range(N)) + '"x"y,3\n',
    "a quote that is not closed": "a,b\n" + "".join(f"{i},{i}\n" for i in range(N)) + '"x,3\n' + "1,2\n" * N,
    "lines in quotes": "a,b\n" + "".join(f'{i},"two\nlines\r\nand {i}"\n' if i % 5 == 0 else f"{i},{i}\n" for i in range(N)),
    "a quote across a piece": "a,b\n" + "1,2\n" * 9 + '1,"' + "x,y\n" * 30 + '"\n' + "3,4\n" * 30,
    "too long": "a,b\n" + "1,2\n" * N + "1,2,3\n" + "1,2\n" * N,
    "too short": "a,b\n" + "1,2\n" * N + "1\n" + "1,2\n" * N,
    "a comment": "a,b\n" + "1,2\n" * N + "# end\n",
    "blank lines": "\n\na,b\n" + "".join(f"{i},{i}\n" + "\n" * (i % 3) + "  \n" * (i % 2) for i in range(N)) + "\n\n\n",
    "one column": "a\n" + "".join(f"{i}\n" + "\n" * (i % 3) for i in range(N)) + "\n\n",
    "one column as pandas writes it": "a\n" + "".join(f"{i}\n" if i % 3 else '""\n' for i in range(N)),
    "one column of blanks": "a\n" + "".join(f"{i}\n" if i % 3 else "  \n" for i in range(N)),
    "CRLF": "a,b\r\n" + "".join(f"{i},x{i}\r\n" for i in range(N)),
    "CR": "a,b\r" + "".join(f"{i},x{i}\r" for i in range(N)),
    "mixed ends": "a,b\n" + "".join(f"{i},x{i}" + ("\r", "\n", "\r\n", "\n\r")[i % 4] for i in range(N)),
    "no last end": "a,b\n" + "".join(f"{i},x{i}\n" for i in range(N)) + "5,6",
    "other line separators": "a,b\n" + "".join(f"{i},x\u2028\x0b\x0c\x1e{i}\n" for i in range(N)),
    "zero bytes": "a,b\n" + "".join(f"{i},x{i}\n" for i in range(400)) + "1,\0x\n" + "2,y\n" * N,
    "byte-order mark": "\ufeffa,b\n" + "".join(f"{i},ü{i}\n" for i in range(N)),
    "not UTF-8": ("a,b\n" + "".join(f"{i},ü{i}\n" for i in range(N))).encode() + b"1,\xe9\n" + b"1,2\n" * N,
    "cut off in a character": ("a,b\n" + "".join(f"{i},ü{i}\n" for i in range(N))).encode() + b"1,\xc3",
    "surrogates": ("a,b\n" + "1,2\n" * N).encode() + b"1,\xed\xa0\x80\n",
    "UTF-16": ("a,b\n" + "".join(f"{i},ü{i}\n" for i in range(N))).encode("utf-16"),
    "decimal commas": "a;b;c\n" + "".join(f"{i},5;1.{i:03};{'NA' if i % 9 == 0 else f'-{i},25e1'}\n" for i in range(N)),
    "thousands or not": "a;b\n" + "".join(f"{i + 1},{i:03};x, {i}\n" for i in range(N)),
    "points among decimal commas": "a;b\n" + "".join(f"{i},5;{i}.25\n" for i in range(N)),
    "commas without a digit": "a;b\n" + "".join(f"{i},5;{i},\n" for i in range(N)),
    "tabs": "a\tb\n" + "".join(f"{i}\t {i},5\n" for i in range(N)),
    "bars": "a|b\n" + "".join(f"{i}|x{i}\n" for i in range(N)),
    "single blanks": "a b\n" + "".join(f"{i}  {i}.5\n" for i in range(N)),
    "empty cells": "a,b,c\n" + "".join(f",{i if i % 2 else ''},\n" for i in range(N)),
    "no header": "".join(f"{i}.5,x{i % 3}\n" for i in range(N)),
    "identifiers": "id,a,b\n" + "".join(f"{10**18 + i},{i % 5},{(i * 7) % N}\n" for i in range(N)),
    "equal values": "a,b\n" + "".join(
        f"{('1', '1.0', '01', '+1', '1e0', 'true', 'TRUE')[i % 7]},{i % 3}.{'0' * (i % 4)}\n" for i in range(N)),
    "dates": "a,b\n" + "".join(f"2024-01-{1 + i % 28:02},{i % 2}\n" for i in range(N)),
    "missing words": "a,b,y\n" + "".join(f"{('-999', '-', '?', i)[i % 4]},{('NA', 'n/a', 'x')[i % 3]},{i % 2}\n" for i in range(N)),
}  # fmt: skip


def told(path: Path, *, blocks: bool = False) -> object:
    """Everything that is read and learned from a file, or the error message."""
    try:
        tables = list(read_blocks(path, n_rows=7)) if blocks else [read_table(path)]
        return [(_described(table), blocks or _learnt(table)) for table in tables]
    except DataError as error:
        return str(error)


def _described(table: Table) -> object:
    found = table.take_missing({*USUAL, "-999"}, table.names)
    rows = np.arange(table.n_rows)[::-2]
    some = found.select_rows(rows)
    return (
        table.names, table.columns, list(table.lines), table.has_header, table.delimiter, table.decimal_comma, table.thousands,
        table.n_blank, found.columns, found.words, some.columns, some.select_rows(np.arange(len(rows))[::3]).columns,
        [(column.n_missing, column.n_words, column.counts, np.nan_to_num(column.numbers, nan=-1.5).tolist())
         for column in (found.column(name) for name in found.names)],
    )  # fmt: skip


def _learnt(table: Table) -> object:
    learnt: list[object] = []
    for target in table.names:
        full = table.take_missing(USUAL, table.names)
        full = full.select_rows(np.flatnonzero(~full.column(target).is_missing))
        learnt.append(column_kinds(full, target))
        try:
            task, why = infer_target(target, full.column(target))
            encoder = TableEncoder.fit(full, column_kinds(full, target), target, task, range(0, full.n_rows, 2))
            X, remarks = encoder.transform(full)
            learnt.append((task, why, encoder, X.tolist(), list(map(str, remarks)), encoder.transform_target(full).tolist()))
        except DataError as error:
            learnt.append(str(error))
    return learnt


def read_in_a_way(path: Path, at_once: bool, piece: int, few: int, *, blocks: bool = False) -> object:
    with pytest.MonkeyPatch.context() as patch:
        if not at_once:
            patch.setattr("nncore.tabular.csv_file.can_be_plain", lambda delimiter: False)
        patch.setattr(source, "PIECE", piece)
        patch.setattr(texts, "AT_ONCE", 8 if piece < 2**20 else 2**16)
        patch.setattr(gathering, "FEW_TEXTS", few)
        patch.setattr(gathering, "FEW_OF_ONE", min(few, 50))
        return told(path, blocks=blocks)


@pytest.mark.parametrize("what", HOSTILE)
def test_every_way_tells_the_same(what: str, tmp_path: Path) -> None:
    path, content = tmp_path / "data.csv", HOSTILE[what]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for blocks in (False, True):
        expected = read_in_a_way(path, False, 2**20, 20_000, blocks=blocks)
        for way in WAYS:
            assert read_in_a_way(path, *way, blocks=blocks) == expected, (way, blocks)


cell = st.sampled_from(["1", "2.5", "x", "", " ", '"', '""', '"a,b"', '"a""b"', '"a\nb"', "NA", "é", "\xa0", "a\rb", "#", "-"])
lines = st.lists(st.lists(cell, min_size=1, max_size=3).map(",".join), min_size=1, max_size=25)
ends = st.sampled_from(["\n", "\r\n", "\r"])


@settings(max_examples=200)
@given(lines, ends, st.integers(5, 60), st.booleans())
def test_files_of_any_kind(tmp_path_factory: pytest.TempPathFactory, content: list[str], end: str, piece: int, header: bool) -> None:
    path = tmp_path_factory.mktemp("any") / "data.csv"
    path.write_bytes(end.join([*(["a,b"] * header), *content]).encode())
    expected = [read_in_a_way(path, False, 2**20, 20_000, blocks=blocks) for blocks in (False, True)]
    assert [read_in_a_way(path, True, piece, 0, blocks=blocks) for blocks in (False, True)] == expected


def test_what_is_plain_is_cut_and_nothing_else() -> None:
    def cells(data: bytes, width: int = 2) -> list[list[str]] | None:
        columns = read_plain(data, ",", width)
        return None if columns is None else [column.tolist() for column in columns]

    assert cells(b'1, "x"\n5\' 3",x"y"\n') == [["1", "5' 3\""], ["x", 'x"y"']]
    assert cells(b'1,x\r\n"2, 3","say ""y"""\n,') == [["1", "2, 3", ""], ["x", 'say "y"', ""]]
    for odd in (
        b'1,"x\ny"\n',
        b"1,2\n\n3,4\n",
        b"1,2\n3\n",
        b"1,2,3\n",
        b'1,"x" \n',
        b"1,\0\n",
        b"1,\xff\n",
        b'1,"x\n',
    ):
        assert cells(odd) is None, odd


def test_most_lines_of_a_file_with_an_odd_row_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nncore.tabular import csv_file

    def counting(data: bytes, delimiter: str, width: int) -> object:
        found = read_plain(data, delimiter, width)
        rows.append(0 if found is None else len(found[0]))
        return found

    rows: list[int] = []
    monkeypatch.setattr(csv_file, "read_plain", counting)
    monkeypatch.setattr(source, "PIECE", 10_000)
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "1,2\n" * 20_000 + '1,"two\nlines"\n' + "3,4\n" * 20_000)
    table = read_table(path)
    assert table.n_rows == 40_001
    assert sum(rows) > 36_000
    assert rows.count(0) == 1


def test_decimal_commas_can_be_denied_and_said(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(str(HOSTILE["decimal commas"]))
    assert read_table(path, Writing(decimal_comma=False)).columns[0][0] == "0,5"
    assert read_table(path, Writing(decimal_comma=True)).columns[0][0] == "0.5"
