"""A loss of whole batches as an author would write it: Cox's partial likelihood, and a row-by-row oracle."""

from __future__ import annotations

import numpy as np

from nncore.errors import DataError, ShapeError
from nncore.plugin import Loss


class Cox(Loss):
    """E = Σᵢ wᵢ δᵢ (log Σⱼ wⱼ exp(ηⱼ) − ηᵢ), j over the samples still at risk at the time of i; Breslow's way with ties.

    Targets are a time and whether the event happened then (δ = 1) or was not seen (0); w are the shares of the samples in the batch.
    """

    needs_batch = True

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs != 1:
            raise ShapeError(f"Cox: the network needs 1 output, the log of the hazard, it has {n_outputs}")
        return 2

    def check_targets(self, target: np.ndarray, name: str) -> None:
        wrong = np.flatnonzero((target[:, 1] != 0) & (target[:, 1] != 1))
        if len(wrong):
            raise DataError(f"{name} is {target[wrong[0], 1]:g} at row {wrong[0]}, column 1: 1 is an event, 0 none")

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray:
        return np.column_stack([rng.integers(1, 9, n_rows) / 4, rng.integers(2, size=n_rows)])

    def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        eta, event, _, at_risk, shift = self._risks(output, target, weight)
        return (event * (np.log(np.where(event > 0, at_risk, 1)) + shift - eta)).astype(output.dtype)

    def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        _, event, risk, at_risk, _ = self._risks(output, target, weight)
        time, share = target[:, 0], weight * event / np.where(event > 0, at_risk, 1)
        order = np.argsort(time, kind="stable")
        before = np.cumsum(share[order])[np.searchsorted(time[order], time, side="right") - 1]  # of events up to each sample's time
        return (risk * before - weight * event)[:, None].astype(output.dtype)

    def _risks(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, ...]:
        """η, δ without samples of weight 0, w exp(η − shift), its sum over those at risk, and the shift; each (n_rows,) but the last."""
        eta, time = output[:, 0].astype(np.float64), target[:, 0]
        shift = eta.max()
        risk = weight * np.exp(eta - shift)
        order = np.argsort(-time, kind="stable")
        at_risk = np.cumsum(risk[order])[np.searchsorted(-time[order], -time, side="right") - 1]
        return eta, target[:, 1] * (weight > 0), risk, at_risk, shift


def partial_likelihood(eta: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> float:
    """The partial likelihood from its definition, in float64."""
    eta, time, event = np.asarray(eta, np.float64).ravel(), target[:, 0], target[:, 1]
    weight = np.ones(len(eta)) if weight is None else np.asarray(weight, np.float64)
    weight = weight / weight.sum()
    total = 0.0
    for i in np.flatnonzero(event):
        at_risk = time >= time[i]
        total += weight[i] * (np.log((weight[at_risk] * np.exp(eta[at_risk])).sum()) - eta[i])
    return total
