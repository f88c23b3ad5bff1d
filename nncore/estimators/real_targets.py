"""Regression targets: their encoding for the loss, and decoding of outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.contract import DISTRIBUTION, Loss, activation_for
from nncore.ensembles import TargetScale, TargetStatistics
from nncore.errors import DataError, NNCoreError, ParameterError
from nncore.registry import resolve

#: scikit-learn's names of losses, and nncore's.
SCIKIT_LEARN_LOSSES = {"squared_error": "half_mse", "absolute_error": "mae"}

#: Largest number of outputs for each target.
MOST_OUTPUTS = 1000


class RealTargets:
    """Shape and scale of a target, and decoding of a network's outputs.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)

    Attributes
    ----------
    n_targets : int
    scale : TargetScale or None
        Scaling of targets; None for no scaling.
    """

    def __init__(self, y: np.ndarray) -> None:
        self.n_targets = 1 if y.ndim == 1 else y.shape[1]
        self.scale: TargetScale | None = None

    def check(self, y: np.ndarray) -> None:
        """Raise `DataError` if `y` has another number of targets."""
        n_targets = RealTargets(y).n_targets
        if n_targets != self.n_targets:
            raise DataError(f"y has {n_targets} targets, this estimator was trained on {self.n_targets}")

    def standardize(self, statistics: TargetStatistics, loss: Loss) -> None:
        """Scale targets to mean 0 and standard deviation 1; to mean 1 if the loss takes no targets below 0.

        Parameters
        ----------
        statistics : TargetStatistics
            Those of all targets.
        loss : Loss

        Raises
        ------
        ParameterError
            If the loss does not allow scaled targets: their range is bounded, or several targets belong to one output.
        """
        self.scale = statistics.scale(loss, self.n_outputs(loss))
        if self.scale is None:
            taken = f"targets in {loss.target_range}" if loss.target_range else "several targets for an output"
            raise ParameterError(f"standardize_target=True: {loss!r} takes {taken}, which cannot be scaled: leave it at False")

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Scale targets for the network, in the shape of `y`."""
        return y if self.scale is None else self.scale.transform(y)

    def loss(self, spec: Any) -> Loss:
        """Make the loss from scikit-learn's name, or from what the registry accepts."""
        if isinstance(spec, (int, np.integer, list, tuple)):  # the first argument of MLPClassifier, and once of MLPRegressor
            raise ParameterError(f"loss={spec!r} is not a loss; pass the units of hidden layers by name: hidden_layer_sizes={spec!r}")
        loss: Loss = resolve("losses", SCIKIT_LEARN_LOSSES.get(spec, spec) if isinstance(spec, str) else spec)
        if loss.targets == "labels" or loss.link == "softmax" or loss.output_domain == DISTRIBUTION:
            raise ParameterError(f"{loss!r} is for classes: use MLPClassifier, or a loss for real targets")
        return loss

    def n_outputs(self, loss: Loss) -> int:
        """Units of the network's last layer: one for each target, more (one for each quantile), or fewer (survival: one for time and
        event)."""
        taken = set()
        for n_outputs in range(1, self.n_targets * MOST_OUTPUTS + 1):
            try:
                n_targets = loss.n_targets(n_outputs)
            except NNCoreError:  # this loss cannot have that number of outputs
                continue
            if n_targets == self.n_targets:
                return n_outputs
            taken.add(n_targets)
        remedy = f": it takes a y of {taken.pop()} columns" if len(taken) == 1 else ""
        raise ParameterError(f"{loss!r} has no number of outputs for {self.n_targets} targets{remedy}")

    def decode(self, outputs: np.ndarray, loss: Loss) -> np.ndarray:
        """Predictions for outputs of shape (n_samples, n_outputs) after the link of `loss`.

        Returns
        -------
        ndarray
            Of shape ``(n_samples,)`` for one output; ``(n_samples, n_outputs)`` for one target with several outputs, or several targets
            with one each; else ``(n_samples, n_targets, outputs of each)``. Of a distribution, its mean: as the loss decides.
        """
        decided = loss.decide(outputs)
        if self.scale is not None:
            decided = self.scale.places(decided.reshape(len(decided), -1)).astype(decided.dtype).reshape(decided.shape)
        if decided.ndim == 1:
            return decided
        n_samples, n_values = decided.shape
        if n_values == 1:
            return decided[:, 0]
        if self.n_targets == 1 or n_values % self.n_targets or n_values == self.n_targets:
            return decided
        return decided.reshape(n_samples, self.n_targets, -1)

    def out_activation(self, loss: Loss) -> str | None:
        """scikit-learn's name of the output activation; None if predictions need more than that."""
        n_outputs = self.n_outputs(loss)
        if loss.has_own_decision or (self.n_targets > 1 and n_outputs != self.n_targets):
            return None
        link = loss.link or activation_for(loss, n_outputs) or "identity"
        return {"sigmoid": "logistic"}.get(link, link) if isinstance(link, str) else None

    def deviations(self, outputs: np.ndarray, loss: Loss) -> np.ndarray:
        """Standard deviations of the predictions of `decode`, in the same shape.

        Raises
        ------
        ParameterError
            If the loss has none.
        """
        deviations = loss.deviation(outputs)
        if deviations is None:
            raise ParameterError(
                f"return_std=True needs a loss that learns deviations, such as loss='gaussian_nll'; this was trained with {loss!r}"
            )
        if self.scale is not None:
            deviations = deviations * self.scale.std.astype(deviations.dtype)
        return deviations[:, 0] if self.n_targets == 1 else deviations
