"""Columns of frames are encoded by their distinct values, with the results of one Python object for each cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nncore.data import is_missing
from nncore.errors import DataError
from nncore.estimators.frames import Columns, frame_columns

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")

TEXTS = ["b", None, "a", "b", "c"]
FRAMES: dict[str, Any] = {
    "pandas": lambda: pandas.DataFrame({
        "category": pandas.Categorical(TEXTS, categories=["z", "c", "b", "a"]), "whole": pandas.Categorical([3, 1, 3, None, 2]),
        "str": pandas.Series(TEXTS, dtype="str"), "string": pandas.Series(TEXTS, dtype="string"),
        "object": pandas.Series(["b", None, 1, True, 2.5], dtype=object), "integer": [3, 1, 3, 2, 2], "truth": [True, False] * 2 + [True],
        "nullable": pandas.Series([1, None, 2, 1, 1], dtype="Int64"), "float": np.array([0.1, np.nan, 0.1, 2, 3], np.float32),
    }),
    "polars": lambda: polars.DataFrame({
        "category": polars.Series(TEXTS, dtype=polars.Categorical), "enum": polars.Series(TEXTS, dtype=polars.Enum(["z", "c", "b", "a"])),
        "string": TEXTS, "empty": polars.Series([None] * 5, dtype=polars.String), "integer": [3, 1, 3, None, 2],
    }),
}  # fmt: skip


@pytest.mark.parametrize("library", FRAMES)
def test_each_row_has_the_value_of_its_cell(library: str) -> None:
    columns = frame_columns(FRAMES[library]())
    assert columns is not None
    for column in columns:
        found = column.factorized()
        cells = [None if is_missing(value) else value for value in column.values()]
        assert [None if is_missing(found.values[code]) else found.values[code] for code in found.codes.tolist()] == cells, column.label
        assert sorted(set(found.codes.tolist())) == list(range(len(found.values))), column.label


def test_arrays() -> None:
    found = Columns(np.array([[3], [1], [3]]))[0].factorized()
    assert [found.values[code] for code in found.codes] == [3, 1, 3]


def test_containers_are_no_categories() -> None:
    columns = frame_columns(pandas.DataFrame({"c": [[1], [2]]}))
    assert columns is not None
    with pytest.raises(DataError, match="column 'c' of X holds lists or other containers, which cannot be categories: drop it"):
        columns[0].factorized()
