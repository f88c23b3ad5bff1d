"""Gather streams of sparse batches in memory, for ensembles."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse, vstack

from nncore.data import Stream, StreamMemory, admitted
from nncore.errors import DataError, ParameterError
from nncore.estimators.streamed_rows import blocks_of


def in_memory(X: Any, raw: Stream | None, y: Any, sample_weight: Any, memory_limit: Any) -> tuple[Stream | None, Any, Any, Any]:
    """Sparse samples of a fit in memory, instead of a stream of them: the stream or None, and X, y and sample weights.

    Parameters
    ----------
    X, y, sample_weight : object
        The user's.
    raw : Stream or None
        The stream of X, if X is read in blocks.
    memory_limit : int, str or None

    Raises
    ------
    DataError, ParameterError
        See `gathered`.
    """
    if raw is None or not raw.is_sparse:
        return raw, X, y, sample_weight
    return (None, X, y, sample_weight) if issparse(X) else (None, *gathered(raw, memory_limit))


def gathered(raw: Stream, memory_limit: Any) -> tuple[Any, Any, Any]:
    """All samples of a stream of sparse batches: the matrix, targets and sample weights.

    Raises
    ------
    DataError
        If there are no samples, or only some batches have weights.
    ParameterError
        If the numbers take more than the memory limit.
    """
    limit = StreamMemory.by(memory_limit, None).limit
    blocks, n_bytes = [], 0
    for block in blocks_of(raw, memory_limit):
        matrix = csr_array(block.X)
        n_bytes += matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
        if n_bytes > limit:
            raise ParameterError(
                f"{raw.source} gives sparse batches, which ensembles gather in memory, and these take more than memory_limit, "
                f"{limit / 2**20:.0f} MiB: raise it, or use MLPClassifier or MLPRegressor, which read them one by one"
            )
        blocks.append((matrix, admitted(block.y, "y", times=True), block.sample_weight))
    if not blocks:
        raise DataError(f"{raw.source} has no samples")
    matrices, targets, weights = zip(*blocks, strict=True)
    n_weighted = sum(own is not None for own in weights)
    if 0 < n_weighted < len(weights):
        raise DataError("some blocks of the stream have sample weights and others have none: let all have them")
    y = vstack(targets, format="csr") if issparse(targets[0]) else np.concatenate(targets)
    return vstack(matrices, format="csr"), y, np.concatenate(weights) if n_weighted else None
