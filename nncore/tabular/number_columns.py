"""Fit and encode many numeric columns at a time, with the same results as one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nncore.blocks import blocks, rows_at_once
from nncore.data import EncodingChain
from nncore.errors import DataError
from nncore.tabular.column import Column
from nncore.tabular.columns import NUMBER_ENCODINGS, NumericColumn, Place, parse_numbers, side_by_side
from nncore.tabular.remarks import Remark

#: Bytes of numbers that are fitted or encoded at a time: long columns one by one, short ones many at once.
AT_ONCE = 2**20

#: Smallest number of rows encoded at a time.
FEWEST_ROWS = 64


def learn_numbers(columns: Mapping[str, Column], rows: np.ndarray, place: Place) -> list[NumericColumn]:
    """Fit each numeric column to some rows.

    Parameters
    ----------
    columns : mapping of str to Column
        Complete columns by name.
    rows : ndarray of int64
    place : callable
        Returns the place of a row in the file, for messages.
    """
    names, found = list(columns), []
    for some in blocks(len(names), 8 * len(rows), of=AT_ONCE):
        own = names[some]
        numbers = np.empty((len(rows), len(own)), order="F")
        for i, name in enumerate(own):
            numbers[:, i] = parse_numbers(name, columns[name].take(rows), place)
        chain = EncodingChain.learn(NUMBER_ENCODINGS, numbers, label=labels_of(own), width=len(names))
        found += [NumericColumn(name, one_of(chain, i)) for i, name in enumerate(own)]
    return found


def one_of(chain: EncodingChain, i: int) -> EncodingChain:
    """The chain of one column. Everything learned is by column, and a column becomes several only in the last encoding."""
    return EncodingChain(chain.encodings, tuple({name: array[i : i + 1] for name, array in own.items()} for own in chain.learned), 1)


def labels_of(names: Sequence[str]) -> Callable[[int], str]:
    return lambda number: f"column {names[number]!r}"


@dataclass(frozen=True)
class NumberInputs:
    """Inputs of several numeric columns.

    Attributes
    ----------
    columns : sequence of NumericColumn
        At least one.
    places : ndarray of int64
        Positions of the inputs, column by column.
    """

    columns: Sequence[NumericColumn]
    places: np.ndarray

    def encode(self, cells: Sequence[Column], place: Place, out: np.ndarray) -> list[Remark | None]:
        """Write the inputs of all columns into `out`, shape ``(n_rows, n_inputs)``. Returns a remark or None for each."""
        numbers = [parse_numbers(column.name, own, place) for column, own in zip(self.columns, cells, strict=True)]
        chain, label = side_by_side([column.chain for column in self.columns]), labels_of([column.name for column in self.columns])
        firsts = np.cumsum([0, *(column.width for column in self.columns[:-1])])
        step = max(FEWEST_ROWS, rows_at_once(8 * (len(numbers) + len(self.places)), of=AT_ONCE))
        for start in range(0, len(out), step):
            rows = slice(start, start + step)
            encoded = chain.encode(np.stack([own[rows] for own in numbers], axis=1), label=label)
            if np.abs(encoded).max(initial=0.0) > np.finfo(out.dtype).max:
                is_too_large = np.abs(encoded[:, firsts]) > np.finfo(out.dtype).max
                i = int(is_too_large.any(axis=0).argmax())
                row = start + int(is_too_large[:, i].argmax())
                column = self.columns[i]
                raise DataError(
                    f"column {column.name!r}, {place(row)}: {cells[i][row]} is too large compared with the numbers of training, about "
                    f"{column.mean:.6g}"
                )
            out[rows, self.places] = encoded
        return [column.filled(own) for column, own in zip(self.columns, cells, strict=True)]
