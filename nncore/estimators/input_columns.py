"""From the checked matrix of a table to the inputs of networks, by encodings that each fold learns from its own training rows."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Layer
from nncore.data import EncodingChain
from nncore.estimators.columns import ColumnEncoder
from nncore.layers.embedding import Embedding
from nncore.layers.fill_missing import FillMissing


@dataclass(frozen=True)
class InputLayout:
    """Which columns of a matrix become which inputs. `ColumnEncoder` made it, with codes for all categories.

    Attributes
    ----------
    numbers : ndarray of int64
        Columns of the matrix.
    missing : ndarray of int64
        Inputs that are NaN where a number is missing in training.
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
    def of(cls, columns: ColumnEncoder, hot_columns: Collection[int]) -> Self:
        """With these columns one-hot, among those of categories."""
        starts = columns.category_columns
        hot = [(start, len(one.levels)) for start, one in starts if start in hot_columns]
        coded = [(start, one.n_levels) for start, one in starts if start not in hot_columns]
        found = [np.array(pairs, np.int64).reshape(-1, 2).T for pairs in (hot, coded)]
        missing = np.flatnonzero(columns.has_missing[columns.number_columns])
        return cls(columns.number_columns, missing, *found[0], *found[1])

    def front_layers(self, n_inputs: int, embedding_size: int) -> tuple[list[Layer], list[Layer]]:
        """Layers for missing numbers, which are medians at first, and for codes, which stand last among the inputs."""
        fills: list[Layer] = [FillMissing(self.missing.tolist())] if len(self.missing) else []
        begin = n_inputs - len(self.coded)
        codes = list(range(begin, n_inputs))
        return fills, [Embedding(self.coded_levels.tolist(), embedding_size, columns=codes)] if codes else []


@dataclass(frozen=True)
class InputColumns:
    """What training rows say of columns: robust scaling with a smooth clip, of one-hot columns too.

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
        cls, layout: InputLayout, matrix: NDArray[np.floating], sample_weight: NDArray[np.floating] | None, smooth_clip: float
    ) -> Self:
        """From training rows and their weights."""
        clip: list[Any] = [] if smooth_clip == math.inf else [{"name": "smooth_clip", "limit": float(smooth_clip)}]
        scaling = ["robust", *clip]
        numbers = EncodingChain.learn(scaling, matrix[:, layout.numbers], sample_weight=sample_weight)
        codes = _codes(matrix, layout)
        hot = EncodingChain.learn(["one_hot", *scaling], codes, n_levels=layout.hot_levels, sample_weight=sample_weight)
        return cls(layout, numbers, hot)

    @property
    def n_inputs(self) -> int:
        """Columns of what `encode` gives."""
        return self.numbers.n_encoded + self.hot.n_encoded + len(self.layout.coded)

    def encode(self, matrix: NDArray[np.floating], dtype: np.dtype) -> NDArray[np.floating]:
        """The inputs of rows, shape ``(n_rows, n_inputs)``, computed in float64 and rounded to `dtype` last; NaN stays NaN."""
        inputs = np.empty((len(matrix), self.n_inputs), dtype)
        n_numbers, n_dense = self.numbers.n_encoded, self.n_inputs - len(self.layout.coded)
        self.numbers.encode(matrix[:, self.layout.numbers], out=inputs[:, :n_numbers])
        self.hot.encode(_codes(matrix, self.layout), out=inputs[:, n_numbers:n_dense])
        inputs[:, n_dense:] = matrix[:, self.layout.coded]
        return inputs


def _codes(matrix: NDArray[np.floating], layout: InputLayout) -> NDArray[np.int64]:
    """Codes of one-hot columns, -1 for what is missing or unknown."""
    codes = matrix[:, layout.hot].astype(np.int64)
    codes[codes >= layout.hot_levels] = -1
    return codes
