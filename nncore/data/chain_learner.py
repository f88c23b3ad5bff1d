"""Fit a chain of encodings to rows in blocks, or to a sample of rows. In blocks, an encoding that needs what an earlier one has learned
takes another pass over the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import Encoding, Extremes, Learned, Missing, RowSample, Statistic, block_rows, sample_rows
from nncore.data.encoding_part import DTYPES, Label, Part, check_codes, refuse_infinite
from nncore.errors import DataError

#: Statistics of encoded rows that follow from the same statistics of the rows before encoding, so that they need no extra pass.
_FOLLOWING: tuple[type[Missing | RowSample], ...] = (Missing, RowSample)

#: Message about a column that cannot be encoded.
INFINITE = "has an infinite number: mark it as missing (NaN), or leave the row out"
#: Message about a fit without rows.
NOTHING_TO_LEARN = "there are no rows to learn an encoding from: give at least one"


class ChainLearner:
    """Fit a chain of encodings to rows in blocks. Each encoding learns from the output of the one before.

    While `wants_rows` is True, pass all rows to `add` in blocks of any size, then call `end_pass`. The rows are cut again into blocks of
    `block_rows`, so the result does not depend on the size of the blocks, to the last bit.

    Parameters
    ----------
    encodings : tuple of Encoding
    origins : ndarray of shape (n_columns,), int64
        The number of each column that `label` receives.
    n_levels : ndarray of shape (n_columns,), int64, or None
    seeds : ndarray of shape (n_columns,), uint64, or None
    label : callable or None
    width : int, optional
        Number of columns of the table, of which these are some. It decides how many rows are taken together.

    Attributes
    ----------
    learned : list of dict of str to ndarray
        What each encoding has learned so far.
    """

    def __init__(
        self,
        encodings: tuple[Encoding, ...],
        origins: NDArray[np.int64],
        n_levels: NDArray[np.int64] | None,
        seeds: NDArray[np.uint64] | None,
        label: Label | None,
        width: int | None = None,
    ) -> None:
        self.encodings = encodings
        self.learned: list[Learned] = []
        self._width = len(origins) if width is None else width
        self._at_once = block_rows(self._width)
        self._origins, self._n_levels, self._label = origins, n_levels, label
        self._is_first_pass = True
        # The input columns of the encoding that learns next, without rows, and their levels.
        self._ahead, self._n_levels_ahead = Part(np.empty((0, len(origins)), self._dtype, order="F"), origins, label, seeds), n_levels
        self._begin()

    @property
    def _dtype(self) -> np.dtype[Any]:
        return DTYPES[self.encodings[0].takes if self.encodings else "numbers"][1]

    @property
    def n_columns(self) -> int:
        """Number of input columns of the first encoding."""
        return len(self._origins)

    @property
    def wants_rows(self) -> bool:
        """Whether another pass is needed. The first one always is, because it checks the rows."""
        return self._is_first_pass or bool(self._statistics)

    def add(self, columns: NDArray[Any], sample_weight: NDArray[np.float64] | None = None) -> None:
        """Add the next rows of a pass.

        Parameters
        ----------
        columns : ndarray of shape (n_samples, n_columns)
            In a dtype that the first encoding accepts. The array must not change before the end of the pass.
        sample_weight : ndarray of shape (n_samples,) or None
            Rows of weight 0 are ignored.
        """
        if sample_weight is not None and not sample_weight.all():
            columns, sample_weight = columns[sample_weight > 0], sample_weight[sample_weight > 0]
        start, n = 0, len(columns)
        while start < n:
            stop = min(n, start + self._at_once - self._n_waiting)
            self._waiting.append((columns[start:stop], None if sample_weight is None else sample_weight[start:stop]))
            self._n_waiting += stop - start
            start = stop
            if self._n_waiting == self._at_once:
                self._digest()

    def end_pass(self) -> None:
        """End a pass, after all rows were added.

        Raises
        ------
        DataError
            If there were no rows, or a learned value is not finite.
        """
        if self._n_waiting:
            self._digest()
        if not self._n_rows:
            raise DataError(NOTHING_TO_LEARN)
        self._is_first_pass = False
        if self._statistics:
            self._learn(self._statistics)
        self._follow()
        self._begin()

    # ---- one pass -----------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Prepare the next encoding that needs rows."""
        self._waiting: list[tuple[NDArray[Any], NDArray[np.float64] | None]] = []
        self._n_waiting, self._n_rows = 0, 0
        self._statistics: Sequence[Statistic] = ()
        self._followed: dict[type, Missing | RowSample] = {}
        while len(self.learned) < len(self.encodings):
            self._statistics = self.encodings[len(self.learned)].statistics(self._ahead.columns.shape[1])
            if self._statistics:
                self._followed = self._wanted_behind()
                for one in (*self._statistics, *self._followed.values()):
                    if isinstance(one, RowSample):
                        one.most = sample_rows(self._width)
                return
            self._learn(())

    def _wanted_behind(self) -> dict[type, Missing | RowSample]:
        """Statistics that later encodings need, as far as they follow from the input rows of the next one."""
        own: dict[type, Missing | RowSample] = {type(one): one for one in self._statistics if isinstance(one, _FOLLOWING)}
        found: dict[type, Missing | RowSample] = {}
        for encoding in self.encodings[len(self.learned) + 1 :]:
            wanted = encoding.statistics(0)
            kinds = [kind for one in wanted for kind in _FOLLOWING if type(one) is kind]
            if len(kinds) < len(wanted):
                break
            found |= {kind: own.get(kind) or kind(self._ahead.columns.shape[1]) for kind in kinds if kind not in found}
        return found

    def _follow(self) -> None:
        """Fit the following encodings that need no further pass."""
        while self._followed and len(self.learned) < len(self.encodings):
            number, encoding = len(self.learned), self.encodings[len(self.learned)]

            def encode(columns: NDArray[Any], number: int = number, encoding: Encoding = encoding) -> NDArray[Any]:
                part = Part(columns, self._before.origins, self._label, self._before.seeds)
                return part.encoded_by(self.encodings[number - 1], self.learned[number - 1], encoding).columns

            self._followed = {kind: one.behind(encode) for kind, one in self._followed.items()}
            kinds = [type(one) for one in encoding.statistics(self._ahead.columns.shape[1])]
            if not all(kind in self._followed for kind in kinds):
                return
            self._learn([self._followed[kind] for kind in kinds])

    def _learn(self, statistics: Sequence[Statistic]) -> None:
        """Fit the next encoding to these statistics."""
        number = len(self.learned)
        encoding = self.encodings[number]
        self.learned.append(self._ahead.learned_by(encoding, statistics, self._n_levels_ahead, number))
        self._before = self._ahead
        following = self.encodings[number + 1] if number + 1 < len(self.encodings) else None
        if following is not None:
            self._ahead = self._ahead.encoded_by(encoding, self.learned[-1], following)
            self._n_levels_ahead = encoding.n_levels(self.learned[-1]) if following.takes == "levels" else None

    def _digest(self) -> None:
        """Update the statistics with the rows that are waiting."""
        columns, weights = self._waiting_together()
        self._waiting, self._n_waiting = [], 0
        self._n_rows += len(columns)
        part = Part(columns, self._origins, self._label)
        if self._is_first_pass:
            refuse_infinite(part, INFINITE)
            if self._n_levels is not None:
                check_codes(part, self._n_levels)
        if not self._statistics:
            return
        for number, learned in enumerate(self.learned):
            part = part.encoded_by(self.encodings[number], learned, self.encodings[number + 1])
        own = {id(one) for one in self._statistics}
        part.show_to([*self._statistics, *(one for one in self._followed.values() if id(one) not in own)], weights)

    def _waiting_together(self) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """The waiting rows as one array with contiguous columns, and their weights."""
        pieces, weights = [columns for columns, _ in self._waiting], [weight for _, weight in self._waiting]
        joined = None if any(weight is None for weight in weights) else np.concatenate([w for w in weights if w is not None])
        if len(pieces) == 1:
            columns = np.asarray(pieces[0], self._dtype)
            is_ready = columns.strides[0] == columns.itemsize
            return (columns.view() if is_ready else np.asfortranarray(columns)), joined
        whole = np.empty((self._n_waiting, len(self._origins)), self._dtype, order="F")
        start = 0
        for piece in pieces:
            whole[start : start + len(piece)] = piece
            start += len(piece)
        return whole, joined


