"""A plain function as a loss: ``loss=function``."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from nncore.arguments import shown
from nncore.errors import ParameterError, PluginError
from nncore.plugin import OUTPUT_DOMAINS, Loss, resolvable


class FunctionLoss(Loss):
    """Custom loss from a NumPy function; ``loss=function`` in `fit` makes one.

    Parameters
    ----------
    function : callable
        ``function(output, target) -> (loss, d_output)``. `output` has shape ``(n_rows, n_outputs)``. `target` has the same shape, or is
        ``(n_rows,)`` int64 class indices. Return the `loss` of each sample, shape ``(n_rows,)``, and its gradient `d_output`, shape
        ``(n_rows, n_outputs)``. Do not average over the batch or apply weights: the network does. With `needs_batch` the call is
        ``function(output, target, weight)``.
    targets : {"real", "labels"}, default "real"
        Type of the targets: real numbers or class indices.
    link : str or None, default None
        Activation that `predict_proba` applies to outputs: ``"softmax"``, ``"sigmoid"``.
    output_domain : str, default "real"
        Range of the outputs (`nncore.plugin.Loss`): ``"logits"``, ``"positive"``, ``"probabilities"``, ``"distribution"``. With a `link`,
        ``"real"`` means logits.
    needs_batch : bool, default False
        True if the loss of a sample depends on other samples. The function is then called once for all rows of a batch, or of a data set to
        be scored. `weight`, shape ``(n_rows,)``, sums to 1. The loss is Σᵢ weightᵢ lossᵢ, and `d_output` the gradient of that sum.

    Notes
    -----
    A network with such a loss cannot be saved, since a file cannot name the function. Make a plugin of it (``nncore new-plugin``).

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> def log_cosh(output, target):
    ...     error = output - target
    ...     return np.log(np.cosh(error)).sum(axis=1), np.tanh(error)
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> history = nn.Sequential(nn.Dense(1)).fit(X, 3 * X, loss=log_cosh, optimizer=nn.Adam(lr=0.1), epochs=100, rng=0)
    >>> history["loss"][-1] < 1e-3
    np.True_
    """

    flags = ("needs_batch",)
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"targets": ("real", "labels"), "output_domain": tuple(OUTPUT_DOMAINS)}

    def __init__(
        self,
        function: Callable[..., tuple[np.ndarray, np.ndarray]],
        targets: str = "real",
        link: str | None = None,
        output_domain: str = "real",
        needs_batch: bool = False,
    ) -> None:
        self.function = function
        self.targets = targets
        self.link = resolvable("activations", link, "FunctionLoss: link")
        self.output_domain = output_domain
        self.needs_batch = needs_batch

    def validate(self) -> None:
        if not callable(self.function):
            raise ParameterError(f"FunctionLoss: function must be a function of (output, target), got {shown(self.function)}")

    def forward(self, *arrays: np.ndarray) -> np.ndarray:
        return self._pair(*arrays)[0]

    def backward(self, *arrays: np.ndarray) -> np.ndarray:
        return self._pair(*arrays)[1]

    def _pair(self, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pair = self.function(*arrays)
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            name = getattr(self.function, "__name__", repr(self.function))
            raise PluginError(
                f"the loss {name} must return two arrays, the loss of each sample and its gradient (loss, d_output); "
                f"it returned {type(pair).__name__}"
            )
        return pair[0], pair[1]
