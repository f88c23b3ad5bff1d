"""Discrete-time survival: a hazard for each interval of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Graph, Loss, Value
from nncore_survival.targets import N_TARGETS, check_survival, example_survival


class LogisticHazard(Loss):
    """E = Σₖ sₖ log(1 + exp(zₖ)) + eₖ log(1 + exp(−zₖ)): the negative log-likelihood of hazards hₖ = σ(zₖ), one for each interval of time.

    sₖ is 1 if the sample is known to have survived interval k, eₖ is 1 if its event happened there, and both are 0 after that. The gradient
    is (sₖ + eₖ)·σ(zₖ) − eₖ.

    Parameters
    ----------
    cuts : sequence of float
        Ends of the intervals, above 0 and increasing; the first interval begins at 0, and an end belongs to the interval that it ends. The
        network has an output for each. Quantiles of the event times are a good choice.

    Raises
    ------
    ParameterError
        If `cuts` are not such numbers.
    ShapeError
        If the network has another number of outputs.
    DataError
        If a time is negative, or an event is neither 0 nor 1.

    Notes
    -----
    Targets have two columns, time and event. A sample that is censored in the second half of an interval counts as having survived it,
    one censored in the first half does not. An event after the last cut is a sample that survived all intervals.

    ``predict_proba`` gives the hazards, which `survival_curve` converts to probabilities of survival. An estimator predicts the mean time
    of survival up to the last cut. Unlike `Cox` it makes no assumption about hazards, and samples do not depend on each other, so that
    batches may be small.

    References
    ----------
    Gensheimer & Narasimhan, "A scalable discrete-time survival model for neural networks", PeerJ 2019. Brown, "On the use of indicator
    variables for studying the time-dependence of parameters in a response-time model", 1975.
    """

    link = "sigmoid"
    metrics = ("nncore-survival/concordance",)
    examples: ClassVar[Sequence[dict[str, Any]]] = ({"cuts": [1.0, 2.0, 4.0]}, {"cuts": [2.5]})

    def __init__(self, cuts: Sequence[float]) -> None:
        self.cuts = _increasing(cuts)

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs != len(self.cuts):
            raise ShapeError(f"LogisticHazard: the network needs an output for each of {len(self.cuts)} intervals, it has {n_outputs}")
        return N_TARGETS

    def check_targets(self, target: np.ndarray, name: str) -> None:
        check_survival(target, name)

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray:
        return example_survival(rng, n_rows, 1.25 * self.cuts[-1])

    def decide(self, output: np.ndarray) -> np.ndarray:
        """Mean time of survival up to the last cut, shape (n_rows, 1), with the survival curve a straight line inside each interval."""
        curve = np.column_stack([np.ones(len(output)), survival_curve(output)])
        return (curve[:, 1:] + curve[:, :-1]) @ np.diff([0.0, *self.cuts])[:, None] / 2

    def formula(self, g: Graph, output: Value) -> Value:
        survival = 1 - g.columns(output, [0])
        mean = (survival + 1) * (self.cuts[0] / 2)
        for interval in range(1, len(self.cuts)):
            before, survival = survival, survival * (1 - g.columns(output, [interval]))
            mean = mean + (survival + before) * ((self.cuts[interval] - self.cuts[interval - 1]) / 2)
        return mean

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        survived, happened = self._known(target)
        z = output.astype(np.float64)
        losses = (survived * np.logaddexp(0, z) + happened * np.logaddexp(0, -z)).sum(axis=1)
        return losses.astype(output.dtype)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        survived, happened = self._known(target)
        z = output.astype(np.float64)
        hazard = np.exp(-np.logaddexp(0, -z))
        # Where the event happened, h − 1 is −σ(−z), which keeps its digits where h is nearly 1.
        return (survived * hazard - happened * np.exp(-np.logaddexp(0, z))).astype(output.dtype)

    def _known(self, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which intervals each sample is known to have survived, and in which one its event happened; both (n_rows, n_intervals)."""
        ends = np.array(self.cuts)
        begins = np.array([0.0, *self.cuts[:-1]])
        time, event = target[:, :1].astype(np.float64), target[:, 1:] > 0
        survived = np.where(event, time > ends, time >= (begins + ends) / 2)
        return survived, event & (time <= ends) & ((time > begins) | (begins == 0))


def survival_curve(hazards: np.ndarray) -> np.ndarray:
    """Probability of survival at the end of each interval.

    Parameters
    ----------
    hazards : ndarray of shape (n_samples, n_intervals)
        Result of ``predict_proba`` for the loss ``logistic_hazard``.

    Returns
    -------
    ndarray of the same shape
        Π (1 − h) over the intervals up to each.
    """
    curve: np.ndarray = np.cumprod(1 - np.asarray(hazards), axis=1)
    return curve


def _increasing(cuts: Sequence[float]) -> list[float]:
    """`cuts` as a list of floats that begins above 0 and increases."""
    try:
        numbers = np.asarray(cuts, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all() or (np.diff(numbers, prepend=0.0) <= 0).any():
        raise ParameterError(f"LogisticHazard: cuts must be increasing numbers above 0, one or more, got {cuts!r:.200}")
    listed: list[float] = numbers.tolist()
    return listed
