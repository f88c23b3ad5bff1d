"""Loss and metrics of a network on test data."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any, TypeAlias

import numpy as np

from nncore import registry
from nncore._core import INPUT_NOT_FINITE, Failure, Judge, Program
from nncore.arguments import several
from nncore.blocks import rows_at_once
from nncore.contract import Loss, Metric, copied_deeply
from nncore.data import Block, Dataset, StreamedDataset, check_replaced
from nncore.network.failures import explain
from nncore.network.network import Network
from nncore.network.processes import Processes
from nncore.network.scores import Collected, Scores, Scoring
from nncore.network.work import Turns, Work, while_others_may
from nncore.program import WORTH_WAKING, ProgramSpec, compile_loss, threads_for
from nncore.typing import MetricLike

#: Outputs are scored in blocks of about this many bytes, which stay in a second-level cache.
OUTPUT_BYTES = 2**20
#: But of no fewer samples than this: a matrix product of few rows is slow.
FEWEST_ROWS = 512


def metric_name(metric: Metric) -> str:
    """Its column in the history."""
    return metric.label or registry.qualified_name("metrics", type(metric))


def metrics_for(loss: Loss, names: Sequence[MetricLike] | None) -> list[Metric]:
    """Copies of the requested metrics, or the metrics of the loss."""
    found = []
    for name in loss.metrics if names is None else several("metrics", names):
        metric = registry.resolve("metrics", name)
        found.append(copied_deeply(metric) if metric is name else metric)
    return found


def linked(network: Network, outputs: np.ndarray) -> np.ndarray:
    """Outputs on the scale of the targets, after the loss's link, if it has one."""
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
        # The core does not take numbers that overflowed in the network: the activation itself handles them.
        is_finite = np.isfinite(rows).all(axis=1)
        predictions[is_finite] = linked(network, rows[is_finite])
        predictions[~is_finite] = registry.resolve("activations", network.link).forward(rows[~is_finite])
    return predictions.reshape(outputs.shape)


#: Work on some samples, these, where their outputs go, and the number of the first one.
Piece: TypeAlias = tuple[Work, Block, np.ndarray | None, int]


