"""Scores of predictions that come block by block."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from nncore.contract import Loss, Metric, goes_by_terms, native_kernel, weighted_sums
from nncore.data import Block, Dataset, StreamedDataset
from nncore.program import compile_scorer


class Scoring:
    """Scorers of several metrics for one kind of targets.

    Parameters
    ----------
    metrics : list of Metric
        As they are for the targets.
    n_outputs : int
    n_targets : int
        Columns of real targets; 0 for class indices.
    dtype : dtype
    whole : collection of int
        Which metrics need all predictions and targets at once.

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

    def __init__(self, metrics: list[Metric], n_outputs: int, n_targets: int, dtype: np.dtype, whole: Collection[int]) -> None:
        self.metrics = metrics
        kernels = {i: native_kernel(metric) for i, metric in enumerate(metrics) if i not in whole}
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
        self.needs_all = bool(whole)


class Scores:
    """Accumulates the scores of several metrics over blocks of predictions.

    Parameters
    ----------
    data : Dataset or StreamedDataset
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

    def __init__(
        self, data: Dataset | StreamedDataset, metrics: Sequence[Metric], n_outputs: int, scorings: dict[int, Scoring] | None = None
    ) -> None:
        self._data, self._n_known = data, data.n_samples if isinstance(data, Dataset) else None
        whole = whole_metrics(data, metrics)
        self._target, self._total, self._metrics = data.targets.values, 0.0, list(metrics)
        self._weights: np.ndarray | None = None
        if isinstance(data, Dataset):
            self._weights = data.weights
            weight = np.ones(len(data)) if data.weights is None else data.weights
            for metric in metrics:
                metric.check_targets(self._target)
            self._total = float(weight.sum())
            self._metrics = [metric if i in whole else metric.for_targets(self._target, weight) for i, metric in enumerate(metrics)]
        self._kind = 0 if data.targets.reals is None else data.targets.reals.shape[1]
        # What a metric knows of these targets, it does not know of others.
        is_for_all = scorings is not None and all(map(operator.is_, self._metrics, metrics))
        self._scorings = scorings if is_for_all else None
        kept = None if self._scorings is None else self._scorings.pop(self._kind, None)
        self._scoring = Scoring(self._metrics, n_outputs, self._kind, data.dtype, whole) if kept is None else kept
        self._by_terms, self._compiled, self.scorer = self._scoring.by_terms, self._scoring.compiled, self._scoring.scorer
        self._sums: dict[int, np.ndarray] = {}
        self.n_sums = self._scoring.n_sums
        self.are_compiled = len(self._compiled) == len(self._metrics)
        self._predictions: np.ndarray | None = None
        self._collected: Collected | None = None
        if self._scoring.needs_all and isinstance(data, Dataset):
            self._predictions = np.empty((len(data), n_outputs), data.dtype)

    def begin(self) -> None:
        """Before the first block."""
        if self.scorer is not None:
            self.scorer.begin()
            self._sums = dict(zip(self._compiled, self.scorer.sums, strict=True))
        for number in self._by_terms:
            self._sums[number] = np.zeros(1)
        if isinstance(self._data, StreamedDataset):
            self._total, self._collected = 0.0, Collected(self._data) if self._scoring.needs_all else None

    def add(self, predictions: np.ndarray, block: Block, first: int) -> None:
        """Take those of a block, which begins with sample `first`."""
        if self.scorer is not None:
            self.scorer.add(predictions, block.reals, block.labels, block.weights, 0)
        if self._predictions is not None:
            self._predictions[first : first + len(predictions)] = predictions
        if self._collected is not None:
            self._collected.add(predictions, block)
        if isinstance(self._data, StreamedDataset):
            self._total += float(len(block) if block.weights is None else block.weights.sum())
        target = block.reals if block.labels is None else block.labels
        assert target is not None, "a sample has one"
        if isinstance(self._data, StreamedDataset):
            for metric in self._metrics:
                metric.check_targets(target)
        for number in self._by_terms:
            weight = np.ones(len(predictions)) if block.weights is None else block.weights
            terms = self._metrics[number].terms(predictions, target)
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
        scores, whole = [], None if self._collected is None else self._collected.whole()
        for number, metric in enumerate(self._metrics):
            if number in self._sums:
                scores.append(metric.from_means(self._sums[number] / self._total) if self._total > 0 else math.nan)
            elif whole is not None:
                target = whole.reals if whole.labels is None else whole.labels
                assert target is not None, "a sample has one"
                scores.append(metric.score(whole.matrix, target, whole.weights))
            else:
                assert self._predictions is not None, "all are kept for a metric that needs them"
                scores.append(metric.score(self._predictions, self._target, self._weights))
        if self._scorings is not None:
            self._scorings[self._kind] = self._scoring
        return scores


def whole_metrics(data: Dataset | StreamedDataset, metrics: Sequence[Metric]) -> set[int]:
    """Metrics that need all predictions at once: those without terms; for a stream, also those that need all targets."""
    whole = {i for i, metric in enumerate(metrics) if not goes_by_terms(metric)}
    if isinstance(data, StreamedDataset):
        some = data.targets.values
        whole |= {i for i, metric in enumerate(metrics) if i not in whole and metric.for_targets(some, np.ones(len(some))) is not metric}
    return whole


def check_collected(data: Dataset | StreamedDataset, loss: Loss, metrics: Sequence[Metric], n_outputs: int) -> None:
    """Raise `ParameterError` if scores of a stream need more outputs at once than there may be in memory; where its length is known."""
    if not isinstance(data, StreamedDataset) or data.n_samples is None:
        return
    whole = whole_metrics(data, metrics)
    what = repr(loss) if loss.needs_batch else repr(metrics[min(whole)]) if whole else ""
    if what:
        data.check_kept(data.n_samples, n_outputs, what)


class Collected:
    """Predictions for the samples of a stream with what they are compared with, for scores that need all of them."""

    def __init__(self, data: StreamedDataset) -> None:
        self._data, self._n = data, 0
        self._blocks: list[Block] = []

    def add(self, predictions: np.ndarray, block: Block) -> None:
        """Copies of them, but for what belongs to the block."""
        self._n += len(block)
        self._data.check_kept(self._n, predictions.shape[1], "a score")
        self._blocks.append(replace(block, inputs=predictions.copy()))

    def whole(self) -> Block:
        """All of them, with predictions in the place of inputs."""
        first, *_ = blocks = self._blocks
        parts = (
            None if part is None else np.concatenate([block.fields[place] for block in blocks]) for place, part in enumerate(first.fields)
        )
        predictions, reals, labels, weights = parts
        assert predictions is not None, "there are some"
        return Block(predictions, reals, labels, weights, None)
