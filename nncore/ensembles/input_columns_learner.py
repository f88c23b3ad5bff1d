"""Fit the encodings of input columns to rows in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.data import EncodingChain
from nncore.ensembles.input_columns import InputColumns, InputLayout


class InputColumnsLearner:
    """Do what `InputColumns.learn` does, with rows in blocks of any size.

    While `wants_rows` is True, pass all training rows to `add`, then call `end_pass`.

    Parameters
    ----------
    layout, number_encodings, level_encodings, rng
        See `InputColumns.learn`.
    """

    def __init__(self, layout: InputLayout, number_encodings: Sequence[Any], level_encodings: Sequence[Any], rng: Any = 0) -> None:
        self._layout = layout
        self._numbers = EncodingChain.learner(number_encodings, len(layout.numbers), rng=rng, label=layout.label)
        self._hot = EncodingChain.learner(level_encodings, len(layout.hot), n_levels=layout.hot_levels)

    @property
    def wants_rows(self) -> bool:
        """Whether another pass is needed."""
        return self._numbers.wants_rows or self._hot.wants_rows

    def add(self, matrix: NDArray[np.floating], sample_weight: NDArray[np.float64] | None = None) -> None:
        """Add the next rows of a pass. They must not change before the end of the pass."""
        if self._numbers.wants_rows:
            self._numbers.add(matrix[:, self._layout.numbers], sample_weight)
        if self._hot.wants_rows:
            self._hot.add(self._layout.levels(matrix), sample_weight)

    def end_pass(self) -> None:
        """End a pass, after all rows were added."""
        for learner in (self._numbers, self._hot):
            if learner.wants_rows:
                learner.end_pass()

    def learned(self) -> InputColumns:
        """The fitted columns."""
        numbers, hot = (EncodingChain.of_learners([learner]) for learner in (self._numbers, self._hot))
        return InputColumns.of_chains(self._layout, numbers, hot)
