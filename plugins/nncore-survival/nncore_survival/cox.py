"""Cox's partial likelihood."""

from __future__ import annotations

import numpy as np

from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Loss
from nncore_survival.targets import N_TARGETS, check_survival, example_survival


class Cox(Loss):
    """E = Σᵢ wᵢ δᵢ (log Σⱼ wⱼ exp(ηⱼ) − ηᵢ), j over the samples at risk at the time of i: those whose time is not before it.

    The negative log partial likelihood of proportional hazards. The one output η is the logarithm of the hazard, up to a constant. Events
    have δ 1, and censored samples 0. The shares w of the samples in the batch sum to 1. The gradient is
    ∂E/∂ηₖ = wₖ exp(ηₖ) Σᵢ wᵢ δᵢ / Σⱼ wⱼ exp(ηⱼ) − wₖ δₖ, i over the events up to the time of k.

    Parameters
    ----------
    ties : {"breslow", "efron"}, default "breslow"
        How events at the same time are handled. Breslow: each of them has all of them at risk. Efron: of d tied events, the l-th has
        1 − l / d of the tied risk left (l from 0). Each counts with the mean of their weights, as in R's ``coxph``. With Breslow's
        way a sample of weight 2 is the same as the sample twice; with Efron's it is not.

    Raises
    ------
    ParameterError
        If `ties` is another word.
    ShapeError
        If the network has more than one output.
    DataError
        If a time is negative, or an event is neither 0 nor 1.

    Notes
    -----
    Targets have two columns, time and event. The loss compares only samples of the same batch: use large batches, or best all samples. The
    constant log n that shares bring in does not matter to training.

    Computed in logarithms, so that no exponential overflows or vanishes, however far apart the outputs are. It costs a sort of the batch.

    References
    ----------
    Cox, "Regression models and life-tables", 1972. Breslow, "Covariance analysis of censored survival data", 1974. Efron, "The efficiency
    of Cox's likelihood function for censored data", 1977. Katzman et al., "DeepSurv", 2018.
    """

    needs_batch = True
    output_domain = "logits"
    metrics = ("nncore-survival/concordance",)

    def __init__(self, ties: str = "breslow") -> None:
        self.ties = ties

    def validate(self) -> None:
        super().validate()
        if self.ties not in ("breslow", "efron"):
            raise ParameterError(f"Cox: ties must be 'breslow' or 'efron', got {self.ties!r}")

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs != 1:
            raise ShapeError(f"Cox: the network needs 1 output, the logarithm of the hazard, it has {n_outputs}")
        return N_TARGETS

    def check_targets(self, target: np.ndarray, name: str) -> None:
        check_survival(target, name)

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray:
        return example_survival(rng, n_rows, 4.0)

    def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        risks = _Risks(output, target, weight, self.ties)
        values = np.zeros(len(output))
        values[risks.events] = risks.mean_log_risk[risks.group_of_events] - risks.eta[risks.events]
        return values.astype(output.dtype)

    def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        risks = _Risks(output, target, weight, self.ties)
        gradient = np.exp(risks.log_risk + risks.log_hazard[risks.group])
        events = risks.events
        gradient[events] -= np.exp(risks.log_risk[events] + risks.log_spared[risks.group_of_events]) + weight[events]
        return gradient[:, None].astype(output.dtype)


class _Risks:
    """Common parts of value and gradient, in float64 and in logarithms; a *group* is all samples of one time.

    Attributes
    ----------
    eta, log_risk : ndarray of shape (n_rows,)
        Outputs; log(w exp(η)), −∞ for samples of weight 0.
    group : ndarray of shape (n_rows,)
        In the order of time.
    events, group_of_events : ndarray of shape (n_events,)
        Rows with an event and a weight; their groups.
    mean_log_risk : ndarray of shape (n_groups,)
        Mean over the tied events of the logarithm of the risk that each of them is compared with; 0 for a group without events.
    log_hazard, log_spared : ndarray of shape (n_groups,)
        log of the sum, over events up to this time, of weight over risk; of what Efron's way takes off that for the tied events themselves.
    """

    def __init__(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray, ties: str) -> None:
        self.eta = output[:, 0].astype(np.float64)
        with np.errstate(divide="ignore"):
            self.log_risk = self.eta + np.log(weight.astype(np.float64))
        times, self.group = np.unique(target[:, 0], return_inverse=True)
        n_groups = len(times)
        self.events = np.flatnonzero((target[:, 1] > 0) & (weight > 0))
        self.events = self.events[np.argsort(self.group[self.events], kind="stable")]
        self.group_of_events = group = self.group[self.events]
        n_tied = np.bincount(group, minlength=n_groups)
        at_risk = np.logaddexp.accumulate(_log_sums(self.log_risk, self.group, n_groups)[::-1])[::-1]
        spared = np.zeros(len(group))  # how much of the tied risk each event does without
        if ties == "efron":
            before = np.cumsum(n_tied) - n_tied
            spared = (np.arange(len(group)) - before[group]) / n_tied[group]
        tied = _log_sums(self.log_risk[self.events], group, n_groups)
        log_risks = at_risk[group] + np.log1p(-spared * np.exp(tied[group] - at_risk[group]))
        self.mean_log_risk = np.bincount(group, log_risks, minlength=n_groups) / np.maximum(n_tied, 1)
        weights = np.bincount(group, weight[self.events], minlength=n_groups)
        with np.errstate(divide="ignore"):
            log_weight = np.log(weights / np.maximum(n_tied, 1))  # of each tied event, −∞ where there is none
            log_spared = np.log(spared)
        self.log_hazard = np.logaddexp.accumulate(_log_sums(-log_risks, group, n_groups) + log_weight)
        self.log_spared = _log_sums(log_spared - log_risks, group, n_groups) + log_weight


def _log_sums(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """log Σ exp(values) of each group; −∞ for one without values."""
    sums = np.full(n_groups, -np.inf)
    order = np.argsort(group, kind="stable")
    present, begins = np.unique(group[order], return_index=True)
    if len(present):
        sums[present] = np.logaddexp.reduceat(values[order], begins)
    return sums
