"""Analyse streamed samples before a fit: lengths, targets and weights."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

from nncore.data import HeldOut as Part, SparseSamples, Stream, StreamBlock, StreamMemory
from nncore.errors import DataError
from nncore.estimators.column_blocks import told
from nncore.estimators.network_estimator import checked_weights, joined
from nncore.tabular import KeptRows

#: Largest number of samples to initialise a network with, and their fraction of `memory_limit`, as a denominator.
_SHOWN, _SHOWN_SHARE = 2**14, 16


class TargetFacts:
    """Collects lengths, targets and weights of a stream in one pass.

    Parameters
    ----------
    is_numeric : bool
        Whether targets are real numbers. Otherwise they are classes, which are counted.
    part : Part or None
        Part of the samples to train on; None: all.

    Attributes
    ----------
    sizes, kept : list of int
        Number of samples of each piece, and number of those in the part.
    y : ndarray
        Represents all targets: the first ones, or each class three times, since scikit-learn requires repeated classes.
    n_each : ndarray of shape (len(y),) or None
        For classes: the number of samples that each row of `y` represents.
    """

    def __init__(self, is_numeric: bool, part: Part | None) -> None:
        self._is_numeric, self._part = is_numeric, part
        self.sizes: list[int] = []
        self.kept: list[int] = []
        self.has_weights = False
        self._first_y: Any = None
        #: For each class: number of samples, number of training samples, and their total and largest weight.
        self._found: dict[Any, NDArray[np.float64]] = {}

    def begin_piece(self) -> None:
        """Begin the next piece."""
        self.sizes.append(0)
        self.kept.append(0)

    def add(self, y: Any, sample_weight: NDArray[np.floating] | None) -> None:
        """Add the next checked targets and weights."""
        n, first = len(y), sum(self.sizes)
        is_kept = np.ones(n, bool) if self._part is None else self._part.mask(first, n)
        self.sizes[-1] += n
        self.kept[-1] += int(is_kept.sum())
        self.has_weights = self.has_weights or sample_weight is not None
        weights = np.ones(n) if sample_weight is None else sample_weight
        if self._first_y is None:
            self._first_y = y
        elif y.shape[1:] != self._first_y.shape[1:]:
            raise DataError(f"some blocks of y have the shape {self._first_y.shape[1:]} for a sample, and others {y.shape[1:]}")
        keys: list[Any] = [None]
        if self._is_numeric:
            codes = np.zeros(n, np.int64)
        else:
            distinct, codes = np.unique(y, return_inverse=True, axis=0 if y.ndim > 1 and y.dtype.kind != "O" else None)
            codes, keys = codes.ravel(), [tuple(one) if isinstance(one, list) else one for one in distinct.tolist()]
        kept_weights = np.where(is_kept, weights, 0.0)
        largest = np.zeros(len(keys))
        np.maximum.at(largest, codes, kept_weights)
        columns = (np.bincount(codes), np.bincount(codes, is_kept), np.bincount(codes, kept_weights), largest)
        for key, *found in zip(keys, *columns, strict=True):
            known = self._found.setdefault(key, np.zeros(4))
            known[:3] += found[:3]
            known[3] = max(known[3], found[3])

    @property
    def y(self) -> Any:
        if self._is_numeric:
            return self._first_y
        dtype = self._first_y.dtype if self._first_y.dtype.kind in "biufO" else None
        return np.repeat(np.array(list(self._found), dtype), 3, axis=0)

    @property
    def n_each(self) -> NDArray[np.float64] | None:
        return None if self._is_numeric else np.repeat([known[0] / 3 for known in self._found.values()], 3)

    def weights(self, weigh: Callable[[Any, Any], Any]) -> tuple[float, float] | None:
        """Mean and largest weight of the training samples, including class weights; None if all are equal."""
        of_classes = weigh(self.y, None)
        if of_classes is None and not self.has_weights:
            return None
        factors = np.ones(len(self._found)) if of_classes is None else of_classes[::3]
        found = np.array(list(self._found.values()))
        return float((factors * found[:, 2]).sum() / max(1.0, found[:, 1].sum())), float((factors * found[:, 3]).max())


class StreamedRows:
    """The streamed samples of a fit, with checked targets and weights.

    Parameters
    ----------
    estimator : NetworkEstimator
    raw : Stream
    memory_limit : int, str or None
    part : Part or None
        Part of the samples to train on; None: all.

    Attributes
    ----------
    facts : TargetFacts
    """

    def __init__(self, estimator: Any, raw: Stream, memory_limit: Any, part: Part | None = None) -> None:
        self._estimator, self._raw, self._limit = estimator, raw, memory_limit
        self.facts = TargetFacts(estimator._has_real_targets, part)
        self._first = KeptRows[StreamBlock](1, max(1, min(_SHOWN, self._room(raw.bytes_per_row, _SHOWN_SHARE))), chosen_rows)

    def _room(self, bytes_per_row: int, share: int) -> int:
        """Number of rows that fit into 1/`share` of the memory."""
        return StreamMemory.by(self._limit, None).limit // share // max(1, bytes_per_row)

    def _pass(self) -> Iterator[tuple[int, StreamBlock]]:
        """All blocks with checked targets and weights, each with the number of its first sample. They are counted in `facts`."""
        sizes, first = self._raw.piece_rows, 0
        for piece in range(1 if sizes is None else len(sizes)):
            self.facts.begin_piece()
            for block in _blocks(self._raw, piece, self._limit):
                n = int(block.X.shape[0])
                with told(first):
                    y = self._estimator._checked_target(block.y)
                    weights = checked_weights(block.sample_weight, block.X)
                    self.facts.add(y, weights)
                found = StreamBlock(block.X, y, weights)
                self._first.add(found, np.arange(first, first + n, dtype=np.uint64), np.ones((1, n), bool))
                yield first, found
                first += n

    @property
    def first(self) -> list[StreamBlock]:
        """Blocks of the first samples, in the user's form, after the pass."""
        return [block for block in self._first.blocks if block.X.shape[0]]


