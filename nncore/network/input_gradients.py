"""Gradients of predictions with respect to inputs, in batches that fit into memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from nncore._core import Program
from nncore.arguments import shown
from nncore.blocks import rows_at_once
from nncore.contract import Loss
from nncore.data import Targets, as_matrix, as_samples, as_targets
from nncore.errors import NotBuiltError, ParameterError, ShapeError
from nncore.network.failures import Explained
from nncore.network.network import Network
from nncore.program import WORTH_WAKING, ProgramSpec, threads_for

#: Samples that go forward and back together.
BATCH_ROWS = 512


def input_gradients(network: Network, X: Any, output: Any, y: Any) -> np.ndarray:
    """See `nncore.Sequential.input_gradients`."""
    samples = _samples(network, X)
    n = len(samples)
    if y is not None:
        if output is not None:
            raise ParameterError("input_gradients takes either output or y: pass one of the two")
        loss: Loss | None = network.loss
        if loss is None:
            raise NotBuiltError("this network has no loss: pass output= instead of y=, or build it with a loss")
        if loss.needs_batch:
            raise ParameterError(f"{loss!r} compares the samples of a batch, so samples have no separate loss: pass output= instead of y=")
        targets = as_targets(y, loss, math.prod(network.output_shape), network.dtype)
        if len(targets) != n:
            raise ShapeError(f"X has {n} samples, y has {len(targets)}")
        found = _backward(network, samples, 1, lambda program, rows, _: _set_loss(program, targets, rows))
    else:
        chosen = _outputs(network, output, n)
        found = _backward(network, samples, 1, lambda program, rows, _: _set_output(program, chosen[rows]))
    return found[:, 0].reshape(n, *network.input_shape)


def jacobian(network: Network, X: Any) -> np.ndarray:
    """See `nncore.Sequential.jacobian`."""
    samples = _samples(network, X)
    n_outputs = math.prod(network.output_shape)
    found = _backward(network, samples, n_outputs, lambda program, rows, k: _set_output(program, np.full(rows.stop - rows.start, k)))
    return found.reshape(len(samples), *network.output_shape, *network.input_shape)


def _samples(network: Network, X: Any) -> np.ndarray:
    """Checked, shape (n_samples, n_inputs), in the network's dtype."""
    return as_matrix(as_samples(X, "X", network.input_shape, network.dtype, network.accepts_nan), network.dtype)


def _outputs(network: Network, output: Any, n: int) -> np.ndarray:
    """The requested output of each sample, shape (n,)."""
    n_outputs = math.prod(network.output_shape)
    if output is None:
        if n_outputs > 1:
            raise ParameterError(f"this network has {n_outputs} outputs: choose one, output=0, or pass y= for the loss")
        output = 0
    chosen = np.asarray(output)
    if chosen.dtype.kind not in "iu" or (chosen.ndim and chosen.shape != (n,)):
        raise ParameterError(f"output must be a whole number, or one for each of the {n} samples, got {shown(output)}")
    if ((chosen < 0) | (chosen >= n_outputs)).any():
        raise ParameterError(f"output must be from 0 to {n_outputs - 1}, got {shown(output)}")
    return np.broadcast_to(chosen, (n,))


def _set_output(program: Program[ProgramSpec], chosen: np.ndarray) -> None:
    """Set each sample's output gradient to that of its chosen output."""
    d_output = program.spec.d_output
    assert d_output is not None, "the program has a way back"
    d_output[: len(chosen)] = 0
    d_output[np.arange(len(chosen)), chosen] = 1


def _set_loss(program: Program[ProgramSpec], targets: Targets, rows: slice) -> None:
    """Set each sample's output gradient to that of its own loss."""
    spec, n = program.spec, rows.stop - rows.start
    program.use_labels = targets.labels is not None
    (spec.target if targets.labels is None else spec.labels)[:n] = targets.values[rows]
    spec.weight[:n] = 1
    program.loss_value(n, True)


def _backward(
    network: Network, samples: np.ndarray, n_directions: int, begin: Callable[[Program[ProgramSpec], slice, int], None]
) -> np.ndarray:
    """Gradients (n_samples, n_directions, n_inputs); `begin` sets that of the output, for some rows and one direction."""
    n = len(samples)
    found = np.empty((n, n_directions, samples.shape[1]), network.dtype)
    at_once = rows_at_once(2 * samples[:1].nbytes, BATCH_ROWS)
    program = network.program_for_input_gradients(min(max(n, 1), at_once))
    d_input = program.spec.d_input
    assert d_input is not None, "the program was made for it"
    for start in range(0, n, at_once):
        rows = slice(start, min(start + at_once, n))
        batch = samples[rows]
        n_threads = threads_for(None, program.spec.forward_seconds(len(batch)), WORTH_WAKING)
        with Explained(program):
            program.forward(batch, False, n_threads)
            for direction in range(n_directions):
                begin(program, rows, direction)
                program.backward(batch, n_threads)
                found[rows, direction] = d_input[: len(batch)]
    return found
