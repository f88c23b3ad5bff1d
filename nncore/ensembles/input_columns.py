"""From the checked matrix of a table to the inputs of networks, by encodings that are learned from training rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from nncore.blocks import blocks
from nncore.contract import Graph, Layer, Value
from nncore.data import EncodingChain, Rows, Samples
from nncore.layers.embedding import Embedding
from nncore.layers.fill_missing import FillMissing

#: What becomes of codes that an embedding takes.
CODES = ("ordinal",)


class Levels(Protocol):
    """What a column of codes holds: those of known levels first, then perhaps one for "missing"."""

    @property
    def levels(self) -> Sequence[Any]:
        """The known ones."""

    @property
    def n_levels(self) -> int:
        """How many codes there are."""


class MatrixColumns(Protocol):
    """What is known of the columns of a matrix of numbers, NaN where missing, and codes."""

    @property
    def number_columns(self) -> NDArray[np.int64]:
        """Those of numbers."""

    @property
    def has_missing(self) -> NDArray[np.bool_]:
        """Whether each had missing values."""

    @property
    def category_columns(self) -> Sequence[tuple[int, Levels]]:
        """Those of codes."""


def label_of_number(numbers: NDArray[np.int64], names: Sequence[Any] | None, number: int) -> str:
    """What messages call one of the columns of numbers, which are these of the matrix."""
    column = int(numbers[number])
    return f"column {column if names is None else names[column]!r} of X"


@dataclass(frozen=True)
class InputLayout:
    """Which columns of a matrix become which inputs, and where these stand.

    Attributes
    ----------
    numbers : ndarray of int64
        Columns of the matrix.
    missing : ndarray of int64
        Those of `numbers`, by their place there, that are NaN where a number is missing in training.
    hot, hot_levels : ndarray of int64
        Columns that become one-hot, and how many levels each has; higher codes are missing.
    coded, coded_levels : ndarray of int64
        Columns of codes for embeddings, and how many levels each has, "missing" among them.
    in_place : bool
        Inputs stand in the order of the columns that they are made of; if not, those of `numbers` come first, then those of `hot` and of
        `coded`.
    names : sequence or None
        What messages call the columns of the matrix, if not by their number.
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
        """With these columns one-hot, among those of categories. "Missing" is one of their levels, or is 0 in all of their inputs."""
        starts = columns.category_columns
        hot = [(start, one.n_levels if missing_is_level else len(one.levels)) for start, one in starts if start in hot_columns]
        coded = [(start, one.n_levels) for start, one in starts if start not in hot_columns]
        found = [np.array(pairs, np.int64).reshape(-1, 2).T for pairs in (hot, coded)]
        missing = np.flatnonzero(columns.has_missing[columns.number_columns])
        return cls(columns.number_columns, missing, found[0][0], found[0][1], found[1][0], found[1][1], in_place, names)

    @property
    def n_columns(self) -> int:
        """Of the matrix."""
        return len(self.numbers) + len(self.hot) + len(self.coded)

    def label(self, number: int) -> str:
        """What messages call one of the columns of numbers."""
        return label_of_number(self.numbers, self.names, number)

    def levels(self, matrix: NDArray[Any]) -> NDArray[np.int64]:
        """Codes of the columns that become one-hot, -1 for what is missing or unknown."""
        codes = matrix[:, self.hot].astype(np.int64)
        codes[codes >= self.hot_levels] = -1
        return codes


