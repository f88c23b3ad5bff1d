"""Metrics: scores of predictions."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from nncore.arguments import rescaled
from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel


class Metric(Configurable):
    """A score of predictions, higher or lower being better as it says.

    Most scores follow from weighted means over samples: a metric that overrides `terms` is computed block by block, and never holds all
    outputs of a large data set. One that needs them all, as the area under a ROC curve does, overrides `score` instead.

    Attributes
    ----------
    higher_is_better : bool or None
        None if it does not say: then its name has to tell (``"worst_error"``), or who monitors it.
    label : str or None
        Name of its column in the history; None is the name under which it is registered.
    kernel : Kernel or None
        The same as `terms` in C: ``nnc_metric`` of ``nncore/plugin.h``.
    """

    higher_is_better: bool | None = None
    label: str | None = None
    kernel: ClassVar[Kernel | None] = None

    def example(self, rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Outputs and targets to test the metric with, if it takes neither one of three classes nor numbers, one for each output."""
        return None

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        """Raise `ShapeError` if outputs and targets of these shapes cannot be scored; asked before training begins."""

    def check_targets(self, target: np.ndarray) -> None:
        """Raise `DataError` if these targets are none that it scores; asked of arrays before training begins.

        Parameters
        ----------
        target : ndarray of shape (n_rows,) or (n_rows, n_targets)
            Of fitting shape.
        """

    def for_targets(self, target: np.ndarray, sample_weight: np.ndarray) -> Self:
        """This metric, or a copy that keeps what it has to know of all targets before it sees the first block of outputs.

        Parameters
        ----------
        target : ndarray of shape (n_rows,) or (n_rows, n_targets)
        sample_weight : ndarray of shape (n_rows,), float64

        Returns
        -------
        Metric
        """
        return self

    def n_terms(self, n_outputs: int) -> int:
        """How many terms a sample has, for `n_outputs` outputs.

        Returns
        -------
        int
            1 unless overridden.
        """
        return 1

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """What each sample adds to the score: numbers whose weighted means over all samples decide it.

        Parameters
        ----------
        output : ndarray of shape (n_rows, n_outputs)
            Of some samples, in one block.
        target : ndarray of shape (n_rows,) or (n_rows, n_targets)

        Returns
        -------
        ndarray of shape (n_rows, n_terms)
        """
        raise NotImplementedError(f"{type(self).__name__}.terms")

    def from_means(self, means: np.ndarray) -> float:
        """The score.

        Parameters
        ----------
        means : ndarray of shape (n_terms,), float64
            Of the terms of all samples, weighted.

        Returns
        -------
        float
            The mean of them unless overridden.
        """
        return float(means[0]) if len(means) == 1 else float(means.mean())

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Score of outputs ``(n_rows, n_outputs)`` against class indices ``(n_rows,)`` or reals ``(n_rows, n_targets)``.

        NaN if the weights sum to 0. A sample of weight 0 does not count, whatever its outputs are.
        """
        if type(self).terms is Metric.terms:
            raise NotImplementedError(f"{type(self).__name__}.terms")
        self.check_shapes(output.shape, target.shape)
        weight = np.ones(len(target)) if sample_weight is None else rescaled(sample_weight)
        total = weight.sum()
        if not total:
            return float("nan")
        known = self.for_targets(target, weight)
        return known.from_means(weighted_sums(known.terms(output, target), weight) / total)


def goes_by_terms(metric: Metric) -> bool:
    """Whether it is computed from its `terms`: they are overridden, and no subclass has replaced what is made of them."""
    for cls in type(metric).__mro__:
        if "terms" in vars(cls):
            return cls is not Metric
        if "score" in vars(cls):
            return False
    return False


def weighted_sums(terms: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Sums over samples: terms (n_rows, n_terms), weight (n_rows,); what has no weight may be anything. Shape (n_terms,), float64."""
    counted = np.where(weight[:, None] > 0, terms, 0.0)
    sums: np.ndarray = weight @ counted
    return sums
