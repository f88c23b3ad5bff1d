"""Loss and metrics of a network on data it is not trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from nncore import registry
from nncore._core import INPUT_NOT_FINITE, Failure
from nncore.arguments import several
from nncore.contract import Loss, Metric, copied_deeply
from nncore.data import Dataset, check_replaced
from nncore.network.failures import explain
from nncore.network.network import Network
from nncore.network.work import Turns, Work, drive
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


def score_dataset(network: Network, data: Dataset, metrics: Sequence[Metric]) -> dict[str, float]:
    """Mean loss and metrics of a network on data that is already checked: `nncore.Sequential.evaluate`."""
    return drive(scoring(network, data, metrics))


def scoring(network: Network, data: Dataset, metrics: Sequence[Metric]) -> Turns[dict[str, float]]:
    """The same, by work for the core; between two pieces of it other threads may use the network."""
    program, loss = network.program_for_prediction(), network.loss
    assert loss is not None, "data is checked against a loss"
    outputs = np.empty((len(data), program.spec.n_outputs), network.dtype)
    progress, done = [0, 0.0, 0.0], 0
    n_threads = threads_for(None, program.spec.forward_seconds(len(data)), WORTH_WAKING)
    for block in data.blocks(None, program.spec.max_rows):
        progress[0] = 0
        rows = outputs[done : done + len(block)]
        if loss.needs_batch:
            work = Work(program, "predict", (block.inputs, rows), n_threads)
        else:
            fields = (block.inputs, block.reals, block.labels, block.weights)
            work = Work(program, "evaluate", (*fields, rows, math.inf, progress), n_threads)
        yield work
        work.check()
        if program.spec.accepts_nan:
            check_replaced(block.inputs, rows, done)
        done += len(block)
    if loss.needs_batch:
        program = compile_loss(loss, outputs.shape[1], len(data), network.dtype)
        fields = (outputs, data.targets.reals, data.targets.labels, data.weights)
        work = Work(program, "evaluate", (*fields, np.empty_like(outputs), math.inf, progress), 1)
        yield work
        work.check()
    scores = {"loss": progress[1] / progress[2]}
    predictions = linked(network, outputs)
    for metric in metrics:
        scores[metric_name(metric)] = metric.score(predictions, data.targets.values, data.weights)
    return scores
