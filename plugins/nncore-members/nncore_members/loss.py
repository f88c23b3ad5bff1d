"""A loss for each member."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Loss, resolve
from nncore_members.ends import members


class Members(Loss):
    """E = the mean over members of the loss of each member's own outputs, against one target.

    The network ends in samples of shape (n_members, n), as ``members_dense`` gives them. Each member is trained by its own mistakes and not
    by those of the mean, which keeps the members different. Put ``mean_members`` behind the trained network for predictions.

    Parameters
    ----------
    loss : str, Loss or dict
        The loss of one member. It must judge each row by itself.
    n_members : int, default 32
        k of the network.

    Raises
    ------
    ParameterError
        If `n_members` is not a whole number of at least 1, or the loss needs whole batches.
    ShapeError
        When training begins, if the outputs are not as many for each member.
    """

    ranges: ClassVar[dict[str, str]] = {"n_members": "[1, 1000000]"}
    whole: ClassVar[tuple[str, ...]] = ("n_members",)
    examples = ({"loss": "softmax_cross_entropy", "n_members": 2}, {"loss": "half_mse", "n_members": 2})

    def __init__(self, loss: str | Loss | dict[str, Any], n_members: int = 32) -> None:
        self.loss: Loss = resolve("losses", loss)
        self.n_members = n_members
        self.targets, self.target_range = self.loss.targets, self.loss.target_range

    def validate(self) -> None:
        super().validate()
        if self.loss.needs_batch:
            raise ParameterError(f"Members: {self.loss!r} looks at whole batches: choose a loss that judges each row by itself")

    def output_domain_for(self, n_outputs: int) -> str:
        return self.loss.output_domain_for(self._of_one(n_outputs))

    def n_outputs(self, n_classes: int) -> int:
        return self.n_members * self.loss.n_outputs(n_classes)

    def n_labels(self, n_outputs: int) -> int:
        return self.loss.n_labels(self._of_one(n_outputs))

    @property
    def has_probabilities(self) -> bool:
        """No: there is a column for each member and class."""
        return False

    def decide(self, output: np.ndarray) -> np.ndarray:
        """What the mean of the members' predictions stands for."""
        rows = members(output, self.n_members)
        if self.loss.link is not None:
            flat = rows.reshape(-1, rows.shape[2])
            rows = resolve("activations", self.loss.link).forward(flat).reshape(rows.shape)
        return self.loss.decide(rows.mean(axis=1))

    def n_targets(self, n_outputs: int) -> int:
        return self.loss.n_targets(self._of_one(n_outputs))

    def targets_for(self, n_outputs: int) -> str:
        return self.loss.targets_for(self._of_one(n_outputs))

    def check_targets(self, target: np.ndarray, name: str) -> None:
        self.loss.check_targets(target, name)

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray | None:
        return self.loss.example_targets(rng, n_rows, self._of_one(n_outputs))

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        losses = self.loss.forward(self._rows(output), np.repeat(target, self.n_members, axis=0))
        return losses.reshape(len(output), self.n_members).mean(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        gradients = self.loss.backward(self._rows(output), np.repeat(target, self.n_members, axis=0))
        return gradients.reshape(output.shape) / self.n_members

    def _rows(self, output: np.ndarray) -> np.ndarray:
        """One row for each sample and member."""
        return output.reshape(len(output) * self.n_members, self._of_one(output.shape[1]))

    def _of_one(self, n_outputs: int) -> int:
        """Outputs of one member."""
        if n_outputs % self.n_members != 0:
            raise ShapeError(
                f"Members: {n_outputs} outputs cannot be shared out among n_members={self.n_members}: end the network with members_dense, "
                "and give the loss as many members as repeat_members has"
            )
        return n_outputs // self.n_members
