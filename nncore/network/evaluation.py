"""Loss and metrics of a network on data it is not trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from nncore import registry
from nncore._core import Program
from nncore.arguments import several
from nncore.contract import Activation, Loss, Metric, copied_deeply, goes_by_terms, native_kernel, weighted_sums
from nncore.data import Dataset, check_replaced
from nncore.network.network import Network
from nncore.network.work import Turns, Work, drive
from nncore.program import WORTH_WAKING, ProgramSpec, compile_loss, compile_scorer, threads_for
from nncore.typing import MetricLike

#: Outputs are scored in blocks of about this many bytes, which stay in a second-level cache.
OUTPUT_BYTES = 2**20
#: But of no fewer samples than this: a matrix product of few rows is slow.
FEWEST_ROWS = 512


def metric_name(metric: Metric) -> str:
    """Its column in the history."""
    return metric.label or registry.qualified_name("metrics", type(metric))


def metrics_for(loss: Loss, names: Sequence[MetricLike] | None) -> list[Metric]:
    """The metrics asked for, copies of one's own, or those that go with the loss."""
    return [copied_deeply(registry.resolve("metrics", name)) for name in (loss.metrics if names is None else several("metrics", names))]


def linked(network: Network, outputs: np.ndarray) -> np.ndarray:
    """Outputs on the scale of the targets: what the loss's link makes of them, if it has one."""
    link = network.link
    return outputs if link is None else registry.resolve("activations", link).forward(outputs)


def score_dataset(network: Network, data: Dataset, metrics: Sequence[Metric]) -> dict[str, float]:
    """Mean loss and metrics of a network on data that is already checked: `nncore.Sequential.evaluate`."""
    return drive(Evaluation(network, data, metrics).turns())


#: Work on some samples, their inputs, where their outputs go, and the number of the first one.
Piece: TypeAlias = tuple[Work, np.ndarray, np.ndarray | None, int]


