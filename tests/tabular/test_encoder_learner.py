"""Columns learned from blocks of files have the bits of those learned from the table in memory, and give the same inputs."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from nncore.data import StreamBlock
from nncore.errors import DataError
from nncore.tabular import EncoderLearner, Table, TableEncoder, TableFiles, TableStream, chosen_blocks, column_kinds, read_table
from nncore.tabular.missing import USUAL

N = 240
TARGETS = {"colour": "classification", "price": "regression"}


def rows_of_table() -> list[list[str]]:
    rng = np.random.default_rng(0)
    found = []
    for i in range(N):
        found.append(
            [
                "" if i % 11 == 0 else f"{rng.normal():.3f}",
                str(rng.integers(5)),
                ["a", "b, c", "NA", 'd"e'][rng.integers(4)],
                "" if i % 13 == 0 else f"20{20 + i % 5}-0{1 + i % 9}-1{i % 9} 10:{10 + i % 50}",
                f"u{int(rng.exponential(9))}",
                "" if i % 17 == 0 else ["red", "green", "blue"][rng.integers(3)],
                f"{rng.exponential():.2f}",
            ]
        )
    return found


NAMES = ["x", "k", "c", "day", "many", "colour", "price"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in one CSV file, in three, and in a Parquet file of several row groups."""
    folder, rows = tmp_path_factory.mktemp("tables"), rows_of_table()
    (folder / "parts").mkdir()
    parts = [(folder / "whole.csv", rows), *((folder / "parts" / f"{i}.csv", rows[80 * i : 80 * (i + 1)]) for i in range(3))]
    for path, own in parts:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([NAMES, *own])
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {name: [row[i] or None for row in rows] for i, name in enumerate(NAMES)}
    columns["c"] = [None if cell == "NA" else cell for cell in columns["c"]]
    numbers = {name: pa.array([None if cell is None else float(cell) for cell in columns[name]]) for name in ("x", "k", "price")}
    parquet.write_table(pa.table({name: numbers.get(name, columns[name]) for name in NAMES}), folder / "whole.parquet", row_group_size=70)
    return folder


def labelled(table: Table, target: str) -> Table:
    table = table.take_missing(USUAL, NAMES)
    return table.select_rows(np.flatnonzero(~table.column(target).is_missing))


def learned(files: TableFiles, target: str, table: Table, n_rows: int) -> tuple[TableEncoder, np.ndarray, list[int]]:
    """An encoder learned from the rows whose number is no multiple of 3, its inputs, and the number of rows in each piece."""
    kinds = column_kinds(table, target, drop=["price" if target == "colour" else "colour"])

    def prepared(block: Table) -> Table:
        return block.take_missing(USUAL, NAMES)

    def with_target(numbers: np.ndarray, block: Table) -> np.ndarray:
        return np.flatnonzero(~block.column(target).is_missing)

    learner = EncoderLearner(kinds, target, TARGETS[target])
    firsts = np.cumsum([0, *files.piece_sizes([80 for _ in files.paths])])[:-1].tolist()
    sizes = [0] * len(firsts)
    for number, first in enumerate(firsts):
        for block, numbers in chosen_blocks(files, number, first, n_rows, prepared, with_target):
            rows = np.flatnonzero(numbers % 3)
            learner.add(block, rows)
            sizes[number] += len(rows)
    learner.end()
    encoder = learner.encoder(table)

    def chosen(numbers: np.ndarray, block: Table) -> np.ndarray:
        return np.flatnonzero((numbers % 3 > 0) & ~block.column(target).is_missing)

    def samples(block: Table) -> StreamBlock:
        return StreamBlock(encoder.transform(block)[0], encoder.transform_target(block), None)

    stream = TableStream(files, sizes, firsts, prepared, chosen, samples, encoder.n_inputs)
    read = [block for piece in range(len(firsts)) for block in stream.read(piece, n_rows)]
    assert stream.n_samples == sum(map(len, read))
    return encoder, np.concatenate([np.column_stack([block.X, block.y]) for block in read]), sizes


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=4, deadline=None)
@given(n_rows=st.integers(16, 250), name=st.sampled_from(["whole.csv", "parts", "whole.parquet"]))
def test_blocks_learn_what_the_whole_table_does(folder: Path, target: str, n_rows: int, name: str) -> None:
    in_memory = read_table(folder / ("whole.parquet" if name == "whole.parquet" else "whole.csv"))
    table = labelled(in_memory, target)
    is_there = np.flatnonzero(~in_memory.take_missing(USUAL, NAMES).column(target).is_missing)
    rows = np.flatnonzero(is_there % 3)
    kinds = column_kinds(table, target, drop=["price" if target == "colour" else "colour"])
    expected = TableEncoder.fit(table, kinds, target, TARGETS[target], rows)
    encoder, samples, _ = learned(TableFiles.of(folder / name), target, table, n_rows)
    assert encoder == expected
    np.testing.assert_array_equal(samples[:, :-1], expected.transform(table)[0][rows])
    np.testing.assert_array_equal(samples[:, -1], expected.transform_target(table)[rows])


def test_a_cell_of_another_kind_is_told_with_its_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n2,3\n3,1\n")
    (tmp_path / "b.csv").write_text("x,y\n1,2\nnope,3\n")
    files = TableFiles.of(tmp_path / "*.csv")
    kinds = column_kinds(read_table(tmp_path / "a.csv"), "y")
    learner = EncoderLearner(kinds, "y", "regression")
    one, other = (
        next(chosen_blocks(files, number, 0, 100, lambda block: block, lambda numbers, block: np.arange(len(numbers)))) for number in (0, 1)
    )
    learner.add(one[0], np.arange(3))
    with pytest.raises(DataError, match=r"column 'x', b\.csv, line 3: 'nope' is not a finite number"):
        learner.add(other[0], np.arange(2))


def test_texts_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.tabular.encoder_learner.MOST_TEXTS", 3)
    table = Table("t.csv", ["c", "y"], [["a", "b", "a", "c", "d"], ["1", "2", "3", "4", "5"]], range(2, 7), True, ",")
    learner = EncoderLearner(column_kinds(table, "y", categorical=["c"]), "y", "regression")
    with pytest.raises(DataError, match=r"column 'c' has more than 3 different texts.*--drop c"):
        learner.add(table, np.arange(5))
