"""Fit ``date_parts`` and the encodings after it in one pass over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore import registry
from nncore.data.chain_learner import ChainLearner
from nncore.data.encoding_chain import EncodingChain
from nncore.data.encoding_part import Label


class DatePartsLearner:
    """Fit ``date_parts`` and the encodings after it to a column of dates, from blocks of rows.

    While `wants_rows` is True, pass all rows to `add`, then call `end_pass`. The encodings after ``date_parts`` learn from all parts of a
    date. Parts that turn out to be constant are dropped at the end. So no extra pass is needed to find them first.

    Parameters
    ----------
    encodings : sequence of str
        Encodings of the parts, which learn one entry for each column.
    label : callable
        Returns the column's name for messages.
    """

    def __init__(self, encodings: Sequence[str], label: Label) -> None:
        self._encoding: Any = registry.resolve("encodings", "date_parts")
        everything = {"kept": np.ones((1, len(self._encoding.parts)), np.int64)}
        self._everything = EncodingChain((self._encoding,), (everything,), 1)
        self._parts = ChainLearner((self._encoding,), np.arange(1), None, None, label)
        origins = np.zeros(self._everything.n_encoded, np.int64)
        self._others = ChainLearner(tuple(registry.resolve("encodings", one) for one in encodings), origins, None, None, label)

    @property
    def wants_rows(self) -> bool:
        """Whether another pass is needed."""
        return self._parts.wants_rows or self._others.wants_rows

    def add(self, times: NDArray[np.datetime64], codes: NDArray[np.integer] | None = None) -> NDArray[np.float64]:
        """Add the next rows of a pass, and return all of their parts.

        Parameters
        ----------
        times : ndarray of shape (n_times,), datetime64
        codes : ndarray of shape (n_rows,), optional
            Index into `times` for each row. None: each time occurs once.

        Returns
        -------
        ndarray of shape (n_rows, n_parts)
            Do not write to it.
        """
        if self._parts.wants_rows:
            self._parts.add(times[:, None])
        encoded: NDArray[Any] = self._everything.encode(times[:, None])
        encoded = encoded if codes is None else encoded[codes]
        self._others.add(encoded)
        return encoded

    def end_pass(self) -> None:
        """End a pass, after all rows were added.

        Raises
        ------
        DataError
            If there were no rows.
        """
        for learner in (self._parts, self._others):
            if learner.wants_rows:
                learner.end_pass()

    @property
    def _places(self) -> list[int]:
        """Columns of `add` that are kept, after the last pass."""
        known = self._encoding.names([""], self._everything.learned[0])
        return [known.index(name) for name in self._encoding.names([""], self._parts.learned[0])]

    def learned(self) -> EncodingChain:
        """The fitted chain, after the last pass."""
        (kept,), places = self._parts.learned, self._places
        others = tuple({name: array[places] for name, array in own.items()} for own in self._others.learned)
        return EncodingChain((self._encoding, *self._others.encodings), (kept, *others), 1)

    def encoded(self, parts: NDArray[np.float64]) -> NDArray[np.floating]:
        """Encode rows of all parts as `learned` does dates. Extremes of parts become extremes of the encoded columns.

        Parameters
        ----------
        parts : ndarray of shape (n, n_parts)
            See `add`.
        """
        chain, places = self.learned(), self._places
        return EncodingChain(chain.encodings[1:], chain.learned[1:], len(places)).encode(parts[:, places])
