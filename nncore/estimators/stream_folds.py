"""What an ensemble learns from a stream in one pass: its folds, statistics of them, and validation samples, which stay in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import SAMPLE_SIZE, row_hashes, sample_rows
from nncore.data import HeldOut as Part, StreamBlock
from nncore.ensembles import FoldStatistics, InputLayout, Recipe, RowSummary, Samples
from nncore.estimators.columns_learner import ColumnsLearner, LearnedRows
from nncore.estimators.network_estimator import joined
from nncore.tabular import KeptRows, RawValues

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


class StreamFolds:
    """Folds of a stream, statistics of their training samples and of all samples, and validation samples, from one pass.

    A fold's recipe may depend on the number of samples. If that is not known, the first 65,536 wait: if there are no more, the recipe is
    that of their number. All larger numbers have the same recipe.

    Parameters
    ----------
    learner : ColumnsLearner
    recipe : Recipe
        The recipe for any number of samples.
    n_expected : int or None
        Number of samples, if it is known.
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
        n_expected: int | None,
        seed: int,
        most_judging: int,
        counts: Callable[[Any, Any], NDArray[np.bool_] | None],
        *,
        scales_targets: bool,
        holds_out: bool,
    ) -> None:
        self._learner, self._any_recipe, self._n_expected, self._seed, self._most_judging = learner, recipe, n_expected, seed, most_judging
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
        if self._n_expected is not None or self.n_samples > SAMPLE_SIZE:
            self._begin()

    def end(self) -> None:
        """End the pass, after at least one sample."""
        if not self._begun:
            self._begin()

    def _begin(self) -> None:
        """Decide what folds there are, and take the waiting blocks into account."""
        self._begun, first = True, 0
        self.recipe = self._any_recipe.for_rows(self.n_samples if self._n_expected is None else self._n_expected)
        self.division = Division.by(self.recipe, self._seed, holds_out=self._holds_out)
        n_folds = len(self.division.parts)
        self._statistics = FoldStatistics[RawRows](n_folds, len(self._learner.number_features), RawRows.chosen)
        self._judging = KeptRows[RawRows](max(1, n_folds), max(1, self._most_judging // max(1, n_folds)), RawRows.chosen)
        for block, rows in self._waiting:
            self._digest(first, block, rows)
            first += len(rows.numbers)
        self._waiting = []

    def _digest(self, first: int, block: StreamBlock, rows: LearnedRows) -> None:
        n, parts = len(rows.numbers), self.division.parts
        numbers = np.arange(first, first + n)
        held = np.array([part.mask_of(numbers) for part in parts], bool).reshape(len(parts), n)
        codes = {i: rows.numbers[:, i].astype(np.int64) for i in self._learner.code_features}
        values = RawValues(rows.numbers, rows.parts, codes, np.asarray(block.y) if self._scales_targets else None)
        raw = RawRows(rows.numbers, rows.times, block.y, block.sample_weight)
        self._statistics.add(numbers, raw, values, held, self._counts(block.y, block.sample_weight), block.sample_weight)
        if parts:
            # Ranks of a part begin with its first hash.
            begins = np.array([int(part.begin * 2**64) for part in parts], np.uint64)
            self._judging.add(raw, row_hashes(numbers, self._seed) - begins[held.argmax(axis=0)], held)

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
        return joined_samples(list(map(partial(self._encoded, finish), self._statistics.sampled(number, most))))

    def summary(self, number: int, layout: InputLayout, finish: Finish) -> RowSummary:
        """What encodings learn from the training samples of a fold, or from all for `number` -1."""
        samples, edges, learner = (
            self.sampled(number, sample_rows(len(layout.numbers)), finish),
            self._statistics.edges(number),
            self._learner,
        )
        dates = {i: own.encoded(edges.parts[i]) for i, own in learner.dates.items()}
        columns = [dates[i] if i in dates else edges.numbers[:, [i]] for i in range(edges.numbers.shape[1])]
        codes = {start: learner.code_of(i)[edges.codes[i]] for i, start in learner.starts(learner.code_features)}
        targets = self._statistics.targets(number)
        return RowSummary.of(layout, samples.matrix, samples.weights, np.concatenate(columns, axis=1), codes, targets)


def joined_samples(parts: list[Samples]) -> Samples:
    """Samples one after the other. They have weights if all parts have. `parts` is emptied."""
    matrices, targets, weights = ([getattr(one, name) for one in parts] for name in ("matrix", "target", "weights"))
    parts.clear()  # joining frees them one by one
    matrix = joined(matrices)
    return Samples(matrix, joined(targets), None if any(own is None for own in weights) else joined(weights), len(matrix))
