"""A plain function as a loss: ``loss=function``."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from nncore.arguments import shown
from nncore.errors import ParameterError, PluginError
from nncore.plugin import OUTPUT_DOMAINS, Loss, resolvable


class FunctionLoss(Loss):
    """A loss that a function of yours computes, in NumPy; ``loss=function`` makes one.

    Parameters
    ----------
    function : callable
        ``function(output, target) -> (loss, d_output)``. `output` has shape ``(n_rows, n_outputs)``, `target` the same shape, or
        ``(n_rows,)`` int64 class indices; `loss`, shape ``(n_rows,)``, is that of each sample by itself and `d_output`, shape
        ``(n_rows, n_outputs)``, its gradient. Both are neither averaged over the batch nor weighted: the network does that. With
        `needs_batch` it is ``function(output, target, weight)``.
    targets : {"real", "labels"}, default "real"
        What the function compares with.
    link : str or None, default None
        Activation that turns outputs into predictions: ``"softmax"``, ``"sigmoid"``.
    output_domain : str, default "real"
        What the outputs must be (`nncore.plugin.Loss`): ``"logits"``, ``"positive"``, ``"probabilities"``, ``"distribution"``. With a
        `link`, ``"real"`` means logits.
    needs_batch : bool, default False
        Whether the loss of a sample depends on others. The function is then called once with all rows of a batch, or of a data set to be
        scored. `weight`, shape ``(n_rows,)``, is each row's share, and the shares sum to 1. The loss is Σᵢ weightᵢ lossᵢ, and `d_output` is
        the gradient of that sum.

    Notes
    -----
    A network with such a loss cannot be saved, since no file could name the function; a plugin can (``nncore new-plugin``).

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
