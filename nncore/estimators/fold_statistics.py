"""What an ensemble learns from a stream in one pass: statistics of the training samples of each fold, and samples kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import SAMPLE_SIZE, Extremes, row_hashes
from nncore.data import HeldOut as Part, StreamBlock
from nncore.ensembles import InputLayout, Recipe, RowSummary, Samples, TargetStatistics, code_edges
from nncore.estimators.columns_learner import ColumnsLearner, LearnedRows
from nncore.estimators.network_estimator import joined
from nncore.tabular import KeptRows

#: Encodes raw targets and weights of some rows.
Finish = Callable[[Any, "NDArray[np.floating] | None"], tuple[np.ndarray, "NDArray[np.floating] | None"]]


@dataclass(frozen=True)
class RawRows:
    """Rows while columns and targets are learned.

    Attributes
    ----------
    numbers, times
        See `LearnedRows`.
    y : ndarray
        Checked targets in the user's form.
    sample_weight : ndarray of shape (n_rows,) or None
    """

    numbers: NDArray[np.floating]
    times: dict[int, NDArray[np.datetime64]]
    y: Any
    sample_weight: NDArray[np.floating] | None

    def chosen(self, places: NDArray[np.int64]) -> RawRows:
        """Copy some rows."""
        weights = None if self.sample_weight is None else self.sample_weight[places]
        return RawRows(self.numbers[places], {i: own[places] for i, own in self.times.items()}, self.y[places], weights)


@dataclass(frozen=True)
class Division:
    """Parts of the samples that are held out, one for each fold.

    Attributes
    ----------
    parts : list of Part
    share : float
        Share of the samples in each part.
    """

    parts: list[Part]
    share: float

    @classmethod
    def by(cls, recipe: Recipe, seed: int, *, holds_out: bool) -> Division:
        """The folds of a recipe; none if nothing is to be held out."""
        n_folds = recipe.n_cv if holds_out else 0
        share = recipe.validation_fraction if n_folds == 1 else 1 / max(1, n_folds)
        return cls([Part(share, seed, False, fold / n_folds) for fold in range(n_folds)], share)


class _PartExtremes:
    """Extremes of numbers, and codes that occur, in some of the samples.

    Parameters
    ----------
    rows : LearnedRows
        Any block, which has the widths of all.
    codes : list of int
        Columns of codes.
    """

    def __init__(self, rows: LearnedRows, codes: list[int]) -> None:
        self.numbers = Extremes(rows.numbers.shape[1])
        self.dates = {i: Extremes(parts.shape[1]) for i, parts in rows.parts.items()}
        #: For each column of codes: which of them occur, and in the first place whether -1 does.
        self.occurs = {i: np.zeros(16, bool) for i in codes}

    def add(self, rows: LearnedRows, places: Any) -> None:
        """Add the samples at these places of a block."""
        numbers = rows.numbers[places]
        if not len(numbers):
            return
        self.numbers.add(numbers, None)
        for i, extremes in self.dates.items():
            extremes.add(rows.parts[i][places], None)
        for i, occurs in self.occurs.items():
            codes = numbers[:, i].astype(np.int64) + 1
            if (most := int(codes.max())) >= len(occurs):
                occurs = self.occurs[i] = np.append(occurs, np.zeros(most + 1, bool))
            occurs[codes] = True


class FoldStatistics:
    """Statistics of the training samples of each fold and of all, and samples kept in memory, from one pass.

    A fold's recipe may depend on the number of samples. So the first 65,536 wait: if there are no more, the recipe is that of their number.
    All larger numbers have the same recipe.

    Parameters
    ----------
    learner : ColumnsLearner
    recipe : Recipe
        The recipe for any number of samples.
    seed : int
        Decides, with the number of a sample, which fold holds it out.
    most_judging : int
        Largest number of validation samples of all folds together.
    counts : callable
        ``counts(y, sample_weight)``: mask of the samples of a weight above 0; None for all.
    scales_targets : bool
        Whether targets are scaled.
    holds_out : bool
        Whether there are folds.

    Attributes
    ----------
    recipe : Recipe
        The recipe for the number of samples, after `end`.
    division : Division
        After `end`.
    n_samples : int
    """

    recipe: Recipe
    division: Division

    def __init__(
        self,
        learner: ColumnsLearner,
        recipe: Recipe,
        seed: int,
        most_judging: int,
        counts: Callable[[Any, Any], NDArray[np.bool_] | None],
        *,
        scales_targets: bool,
        holds_out: bool,
    ) -> None:
        self._learner, self._any_recipe, self._seed, self._most_judging = learner, recipe, seed, most_judging
        self._counts, self._scales_targets, self._holds_out = counts, scales_targets, holds_out
        self._waiting: list[tuple[StreamBlock, LearnedRows]] = []
        self._begun, self.n_samples = False, 0

    # ---- the pass -----------------------------------------------------------------------------------------------------------------

    def add(self, block: StreamBlock, rows: LearnedRows) -> None:
        """Add the next block."""
        self.n_samples += len(rows.numbers)
        if self._begun:
            self._digest(self.n_samples - len(rows.numbers), block, rows)
            return
        self._waiting.append((block, rows))
        if self.n_samples > SAMPLE_SIZE:
            self._begin()

    def end(self) -> None:
        """End the pass, after at least one sample."""
        if not self._begun:
            self._begin()

    def _begin(self) -> None:
        """Decide what folds there are, and take the waiting blocks into account."""
        self._begun, first = True, 0
        rows = self._waiting[0][1]
        self.recipe = self._any_recipe.for_rows(self.n_samples)
        self.division = Division.by(self.recipe, self._seed, holds_out=self._holds_out)
        n_folds = len(self.division.parts)
        codes = self._learner.code_features
        # Those of each held-out part, and of the samples in none.
        self._extremes = [_PartExtremes(rows, codes) for _ in range(n_folds + 1)]
        self._targets: list[TargetStatistics] | None = None
        self._sampled = KeptRows[RawRows](n_folds + 1, SAMPLE_SIZE, RawRows.chosen)
        self._judging = KeptRows[RawRows](max(1, n_folds), max(1, self._most_judging // max(1, n_folds)), RawRows.chosen)
        for block, rows in self._waiting:
            self._digest(first, block, rows)
            first += len(rows.numbers)
        self._waiting = []

    def _digest(self, first: int, block: StreamBlock, rows: LearnedRows) -> None:
        n, parts = len(rows.numbers), self.division.parts
        numbers = np.arange(first, first + n)
        held = np.array([part.mask_of(numbers) for part in parts], bool).reshape(len(parts), n)
        learns = np.concatenate([~held, np.ones((1, n), bool)])
        counts = self._counts(block.y, block.sample_weight)
        counted = np.ones(n, bool) if counts is None else counts
        raw = RawRows(rows.numbers, rows.times, block.y, block.sample_weight)
        if not parts and counts is None:
            self._extremes[0].add(rows, slice(None))
        else:
            for extremes, own in zip(self._extremes, (*held, ~held.any(axis=0)), strict=True):
                extremes.add(rows, np.flatnonzero(own & counted))
        if self._scales_targets:
            self._add_targets(block, learns)
        self._sampled.add(raw, row_hashes(numbers), learns & counted)
        if parts:
            # Ranks of a part begin with its first hash.
            begins = np.array([int(part.begin * 2**64) for part in parts], np.uint64)
            self._judging.add(raw, row_hashes(numbers, self._seed) - begins[held.argmax(axis=0)], held)

    def _add_targets(self, block: StreamBlock, learns: NDArray[np.bool_]) -> None:
        y, weights = np.asarray(block.y), block.sample_weight
        if self._targets is None:
            self._targets = [TargetStatistics(1 if y.ndim == 1 else y.shape[1]) for _ in learns]
        for statistics, own in zip(self._targets, learns, strict=True):
            places: Any = slice(None) if own.all() else np.flatnonzero(own)
            if len(chosen := y[places]):
                statistics.add(chosen, None if weights is None else weights[places])

    # ---- its results --------------------------------------------------------------------------------------------------------------

    def judging(self, most: int, finish: Finish) -> tuple[Samples, list[NDArray[np.int64]]]:
        """Validation samples of all folds, and their row numbers for each fold. They can be asked for once.

        There are at most `most` for each fold: those of the smallest hashes.
        """
        kept = self._judging
        del self._judging
        of_folds = [kept.places(number, most) for number in range(len(self.division.parts))]
        places = np.unique(np.concatenate(of_folds))
        samples = joined_samples(list(map(partial(self._encoded, finish), kept.chosen(places, frees=True))))
        return samples, [np.searchsorted(places, own) for own in of_folds]

    def _encoded(self, finish: Finish, rows: RawRows) -> Samples:
        matrix = self._learner.matrix(rows.numbers, rows.times)
        return Samples(matrix, *finish(rows.y, rows.sample_weight), len(matrix))

    def sampled(self, number: int, most: int, finish: Finish) -> Samples:
        """A uniform sample of the training samples of a fold, or of all for `number` -1, of a weight above 0; all of few."""
        places = self._sampled.places(number % len(self._extremes), most)
        return joined_samples(list(map(partial(self._encoded, finish), self._sampled.chosen(places))))

    def summary(self, number: int, layout: InputLayout, finish: Finish) -> RowSummary:
        """What encodings learn from the training samples of a fold, or from all for `number` -1."""
        found = self.sampled(number, SAMPLE_SIZE, finish)
        number %= len(self._extremes)
        others = [own for place, own in enumerate(self._extremes) if place != number or number == len(self._extremes) - 1]
        matrix, weights = found.matrix, None if found.weights is None else np.asarray(found.weights, np.float64)
        if weights is not None and not weights.all():  # the product with the weight of a class may be 0
            matrix, weights = matrix[weights > 0], weights[weights > 0]
        edges = self._number_edges(others)[:, layout.numbers]
        targets = None if self._targets is None else self._targets[number]
        return RowSummary(matrix, weights, edges, code_edges(self._codes(others, layout)), targets)

    def _number_edges(self, found: list[_PartExtremes]) -> NDArray[np.float64]:
        """Rows of the smallest and of the largest numbers of parts of the samples, for all columns of samples."""
        edges = np.concatenate([[one.numbers.least, one.numbers.largest] for one in found])
        dates = {
            i: learner.encoded_edges(np.concatenate([[one.dates[i].least, one.dates[i].largest] for one in found]))
            for i, learner in self._learner.dates.items()
        }
        return np.concatenate([dates[i] if i in dates else edges[:, [i]] for i in range(edges.shape[1])], axis=1)

    def _codes(self, found: list[_PartExtremes], layout: InputLayout) -> list[NDArray[np.bool_]]:
        """For each one-hot column: which of its codes occur in parts of the samples, and in the last place whether -1 does."""
        features = {start: i for i, start in self._learner.starts(self._learner.code_features)}
        result = []
        for column, n_levels in zip(layout.hot.tolist(), layout.hot_levels.tolist(), strict=True):
            code_of, occurs = self._learner.code_of(features[column]), np.zeros(n_levels + 1, bool)
            for one in found:
                codes = code_of[np.flatnonzero(one.occurs[features[column]]) - 1]
                occurs[np.where(codes < n_levels, codes, -1)] = True
            result.append(occurs)
        return result


def joined_samples(parts: list[Samples]) -> Samples:
    """Samples one after the other. They have weights if all parts have. `parts` is emptied."""
    matrices, targets, weights = ([getattr(one, name) for one in parts] for name in ("matrix", "target", "weights"))
    parts.clear()  # joining frees them one by one
    matrix = joined(matrices)
    return Samples(matrix, joined(targets), None if any(own is None for own in weights) else joined(weights), len(matrix))
