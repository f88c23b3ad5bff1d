"""What training rows say of columns, learned from rows in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.data import EncodingChain
from nncore.ensembles.input_columns import InputColumns, InputLayout


class InputColumnsLearner:
    """What `InputColumns.learn` learns, from blocks of any size.

    While `wants_rows`, all training rows are given to `add`, then `end_pass` is called.

    Parameters
    ----------
    layout, number_encodings, level_encodings, rng
        As in `InputColumns.learn`.
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
        """Take the next rows into account. They must not change before the end of the pass."""
        if self._numbers.wants_rows:
            self._numbers.add(matrix[:, self._layout.numbers], sample_weight)
        if self._hot.wants_rows:
            self._hot.add(self._layout.levels(matrix), sample_weight)

    def end_pass(self) -> None:
        """All rows have been there."""
        for learner in (self._numbers, self._hot):
            if learner.wants_rows:
                learner.end_pass()

    def learned(self) -> InputColumns:
        """What the rows said."""
        numbers, hot = (EncodingChain.of_learners([learner]) for learner in (self._numbers, self._hot))
        return InputColumns.of_chains(self._layout, numbers, hot)
