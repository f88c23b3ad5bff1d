"""Streams of batches from the user's code: lists, data loaders, generators and functions that return an iterator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nncore.arguments import shown
from nncore.data.samples import as_numbers, as_rows
from nncore.data.sparse_samples import SparseSamples, bytes_per_sparse_row
from nncore.data.streams import Stream, StreamBlock
from nncore.errors import DataError, DtypeError, ParameterError
from nncore.words import is_of_call


class BatchStream(Stream):
    """Batches ``(X, y)``, ``(X, y, sample_weight)`` or X from Python code. nncore cuts them into batches of its own size.

    Parameters
    ----------
    batches : iterable
        Batches, or a function that returns an iterator over them. An iterator can be read only once.
    source : str
        Name of the source in messages.

    Raises
    ------
    DataError, DtypeError, ParameterError, ShapeError
        If there are no batches, or the first one cannot be read.
    """

    def __init__(self, batches: Iterable[Any] | Callable[[], Any], source: str) -> None:
        self.source, self.n_samples = source, None
        self._make: Callable[[], Any] = batches if callable(batches) and not isinstance(batches, Iterable) else lambda: batches
        first_pass = self._begun()
        self.can_repeat = callable(batches) or iter(first_pass) is not batches
        self._first = next(first_pass, None)
        self._rest: Iterator[Any] | None = None if self.can_repeat else first_pass
        if self._first is None:
            raise DataError(f"{source} has no batches: pass at least one batch (X, y)")
        block = self._block(self._first)
        self.shape, self.has_targets = tuple(block.X.shape[1:]), block.y is not None
        self.is_sparse = isinstance(block.X, SparseSamples)
        self.bytes_per_row = self._bytes_per_row(block.X)
        if self.can_repeat and (close := getattr(first_pass, "close", None)) is not None:
            close()

    def _begun(self) -> Iterator[Any]:
        try:
            made = self._make()
        except TypeError as error:
            if not is_of_call(error):
                raise
            raise ParameterError(f"{self.source} must be a function without arguments that returns an iterator: {error}") from None
        if not isinstance(made, Iterable):
            raise ParameterError(f"{self.source} must return an iterator of batches (X, y), it returned {shown(made)}")
        return iter(made)

    def read(self, piece: int, n_rows: int) -> Iterator[StreamBlock]:
        for batch in self._batches():
            block = self._block(batch)
            for start in range(0, len(block), n_rows):
                yield block.chosen(slice(start, start + n_rows))

    def peek(self) -> StreamBlock:
        if not self.can_repeat and self._rest is None:
            raise self._at_its_end()
        return self._block(self._first)

    def _at_its_end(self) -> DataError:
        return DataError(
            f"{self.source} was read to its end and can be iterated only once: pass a list of batches, an object whose __iter__ starts "
            "anew, or a function that returns a new iterator"
        )

    def _batches(self) -> Iterator[Any]:
        if self.can_repeat:
            yield from self._begun()
            return
        if self._rest is None:
            raise self._at_its_end()
        first, rest = self._first, self._rest
        self._first = self._rest = None
        yield first
        yield from rest

    def _block(self, batch: Any) -> StreamBlock:
        parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        if not 1 <= len(parts) <= 3:
            raise DtypeError(f"a batch of {self.source} must be (X, y) or (X, y, sample_weight), got {len(parts)} parts")
        return self._converted(*parts)

    def _converted(self, X: Any, y: Any = None, sample_weight: Any = None) -> StreamBlock:
        """Convert a batch to arrays of numbers."""
        of_batch = f"of a batch of {self.source}"
        named = (("y", y), ("sample_weight", sample_weight))
        samples = as_rows(X, f"X {of_batch}", None)
        return StreamBlock(
            samples if isinstance(samples, SparseSamples) else samples[:],
            *(None if part is None else as_numbers(part, f"{name} {of_batch}") for name, part in named),
        )

    def _bytes_per_row(self, X: Any) -> int:
        if isinstance(X, SparseSamples):
            return bytes_per_sparse_row(X)
        return int(X.dtype.itemsize * (X[:1].size or 1))
