"""Encode the checked matrix of a table as inputs of networks, by encodings fitted to training rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from nncore.blocks import blocks
from nncore.contract import Graph, Layer, Value
from nncore.data import EncodingChain, Rows, Samples, SparseSamples
from nncore.ensembles.sparse_encoding import encode_sparse, learn_sparse
from nncore.layers.embedding import Embedding
from nncore.layers.fill_missing import FillMissing

#: Encodings of columns whose codes go to an embedding.
CODES = ("ordinal",)


class Levels(Protocol):
    """The codes of a column: known levels first, then optionally one for "missing"."""

    @property
    def levels(self) -> Sequence[Any]:
        """The known levels."""

    @property
    def n_levels(self) -> int:
        """Number of codes."""


class MatrixColumns(Protocol):
    """Description of the columns of a matrix, which hold numbers (NaN where missing) or category codes."""

    @property
    def number_columns(self) -> NDArray[np.int64]:
        """Numbers of the numeric columns."""

    @property
    def has_missing(self) -> NDArray[np.bool_]:
        """Whether each column had missing values."""

    @property
    def category_columns(self) -> Sequence[tuple[int, Levels]]:
        """Numbers and levels of the category columns."""


def label_of_number(numbers: NDArray[np.int64], names: Sequence[Any] | None, number: int) -> str:
    """The name of a numeric column in messages; `numbers` are the numeric columns of the matrix."""
    column = int(numbers[number])
    return f"column {column if names is None else names[column]!r} of X"


@dataclass(frozen=True)
class InputLayout:
    """Map columns of a matrix to inputs of a network.

    Attributes
    ----------
    numbers : ndarray of int64
        Numeric columns of the matrix.
    missing : ndarray of int64
        Indices into `numbers` of the columns with missing numbers in training.
    hot, hot_levels : ndarray of int64
        Columns to encode as one-hot, and their numbers of levels; higher codes are missing.
    coded, coded_levels : ndarray of int64
        Columns of codes for embeddings, and their numbers of levels, including "missing".
    in_place : bool
        Whether inputs are in the order of their columns. Otherwise the inputs of `numbers` come first, then those of `hot` and of `coded`.
    names : sequence or None
        Names of the columns of the matrix in messages; None for their numbers.
    """

    numbers: NDArray[np.int64]
    missing: NDArray[np.int64]
    hot: NDArray[np.int64]
    hot_levels: NDArray[np.int64]
    coded: NDArray[np.int64]
    coded_levels: NDArray[np.int64]
    in_place: bool = False
    names: Sequence[Any] | None = None

    @classmethod
    def of(
        cls,
        columns: MatrixColumns,
        hot_columns: Collection[int],
        *,
        missing_is_level: bool = False,
        in_place: bool = False,
        names: Sequence[Any] | None = None,
    ) -> Self:
        """Make a layout with these category columns one-hot. "Missing" is one of their levels, or 0 in all of their inputs."""
        starts = columns.category_columns
        hot = [(start, one.n_levels if missing_is_level else len(one.levels)) for start, one in starts if start in hot_columns]
        coded = [(start, one.n_levels) for start, one in starts if start not in hot_columns]
        found = [np.array(pairs, np.int64).reshape(-1, 2).T for pairs in (hot, coded)]
        missing = np.flatnonzero(columns.has_missing[columns.number_columns])
        return cls(columns.number_columns, missing, found[0][0], found[0][1], found[1][0], found[1][1], in_place, names)

    @property
    def n_columns(self) -> int:
        """Number of columns of the matrix."""
        return len(self.numbers) + len(self.hot) + len(self.coded)

    def label(self, number: int) -> str:
        """The name of a numeric column in messages."""
        return label_of_number(self.numbers, self.names, number)

    def levels(self, matrix: NDArray[Any]) -> NDArray[np.int64]:
        """Codes of the one-hot columns, -1 for missing or unknown levels."""
        codes = matrix[:, self.hot].astype(np.int64)
        codes[codes >= self.hot_levels] = -1
        return codes


@dataclass(frozen=True)
class InputColumns:
    """Encodings of the columns of a table, fitted to training rows.

    Attributes
    ----------
    layout : InputLayout
    numbers, hot, coded : EncodingChain
        Encodings of the layout's columns of the same name.
    """

    layout: InputLayout
    numbers: EncodingChain
    hot: EncodingChain
    coded: EncodingChain

    @classmethod
    def learn(
        cls,
        layout: InputLayout,
        matrix: NDArray[np.floating] | SparseSamples,
        sample_weight: NDArray[np.floating] | None,
        number_encodings: Sequence[Any],
        level_encodings: Sequence[Any],
        rng: Any = 0,
    ) -> Self:
        """Fit the encodings of numbers and of one-hot columns to training rows and their weights.

        Sparse rows have only numbers, and the encodings are those of `learn_sparse`.
        """
        if isinstance(matrix, SparseSamples):
            numbers = learn_sparse(number_encodings, matrix, sample_weight, layout.label)
            return cls.of_numbers(layout, numbers, np.empty((1, 0), np.int64), None, level_encodings)
        columns = matrix[:, as_slice(layout.numbers)]
        numbers = EncodingChain.learn(number_encodings, columns, sample_weight=sample_weight, rng=rng, label=layout.label)
        return cls.of_numbers(layout, numbers, layout.levels(matrix), sample_weight, level_encodings)

    @classmethod
    def of_numbers(
        cls,
        layout: InputLayout,
        numbers: EncodingChain,
        levels: NDArray[np.int64],
        sample_weight: NDArray[np.floating] | None,
        level_encodings: Sequence[Any],
    ) -> Self:
        """Make columns from a fitted chain for numbers. The encoding of one-hot columns is fitted to these codes."""
        hot = EncodingChain.learn(level_encodings, levels, n_levels=layout.hot_levels, sample_weight=sample_weight)
        return cls.of_chains(layout, numbers, hot)

    @classmethod
    def of_chains(cls, layout: InputLayout, numbers: EncodingChain, hot: EncodingChain) -> Self:
        """Make columns from fitted encodings."""
        codes = np.full((1, len(layout.coded)), -1)  # only their numbers of levels are learned
        return cls(layout, numbers, hot, EncodingChain.learn(CODES, codes, n_levels=layout.coded_levels))

    @property
    def _groups(self) -> tuple[tuple[NDArray[np.int64], EncodingChain], ...]:
        layout = self.layout
        return (layout.numbers, self.numbers), (layout.hot, self.hot), (layout.coded, self.coded)

    @property
    def n_inputs(self) -> int:
        """Number of columns of `encode`. If all columns were dropped, a column of zeros remains: networks need at least one."""
        return max(1, sum(chain.n_encoded for _, chain in self._groups))

    @cached_property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Positions of the inputs of numbers, of one-hot columns and of codes."""
        columns = np.concatenate([np.repeat(columns, chain.widths) for columns, chain in self._groups])
        order = np.argsort(columns, kind="stable") if self.layout.in_place else np.arange(len(columns))
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        first, second, third = np.split(places, np.cumsum([chain.n_encoded for _, chain in self._groups])[:-1])
        return first, second, third

    @cached_property
    def _slices(self) -> list[slice | NDArray[np.int64]]:
        """The numeric columns, the columns of codes, and `places`, as slices where possible."""
        return [as_slice(places) for places in (self.layout.numbers, self.layout.coded, *self.places)]

    def encode(self, matrix: NDArray[Any], dtype: np.dtype, out: NDArray[np.floating] | None = None) -> NDArray[np.floating]:
        """Encode rows as inputs of shape ``(n_rows, n_inputs)``, in float64, rounded to `dtype` at the end. NaN stays NaN.

        The result is written to `out` if given. `out` may be `matrix` itself, if it has the same number of columns.
        """
        inputs = np.zeros((len(matrix), self.n_inputs), dtype) if out is None else out
        layout = self.layout
        numbers, coded, *places = self._slices
        is_there = inputs is matrix and np.array_equal(layout.coded, self.places[2])
        for rows in blocks(len(matrix), 8 * (layout.n_columns + self.n_inputs)):
            block = matrix[rows]
            if len(layout.numbers) == layout.n_columns and self.numbers.n_encoded:
                self.numbers.encode(block, out=inputs[rows], label=layout.label)
                continue
            encoded = [
                self.numbers.encode(block[:, numbers], dtype=inputs.dtype, label=layout.label) if len(layout.numbers) else None,
                self.hot.encode(layout.levels(block), dtype=inputs.dtype) if len(layout.hot) else None,
                np.array(block[:, coded]) if len(layout.coded) and not is_there else None,  # the result of `CODES`
            ]
            for place, part in zip(places, encoded, strict=True):
                if part is not None:
                    inputs[rows, place] = part
        return inputs

    def inputs_of(self, matrix: NDArray[np.floating] | SparseSamples, dtype: np.dtype) -> Any:
        """Encode rows as inputs: dense rows by `encode`, and sparse rows, which have only numbers, as sparse rows."""
        if isinstance(matrix, SparseSamples):
            return encode_sparse(self.numbers, matrix, dtype, self.layout.label)
        return self.encode(matrix, dtype)

    def formula(self, g: Graph, matrix: Value) -> Value:
        """`encode` as a formula with the primitives of `g`: from (n, n_columns) to (n, n_inputs), both float64."""
        layout, parts, places = self.layout, [], np.concatenate(self.places)
        if self.numbers.n_encoded:
            parts.append(self.numbers.formula(g, g.columns(matrix, layout.numbers.tolist())))
        if self.hot.n_encoded:
            codes = g.columns(matrix, layout.hot.tolist())
            parts.append(self.hot.formula(g, g.where(codes < layout.hot_levels, codes, -1)))
        if self.coded.n_encoded:
            parts.append(self.coded.formula(g, g.columns(matrix, layout.coded.tolist())))
        if not parts:
            return g.where(g.columns(matrix, [0]) < 0, 0, 0)
        inputs = g.concat(parts)
        return inputs if (np.diff(places) == 1).all() else g.columns(inputs, np.argsort(places).tolist())

    def front_layers(self, embedding_size: int | None, fillings: NDArray[np.floating] | None = None) -> tuple[list[Layer], list[Layer]]:
        """Layers that replace missing numbers, initially by 0 or by `fillings`, and embedding layers for codes."""
        of_numbers, _, of_codes = self.places
        fills: list[Layer] = []
        if len(self.layout.missing):
            origins = np.repeat(np.arange(len(self.layout.numbers)), self.numbers.widths)  # an encoding may drop a constant column
            chosen = of_numbers[np.isin(origins, self.layout.missing)]
            values = 0.0 if fillings is None else self.encode(fillings[np.newaxis], np.dtype(np.float64))[0, chosen]
            fills = [FillMissing(chosen.tolist(), values=values)] if len(chosen) else []
        levels = self.coded.n_levels
        assert levels is not None, "they are for an embedding"
        return fills, [Embedding(levels.tolist(), embedding_size, columns=of_codes.tolist())] if len(levels) else []


class EncodedRows(Rows):
    """Inputs of samples, encoded on access.

    Parameters
    ----------
    samples : ndarray or Rows of shape (n_samples, n_columns)
    columns : InputColumns
    """

    def __init__(self, samples: Samples, columns: InputColumns) -> None:
        self._samples, self._columns = samples, columns
        self.shape, self.dtype = (len(samples), columns.n_inputs), dtype_of(samples)

    def __getitem__(self, rows: Any) -> np.ndarray:
        chosen = self._samples[rows]
        if chosen.ndim == 1:
            return self._columns.encode(chosen[np.newaxis], self.dtype)[0]
        return self._columns.encode(chosen, self.dtype)


def dtype_of(samples: Any) -> np.dtype:
    """The default dtype of the inputs of samples."""
    dtype: np.dtype = samples.dtype if samples.dtype.kind == "f" else np.dtype(np.float64)
    return dtype


def as_slice(places: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Convert consecutive positions to a slice, which needs no copy."""
    if not len(places):
        return slice(0, 0)
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) and bool((np.diff(places) == 1).all()) else places