class Evaluation:
    """A network that is scored on one data set, once or after every epoch: what does not change in between is found out once.

    Outputs are made and scored in blocks, so that memory does not grow with the number of samples unless a metric needs all outputs at
    once. Where blocks end depends on nothing but the network, and no result on where they do.

    Parameters
    ----------
    network : Network
    data : Dataset
        Checked against the network and its loss.
    metrics : sequence of Metric
    """

    def __init__(self, network: Network, data: Dataset, metrics: Sequence[Metric]) -> None:
        assert network.loss is not None, "data is checked against a loss"
        self._network, self._data, self._names = network, data, [metric_name(metric) for metric in metrics]
        self._scores = Scores(network.link, data, metrics, math.prod(network.output_shape)) if metrics else None
        self._needs_batch = network.loss.needs_batch
        self._program: Program[ProgramSpec] | None = None
        self._progress: list[Any] = [0, 0.0, 0.0]
        self._outputs: np.ndarray | None = None  # of a block or, if the loss needs them at once, of all samples
        self._at_once = self._n_threads = 0
        self._pieces: list[Piece] | None = None  # where they are the same every time

    def turns(self) -> Turns[dict[str, float]]:
        """Work for the core; between two pieces of it other threads may use the network."""
        program = self._network.program_for_prediction()
        if program is not self._program:
            self._prepare(program)
        scores, progress, check_nan = self._scores, self._progress, program.spec.accepts_nan
        progress[:] = 0, 0.0, 0.0
        if scores is not None:
            scores.begin()
        for work, inputs, rows, first in self._pieces or self._blocks(program):
            progress[0], work.error = 0, None
            yield work
            work.check()
            if rows is not None:
                if check_nan:
                    check_replaced(inputs, rows, first)
                if scores is not None and not self._needs_batch:
                    scores.add(rows, first)
        if self._needs_batch:
            yield from self._whole_loss(program.spec)
        found = {"loss": progress[1] / progress[2]}
        if scores is not None:
            found |= zip(self._names, scores.found(), strict=True)
        return found

    def _prepare(self, program: Program[ProgramSpec]) -> None:
        spec, n_rows = program.spec, len(self._data)
        at_once = max(FEWEST_ROWS, OUTPUT_BYTES // (spec.n_outputs * spec.dtype.itemsize))
        if at_once > spec.max_rows:
            at_once -= at_once % spec.max_rows  # whole batches of the program
        self._at_once = n_rows if self._needs_batch else min(n_rows, at_once)
        if self._scores is not None or self._needs_batch or spec.accepts_nan:
            self._outputs = np.empty((self._at_once, spec.n_outputs), spec.dtype)
        self._n_threads = threads_for(None, spec.forward_seconds(self._at_once), WORTH_WAKING)
        self._program, self._pieces = program, list(self._blocks(program)) if self._data.in_place else None

    def _blocks(self, program: Program[ProgramSpec]) -> Iterator[Piece]:
        """The data, block by block, and the work of each."""
        first, outputs = 0, self._outputs
        for block in self._data.blocks(None, self._at_once):
            for part in block.parts(self._at_once):
                begin = first if self._needs_batch else 0
                rows = None if outputs is None else outputs[begin : begin + len(part)]
                if self._needs_batch:
                    work = Work(program, "predict", (part.inputs, rows), self._n_threads)
                else:
                    work = Work(program, "evaluate", (*part.fields, rows, math.inf, self._progress), self._n_threads)
                yield work, part.inputs, rows, first
                first += len(part)

    def _whole_loss(self, spec: ProgramSpec) -> Turns[None]:
        """The loss of all outputs, whose rows depend on each other, and then their scores."""
        data, loss, outputs = self._data, self._network.loss, self._outputs
        assert loss is not None, "it had one, and no fit takes it away"
        assert outputs is not None, "they were all kept"
        fields = (data.targets.reals, data.targets.labels, data.weights)
        program = compile_loss(loss, spec.n_outputs, len(data), spec.dtype)
        work = Work(program, "evaluate", (outputs, *fields, None, math.inf, self._progress), 1)
        yield work
        work.check()
        if self._scores is not None:
            self._scores.add(outputs, 0)


class Scores:
    """What several metrics make of outputs that come block by block.

    Parameters
    ----------
    link : str, dict or None
        The activation that makes predictions of outputs.
    data : Dataset
    metrics : sequence of Metric
    n_outputs : int
    """

    def __init__(self, link: str | dict[str, Any] | None, data: Dataset, metrics: Sequence[Metric], n_outputs: int) -> None:
        targets, weights = data.targets, data.weights
        self._target, self._weights, self._fields = targets.values, weights, (targets.reals, targets.labels, weights)
        weight = np.ones(len(data)) if weights is None else weights
        self._total = float(weight.sum())
        self._metrics = [metric.for_targets(self._target, weight) if goes_by_terms(metric) else metric for metric in metrics]
        resolved: Activation | None = None if link is None else registry.resolve("activations", link)
        of_link = None if resolved is None else native_kernel(resolved)
        self._link = resolved if of_link is None else None  # in Python
        kernels = [native_kernel(metric) if goes_by_terms(metric) and self._link is None else None for metric in self._metrics]
        self._compiled = [number for number, kernel in enumerate(kernels) if kernel is not None]
        self._by_terms = [i for i, metric in enumerate(self._metrics) if goes_by_terms(metric) and kernels[i] is None]
        self._whole = [i for i, metric in enumerate(self._metrics) if not goes_by_terms(metric)]
        self._scorer = compile_scorer(
            None if resolved is None or of_link is None else (resolved, of_link),
            [(self._metrics[i], kernel) for i, kernel in enumerate(kernels) if kernel is not None],
            n_outputs=n_outputs,
            n_targets=1 if targets.reals is None else targets.reals.shape[1],
            uses_labels=targets.reals is None,
            dtype=data.dtype,
        )
        self._sums: dict[int, np.ndarray | float] = {}
        self._predictions = np.empty((len(data), n_outputs), data.dtype) if self._whole else None

    def begin(self) -> None:
        """Before the first block."""
        self._scorer.begin()
        self._sums = dict.fromkeys(self._by_terms, 0.0)

    def add(self, outputs: np.ndarray, first: int) -> None:
        """Take the outputs of the samples from `first` on; nothing is left of them."""
        self._scorer.add(outputs, *self._fields, first)
        if not self._by_terms and not self._whole:
            return
        chosen = slice(first, first + len(outputs))
        predictions = outputs if self._link is None else self._link.forward(outputs)
        if self._predictions is not None:
            self._predictions[chosen] = predictions
        for number in self._by_terms:
            weight = np.ones(len(outputs)) if self._weights is None else self._weights[chosen]
            terms = self._metrics[number].terms(predictions, self._target[chosen])
            self._sums[number] = self._sums[number] + weighted_sums(terms, weight)

    def found(self) -> list[float]:
        """The scores, in the order of the metrics."""
        sums = self._sums | dict(zip(self._compiled, self._scorer.sums, strict=True))
        return [
            metric.score(self._predictions, self._target, self._weights)
            if i in self._whole and self._predictions is not None
            else metric.from_means(np.asarray(sums[i]) / self._total) if self._total > 0 else math.nan
            for i, metric in enumerate(self._metrics)
        ]  # fmt: skip
