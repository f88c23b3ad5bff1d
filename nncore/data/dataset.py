"""Datasets for the core: samples in C order in the network's dtype, with targets and weights.

A C-contiguous array of the network's dtype is used without a copy. Other arrays are converted: small ones once, large ones block by block
in each epoch. So there is never a second copy of a large array.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nncore._core import SparseRows, as_c_array, is_c_array
from nncore.blocks import rows_at_once
from nncore.data.samples import Samples, check_finite, some_rows
from nncore.data.sparse_samples import SparseSamples
from nncore.data.targets import Targets, TargetsWanted, as_weights
from nncore.errors import DataError, ShapeError

#: Inputs up to this many bytes (in the network's dtype) are converted once and kept.
CONVERT_AT_ONCE = 64 * 2**20

#: Bytes of inputs that a digest covers.
DIGESTED = 64 * 2**20


@dataclass(slots=True)
class Block:
    """Samples for one run of the core; the fields are the arguments of `Program.train`."""

    inputs: np.ndarray | SparseRows  # (n, n_inputs)
    reals: np.ndarray | None
    labels: np.ndarray | None
    weights: np.ndarray | None  # (n,) float64
    order: np.ndarray | None  # rows to visit, or None for all rows in order

    def __len__(self) -> int:
        return len(self.inputs) if self.order is None else len(self.order)

    @property
    def matrix(self) -> np.ndarray:
        """The inputs as an array. For callers that never have sparse inputs."""
        assert isinstance(self.inputs, np.ndarray), "asked for only there"
        return self.inputs

    @property
    def fields(self) -> tuple[np.ndarray | SparseRows | None, ...]:
        """Inputs, reals, labels and weights."""
        return self.inputs, self.reals, self.labels, self.weights

    def parts(self, n_rows: int) -> Iterator[Block]:
        """Parts of `n_rows` samples, of a block in the order of the data."""
        if len(self) <= n_rows:
            yield self
            return
        for begin in range(0, len(self), n_rows):
            rows = slice(begin, begin + n_rows)
            reals, labels, weights = (None if part is None else part[rows] for part in (self.reals, self.labels, self.weights))
            yield Block(self.inputs[rows], reals, labels, weights, None)

    def until(self, end: int) -> Block:
        """The first `end` samples."""
        if end >= len(self):
            return self
        if self.order is not None:
            return replace(self, order=self.order[:end])
        reals, labels, weights = (None if part is None else part[:end] for part in (self.reals, self.labels, self.weights))
        return Block(self.inputs[:end], reals, labels, weights, None)


class Dataset:
    """Checked samples with their targets and weights.

    Parameters
    ----------
    inputs : ndarray or Rows of shape (n_samples, ...)
        As returned by `as_samples`.
    targets : Targets
    weights : ndarray of shape (n_samples,), float64, or None
    dtype : dtype
        The network's.
    """

    def __init__(self, inputs: Samples, targets: Targets, weights: np.ndarray | None, dtype: np.dtype) -> None:
        self.targets, self.weights, self.dtype = targets, weights, dtype
        if isinstance(inputs, SparseSamples):
            inputs = inputs.in_dtype(dtype)
        in_place = isinstance(inputs, SparseSamples) or (isinstance(inputs, np.ndarray) and is_c_array(inputs, dtype))
        if not in_place and inputs.size * dtype.itemsize <= CONVERT_AT_ONCE:
            inputs, in_place = as_c_array(inputs[:], dtype), True
        self.inputs, self.in_place = inputs, in_place
        self._rows: np.ndarray | None = None  # rows of `inputs` that belong to the dataset; None for all
        self._of_inputs = targets, weights  # one for each row of `inputs`

    @classmethod
    def checked(
        cls,
        inputs: Samples,
        y: object,
        sample_weight: object,
        wanted: TargetsWanted,
        dtype: np.dtype,
        allow_nan: bool,
        role: str = "",
        *,
        is_ready: bool = False,
    ) -> Dataset:
        """Make a dataset from `inputs` as returned by `as_rows`, and the user's targets and weights, which are checked.

        `role`, like ``"validation "``, precedes names in messages. `is_ready` says that `ready_rows` returned the inputs, so they are
        finite.
        """
        if not is_ready:
            check_finite(inputs, f"{role}X", dtype, allow_nan)
        targets = wanted.checked(y, dtype, f"{role}y")
        if len(targets) != len(inputs):
            raise ShapeError(f"{role}X has {len(inputs)} samples, {role}y has {len(targets)}")
        if len(inputs) == 0:
            raise DataError(f"{role}X has no samples")
        return cls(inputs, targets, as_weights(sample_weight, len(inputs), f"{role}sample_weight"), dtype)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def n_samples(self) -> int:
        return len(self)

    @property
    def target_shape(self) -> tuple[int, ...]:
        """Shape of the target of one sample: ``()`` for class indices."""
        return self.targets.values.shape[1:]

    def chosen(self, rows: np.ndarray, weights: np.ndarray | None) -> Dataset:
        """The dataset of some rows, with these weights. Inputs are not copied.

        Parameters
        ----------
        rows : ndarray of int64, shape (n_samples,)
            Row numbers, already checked.
        weights : ndarray of float64, shape (n_samples,), or None
        """
        some = Dataset(self.inputs, self.targets.of(rows), weights, self.dtype)
        whole = None if weights is None else np.zeros(len(self.inputs))
        if weights is not None and whole is not None:
            whole[rows] = weights
        some._rows, some._of_inputs = rows, (self.targets, whole)
        return some

    @property
    def rows(self) -> np.ndarray | None:
        """Rows of the inputs that belong to the dataset; None for all."""
        return self._rows

    def unweighted(self) -> Dataset:
        """The same samples, each of weight 1."""
        some = Dataset(self.inputs, self.targets, None, self.dtype)
        some._rows, some._of_inputs = self._rows, (self._of_inputs[0], None)
        return some

    def copied(self, rows: np.ndarray, weights: np.ndarray | None) -> Dataset:
        """A copy of some rows, in the order of `rows`."""
        return Dataset(some_rows(self.inputs, rows), self.targets.of(rows), weights, self.dtype)

    @property
    def is_sparse(self) -> bool:
        """Whether the inputs are sparse, so that a program for sparse rows is needed."""
        return isinstance(self.inputs, SparseSamples)

    @cached_property
    def _matrix(self) -> np.ndarray | SparseRows:
        """The inputs without a copy, one row a sample."""
        if isinstance(self.inputs, SparseSamples):
            return self.inputs.rows
        return self.inputs[:].reshape(len(self.inputs), -1)

    @cached_property
    def digest(self) -> str:
        """A hash of samples, targets and weights, equal for equal datasets. Large inputs are hashed at evenly spaced rows."""
        n_numbers = self.inputs.n_numbers // len(self.inputs) if isinstance(self.inputs, SparseSamples) else self.inputs[0].size
        n_rows = min(len(self), max(2, DIGESTED // max(1, n_numbers * self.dtype.itemsize)))
        rows = np.linspace(0, len(self) - 1, n_rows).astype(np.int64)
        chosen = slice(None) if n_rows == len(self) else rows
        digest = hashlib.blake2b(digest_size=16)
        chosen_inputs = chosen if self._rows is None else self._rows[chosen]
        if isinstance(self.inputs, SparseSamples):
            self.inputs.select(chosen_inputs).add_to(digest)
        else:
            digest.update(np.ascontiguousarray(self.inputs[chosen_inputs], self.dtype).data)
        for name, part in (("reals", self.targets.reals), ("labels", self.targets.labels), ("weights", self.weights)):
            if part is not None:
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(part[chosen]).data)
        return digest.hexdigest()

    def order_of_inputs(self, order: np.ndarray | None) -> np.ndarray | None:
        """Convert an order of samples to rows of the inputs, for a block that holds all inputs."""
        if self._rows is None:
            return order
        return self._rows if order is None else self._rows[order]

    def blocks(self, order: np.ndarray | None, batch_size: int) -> Iterator[Block]:
        """The samples in the given order: in one block if they need no conversion, else converted block by block.

        All blocks except the last hold whole batches, so both cases train on the same batches.
        """
        order = self.order_of_inputs(order)
        targets, weights = self._of_inputs
        if self.in_place:
            yield Block(self._matrix, targets.reals, targets.labels, weights, order)
            return
        rows = batch_size * rows_at_once(batch_size * self.inputs[0].size * self.dtype.itemsize)
        for start in range(0, len(self.inputs) if order is None else len(order), rows):
            chosen = slice(start, start + rows) if order is None else order[start : start + rows]
            inputs = as_c_array(self.inputs[chosen], self.dtype)
            parts = (targets.reals, targets.labels, weights)
            reals, labels, part_weights = (None if part is None else as_c_array(part[chosen], part.dtype) for part in parts)
            yield Block(inputs.reshape(len(inputs), -1), reals, labels, part_weights, None)
