"""Real targets, and what a network is trained on and answers with in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.contract import DISTRIBUTION, Loss, activation_for
from nncore.ensembles import TargetScale
from nncore.errors import DataError, NNCoreError, ParameterError
from nncore.registry import resolve

#: scikit-learn's names of losses, with ours.
SCIKIT_LEARN_LOSSES = {"squared_error": "half_mse", "absolute_error": "mae"}

#: Outputs for each target that a loss may ask for, at most.
MOST_OUTPUTS = 1000


class RealTargets:
    """Shape and scale of a target, and the way back from a network's outputs.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_targets)

    Attributes
    ----------
    n_targets : int
    scale : TargetScale or None
        What makes of targets the numbers that the network is trained on; None leaves them as they are.
    """

    def __init__(self, y: np.ndarray) -> None:
        self.n_targets = 1 if y.ndim == 1 else y.shape[1]
        self.scale: TargetScale | None = None

    def check(self, y: np.ndarray) -> None:
        """Raise `DataError` if `y` has another number of targets."""
        n_targets = RealTargets(y).n_targets
        if n_targets != self.n_targets:
            raise DataError(f"y has {n_targets} targets, this estimator was trained on {self.n_targets}")

    def standardize(self, passes: Callable[[], Iterable[tuple[np.ndarray, NDArray[np.float64] | None]]], loss: Loss) -> None:
        """Train on targets of mean 0 and standard deviation 1; on targets of mean 1, where the loss takes none below 0.

        Parameters
        ----------
        passes : callable
            Gives blocks of targets and weights again each time.
        loss : Loss

        Raises
        ------
        ParameterError
            If the loss takes targets that are no quantity with a unit: of a bounded range, or of which several make one output.
        """
        self.scale = TargetScale.fit_blocks(passes, self.n_targets, loss, self.n_outputs(loss))
        if self.scale is None:
            taken = f"targets in {loss.target_range}" if loss.target_range else "several targets for an output"
            raise ParameterError(f"standardize_target=True: {loss!r} takes {taken}, which cannot be scaled: leave it at False")

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Targets as the network is trained on them, in the shape of `y`."""
        return y if self.scale is None else self.scale.transform(y)

    def loss(self, spec: Any) -> Loss:
        """The loss that `spec` means, by scikit-learn's name or as the registry takes it."""
        if isinstance(spec, (int, np.integer, list, tuple)):  # the first argument of MLPClassifier, and once of MLPRegressor
            raise ParameterError(f"loss={spec!r} is not a loss; pass the units of hidden layers by name: hidden_layer_sizes={spec!r}")
        loss: Loss = resolve("losses", SCIKIT_LEARN_LOSSES.get(spec, spec) if isinstance(spec, str) else spec)
        if loss.targets == "labels" or loss.link == "softmax" or loss.output_domain == DISTRIBUTION:
            raise ParameterError(f"{loss!r} is for classes: use MLPClassifier, or a loss for real targets")
        return loss

    def n_outputs(self, loss: Loss) -> int:
        """Units of the network's last layer: one for each target, more (a quantile each) or fewer (survival: of a time and an event)."""
        taken = set()
        for n_outputs in range(1, self.n_targets * MOST_OUTPUTS + 1):
            try:
                n_targets = loss.n_targets(n_outputs)
            except NNCoreError:  # this loss cannot go with so many
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
        """scikit-learn's name of what makes predictions of the last layer's sums; None if there is more to it."""
        n_outputs = self.n_outputs(loss)
        if loss.has_own_decision or (self.n_targets > 1 and n_outputs != self.n_targets):
            return None
        link = loss.link or activation_for(loss, n_outputs) or "identity"
        return {"sigmoid": "logistic"}.get(link, link) if isinstance(link, str) else None

    def deviations(self, outputs: np.ndarray, loss: Loss) -> np.ndarray:
        """Standard deviations that go with `decode`, in its shape.

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
