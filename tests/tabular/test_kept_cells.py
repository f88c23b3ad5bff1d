"""Cells of some rows of a block, copied."""

from __future__ import annotations

import numpy as np

from nncore.tabular.cells import Cells
from nncore.tabular.kept_cells import ReadRows
from tests.each import each

#: Cells of a block: texts of all lengths, empty ones, letters of several bytes, and blanks around them.
COLUMNS = [["1.5", "", "täglich", " b ", "x" * 300], ["", "", "", "", ""], ["a", "b", "c", "d", "e"]]


@each("rows", [[], [0], [1, 3], [0, 1, 2, 3, 4]])
def test_copied_cells_are_those_of_the_block(rows: list[int]) -> None:
    columns = [Cells.of(texts) for texts in COLUMNS]
    chosen = np.array(rows, np.int64)
    once = ReadRows(columns, np.arange(5) + 2, np.arange(5)).chosen(chosen)
    for found in (once, once.chosen(np.arange(len(rows)))):
        assert [cells.tolist() for cells in found.columns] == [[texts[row].strip() for row in rows] for texts in COLUMNS]
        assert (found.places.tolist(), found.numbers.tolist()) == ([row + 2 for row in rows], rows)
    fewer = once.chosen(np.arange(0, len(rows), 2))
    assert [cells.tolist() for cells in fewer.columns] == [[texts[row].strip() for row in rows[::2]] for texts in COLUMNS]
