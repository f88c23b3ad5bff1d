"""Temperature scaling: logits divided by one number, so that probabilities are as sure as held-out samples say."""

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
#: Steps of Newton's method, or of bisection where that leaves the bracket: the latter alone would need about 50 for all digits.
MOST_STEPS = 100

#: Logits and targets of several questions with as many classes each, both (n_rows, n_questions, n_classes).
Questions = tuple[np.ndarray, np.ndarray]


def find_temperature(questions: Sequence[Questions], weights: np.ndarray | None = None) -> float:
    """T that makes the cross-entropy of softmax(z / T) smallest.

    Each target Y counts as (1 − ε)Y + ε/C with ε = 1/(n + 1) for n samples and C classes. So T stays away from 0 where every sample is
    classified correctly: n samples do not show how frequent errors are that are rarer than that (Laplace's rule of succession, as in
    Platt's method). In 1/T the cross-entropy is convex: Newton's method finds the minimum, and bisection takes over where a step leaves
    the bracket.

    Parameters
    ----------
    questions : sequence of (ndarray, ndarray)
        Logits z and targets Y, both of shape ``(n_samples, n_questions, n_classes)``, each row of Y summing to 1; of all together.
    weights : ndarray of shape (n_samples,), optional
        How much each sample counts; n is then (Σw)²/Σw².

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
    """See `nncore.Sequential.calibrate`; `predict` gives the network's outputs for the samples, as it is then."""
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
    # What is not linear in its parameters, or shares them, does otherwise, and is not known to be so by its kind.
    error = np.abs(predict() - outputs / temperature).max(initial=0)
    if not error <= 1e3 * float(np.finfo(network.dtype).eps) * np.abs(outputs / temperature).max(initial=0):
        values[...] = before
        raise ParameterError(
            "calibrate divides the parameters of the last layer by the temperature, but the outputs of this network do not follow those "
            f"of {last.name}: let it end with a Dense layer whose weights are not shared"
        )
    return temperature


def link_name(loss: Loss) -> str | None:
    """The activation that is the link of the loss, if it has one."""
    name: str | None = loss.link["name"] if isinstance(loss.link, Mapping) else loss.link
    return name


def questions(loss: Loss, logits: np.ndarray, targets: Targets) -> Iterator[Questions]:
    """The questions that logits (n_rows, n_outputs) answer, for `find_temperature`.

    Raises
    ------
    ParameterError
        If the outputs of the loss are no logits of classes.
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
        raise ParameterError(f"calibrate scales the logits of classes; the outputs of a network for {loss!r} are none")
