"""Constraints: what the parameters are made to be after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel
from nncore.words import ConstraintName


class Constraint(Configurable):
    """A projection of one tensor, for its first values and after every step.

    Attributes
    ----------
    split : {"elements", "rows", "columns", "tensor"}
        On which parts the compiled function may be called, by several threads at once: it acts on single numbers, on rows, or on columns by
        themselves; or it needs the whole tensor. A property may choose by the arguments.
    needs_rate : bool
        True if `project` uses the learning rate, so that it cannot go with an optimizer that has none.
    idempotent : bool
        Whether projecting a second time changes nothing but rounding: False for a step of its own, such as a proximal one.
    kernel : Kernel or None
        The same in C: ``nnc_constraint`` of ``nncore/plugin.h``.
    """

    split: Any = "tensor"
    needs_rate: ClassVar[bool] = False
    idempotent: ClassVar[bool] = True
    kernel: ClassVar[Kernel | None] = None

    def validate_tensor(self, n_rows: int, n_columns: int) -> None:
        """Raise `ShapeError` if no tensor of this shape can keep the constraint. It is asked before anything is projected.

        Parameters
        ----------
        n_rows, n_columns : int
            Shape of the tensor; a vector is one row.
        """

    def project(self, w: np.ndarray, rate: float) -> None:
        """Make `w` what the constraint asks for, in place.

        Parameters
        ----------
        w : ndarray of shape (n_rows, n_columns)
            The tensor; a vector is one row.
        rate : float
            Learning rate of the step that has just been taken, for this tensor: that of the optimizer, of the tensor's group and of the
            schedule together. 0 for first values, and without `needs_rate`.
        """
        raise NotImplementedError(f"{type(self).__name__}.project")

    def is_feasible(self, w: np.ndarray) -> np.ndarray | bool:
        """Whether `w` keeps the constraint, but for rounding; what tests ask.

        Parameters
        ----------
        w : ndarray of shape (n_rows, n_columns)

        Returns
        -------
        bool or ndarray of bool
        """
        return True


#: What a user may write for one.
ConstraintLike: TypeAlias = ConstraintName | str | Constraint | type[Constraint] | Mapping[str, Any]
#: The same for an argument of a layer: none, one or several.
Constraints: TypeAlias = ConstraintLike | Sequence[ConstraintLike] | None
