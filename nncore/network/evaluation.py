"""Loss and metrics of a network on data it is not trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nncore import registry
from nncore._core import INPUT_NOT_FINITE, Failure, Turn
from nncore.arguments import several
from nncore.contract import Loss, Metric, copied_deeply
from nncore.data import Dataset, check_replaced
from nncore.network.failures import explain, explained
from nncore.network.network import Network
from nncore.program import WORTH_WAKING, compile_loss, threads_for
from nncore.typing import MetricLike


def metric_name(metric: Metric) -> str:
    """Its column in the history."""
    return metric.label or registry.qualified_name("metrics", type(metric))


def metrics_for(loss: Loss, names: Sequence[MetricLike] | None) -> list[Metric]:
    """The metrics asked for, copies of one's own, or those that go with the loss."""
    return [copied_deeply(registry.resolve("metrics", name)) for name in (loss.metrics if names is None else several("metrics", names))]


def linked(network: Network, outputs: np.ndarray) -> np.ndarray:
    """Outputs on the scale of the targets: what the loss's link makes of them, if it has one."""
    program = network.program_for_link()
    if program is None:
        return outputs
    rows = outputs.reshape(len(outputs), program.spec.n_outputs)
    predictions = np.empty_like(rows)
    try:
        program.predict(rows, predictions, threads_for(None, program.spec.forward_seconds(len(rows)), WORTH_WAKING))
    except Failure as failure:
        if failure.status != INPUT_NOT_FINITE:
            raise explain(program, failure) from None
        # The core takes no numbers that overflowed in the network; what they become, the activation itself says.
        is_finite = np.isfinite(rows).all(axis=1)
        predictions[is_finite] = linked(network, rows[is_finite])
        predictions[~is_finite] = registry.resolve("activations", network.link).forward(rows[~is_finite])
    return predictions.reshape(outputs.shape)


def score_dataset(network: Network, data: Dataset, metrics: Sequence[Metric], turn: Turn | None = None) -> dict[str, float]:
    """Mean loss and metrics of a network on data that is already checked: `nncore.Sequential.evaluate`.

    A fit, in which no other thread can change parameters, hands its `turn` over, and others may use the network while it is validated.
    """
    program, loss = network.program_for_prediction(), network.loss
    assert loss is not None, "data is checked against a loss"
    outputs = np.empty((len(data), program.spec.n_outputs), network.dtype)
    progress, done = [0, 0.0, 0.0], 0
    n_threads = threads_for(None, program.spec.forward_seconds(len(data)), WORTH_WAKING)
    for block in data.blocks(None, program.spec.max_rows):
        progress[0] = 0
        rows = outputs[done : done + len(block)]
        with explained(program):
            if loss.needs_batch:
                program.predict(block.inputs, rows, n_threads)
            else:
                program.evaluate(block.inputs, block.reals, block.labels, block.weights, rows, math.inf, progress, n_threads)
        if program.spec.accepts_nan:
            check_replaced(block.inputs, rows, done)
        done += len(block)
        if turn is not None:
            turn.give_way()
    if loss.needs_batch:
        program = compile_loss(loss, outputs.shape[1], len(data), network.dtype)
        with explained(program):
            fields = (data.targets.reals, data.targets.labels, data.weights)
            program.evaluate(outputs, *fields, np.empty_like(outputs), math.inf, progress, 1)
    scores = {"loss": progress[1] / progress[2]}
    predictions = linked(network, outputs)
    for metric in metrics:
        scores[metric_name(metric)] = metric.score(predictions, data.targets.values, data.weights)
    return scores
