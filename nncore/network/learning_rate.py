"""Learning-rate range test: find a learning rate for a network and its data."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore._core import permutation
from nncore.arguments import number, shown, whole_number
from nncore.data import Samples, as_rows, is_stream, some_rows
from nncore.errors import NonFiniteError, ParameterError
from nncore.network.sequential import Sequential
from nncore.typing import LossLike, OptimizerLike
from nncore.words import explains_calls

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nncore.displays.learning_rate import LearningRateDisplay

#: The search ends when the loss has risen above its minimum by this many times the initial loss.
_RISE = 3.0
#: Weight of the newest loss in the running mean for this.
_NEWEST = 0.3
#: A fall of fewer standard errors of the smoothed loss than this may be chance, and gives no suggestion.
_STANDARD_ERRORS = 4.0


@dataclass(frozen=True, eq=False)
class LearningRateSearch:
    """The result of `find_learning_rate`.

    Attributes
    ----------
    rates, losses : ndarray of shape (n_steps,), float64
        Learning rate of each step, and the loss before it, corrected for the difficulty of its batch.
    smoothed : ndarray of shape (n_steps,), float64
        `losses` without most of the noise of batches.
    suggestion : float or None
        Learning rate at which the loss falls fastest; None if it never falls by more than chance.
    stop_reason : str
        Why the search ended.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    suggestion: float | None
    stop_reason: str

    def plot(self, ax: Axes | None = None) -> LearningRateDisplay:
        """Plot the loss against the learning rate, see `nncore.displays.LearningRateDisplay`. Needs the extra ``plot``."""
        from nncore.displays.learning_rate import LearningRateDisplay

        return LearningRateDisplay.from_search(self, ax=ax)

    def __repr__(self) -> str:
        found = "no suggestion" if self.suggestion is None else f"suggestion {self.suggestion:.3g}"
        tried = f"{len(self.rates)} rates from {self.rates[0]:.3g} to {self.rates[-1]:.3g}"
        return f"LearningRateSearch: {found}; {tried}; {self.stop_reason}"


@explains_calls
def find_learning_rate(
    network: Sequential,
    X: Any,
    y: Any,
    *,
    loss: LossLike | None = None,
    optimizer: OptimizerLike | None = None,
    batch_size: int = 128,
    lowest: float = 1e-7,
    highest: float = 10.0,
    n_steps: int = 100,
    smoothing: float = 0.03,
    sample_weight: Any = None,
    weight_decay: float | None = None,
    rng: int | np.random.Generator | np.random.SeedSequence | None = None,
    dtype: str | np.dtype | type | None = None,
) -> LearningRateSearch:
    """Suggest a learning rate by a range test: train a copy with a rate that grows exponentially.

    The suggestion is the rate at which the smoothed loss falls most steeply against the logarithm of the rate, before its minimum. The
    search ends early if the loss diverges. The network itself is not changed.

    Parameters
    ----------
    network : Sequential
        The network, built or not. The search starts with its parameters and optimizer state, or with initial values.
    X, y : array-like
        Training data, as in `Sequential.fit`.
    loss, optimizer : str, instance or None
        As in `Sequential.fit`. The optimizer's own `lr` does not matter.
    batch_size : int, default 128
        Batch size of the later fit: the best rate depends on it.
    lowest, highest : float, default 1e-7 and 10
        First and last learning rate.
    n_steps : int, default 100
        Number of batches.
    smoothing : float, default 0.03
        Width of the smoothing (the standard deviation of its weights), as a fraction of `n_steps`.
    sample_weight, weight_decay, rng, dtype : optional
        As in `Sequential.fit`.

    Returns
    -------
    LearningRateSearch
        The result, with ``suggestion``, ``rates``, ``losses`` and ``plot()``.

    Raises
    ------
    ParameterError
        If the rates do not rise from above 0, or the optimizer has no `lr`.

    Notes
    -----
    Losses of different batches differ more than a step changes them. So each batch's loss is compared with its loss for the initial
    network. The reported loss is their difference plus the mean loss of the initial network.

    The smoothed loss is a local linear regression with Gaussian weights. A running mean would lag behind and shift the suggestion to the
    right. The suggestion uses the slope of the regression.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", 2017 (section 3.3).

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> X = np.random.default_rng(0).normal(size=(500, 4))
    >>> network = nn.Sequential(nn.Dense(16, activation="relu"), nn.Dense(1))
    >>> search = nn.find_learning_rate(network, X, X @ [1, -2, 3, 0], loss="mse", optimizer="adam", rng=0)
    >>> 1e-3 < search.suggestion < 1
    True
    """
    n_steps = whole_number("n_steps", n_steps, 10)
    lowest, highest, smoothing = number("lowest", lowest, 0), number("highest", highest, 0), number("smoothing", smoothing, 0)
    if not 0 < lowest < highest:
        raise ParameterError(f"lowest must be above 0 and below highest, got lowest={lowest!r}, highest={highest!r}")
    if not 0 < smoothing < 1:
        raise ParameterError(f"smoothing must be between 0 and 1, got {smoothing!r}")
    if not isinstance(network, Sequential):
        raise ParameterError(f"network must be a nncore.Sequential, got {shown(network)}")
    if is_stream(X, y):
        raise ParameterError("find_learning_rate needs arrays, not a stream: pass arrays of a few thousand samples of it")
    trial = copy.deepcopy(network)
    # A fit of no epochs checks and prepares all that a fit does. The optimizer is copied, since its rate is going to be changed.
    trial.fit(
        X,
        y,
        loss=loss,
        optimizer=copy.deepcopy(optimizer),
        epochs=0,
        batch_size=batch_size,
        sample_weight=sample_weight,
        weight_decay=weight_decay,
        rng=rng,
        dtype=dtype,
        progress=False,
    ).whole()
    if trial.optimizer is None or "lr" not in trial.optimizer.settings():
        raise ParameterError(f"{trial.optimizer!r} has no lr: choose an optimizer with a learning rate")
    rates = np.geomspace(lowest, highest, n_steps)
    samples, targets = as_rows(X, "X", trial.input_shape), np.asarray(y)
    weights = None if sample_weight is None else np.asarray(sample_weight)
    losses, stop_reason = _losses(trial, rates, samples, targets, weights, batch_size)
    rates = rates[: len(losses)]
    smoothed, suggestion = _suggest(rates, losses, smoothing * n_steps)
    return LearningRateSearch(rates, losses, smoothed, suggestion, stop_reason)


