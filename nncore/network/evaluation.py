"""Loss and metrics of a network on data it is not trained on."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from nncore import registry
from nncore._core import INPUT_NOT_FINITE, Failure, Judge, Program
from nncore.arguments import several
from nncore.blocks import rows_at_once
from nncore.contract import Loss, Metric, copied_deeply, goes_by_terms, native_kernel, weighted_sums
from nncore.data import Dataset, check_replaced
from nncore.network.failures import explain
from nncore.network.network import Network
from nncore.network.work import Turns, Work
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
    found = []
    for name in loss.metrics if names is None else several("metrics", names):
        metric = registry.resolve("metrics", name)
        found.append(copied_deeply(metric) if metric is name else metric)
    return found


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


#: Work on some samples, their inputs, where their outputs go, and the number of the first one.
Piece: TypeAlias = tuple[Work, np.ndarray, np.ndarray | None, int]


class Evaluation:
    """A network that is scored on one data set, once or after every epoch: what does not change in between is found out once.

    Outputs are made and scored in blocks, so that memory does not grow with the number of samples unless a metric needs all outputs at
    once. Where blocks end depends on nothing but the network, so that the bits of results do not depend on threads.

    Parameters
    ----------
    network : Network
    data : Dataset
        Checked against the network and its loss.
    metrics : sequence of Metric
    prefix : str, default ""
        Of the names of results.
    scorings : dict, optional
        What `MetricsOfLoss` keeps, if the metrics are its own.

    Attributes
    ----------
    metrics : sequence of Metric
    n_sums : int
        How many numbers its judge fills.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        metrics: Sequence[Metric],
        prefix: str = "",
        scorings: dict[int, Scoring] | None = None,
    ) -> None:
        assert network.loss is not None, "data is checked against a loss"
        self.metrics = metrics
        self._network, self._data = network, data
        self._loss_name, self._names = f"{prefix}loss", [prefix + metric_name(metric) for metric in metrics]
        self._scores = Scores(data, metrics, math.prod(network.output_shape), scorings) if metrics else None
        self.n_sums = 2 + (0 if self._scores is None else self._scores.n_sums)
        self._needs_batch = network.loss.needs_batch
        self._program: Program[ProgramSpec] | None = None
        self._progress: list[Any] = [0, 0.0, 0.0]
        self._outputs: np.ndarray | None = None  # of a block or, if the loss needs them at once, of all samples
        self._at_once = self._n_threads = 0
        self._pieces: list[Piece] | None = None  # where they are the same every time
        self._link: Program[ProgramSpec] | None = None
        self._judge: Judge | None = None  # of the program and the link

    def judge(self) -> Judge | None:
        """What does all of it in the core, behind an epoch of training; None if some of it is done in Python, or in several blocks."""
        network = self._network
        link = network.program_for_link() if self.metrics else None
        if self._program is None or self._program is not network._programs.prediction or self._link is not link:
            program = network.program_for_prediction()
            self._prepare(program)
            self._link, self._judge = link, self._made_judge(program, link)
        return self._judge

    def _made_judge(self, program: Program[ProgramSpec], link: Program[ProgramSpec] | None) -> Judge | None:
        spec, scores, pieces = program.spec, self._scores, self._pieces
        runs_python = program.runs_python or (link is not None and any(op.kind == "python" for op in link.spec.ops))
        if runs_python or self._needs_batch or spec.accepts_nan or pieces is None or len(pieces) > 1:
            return None
        if scores is not None and not scores.are_compiled:
            return None
        predictions = None if link is None or self._outputs is None else np.empty_like(self._outputs)
        fields = next(self._data.blocks(None, self._at_once)).fields
        return Judge(program, fields, None if scores is None else scores.scorer, link, self._outputs, predictions, self._n_threads)

    def add_scores(self, found: Sequence[dict[str, float]], sums: np.ndarray) -> None:
        """The results of several epochs, from what the judge has filled: a row for each, float64."""
        for scores, (loss_sum, weight_sum) in zip(found, sums[:, :2].tolist(), strict=True):
            scores[self._loss_name] = loss_sum / weight_sum
        if self._scores is not None:
            for name, column in zip(self._names, self._scores.of_sums(sums[:, 2:]), strict=True):
                for scores, score in zip(found, column, strict=True):
                    scores[name] = score

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
                    scores.add(linked(self._network, rows), first)
        if self._needs_batch:
            yield from self._whole_loss(program.spec)
        found = {self._loss_name: progress[1] / progress[2]}
        if scores is not None:
            found |= zip(self._names, scores.found(), strict=True)
        return found

    def _prepare(self, program: Program[ProgramSpec]) -> None:
        spec, n_rows = program.spec, len(self._data)
        at_once = max(FEWEST_ROWS, rows_at_once(spec.n_outputs * spec.dtype.itemsize, of=OUTPUT_BYTES))
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
            self._scores.add(linked(self._network, outputs), 0)


