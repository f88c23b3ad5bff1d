"""The loss of a network as a function of its parameters: for optimizers that take no steps, like SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore._core import Failure
from nncore.data import as_matrix, as_samples, as_targets, as_weights
from nncore.errors import NotBuiltError, ShapeError
from nncore.network.failures import explain
from nncore.network.network import Network
from nncore.program import WORTH_WAKING, threads_for


class Objective:
    """Mean loss of all samples with the network's penalties, and its gradient.

    Samples, targets and weights are checked and placed once. The value copies the parameters in and runs three times in the core, which
    leaves the gradient too.

    Parameters
    ----------
    network : Network
        Built, with its loss. Its parameters and gradients are those of the last call.
    X, y, sample_weight : array-like
        As in `nncore.Sequential.fit`.
    """

    def __init__(self, network: Network, X: Any, y: Any, sample_weight: Any = None) -> None:
        if network.loss is None:
            raise NotBuiltError("this network has no loss yet: pass loss= to build")
        dtype, n_outputs = network.dtype, int(np.prod(network.output_shape))
        self._inputs = as_matrix(as_samples(X, "X", network.input_shape, dtype, network.accepts_nan), dtype)
        self._n = n = len(self._inputs)
        targets = as_targets(y, network.loss, n_outputs, dtype)
        if len(targets) != n:
            raise ShapeError(f"y has {len(targets)} samples, X has {n}")
        given = as_weights(sample_weight, n)
        weights = np.ones(n) if given is None else given
        self._program = program = network.program_for_training(n)
        spec = program.spec
        program.use_labels = targets.labels is not None
        (spec.target if targets.labels is None else spec.labels)[:n] = targets.values
        spec.weight[:n] = weights * (1 / float(np.cumsum(weights)[-1]))  # added term after term, as the core does it in `fit`
        self._parameters, self._gradients = network.parameters, network.gradients
        self._point = np.full_like(self._parameters, np.nan)  # where the value was asked for last

    def value(self, parameters: np.ndarray) -> float:
        """The loss for `parameters` of shape (n_parameters,), laid out as the network has them."""
        self._point[...] = self._parameters[...] = parameters
        program, n = self._program, self._n
        n_threads = threads_for(None, program.spec.step_seconds(n), WORTH_WAKING)
        try:
            program.forward(self._inputs, True, n_threads)
            return program.loss_value(n, True) + program.backward(self._inputs, n_threads)
        except Failure as failure:
            raise explain(program, failure) from None

    def gradient(self, parameters: np.ndarray) -> np.ndarray:
        """The gradient there, shape (n_parameters,); it was found along with the value, if that is what was asked for last."""
        if not np.array_equal(parameters, self._point):
            self.value(parameters)
        return self._gradients.copy()
