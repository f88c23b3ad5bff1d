"""Predictions for streams, and their scores."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np

from nncore.contract import Metric
from nncore.data import Prefetched, Stream, StreamMemory, StreamSource, in_turn
from nncore.errors import DataError, NNCoreError
from nncore.network.evaluation import Evaluation
from nncore.network.scores import check_collected
from nncore.network.work import drive, while_others_may


def predict_stream(network: Any, stream: Stream) -> np.ndarray:
    """Outputs for all samples of a stream, shape ``(n_samples, *output_shape)``; its targets are ignored."""
    known, memory = network._known, StreamMemory()
    StreamSource(stream, memory).sample_shape(known.input_shape)
    outputs = None if stream.n_samples is None else np.empty((stream.n_samples, *known.output_shape), known.dtype)
    found, first = [], 0
    blocks = Prefetched(block for _, block in in_turn(stream, memory.rows_at_once(stream)))
    with closing(while_others_may(network._turn, blocks)) as waited:
        for block in waited:
            try:
                some = network.predict(block.X)
            except NNCoreError as error:
                if error.args and isinstance(error.args[0], str):
                    error.args = (f"in a block of {stream.source}, row 0 of which is row {first}: {error.args[0]}", *error.args[1:])
                raise
            if outputs is None:
                found.append(some)
            else:
                outputs[first : first + len(some)] = some
            first += len(some)
    if first == 0:
        raise DataError("X has no samples")
    return np.concatenate(found) if outputs is None else outputs


def evaluate_stream(network: Any, source: StreamSource, metrics: Sequence[Metric]) -> dict[str, float]:
    """Loss and metrics of a network on a stream."""
    known, loss = network._known, network._needs("loss")
    source.fit_to(network._built)
    data = source.dataset(known.input_shape, loss, network._built.n_outputs, known.dtype, known.accepts_nan)
    check_collected(data, loss, metrics, network._built.n_outputs)
    return drive(Evaluation(network, data, metrics).turns())
