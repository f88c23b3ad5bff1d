"""Optimizers: one update of all parameters, what they remember, and where the tensors lie."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import is_whole, shown
from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel
from nncore.errors import PluginError

#: What `State.dtype` may be.
STATE_DTYPES = ("network", "float64", "int64")


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

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return self.rows * self.columns


@dataclass(frozen=True)
class State:
    """An array that an optimizer keeps for one tensor between steps, zero before the first one.

    Attributes
    ----------
    name : str
        What it is, ``"momentum"``: its name in `nncore.Sequential.optimizer_state` and in files.
    shape : tuple of int
        ``()`` for one number.
    dtype : {"network", "float64", "int64"}
        ``"network"`` is the dtype of the parameters.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "network"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or "/" in self.name:
            raise PluginError(f"the name of a State must be a text without a slash, got {shown(self.name)}")
        if not isinstance(self.shape, tuple) or any(not is_whole(size) or not 0 <= size <= 2**40 for size in self.shape):
            raise PluginError(
                f"the State {self.name!r} must have a tuple of whole numbers from 0 to 2^40 as its shape, got {shown(self.shape)}"
            )
        if self.dtype not in STATE_DTYPES:
            raise PluginError(f"the dtype of the State {self.name!r} must be one of {', '.join(STATE_DTYPES)}, got {shown(self.dtype)}")

    def dtype_in(self, network: np.dtype) -> np.dtype:
        """Its dtype in a network of that dtype."""
        return network if self.dtype == "network" else np.dtype(self.dtype)


def slot_name(slot: int) -> str:
    """What a slot of state is called, ``"slot_0"``."""
    return f"slot_{slot}"


class Optimizer(Configurable):
    """One update of all parameters.

    By default it is a pass over flat vectors, in which every parameter is updated by itself. An optimizer that `needs_tensors` is handed
    whole tensors, with state of any shape for each.

    Attributes
    ----------
    n_slots : int
        How many vectors of state, each as long as the parameters, start at zero and are kept between steps.
    needs_tensors : bool
        True to get tensors instead of flat vectors.
    skips_zero : bool
        True says that a step changes neither a parameter whose gradient is zero nor its state, whatever the numbers of the optimizer are.
        Steps on large tables then leave out rows that no sample of a batch touches. It holds for the class that computes the step: one
        that overrides `step` or `kernel` says it again.
    kernel : Kernel or None
        The same in C: ``nnc_optimizer`` of ``nncore/plugin.h``.
    """

    n_slots: int = 0
    needs_tensors: bool = False
    skips_zero: bool = False
    kernel: ClassVar[Kernel | None] = None

    def settings(self) -> dict[str, Any]:
        """Arguments by name, which parameter groups and schedules may change."""
        return self.config()

    def holder(self, name: str) -> Optimizer:
        """The optimizer that has an argument of that name: this one, unless it is a wrapper."""
        return self

    def state(self, tensors: Sequence[TensorSpan]) -> Sequence[Sequence[State]]:
        """What is kept of each tensor, for an optimizer that `needs_tensors`.

        Parameters
        ----------
        tensors : sequence of TensorSpan
            All that it updates.

        Returns
        -------
        sequence of sequence of State
            A list for each tensor, which may be empty. By default `n_slots` arrays of the tensor's shape, ``slot_0`` and so on.
        """
        return [[State(slot_name(slot), tensor.shape) for slot in range(self.n_slots)] for tensor in tensors]

    def work(self, tensors: Sequence[TensorSpan]) -> int:
        """How much working memory a call of the kernel needs, in numbers of the network's dtype, for an optimizer that `needs_tensors`.

        Nothing of it is kept, and each thread has its own: a kernel may not allocate.

        Parameters
        ----------
        tensors : sequence of TensorSpan
            All that it updates.

        Returns
        -------
        int
            0 by default.
        """
        return 0

    # The Any in both places lets type checkers accept subclasses that take (w, g, state, t) and nothing more.
    def step(self, w: Any, g: Any, state: Any, t: int, *tensors: Any, **_: Any) -> None:
        """Update `w` and `state` in place.

        Parameters
        ----------
        w, g : ndarray of shape (n,)
            Parameters and gradients: of the whole network, or of a part that is trained alike (parameter groups).
        state : ndarray of shape (n_slots, n)
        t : int
            Number of this step, from 1.
        *tensors : sequence of TensorSpan
            One argument, present if `needs_tensors`. Then `w`, `g` and `state` are lists with an entry for each of the tensors: matrices of
            shape (rows, columns), and dicts of the arrays that `state` declares, by name.
        """
        raise NotImplementedError(f"{type(self).__name__}.step")

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        """Move `w` in place to where the gradient for `step` is taken, for an optimizer that computes two in each step.

        A class that overrides it has two passes over each batch: gradients at the parameters, `perturb`, gradients at the moved parameters.
        Then the parameters are put back, and `step` gets them with the second gradients. Both passes drop the same units; the loss that is
        reported, and what layers remember of the batch, is that of the first.

        Parameters
        ----------
        w, g : ndarray of shape (n,)
            Parameters and first gradients: of the whole network, or of a part of it.
        norm : float
            Euclidean norm of all first gradients of this optimizer's parameters together.
        """
        raise NotImplementedError(f"{type(self).__name__}.perturb")

    @property
    def n_passes(self) -> int:
        """How many gradients of a batch a step needs: 2 for a class with `perturb`."""
        return 1 if type(self).perturb is Optimizer.perturb else 2

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """What no parameter, no number of the state, and nothing that is computed on the way to them exceeds in some steps.

        A step that cannot overflow need not be looked at, and nothing has to be copied before it. Where nothing is known, training costs
        a copy of parameters and state for each run of the core: for each `train_on_batch`, and some twenty times a second in a fit.

        The bound must hold, too, if a wrapper moves parameters between steps to somewhere between points where they have been. It is not
        asked of an optimizer that `needs_tensors` and keeps state: arrays of any shape have no two numbers that say how far they go.

        Parameters
        ----------
        w, g : float
            Parameters before them have magnitudes up to w, all gradients up to g.
        state : sequence of (float, float)
            For each vector of the state, the lowest number in it and the highest, before them.
        n_steps : int

        Returns
        -------
        float
            Any bound, however rough; not smaller for larger arguments. Infinity, the default, says that there is none.
        """
        return math.inf

    def evaluation(self, w: Any, state: Any, out: Any) -> None:
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
            Overlaps neither of them. If the class `needs_tensors`, all three are lists with an entry for each tensor, as in `step`.
        """
        for source, target in zip(w, out, strict=True) if self.needs_tensors else [(w, out)]:
            target[...] = source

    @property
    def has_evaluation(self) -> bool:
        """Whether predictions use other parameters than those that are trained."""
        return type(self).evaluation is not Optimizer.evaluation
