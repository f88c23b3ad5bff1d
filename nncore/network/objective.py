"""The loss of a network as a function of its parameters, for L-BFGS and other methods without an optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore._core import Failure, SparseRows
from nncore.data import as_inputs, as_targets, as_weights
from nncore.errors import NotBuiltError, ShapeError
from nncore.network.failures import explain
from nncore.network.network import Network
from nncore.program import WORTH_WAKING, threads_for


class Objective:
    """Mean loss of all samples with the network's penalties, and its gradient.

    Samples, targets and weights are checked and placed once; an evaluation is one call of the core.

    Parameters
    ----------
    network : Network
        A built network with a loss.
    X, y, sample_weight : array-like
        As in `nncore.Sequential.fit`.

    Attributes
    ----------
    parameters, gradients : ndarray of shape (n_parameters,)
        Those of the network, in place: the point of evaluation, and the gradient of the last evaluation.
    """

    def __init__(self, network: Network, X: Any, y: Any, sample_weight: Any = None) -> None:
        if network.loss is None:
            raise NotBuiltError("this network has no loss yet: pass loss= to build")
        dtype, n_outputs = network.dtype, int(np.prod(network.output_shape))
        self._inputs = as_inputs(X, "X", network.input_shape, dtype, network._built)
        n = len(self._inputs)
        targets = as_targets(y, network.loss, n_outputs, dtype)
        if len(targets) != n:
            raise ShapeError(f"y has {len(targets)} samples, X has {n}")
        given = as_weights(sample_weight, n)
        weights = np.ones(n) if given is None else given
        self._program = program = network.program_for_training(n, sparse_inputs=isinstance(self._inputs, SparseRows))
        spec = program.spec
        program.use_labels = targets.labels is not None
        (spec.target if targets.labels is None else spec.labels)[:n] = targets.values
        spec.weight[:n] = weights * (1 / float(np.cumsum(weights)[-1]))  # added term after term, as the core does it in `fit`
        self.parameters, self.gradients = network.parameters, network.gradients
        self._n_threads = threads_for(None, program.spec.step_seconds(n), WORTH_WAKING)

    def evaluate(self) -> float:
        """Compute the loss at the current parameters, and update the gradients."""
        try:
            return self._program.value_and_gradient(self._inputs, self._n_threads)
        except Failure as failure:
            raise explain(self._program, failure) from None
