"""Temperature scaling: divide logits by one number to calibrate probabilities on held-out samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nncore.blocks import blocks
from nncore.contract import Loss, head_columns
from nncore.data import Targets, as_weights
from nncore.errors import ParameterError, ShapeError
from nncore.network.network import Network

#: Between which a temperature is looked for.
LOWEST, HIGHEST = 0.01, 100.0
#: Largest number of steps of Newton's method, or of bisection outside the bracket; bisection alone would need about 50.
MOST_STEPS = 100

#: Logits and targets of several classifications with equal numbers of classes, both (n_rows, n_questions, n_classes).
Questions = tuple[np.ndarray, np.ndarray]


def find_temperature(questions: Sequence[Questions], weights: np.ndarray | None = None) -> float:
    """Find the T that minimises the cross-entropy of softmax(z / T).

    Each target Y is smoothed to (1 − ε)Y + ε/C with ε = 1/(n + 1) for n samples and C classes, as in Platt's method. So T stays away from 0
    if every sample is classified correctly: n samples do not show the frequency of rarer errors (Laplace's rule of succession). The
    cross-entropy is convex in 1/T. Newton's method finds the minimum; bisection replaces steps outside the bracket.

    Parameters
    ----------
    questions : sequence of (ndarray, ndarray)
        Logits z and targets Y, both of shape ``(n_samples, n_questions, n_classes)``; each row of Y sums to 1.
    weights : ndarray of shape (n_samples,), optional
        Weights of the samples; n is then (Σw)²/Σw².

    Returns
    -------
    float
        From 0.01 to 100.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", 2017. On ε: Platt, "Probabilistic outputs for support
    vector machines", 1999.
    """
    n_samples = len(questions[0][0])
    w = np.ones(n_samples) if weights is None else weights / weights.max()
    smoothing = 1 / (w.sum() ** 2 / np.square(w).sum() + 1)
    low, high = 1 / HIGHEST, 1 / LOWEST  # of 1/T
    inverse = 1.0
    for _ in range(MOST_STEPS):
        slope, curvature = _derivatives(questions, w, smoothing, inverse)
        low, high = (low, inverse) if slope > 0 else (inverse, high)
        newton = inverse - slope / curvature if curvature > 0 else np.inf
        following = newton if low < newton < high else (low * high) ** 0.5
        if abs(following - inverse) <= 1e-12 * inverse:
            break
        inverse = following
    return float(1 / inverse)


def _derivatives(questions: Sequence[Questions], weights: np.ndarray, smoothing: float, inverse: float) -> tuple[float, float]:
    """The first and the second derivative, with respect to 1/T, of the weighted sum of all cross-entropies."""
    slope = curvature = 0.0
    for logits, targets in questions:
        for rows in blocks(len(logits), 64 * logits[0].size):
            z = logits[rows].astype(np.float64)
            z -= z.max(axis=2, keepdims=True)
            p = np.exp(inverse * z)
            p /= p.sum(axis=2, keepdims=True)
            wanted = (1 - smoothing) * targets[rows] + smoothing / z.shape[2]
            mean = (p * z).sum(axis=2)
            slope += float(weights[rows] @ (mean - (wanted * z).sum(axis=2)).sum(axis=1))
            curvature += float(weights[rows] @ ((p * z**2).sum(axis=2) - mean**2).sum(axis=1))
    return slope, curvature


def calibrate(network: Network, predict: Callable[[], np.ndarray], y: Any, sample_weight: Any) -> float:
    """See `nncore.Sequential.calibrate`; `predict` computes the network's current outputs for the samples."""
    loss = network._needs("loss")
    outputs = predict()
    targets = network._known.targets.checked(y, network.dtype)
    weights = as_weights(sample_weight, len(outputs))
    if len(targets) != len(outputs):
        raise ShapeError(f"X has {len(outputs)} samples, y has {len(targets)}")
    rows = outputs.reshape(len(outputs), -1)
    temperature = find_temperature(list(questions(loss, rows, targets)), weights)
    last = next((stage for stage in reversed(network._built.stages) if stage.own_tensors), None)
    if last is None:
        raise ParameterError("calibrate divides the parameters of the last layer by the temperature, and this network has none")
    values = network.parameters[last.parameters]
    before = values.copy()
    values /= temperature
    # A layer that is not linear in its parameters, or shares them, behaves differently. Its kind does not show it, so it is tried.
    error = np.abs(predict() - outputs / temperature).max(initial=0)
    if not error <= 1e3 * float(np.finfo(network.dtype).eps) * np.abs(outputs / temperature).max(initial=0):
        values[...] = before
        raise ParameterError(
            "calibrate divides the parameters of the last layer by the temperature, but the outputs of this network are not proportional "
            f"to those of {last.name}: end it with a Dense layer whose weights are not shared"
        )
    return temperature


def link_name(loss: Loss) -> str | None:
    """The activation that is the link of the loss, if it has one."""
    name: str | None = loss.link["name"] if isinstance(loss.link, Mapping) else loss.link
    return name


def questions(loss: Loss, logits: np.ndarray, targets: Targets) -> Iterator[Questions]:
    """The classifications of logits (n_rows, n_outputs), for `find_temperature`.

    Raises
    ------
    ParameterError
        If the outputs of the loss are not logits of classes.
    """
    link, name = loss.link, link_name(loss)
    if name == "softmax":
        of_classes = np.eye(logits.shape[1])[targets.labels] if targets.reals is None else targets.reals.astype(np.float64)
        yield logits[:, None], of_classes[:, None]
    elif name == "sigmoid":
        yes = targets.values.astype(np.float64).reshape(logits.shape)
        yield np.stack([np.zeros_like(logits), logits], axis=2), np.stack([1 - yes, yes], axis=2)
    elif name == "softmax_heads":
        assert isinstance(link, Mapping), "a link with arguments is a dict"
        for head, columns in enumerate(head_columns(link["n_classes"])):
            own = logits[:, columns]
            yield own[:, None], np.eye(own.shape[1])[targets.values[:, head].astype(np.int64)][:, None]
    else:
        raise ParameterError(f"calibrate needs logits of classes, which a network for {loss!r} does not have")
