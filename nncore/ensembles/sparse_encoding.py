"""Sparse samples through encodings: what is learned, and what the numbers become, without the zeros one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore import registry
from nncore.arguments import rescaled
from nncore.blocks import blocks
from nncore.contract import Encoding, Extremes, Learned, RowSample
from nncore.data import ENCODED_AT_ONCE, TOO_LARGE, EncodingChain, Part, SparseSamples, label_of
from nncore.ensembles.sparse_columns import SparseColumns, sampled_columns
from nncore.errors import DataError


def learn_sparse(
    encodings: Sequence[Any],
    samples: SparseSamples,
    sample_weight: NDArray[np.floating] | None = None,
    label: Callable[[int], str] | None = None,
) -> EncodingChain:
    """What `EncodingChain.learn` learns from the same numbers and zeros.

    Parameters
    ----------
    encodings : sequence of str, Encoding or dict
        Those that change each number alone, and learn an entry for each column. Only the first may learn from rows: from quantiles of
        `nncore.plugin.RowSample`, and from `nncore.plugin.Extremes`.
    samples : SparseSamples
        Finite.
    sample_weight : ndarray of shape (n_samples,), optional
    label : callable, optional
        What messages call a column, by its number.

    Raises
    ------
    DataError
        If a column holds numbers too large to be encoded, or no row has a weight.
    """
    chain: tuple[Encoding, ...] = tuple(registry.resolve("encodings", spec) for spec in encodings)
    weights = None
    if sample_weight is not None:
        chosen = np.flatnonzero(sample_weight > 0)
        if not len(chosen):
            raise DataError("sample_weight is 0 for all rows to learn an encoding from")
        samples, weights = samples.select(chosen), rescaled(sample_weight[chosen])
    n_columns = samples.shape[1]
    learned: list[Learned] = []
    for number, encoding in enumerate(chain):
        wanted = [type(one) for one in encoding.statistics(n_columns)]
        statistics: list[Any] = []
        if wanted:
            assert number == 0, "it learns from the numbers themselves"
            assert set(wanted) <= {RowSample, Extremes}, "others have no sparse form"
            sample = sampled_columns(samples, weights)
            whole = sample if len(samples) == sample.n_rows else SparseColumns(samples, weights)
            statistics = [sample if kind is RowSample else whole for kind in wanted]
        part = Part(np.empty((0, n_columns)), np.arange(n_columns), label)
        learned.append(part.learned_by(encoding, statistics, None, number))
    return EncodingChain(chain, tuple(learned), n_columns)


def encode_sparse(
    chain: EncodingChain, samples: SparseSamples, dtype: np.dtype, label: Callable[[int], str] | None = None
) -> SparseSamples:
    """The encoded samples, with the bits of `EncodingChain.encode`.

    A column in which 0 becomes another number has one in every row. Robust scaling makes few such columns: more than half of the training
    rows are not 0 there.

    Raises
    ------
    DataError
        If a column has a number that is too large compared with those of training.
    """
    columns, values, of_row = samples.numbers
    encoded = np.empty(len(values), dtype)
    for some in blocks(len(values), 8 * (2 + len(chain.encodings)), of=ENCODED_AT_ONCE):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            encoded[some] = _run(chain, values[some], columns[some])
    if not np.isfinite(encoded).all():
        raise DataError(f"{label_of(label, int(columns[np.isfinite(encoded).argmin()]))} {TOO_LARGE}")
    of_zero = chain.encode(np.zeros((1, chain.n_columns)), dtype=dtype, label=label)[0]
    filled = np.flatnonzero(of_zero)
    if len(filled):
        columns, encoded, of_row = _filled(columns, encoded, of_row, filled, of_zero, len(samples))
    return SparseSamples.of_numbers(columns, encoded, of_row, samples.shape)


def _run(chain: EncodingChain, values: NDArray[np.floating], columns: NDArray[np.int32]) -> NDArray[np.float64]:
    """Numbers of these columns through all encodings: as a row in which each is a column of its own."""
    row = values.astype(np.float64)[np.newaxis]
    for encoding, learned in zip(chain.encodings, chain.learned, strict=True):
        row.flags.writeable = False
        out = np.empty(row.shape)
        encoding.encode(row, {name: array[columns] for name, array in learned.items()}, out)
        row = out
    return row[0]


def _filled(
    columns: NDArray[np.int32],
    values: NDArray[np.floating],
    of_row: NDArray[np.int64],
    filled: NDArray[np.int64],
    of_zero: NDArray[np.floating],
    n_rows: int,
) -> tuple[NDArray[np.int32], NDArray[np.floating], NDArray[np.int64]]:
    """Numbers, and in the `filled` columns what their zeros became."""
    place = np.searchsorted(filled, columns)
    is_own = filled[np.minimum(place, len(filled) - 1)] == columns
    whole = np.tile(of_zero[filled], (n_rows, 1))
    whole[of_row[is_own], place[is_own]] = values[is_own]
    all_columns = np.concatenate([columns[~is_own], np.tile(filled.astype(np.int32), n_rows)])
    all_rows = np.concatenate([of_row[~is_own], np.repeat(np.arange(n_rows), len(filled))])
    order = np.lexsort((all_columns, all_rows))
    return all_columns[order], np.concatenate([values[~is_own], whole.ravel()])[order], all_rows[order]