def chosen_rows(block: StreamBlock, places: NDArray[np.int64]) -> StreamBlock:
    """Copy some samples of a block in the user's form."""
    X = block.X.tocsr() if issparse(block.X) else block.X
    parts = (X, block.y, block.sample_weight)
    return StreamBlock(*(None if part is None else _safe_indexing(part, places) for part in parts))


def blocks_of(raw: Stream, memory_limit: Any) -> Iterator[StreamBlock]:
    """All blocks of a stream that have samples."""
    sizes = raw.piece_rows
    for piece in range(1 if sizes is None else len(sizes)):
        yield from _blocks(raw, piece, memory_limit)


def joined_blocks(blocks: list[StreamBlock]) -> StreamBlock:
    """Blocks of encoded samples as one."""
    samples, *others = ([getattr(block, name) for block in blocks] for name in ("X", "y", "sample_weight"))
    while isinstance(samples[0], SparseSamples) and len(samples) > 1:  # in pairs, so that no row is copied often
        behind = [*samples[1::2], None][: len(samples[::2])]
        samples = [one if other is None else one.followed_by(other) for one, other in zip(samples[::2], behind, strict=True)]
    X = samples[0] if len(samples) == 1 else joined(samples)
    return StreamBlock(X, *(None if any(part is None for part in parts) else joined(parts) for parts in others))


def stream_answers(raw: Stream, memory_limit: Any, answers: Callable[[Any], Any]) -> Any:
    """Concatenate `answers` for the `X` of each block."""
    found = [answers(block.X) for block in blocks_of(raw, memory_limit)]
    if not found:
        raise DataError(f"{raw.source} has no samples")
    return joined(found)


def _blocks(raw: Stream, piece: int, memory_limit: Any) -> Iterator[StreamBlock]:
    n_rows = StreamMemory.by(memory_limit, None).rows_at_once(raw)
    with closing(raw.opened(piece, n_rows)) as blocks:
        yield from (block for block in blocks if block.X.shape[0])
