"""Optimizers: one update of all parameters, and where the tensors lie in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel


@dataclass(frozen=True)
class TensorSpan:
    """Where one tensor lies in the flat vectors, for optimizers that need structure.

    Attributes
    ----------
    name : str
        ``"dense_1.weight"``.
    role : str
        ``"weight"``, ``"bias"`` or ``"scale"``.
    layer : int
        Position of its layer in the network.
    offset, rows, columns : int
        ``w[offset:offset + rows * columns].reshape(rows, columns)``; a vector has one row.
    """

    name: str
    role: str
    layer: int
    offset: int
    rows: int
    columns: int


class Optimizer(Configurable):
    """One update of all parameters, a pass over flat vectors.

    Attributes
    ----------
    n_slots : int
        How many vectors of state, each as long as the parameters, start at zero and are kept between steps.
    needs_tensors : bool
        True to get the list of `TensorSpan` as a last argument of `step`.
    kernel : Kernel or None
        The same in C: ``nnc_optimizer`` of ``nncore/plugin.h``.
    """

    n_slots: int = 0
    needs_tensors: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = None

    # The Any in both places lets type checkers accept subclasses that take (w, g, state, t) and nothing more.
    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any, **_: Any) -> None:
        """Update `w` and `state` in place.

        Parameters
        ----------
        w, g : ndarray of shape (n,)
            Parameters and gradients: of the whole network, or of a part that is trained alike (parameter groups).
        state : ndarray of shape (n_slots, n)
        t : int
            Number of this step, from 1.
        *tensors : sequence of TensorSpan
            One argument, present if `needs_tensors`: what to update. `w`, `g` and `state` are then always those of the whole network.
        """
        raise NotImplementedError(f"{type(self).__name__}.step")

    def evaluation(self, w: np.ndarray, state: np.ndarray, out: np.ndarray) -> None:
        """Write to `out` the parameters to predict with, for an optimizer that trains others: an average, or slower ones.

        A class that overrides it has two sets of parameters. Predictions, validation, callbacks and files use those of `evaluation`;
        training goes on from `w`, which is ``network.trajectory`` meanwhile.

        Parameters
        ----------
        w : ndarray of shape (n,)
            The trained parameters.
        state : ndarray of shape (n_slots, n)
            Where it is 0, no step has been taken yet, and `out` is to be `w`.
        out : ndarray of shape (n,)
            Overlaps neither of them.
        """
        out[...] = w

    @property
    def has_evaluation(self) -> bool:
        """Whether predictions use other parameters than those that are trained."""
        return type(self).evaluation is not Optimizer.evaluation
