"""Dates that become their parts, and what becomes of these, learned in one pass: of all parts, before it is known which are kept."""

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
    """A column of dates behind ``date_parts``, while it is learned from blocks.

    While `wants_rows`, all rows are given to `add`, then `end_pass` is called. Encodings behind learn from all parts that a date has;
    those of parts that turn out to be always the same are left out in the end. So they need no pass after the one that tells which.

    Parameters
    ----------
    encodings : sequence of str
        What becomes of the parts: encodings that learn an entry for each column.
    label : callable
        What messages call the column.
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

    def add(self, times: NDArray[np.datetime64], codes: NDArray[np.integer] | None = None) -> None:
        """Take the next rows into account.

        Parameters
        ----------
        times : ndarray of shape (n_times,), datetime64
        codes : ndarray of shape (n_rows,), optional
            Which of them each row has; None is each once.
        """
        if self._parts.wants_rows:
            self._parts.add(times[:, None])
        encoded: NDArray[Any] = self._everything.encode(times[:, None])
        self._others.add(encoded if codes is None else encoded[codes])

    def end_pass(self) -> None:
        """All rows have been there.

        Raises
        ------
        DataError
            If there was none.
        """
        for learner in (self._parts, self._others):
            if learner.wants_rows:
                learner.end_pass()

    def learned(self) -> EncodingChain:
        """What was found, after the last pass."""
        (kept,) = self._parts.learned
        known = self._encoding.names([""], self._everything.learned[0])
        places = [known.index(name) for name in self._encoding.names([""], kept)]
        others = tuple({name: array[places] for name, array in own.items()} for own in self._others.learned)
        return EncodingChain((self._encoding, *self._others.encodings), (kept, *others), 1)
