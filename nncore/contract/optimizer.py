"""Optimizers: updates of parameters, their state, and the places of tensors."""

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
    """The place of a tensor in the flat vectors, for optimizers that need tensors.

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
        """Number of elements."""
        return self.rows * self.columns


@dataclass(frozen=True)
class State:
    """An array that an optimizer keeps for a tensor between steps, zero before the first step.

    Attributes
    ----------
    name : str
        Name in `nncore.Sequential.optimizer_state` and in files: ``"momentum"``.
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
    """Name of a slot of state: ``"slot_0"``."""
    return f"slot_{slot}"


class Optimizer(Configurable):
    """Base class of optimizers: an update of all parameters.

    By default it works on flat vectors and updates every parameter independently. An optimizer that `needs_tensors` gets whole tensors,
    with state of any shape for each.

    Attributes
    ----------
    n_slots : int
        Number of state vectors. Each is as long as the parameters, starts at zero, and is kept between steps.
    needs_tensors : bool
        True to get tensors instead of flat vectors.
    skips_zero : bool
        True if a step changes neither a parameter with gradient zero nor its state, for any hyperparameters. Steps on large tables then
        skip rows that no sample of a batch touches. It holds for the class that defines the step: a subclass that overrides `step` or
        `kernel` sets it again.
    kernel : Kernel or None
        The same in C: ``nnc_optimizer`` of ``nncore/plugin.h``.
    """

    n_slots: int = 0
    needs_tensors: bool = False
    skips_zero: bool = False
    kernel: ClassVar[Kernel | None] = None

    def settings(self) -> dict[str, Any]:
        """Arguments by name that parameter groups and schedules may change."""
        return self.config()

    def holder(self, name: str) -> Optimizer:
        """The optimizer with an argument of that name: this one, unless it is a wrapper."""
        return self

    def state(self, tensors: Sequence[TensorSpan]) -> Sequence[Sequence[State]]:
        """Declare the state of each tensor, for an optimizer that `needs_tensors`.

        Parameters
        ----------
        tensors : sequence of TensorSpan
            All tensors that it updates.

        Returns
        -------
        sequence of sequence of State
            A list for each tensor, which may be empty. By default `n_slots` arrays of the tensor's shape, ``slot_0`` and so on.
        """
        return [[State(slot_name(slot), tensor.shape) for slot in range(self.n_slots)] for tensor in tensors]

    def work(self, tensors: Sequence[TensorSpan]) -> int:
        """Return the working memory of a kernel call, in numbers of the network's dtype, for an optimizer that `needs_tensors`.

        A kernel may not allocate memory. Each thread has its own working memory, and its content is not kept.

        Parameters
        ----------
        tensors : sequence of TensorSpan
            All tensors that it updates.

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
            Parameters and gradients, of the whole network or of a parameter group.
        state : ndarray of shape (n_slots, n)
            The state vectors.
        t : int
            Number of this step, from 1.
        *tensors : sequence of TensorSpan
            One more argument if `needs_tensors`. Then `w`, `g` and `state` are lists with an entry for each tensor: matrices of shape
            (rows, columns), and dicts of the arrays that `state` declares, by name.
        """
        raise NotImplementedError(f"{type(self).__name__}.step")

    def perturb(self, w: np.ndarray, g: np.ndarray, norm: float) -> None:
        """Move `w` in place to the point of the second gradient, for an optimizer that computes two gradients in each step.

        A class that overrides it has two passes over each batch: gradients at the parameters, `perturb`, gradients at the moved parameters.
        Then the parameters are restored, and `step` gets the second gradients. Both passes drop the same units. The reported loss and the
        running statistics are those of the first pass.

        Parameters
        ----------
        w, g : ndarray of shape (n,)
            Parameters and first gradients, of the whole network or of a part of it.
        norm : float
            Euclidean norm of all first gradients of this optimizer's parameters.
        """
        raise NotImplementedError(f"{type(self).__name__}.perturb")

    @property
    def n_passes(self) -> int:
        """Number of gradients that a step needs: 2 for a class with `perturb`."""
        return 1 if type(self).perturb is Optimizer.perturb else 2

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """Return a bound for the magnitude of parameters, state and intermediate results over some steps.

        If steps cannot overflow, the host need not check them or copy anything before them. Without a bound, training copies parameters and
        state before each run of the core: in each `train_on_batch`, and about twenty times a second in a fit.

        The bound must also hold if a wrapper moves parameters between steps to points between earlier ones. It is not used for an optimizer
        that `needs_tensors` and has state, since arrays of any shape have no simple bounds.

        Parameters
        ----------
        w, g : float
            Bounds of the magnitudes of the initial parameters and of all gradients.
        state : sequence of (float, float)
            Smallest and largest number of each initial state vector.
        n_steps : int
            Number of steps.

        Returns
        -------
        float
            Any bound, however rough, that does not decrease in the arguments. Infinity, the default, is no bound.
        """
        return math.inf

    def evaluation(self, w: Any, state: Any, out: Any) -> None:
        """Compute the parameters to predict with into `out`, for an optimizer that trains others: an average, or slow weights.

        A class that overrides it has two sets of parameters. Predictions, validation, callbacks and files use those of `evaluation`.
        Training continues from `w`, which is ``network.trajectory`` meanwhile.

        Parameters
        ----------
        w : ndarray of shape (n,)
            The trained parameters.
        state : ndarray of shape (n_slots, n)
            The state. Before the first step it is 0, and `out` must become `w`.
        out : ndarray of shape (n,)
            Array to fill, which does not overlap the others. With `needs_tensors`, all three are lists with an entry for each tensor, as in
            `step`.
        """
        for source, target in zip(w, out, strict=True) if self.needs_tensors else [(w, out)]:
            target[...] = source

    @property
    def has_evaluation(self) -> bool:
        """Whether predictions use other parameters than those that are trained."""
        return type(self).evaluation is not Optimizer.evaluation