class Scoring:
    """What several metrics need for targets of one kind, whatever the samples are.

    Parameters
    ----------
    metrics : list of Metric
        As they are for the targets.
    n_outputs : int
    n_targets : int
        Columns of real targets; 0 for class indices.
    dtype : dtype

    Attributes
    ----------
    compiled, by_terms : list of int
        Which metrics have a compiled form, and which are computed from their terms in Python.
    scorer : Scorer or None
        Of those with a compiled form.
    n_sums : int
        How many sums that has.
    needs_all : bool
        Whether a metric needs all predictions at once.
    """

    def __init__(self, metrics: list[Metric], n_outputs: int, n_targets: int, dtype: np.dtype) -> None:
        self.metrics = metrics
        kernels = {i: native_kernel(metric) for i, metric in enumerate(metrics) if goes_by_terms(metric)}
        compiled = {i: kernel for i, kernel in kernels.items() if kernel is not None}
        self.by_terms = [i for i in kernels if i not in compiled]
        self.compiled, self.scorer = list(compiled), None
        if compiled:
            self.scorer = compile_scorer(
                [(metrics[i], kernel) for i, kernel in compiled.items()],
                n_outputs=n_outputs,
                n_targets=n_targets or 1,
                uses_labels=n_targets == 0,
                dtype=dtype,
            )
        self.n_sums = 0 if self.scorer is None else sum(map(len, self.scorer.sums))
        self.needs_all = len(kernels) < len(metrics)


class Scores:
    """What several metrics make of predictions that come block by block.

    Parameters
    ----------
    data : Dataset
    metrics : sequence of Metric
    n_outputs : int
    scorings : dict, optional
        As `Evaluation` takes it.

    Attributes
    ----------
    scorer : Scorer or None
        Of the metrics with a compiled form.
    n_sums : int
        How many sums that has.
    are_compiled : bool
        Whether all of them are.
    """

    def __init__(self, data: Dataset, metrics: Sequence[Metric], n_outputs: int, scorings: dict[int, Scoring] | None = None) -> None:
        targets, weights = data.targets, data.weights
        self._target, self._weights, self._fields = targets.values, weights, (targets.reals, targets.labels, weights)
        weight = np.ones(len(data)) if weights is None else weights
        self._total = float(weight.sum())
        self._metrics = [metric.for_targets(self._target, weight) if goes_by_terms(metric) else metric for metric in metrics]
        self._kind = 0 if targets.reals is None else targets.reals.shape[1]
        # What a metric knows of these targets, it does not know of others.
        is_for_all = scorings is not None and all(map(operator.is_, self._metrics, metrics))
        self._scorings = scorings if is_for_all else None
        kept = None if self._scorings is None else self._scorings.pop(self._kind, None)
        self._scoring = Scoring(self._metrics, n_outputs, self._kind, data.dtype) if kept is None else kept
        self._by_terms, self._compiled, self.scorer = self._scoring.by_terms, self._scoring.compiled, self._scoring.scorer
        self._sums: dict[int, np.ndarray] = {}
        self.n_sums = self._scoring.n_sums
        self.are_compiled = len(self._compiled) == len(self._metrics)
        self._predictions = np.empty((len(data), n_outputs), data.dtype) if self._scoring.needs_all else None

    def begin(self) -> None:
        """Before the first block."""
        if self.scorer is not None:
            self.scorer.begin()
            self._sums = dict(zip(self._compiled, self.scorer.sums, strict=True))
        for number in self._by_terms:
            self._sums[number] = np.zeros(1)

    def add(self, predictions: np.ndarray, first: int) -> None:
        """Take those of the samples from `first` on."""
        if self.scorer is not None:
            self.scorer.add(predictions, *self._fields, first)
        chosen = slice(first, first + len(predictions))
        if self._predictions is not None:
            self._predictions[chosen] = predictions
        for number in self._by_terms:
            weight = np.ones(len(predictions)) if self._weights is None else self._weights[chosen]
            terms = self._metrics[number].terms(predictions, self._target[chosen])
            self._sums[number] = self._sums[number] + weighted_sums(terms, weight)

    def of_sums(self, sums: np.ndarray) -> list[list[float]]:
        """For each metric, all of which are compiled, the scores of several epochs, from the scorer's sums (n_epochs, n_sums)."""
        assert self.scorer is not None, "it has made the sums"
        scores, place = [], 0
        for metric, kept in zip(self._metrics, self.scorer.sums, strict=True):
            own = sums[:, place : place + len(kept)]
            place += len(kept)
            scores.append([metric.from_means(means) for means in own / self._total] if self._total > 0 else [math.nan] * len(own))
        return scores

    def found(self) -> list[float]:
        """The scores, in the order of the metrics."""
        scores = []
        for number, metric in enumerate(self._metrics):
            if number in self._sums:
                scores.append(metric.from_means(self._sums[number] / self._total) if self._total > 0 else math.nan)
            else:
                assert self._predictions is not None, "all are kept for a metric that needs them"
                scores.append(metric.score(self._predictions, self._target, self._weights))
        if self._scorings is not None:
            self._scorings[self._kind] = self._scoring
        return scores
