"""Metrics: scores of predictions."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from nncore.arguments import rescaled
from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel


class Metric(Configurable):
    """Base class of metrics: a score of predictions.

    Most scores follow from weighted means over samples. A metric that overrides `terms` is computed block by block, and never holds all
    outputs of a large data set. A metric that needs all of them, such as the area under a ROC curve, overrides `score` instead.

    Attributes
    ----------
    higher_is_better : bool or None
        Whether larger values are better. None infers it from the name (``"worst_error"``), or leaves it to the `mode` of a callback.
    label : str or None
        Name of the column in the history; None is the registered name.
    kernel : Kernel or None
        The same as `terms` in C: ``nnc_metric`` of ``nncore/plugin.h``.
    """

    higher_is_better: bool | None = None
    label: str | None = None
    kernel: ClassVar[Kernel | None] = None

    def example(self, rng: np.random.Generator, n_rows: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Outputs and targets to test the metric with, if neither three classes nor one number for each output are valid targets."""
        return None

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        """Raise `ShapeError` if outputs and targets of these shapes cannot be scored; called before training begins."""

    def check_targets(self, target: np.ndarray) -> None:
        """Raise `DataError` if these targets cannot be scored; called for arrays before training begins.

        Parameters
        ----------
        target : ndarray of shape (n_rows,) or (n_rows, n_targets)
            Targets of a valid shape.
        """

    def for_targets(self, target: np.ndarray, sample_weight: np.ndarray) -> Self:
        """Return this metric, or a copy with what it needs to know of all targets before the first block of outputs.

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
        """Number of terms of a sample, for `n_outputs` outputs.

        Returns
        -------
        int
            1 by default.
        """
        return 1

    def terms(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Compute the terms of each sample: numbers whose weighted means over all samples determine the score.

        Parameters
        ----------
        output : ndarray of shape (n_rows, n_outputs)
            Outputs of a block of samples.
        target : ndarray of shape (n_rows,) or (n_rows, n_targets)

        Returns
        -------
        ndarray of shape (n_rows, n_terms)
        """
        raise NotImplementedError(f"{type(self).__name__}.terms")

    def from_means(self, means: np.ndarray) -> float:
        """Compute the score from the means of the terms.

        Parameters
        ----------
        means : ndarray of shape (n_terms,), float64
            Weighted means of the terms of all samples.

        Returns
        -------
        float
            The mean of `means` by default.
        """
        return float(means[0]) if len(means) == 1 else float(means.mean())

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Score outputs ``(n_rows, n_outputs)`` against class indices ``(n_rows,)`` or real numbers ``(n_rows, n_targets)``.

        It is NaN if the weights sum to 0. A sample of weight 0 must have no influence, whatever its outputs are.
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