@dataclass(frozen=True)
class InputColumns:
    """What training rows say of columns.

    Attributes
    ----------
    layout : InputLayout
    numbers, hot, coded : EncodingChain
        Of the columns of the layout that are called so.
    """

    layout: InputLayout
    numbers: EncodingChain
    hot: EncodingChain
    coded: EncodingChain

    @classmethod
    def learn(
        cls,
        layout: InputLayout,
        matrix: NDArray[np.floating],
        sample_weight: NDArray[np.floating] | None,
        number_encodings: Sequence[Any],
        level_encodings: Sequence[Any],
        rng: Any = 0,
    ) -> Self:
        """From training rows and their weights: encodings of numbers, and of codes of columns that are to be one-hot."""
        columns = matrix[:, _as_slice(layout.numbers)]
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
        """With numbers that have been learned, from codes of columns that are to be one-hot: any, where only their number counts."""
        hot = EncodingChain.learn(level_encodings, levels, n_levels=layout.hot_levels, sample_weight=sample_weight)
        return cls.of_chains(layout, numbers, hot)

    @classmethod
    def of_chains(cls, layout: InputLayout, numbers: EncodingChain, hot: EncodingChain) -> Self:
        """With encodings that have been learned."""
        codes = np.full((1, len(layout.coded)), -1)  # there is nothing to learn from them but how many levels there are
        return cls(layout, numbers, hot, EncodingChain.learn(CODES, codes, n_levels=layout.coded_levels))

    @property
    def _groups(self) -> tuple[tuple[NDArray[np.int64], EncodingChain], ...]:
        layout = self.layout
        return (layout.numbers, self.numbers), (layout.hot, self.hot), (layout.coded, self.coded)

    @property
    def n_inputs(self) -> int:
        """Columns of what `encode` gives. Where all columns were left out, it is one of zeros: networks take at least one."""
        return max(1, sum(chain.n_encoded for _, chain in self._groups))

    @cached_property
    def places(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Where the inputs of numbers, of one-hot columns and of codes stand."""
        columns = np.concatenate([np.repeat(columns, chain.widths) for columns, chain in self._groups])
        order = np.argsort(columns, kind="stable") if self.layout.in_place else np.arange(len(columns))
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        first, second, third = np.split(places, np.cumsum([chain.n_encoded for _, chain in self._groups])[:-1])
        return first, second, third

    @cached_property
    def _slices(self) -> list[slice | NDArray[np.int64]]:
        """The columns of numbers, those of codes, and `places`."""
        return [_as_slice(places) for places in (self.layout.numbers, self.layout.coded, *self.places)]

    def encode(self, matrix: NDArray[Any], dtype: np.dtype, out: NDArray[np.floating] | None = None) -> NDArray[np.floating]:
        """The inputs of rows, shape ``(n_rows, n_inputs)``, computed in float64 and rounded to `dtype` last; NaN stays NaN.

        They can be written into `out`: into `matrix` itself, if it has as many columns.
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
                np.array(block[:, coded]) if len(layout.coded) and not is_there else None,  # as `CODES` would make of them
            ]
            for place, part in zip(places, encoded, strict=True):
                if part is not None:
                    inputs[rows, place] = part
        return inputs

    def formula(self, g: Graph, matrix: Value) -> Value:
        """`encode` written with the primitives of `g`: from (n, n_columns) to (n, n_inputs), both float64."""
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
        """Layers for missing numbers, which are first 0, or what `fillings` has in their columns, and layers for codes."""
        of_numbers, _, of_codes = self.places
        fills: list[Layer] = []
        if len(self.layout.missing):
            origins = np.repeat(np.arange(len(self.layout.numbers)), self.numbers.widths)  # an encoding may leave a constant column out
            chosen = of_numbers[np.isin(origins, self.layout.missing)]
            values = 0.0 if fillings is None else self.encode(fillings[np.newaxis], np.dtype(np.float64))[0, chosen]
            fills = [FillMissing(chosen.tolist(), values=values)] if len(chosen) else []
        levels = self.coded.n_levels
        assert levels is not None, "they are for an embedding"
        return fills, [Embedding(levels.tolist(), embedding_size, columns=of_codes.tolist())] if len(levels) else []


class EncodedRows(Rows):
    """The inputs of samples, made as they are asked for.

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
    """That of the inputs that samples become, unless another one is asked for."""
    dtype: np.dtype = samples.dtype if samples.dtype.kind == "f" else np.dtype(np.float64)
    return dtype


def _as_slice(places: NDArray[np.int64]) -> slice | NDArray[np.int64]:
    """Places side by side as a slice, which needs no copy."""
    if not len(places):
        return slice(0, 0)
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) and bool((np.diff(places) == 1).all()) else places