class SampleLearner:
    """Fit a chain of encodings to what is known of all rows: a sample of them, and some rows with the extremes of each column.

    The result has the bits of `ChainLearner` if the sample is that of a `RowSample` over all rows. Encodings before one that needs extremes
    must never fall: the extremes of encoded columns are then the encoded extremes.

    Parameters
    ----------
    encodings : tuple of Encoding
        They need a `RowSample`, `Extremes`, `Missing` or nothing.
    sample : Part
        Sampled rows.
    sample_weight : ndarray of shape (n_sampled,), float64, or None
        Weights of the sampled rows, above 0.
    edges : Part
        Rows with the smallest and the largest number of each column, and NaN if there is one; or all codes that occur.
    n_levels : ndarray of shape (n_columns,), int64, or None

    Attributes
    ----------
    encodings : tuple of Encoding
    learned : list of dict of str to ndarray
        What each encoding has learned.
    n_columns : int
    """

    def __init__(
        self,
        encodings: tuple[Encoding, ...],
        sample: Part,
        sample_weight: NDArray[np.float64] | None,
        edges: Part,
        n_levels: NDArray[np.int64] | None,
    ) -> None:
        self.encodings, self.n_columns = encodings, sample.columns.shape[1]
        self.learned: list[Learned] = []
        refuse_infinite(edges, INFINITE)
        for number, (encoding, following) in enumerate(zip(encodings, (*encodings, None)[1:], strict=False)):
            statistics = list(_computed(encoding, sample, sample_weight, edges))
            learned = sample.learned_by(encoding, statistics, n_levels, number)
            self.learned.append(learned)
            if following is not None:
                sample, edges = (part.encoded_by(encoding, learned, following) for part in (sample, edges))
                n_levels = encoding.n_levels(learned) if following.takes == "levels" else None


def _computed(encoding: Encoding, sample: Part, sample_weight: NDArray[np.float64] | None, edges: Part) -> Iterator[Statistic]:
    """The statistics of an encoding."""
    for statistic in encoding.statistics(sample.columns.shape[1]):
        if isinstance(statistic, RowSample):
            sample.show_to([statistic], sample_weight)
        else:
            assert isinstance(statistic, (Extremes, Missing)), "the recipes of ensembles need no other"
            edges.show_to([statistic], None)
        yield statistic
