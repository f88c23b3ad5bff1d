"""The data of a fit: arrays or streams for training and validation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nncore.arguments import is_number, plain
from nncore.data import HeldOut, Source, StreamMemory, StreamSource, as_fraction, as_stream, is_stream
from nncore.errors import ParameterError
from nncore.program import Blueprint, looked_at

AnySource = Source | StreamSource


@dataclass(frozen=True)
class Given:
    """The data of a fit.

    Attributes
    ----------
    source : Source or StreamSource
    rows : ndarray of int64, shape (n_samples,), HeldOut or None
        Which samples of the source to train on: numbers of rows of arrays, a part of a stream; None for all.
    validation : Source, StreamSource or None
    validation_rows : ndarray of int64, HeldOut or None
        Rows or part of `validation`.
    fraction : float or None
        Fraction of the source to hold out; None for nothing.
    """

    source: AnySource
    rows: Any = None
    validation: AnySource | None = None
    validation_rows: Any = None
    fraction: float | None = None

    def split(self, seed: int) -> Given:
        """Hold out a part, if requested. The number of each sample and the seed decide which."""
        if self.fraction is None:
            return self
        rest, held_out = (self.source.part(HeldOut(self.fraction, seed, is_rest)) for is_rest in (True, False))
        return replace(self, rows=rest, validation=self.source, validation_rows=held_out)

    def some(self, blueprint: Blueprint, dtype: np.dtype) -> np.ndarray:
        """Samples for the data-dependent initializers of a network."""
        bytes_per_sample = math.prod(self.source.sample_shape(None)) * dtype.itemsize
        if isinstance(self.source, StreamSource):
            return self.source.some(looked_at(self.source.n_looked_at, bytes_per_sample, blueprint))
        samples = self.source.samples(None)
        chosen = looked_at(len(samples) if self.rows is None else len(self.rows), bytes_per_sample, blueprint)
        return samples[chosen if self.rows is None else self.rows[chosen]]


def given_data(X: Any, y: Any, sample_weight: Any, validation: Any, shuffle_buffer: Any, memory_limit: Any) -> Given:
    """Interpret the data arguments of a fit.

    Raises
    ------
    DataError, DtypeError, ParameterError, ShapeError
        If they contradict each other, or a stream cannot be read.
    """
    memory = StreamMemory.by(memory_limit, shuffle_buffer)
    streams_arrays = memory_limit is not None or shuffle_buffer is not None
    stream = as_stream(X, y, sample_weight, streams_arrays=streams_arrays)
    source = Source(X, y, sample_weight) if stream is None else StreamSource(stream, memory)
    if is_number(plain(validation)):
        return Given(source, fraction=as_fraction(validation))
    return Given(source, validation=validation_source(validation, memory))


def validation_source(validation: Any, memory: StreamMemory | None = None) -> AnySource | None:
    """Validation data as users pass it; a stream is taken if there is a bound of its memory."""
    if validation is None:
        return None
    if memory is not None and not isinstance(validation, (tuple, list)) and is_stream(validation, None):
        validation = (validation, None)
    if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
        remedy = "" if memory is None else ", a stream, or a fraction of the samples between 0 and 1"
        raise ParameterError(f"validation must be (X, y) or (X, y, sample_weight){remedy}")
    X, y, sample_weight = (*validation, None)[:3]
    role = "validation "
    stream = None if memory is None else as_stream(X, y, sample_weight, role)
    return Source(X, y, sample_weight, role) if stream is None or memory is None else StreamSource(stream, memory, role)
