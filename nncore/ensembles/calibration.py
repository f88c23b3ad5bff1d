"""Averages of outputs on the scale of logits: how good they are, and how sure they may be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import rescaled
from nncore.contract import Loss
from nncore.data import as_targets
from nncore.errors import ParameterError
from nncore.network import find_temperature, link_name, questions
from nncore.registry import resolve

#: Links that make probabilities of classes of logits.
OF_CLASSES = ("softmax", "softmax_heads", "sigmoid")

#: Probabilities this near to 1 are those of float32, which members have: their logits are not known any better.
NEAREST = float(np.finfo(np.float32).epsneg)
TINY = float(np.finfo(np.float32).tiny)


def has_temperature(loss: Loss) -> bool:
    """Whether there are logits of classes, which a temperature can divide."""
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
    """Numbers that the link of the loss makes these outputs of: logits of probabilities, logarithms of rates.

    Parameters
    ----------
    outputs : ndarray of shape (n_samples, n_outputs)
        After the link, such as the mean of several networks.
    loss : Loss
        One that `check_averages` lets pass.
    """
    values, link = np.asarray(outputs, np.float64), link_name(loss)
    if link is None:
        return values
    if link == "sigmoid":
        inside = np.clip(values, TINY, 1 - NEAREST)
        return np.log(inside) - np.log1p(-inside)
    return np.log(np.maximum(values, TINY))


def mean_loss(outputs: NDArray[np.floating], target: np.ndarray, weights: NDArray[np.floating] | None, loss: Loss) -> float:
    """The loss of outputs after its link; NaN if no sample has a weight."""
    logits = before_link(outputs, loss)
    judge = loss.for_evaluation()
    losses = judge.forward(logits, as_targets(target, judge, logits.shape[1], logits.dtype).values)
    counts = np.ones(len(losses)) if weights is None else rescaled(weights)
    total = counts.sum()
    return float(counts @ losses / total) if total else float("nan")


def temperature_of(outputs: NDArray[np.floating], target: np.ndarray, weights: NDArray[np.floating] | None, loss: Loss) -> float:
    """The temperature that suits outputs after the link of a loss of classes: see `nncore.network.find_temperature`.

    1 if no sample has a weight.
    """
    if weights is not None and not weights.any():
        return 1.0
    logits = before_link(outputs, loss)
    targets = as_targets(target, loss, logits.shape[1], logits.dtype)
    return find_temperature(list(questions(loss, logits, targets)), weights)


def at_temperature(outputs: NDArray[np.floating], loss: Loss, temperature: float) -> NDArray[np.floating]:
    """The same outputs with their logits divided by the temperature."""
    if temperature == 1:
        return outputs
    assert loss.link is not None, "only probabilities have a temperature"
    scaled: NDArray[np.floating] = resolve("activations", loss.link).forward(before_link(outputs, loss) / temperature)
    return scaled
