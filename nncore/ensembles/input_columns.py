"""From the checked matrix of a table to the inputs of networks, by encodings that each fold learns from its own training rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Layer
from nncore.data import EncodingChain
from nncore.layers.embedding import Embedding
from nncore.layers.fill_missing import FillMissing


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


@dataclass(frozen=True)
class InputLayout:
    """Which columns of a matrix become which inputs.

    Attributes
    ----------
    numbers : ndarray of int64
        Columns of the matrix.
    missing : ndarray of int64
        Those of `numbers`, by their place there, that are NaN where a number is missing in training.
    hot, hot_levels : ndarray of int64
        Columns that become one-hot, and how many levels each has; higher codes are missing or unknown.
    coded, coded_levels : ndarray of int64
        Columns of codes for embeddings, and how many levels each has, "missing" among them.
    """

    numbers: NDArray[np.int64]
    missing: NDArray[np.int64]
    hot: NDArray[np.int64]
    hot_levels: NDArray[np.int64]
    coded: NDArray[np.int64]
    coded_levels: NDArray[np.int64]

    @classmethod
    def of(cls, columns: MatrixColumns, hot_columns: Collection[int]) -> Self:
        """With these columns one-hot, among those of categories."""
        starts = columns.category_columns
        hot = [(start, len(one.levels)) for start, one in starts if start in hot_columns]
        coded = [(start, one.n_levels) for start, one in starts if start not in hot_columns]
        found = [np.array(pairs, np.int64).reshape(-1, 2).T for pairs in (hot, coded)]
        missing = np.flatnonzero(columns.has_missing[columns.number_columns])
        return cls(columns.number_columns, missing, *found[0], *found[1])


@dataclass(frozen=True)
class InputColumns:
    """What training rows say of columns.

    Attributes
    ----------
    layout : InputLayout
    numbers, hot : EncodingChain
    """

    layout: InputLayout
    numbers: EncodingChain
    hot: EncodingChain

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
        numbers = EncodingChain.learn(number_encodings, matrix[:, layout.numbers], sample_weight=sample_weight, rng=rng)
        codes = _codes(matrix, layout)
        hot = EncodingChain.learn(level_encodings, codes, n_levels=layout.hot_levels, sample_weight=sample_weight)
        return cls(layout, numbers, hot)

    def front_layers(self, embedding_size: int) -> tuple[list[Layer], list[Layer]]:
        """Layers for missing numbers, which are medians at first, and for codes, which stand last among the inputs."""
        widths = self.numbers.widths  # an encoding may leave a constant column out
        missing = [int(widths[:place].sum()) for place in self.layout.missing.tolist() if widths[place]]
        fills: list[Layer] = [FillMissing(missing)] if missing else []
        codes = list(range(self.n_inputs - len(self.layout.coded), self.n_inputs))
        return fills, [Embedding(self.layout.coded_levels.tolist(), embedding_size, columns=codes)] if codes else []

    @property
    def n_inputs(self) -> int:
        """Columns of what `encode` gives. Where all columns were left out, it is one of zeros: networks take at least one."""
        return max(1, self.numbers.n_encoded + self.hot.n_encoded + len(self.layout.coded))

    def encode(self, matrix: NDArray[np.floating], dtype: np.dtype) -> NDArray[np.floating]:
        """The inputs of rows, shape ``(n_rows, n_inputs)``, computed in float64 and rounded to `dtype` last; NaN stays NaN."""
        n_numbers, n_dense = self.numbers.n_encoded, self.numbers.n_encoded + self.hot.n_encoded
        n_all = n_dense + len(self.layout.coded)
        inputs = np.empty((len(matrix), n_all), dtype) if n_all else np.zeros((len(matrix), 1), dtype)
        self.numbers.encode(matrix[:, self.layout.numbers], out=inputs[:, :n_numbers])
        self.hot.encode(_codes(matrix, self.layout), out=inputs[:, n_numbers:n_dense])
        inputs[:, n_dense:n_all] = matrix[:, self.layout.coded]
        return inputs


def _codes(matrix: NDArray[np.floating], layout: InputLayout) -> NDArray[np.int64]:
    """Codes of one-hot columns, -1 for what is missing or unknown."""
    codes = matrix[:, layout.hot].astype(np.int64)
    codes[codes >= layout.hot_levels] = -1
    return codes