class Evaluation:
    """Scores a network on one data set, once or after every epoch.

    Outputs are computed and scored in blocks, so that memory does not grow with the number of samples unless a metric needs all outputs.
    The blocks depend only on the network, so that results have the same bits for any number of threads.

    Parameters
    ----------
    network : Network
    data : Dataset or StreamedDataset
        Checked against the network and its loss.
    metrics : sequence of Metric
    prefix : str, default ""
        Of the names of results.
    scorings : dict, optional
        The cache of `MetricsOfLoss`, if the metrics are those of the loss.
    processes : Processes or None
        Processes that share the work.

    Attributes
    ----------
    metrics : sequence of Metric
    n_sums : int
        Length of the array that its judge fills.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset | StreamedDataset,
        metrics: Sequence[Metric],
        prefix: str = "",
        scorings: dict[int, Scoring] | None = None,
        processes: Processes | None = None,
    ) -> None:
        assert network.loss is not None, "data is checked against a loss"
        self.metrics = metrics
        self._network, self._data, self._processes = network, data, processes
        self._loss_name, self._names = f"{prefix}loss", [prefix + metric_name(metric) for metric in metrics]
        self._scores = Scores(data, metrics, math.prod(network.output_shape), scorings) if metrics else None
        self.n_sums = 2 + (0 if self._scores is None else self._scores.n_sums)
        self._needs_batch = network.loss.needs_batch
        self._is_sparse = data.is_sparse
        self._program: Program[ProgramSpec] | None = None
        self._progress: list[Any] = [0, 0.0, 0.0]
        self._outputs: np.ndarray | None = None  # of a block or, if the loss needs them at once, of all samples
        self._at_once = self._n_threads = 0
        self._pieces: list[Piece] | None = None  # where they are the same every time
        self._link: Program[ProgramSpec] | None = None
        self._judge: Judge | None = None  # of the program and the link

    def judge(self) -> Judge | None:
        """The object that scores in the core after an epoch; None if a part runs in Python, or in several blocks."""
        network = self._network
        link = network.program_for_link() if self.metrics else None
        program = network.program_for_prediction(sparse_inputs=self._is_sparse)
        if self._program is not program or self._link is not link:
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
        """The scores of several epochs from the numbers of the judge: a row for each, float64."""
        for scores, (loss_sum, weight_sum) in zip(found, sums[:, :2].tolist(), strict=True):
            scores[self._loss_name] = loss_sum / weight_sum
        if self._scores is not None:
            for name, column in zip(self._names, self._scores.of_sums(sums[:, 2:]), strict=True):
                for scores, score in zip(found, column, strict=True):
                    scores[name] = score

    def turns(self) -> Turns[dict[str, float]]:
        """Yield work for the core; between two pieces other threads may use the network."""
        program = self._network.program_for_prediction(sparse_inputs=self._is_sparse)
        if program is not self._program:
            self._prepare(program)
        scores, progress, check_nan = self._scores, self._progress, program.spec.accepts_nan
        progress[:] = 0, 0.0, 0.0
        if scores is not None:
            scores.begin()
        collected = Collected(self._data) if self._needs_batch and isinstance(self._data, StreamedDataset) else None
        with closing(self._blocks(program)) as pieces:
            for work, part, rows, first in self._pieces or pieces:
                progress[0], work.error = 0, None
                yield work
                work.check()
                if rows is None:
                    continue
                if check_nan:
                    check_replaced(part.matrix, rows, first)
                if collected is not None:
                    collected.add(rows, part)
                elif scores is not None and not self._needs_batch:
                    scores.add(linked(self._network, rows), part, first)
        if self._needs_batch:
            yield from self._whole_loss(program.spec, self._whole() if collected is None else collected.whole())
        found = {self._loss_name: progress[1] / progress[2]}
        if scores is not None:
            found |= zip(self._names, scores.found(), strict=True)
        return found

    def _prepare(self, program: Program[ProgramSpec]) -> None:
        spec, n_rows = program.spec, self._data.n_samples
        at_once = max(FEWEST_ROWS, rows_at_once(spec.n_outputs * spec.dtype.itemsize, of=OUTPUT_BYTES))
        if isinstance(self._data, StreamedDataset):
            at_once = min(at_once, self._data.most_rows)
        if at_once > spec.max_rows:
            at_once -= at_once % spec.max_rows  # whole batches of the program
        is_whole = self._needs_batch and isinstance(self._data, Dataset)
        self._at_once = at_once if n_rows is None else n_rows if is_whole else min(n_rows, at_once)
        if self._scores is not None or self._needs_batch or spec.accepts_nan:
            self._outputs = np.empty((self._at_once, spec.n_outputs), spec.dtype)
        self._n_threads = threads_for(None, spec.forward_seconds(self._at_once), WORTH_WAKING)
        self._program, self._pieces = program, list(self._blocks(program)) if self._data.in_place else None

    def _blocks(self, program: Program[ProgramSpec]) -> Generator[Piece, None, None]:
        """The data, block by block, and the work of each."""
        first, outputs, is_streamed = 0, self._outputs, isinstance(self._data, StreamedDataset)
        blocks = self._data.blocks(None, self._at_once)
        with closing(while_others_may(self._network._turn, blocks)) as found:
            for block in found:
                for part in block.parts(self._at_once):
                    begin = first if self._needs_batch and not is_streamed else 0
                    rows = None if outputs is None else outputs[begin : begin + len(part)]
                    if self._needs_batch:
                        work = Work(program, "predict", (part.inputs, rows), self._n_threads, processes=self._processes)
                    else:
                        arguments = (*part.fields, rows, math.inf, self._progress)
                        work = Work(program, "evaluate", arguments, self._n_threads, processes=self._processes)
                    yield work, part, rows, first
                    first += len(part)

    def _whole(self) -> Block:
        """All outputs of samples in arrays, with their targets."""
        assert self._outputs is not None, "they were all kept"
        targets = self._data.targets
        weights = self._data.weights if isinstance(self._data, Dataset) else None
        return Block(self._outputs, targets.reals, targets.labels, weights, None)

    def _whole_loss(self, spec: ProgramSpec, whole: Block) -> Turns[None]:
        """The loss of all outputs, whose rows depend on each other, and then their scores."""
        loss = self._network.loss
        assert loss is not None, "it had one, and no fit takes it away"
        program = compile_loss(loss, spec.n_outputs, len(whole), spec.dtype)
        work = Work(program, "evaluate", (*whole.fields, None, math.inf, self._progress), 1)
        yield work
        work.check()
        if self._scores is not None:
            self._scores.add(linked(self._network, whole.matrix), whole, 0)