def _losses(
    trial: Sequential, rates: np.ndarray, samples: Samples, targets: np.ndarray, weights: np.ndarray | None, batch_size: int
) -> tuple[np.ndarray, str]:
    """Loss at every rate until it diverges, and why that was the end."""
    optimizer: Any = trial.optimizer
    start = copy.deepcopy(trial)
    before, changes = [], []  # loss of each batch for the network as it was, and how much it has changed since
    running = lowest = 0.0
    stop_reason = "all rates tried"
    for rate, rows in zip(rates, _batches(len(samples), batch_size, trial.seed), strict=False):
        optimizer.lr = float(rate)
        batch = some_rows(samples, rows), targets[rows], None if weights is None else weights[rows]
        start.n_steps, start.n_passes = trial.n_steps, 0  # so that dropout is the same
        start.forward(batch[0], training=True)
        at_first = start.backward(*batch[1:])
        try:
            change = trial.train_on_batch(*batch) - at_first
        except NonFiniteError:
            stop_reason = f"the loss was no longer finite at {rate:.3g}"
            break
        before.append(at_first)
        changes.append(change)
        running += _NEWEST * (change - running)
        lowest = min(lowest, running)
        if running > lowest + _RISE * abs(float(np.mean(before))):
            stop_reason = f"the loss diverged at {rate:.3g}"
            break
    return np.mean(before) + np.array(changes), stop_reason


def _batches(n_samples: int, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of one batch after the other, epoch after epoch in a new order."""
    epoch = 0
    while True:
        order = permutation(n_samples, seed, epoch)
        for start in range(0, max(n_samples - batch_size, 0) + 1, batch_size):  # whole batches, whose losses compare
            yield order[start : start + batch_size]
        epoch += 1


def _suggest(rates: np.ndarray, losses: np.ndarray, width: float) -> tuple[np.ndarray, float | None]:
    """The smoothed losses, and the rate at which they fall fastest."""
    # The last losses before the end may be astronomic, and would be all that is left after smoothing.
    clipped = np.minimum(losses, losses.min() + _RISE * abs(losses[0]))
    smoothed, slope, variance = _local_lines(clipped, width)
    lowest = int(smoothed.argmin())
    noise = float(np.std((clipped - smoothed)[: lowest + 1])) * float(np.sqrt(variance[: lowest + 1].max()))
    if lowest == 0 or smoothed[:lowest].max() - smoothed[lowest] <= _STANDARD_ERRORS * noise:
        return smoothed, None
    return smoothed, float(rates[int(slope[: lowest + 1].argmin())])


def _local_lines(values: np.ndarray, width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Local linear regression at every position with Gaussian weights.

    Returns
    -------
    level, slope : ndarray of shape (n,)
    variance : ndarray of shape (n,)
        Of `level`, for values that vary independently with variance 1.
    """
    distance = np.arange(len(values)) - np.arange(len(values))[:, None]  # (n, n): from the position of the row
    weight = np.exp(-0.5 * (distance / max(width, 0.5)) ** 2)
    weight /= weight.sum(axis=1, keepdims=True)
    mean = (weight * distance).sum(axis=1)
    spread = (weight * distance**2).sum(axis=1) - mean**2
    spread = np.where(spread > 0, spread, 1.0)  # a single value has no slope
    # Level and slope are linear in the values: the rows of these matrices are their coefficients.
    to_slope = weight * (distance - mean[:, None]) / spread[:, None]
    to_level = weight - mean[:, None] * to_slope
    return to_level @ values, to_slope @ values, (to_level**2).sum(axis=1)
