"""Losses: what a network is trained to make small."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel


class Loss(Configurable):
    """E, per sample. The host averages over the batch (weighted by ``sample_weight``); the loss does not.

    Attributes
    ----------
    targets : {"real", "labels", "both"}
        What `target` may be: ``(n_rows, n_targets)`` reals, ``(n_rows,)`` int64 class indices, or either.
    target_range : str or None
        Interval in which real targets must lie, ``"[0, 1]"``.
    link : str, dict or None
        Activation that turns outputs into predictions on the scale of the targets: probabilities (``"softmax"``, ``"sigmoid"``), rates
        (``"exp"``). ``predict_proba`` applies it, and metrics see what it gives. A dict is ``{"name": ..., **arguments}``.
    metrics : tuple of str or dict
        Metrics shown beside this loss when the user asks for none.
    kernel : Kernel or None
        The same in C: ``nnc_loss`` of ``nncore/plugin.h``.
    """

    targets: str = "real"
    target_range: str | None = None
    link: str | dict[str, Any] | None = None
    metrics: tuple[str | dict[str, Any], ...] = ()
    kernel: ClassVar[Kernel | None] = None

    def n_targets(self, n_outputs: int) -> int:
        """Columns of a real-valued target for a network with `n_outputs` outputs. Raises `ShapeError` if it cannot have so many."""
        return n_outputs

    def targets_for(self, n_outputs: int) -> str:
        """`targets` for a network with `n_outputs` outputs, if it depends on them."""
        return self.targets

    def check_targets(self, target: np.ndarray, name: str) -> None:
        """Raise `DataError` if the loss cannot be computed for real targets ``(n_samples, n_targets)``; messages call them `name`.

        They are finite numbers in `target_range`.
        """

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray | None:
        """Real targets ``(n_rows, n_targets)`` to test the loss with, if it does not take just any numbers in `target_range`."""
        return None

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Loss of every sample, shape ``(n_rows,)``, summed over its outputs."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Gradient of every sample's loss with respect to its outputs, shape ``(n_rows, n_outputs)``."""
        raise NotImplementedError(f"{type(self).__name__}.backward")
