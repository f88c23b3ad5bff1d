"""Loss and temperature of averaged outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import rescaled
from nncore.contract import Loss
from nncore.data import as_targets
from nncore.errors import ParameterError
from nncore.network import find_temperature, link_name, questions
from nncore.registry import resolve

#: Links that convert logits to class probabilities.
OF_CLASSES = ("softmax", "softmax_heads", "sigmoid")

#: Probabilities are clipped this far from 0 and 1: members compute in float32, so their logits are no more precise.
NEAREST = float(np.finfo(np.float32).epsneg)
TINY = float(np.finfo(np.float32).tiny)


def has_temperature(loss: Loss) -> bool:
    """Whether the loss has class logits, which a temperature can divide."""
    return link_name(loss) in OF_CLASSES


def has_average(loss: Loss) -> bool:
    """Whether the loss of an average of outputs can be computed."""
    return link_name(loss) in (None, "exp", *OF_CLASSES)


def check_averages(loss: Loss) -> None:
    """Raise `ParameterError` if the loss of an average of outputs cannot be computed."""
    if not has_average(loss):
        raise ParameterError(
            f"the mean of several networks has no {loss!r}, whose link is {loss.link!r}: use n_ens=1 and no tune, or a metric as scoring"
        )


def before_link(outputs: NDArray[np.floating], loss: Loss) -> NDArray[np.float64]:
    """Invert the link of the loss: probabilities become logits, rates become logarithms.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_outputs)
        Outputs after the link, such as the mean of several networks.
    loss : Loss
        A loss that `check_averages` accepts.
    """
    values, link = np.asarray(outputs, np.float64), link_name(loss)
    if link is None:
        return values
    if link == "sigmoid":
        inside = np.clip(values, TINY, 1 - NEAREST)
        return np.log(inside) - np.log1p(-inside)
    return np.log(np.maximum(values, TINY))


def mean_loss(outputs: NDArray[np.floating], target: np.ndarray, weights: NDArray[np.floating] | None, loss: Loss) -> float:
    """The loss of outputs that are given after its link. NaN if all weights are 0."""
    logits = before_link(outputs, loss)
    judge = loss.for_evaluation()
    counts = np.ones(len(logits)) if weights is None else rescaled(weights)
    total = counts.sum()
    if not total:
        return float("nan")
    shares = (counts / total,) if judge.needs_batch else ()
    losses = judge.forward(logits, as_targets(target, judge, logits.shape[1], logits.dtype).values, *shares)
    return float(counts @ losses / total)


def temperature_of(outputs: NDArray[np.floating], target: np.ndarray, weights: NDArray[np.floating] | None, loss: Loss) -> float:
    """Find the temperature for outputs after the link of a classification loss: see `nncore.network.find_temperature`.

    1 if all weights are 0.
    """
    if weights is not None and not weights.any():
        return 1.0
    logits = before_link(outputs, loss)
    targets = as_targets(target, loss, logits.shape[1], logits.dtype)
    return find_temperature(list(questions(loss, logits, targets)), weights)


def at_temperature(outputs: NDArray[np.floating], loss: Loss, temperature: float) -> NDArray[np.floating]:
    """Divide the logits of outputs by the temperature."""
    if temperature == 1:
        return outputs
    assert loss.link is not None, "only probabilities have a temperature"
    scaled: NDArray[np.floating] = resolve("activations", loss.link).forward(before_link(outputs, loss) / temperature)
    return scaled
