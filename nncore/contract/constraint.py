"""Constraints: projections of parameters after every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel
from nncore.words import ConstraintName


class Constraint(Configurable):
    """Base class of constraints: a projection of a tensor, of its initial values and after every step.

    Attributes
    ----------
    split : {"elements", "rows", "columns", "tensor"}
        Parts on which several threads may call the compiled function at once: single numbers, rows, or columns. ``"tensor"`` if it needs
        the whole tensor. A property may choose by the arguments.
    needs_rate : bool
        True if `project` uses the learning rate. It then raises an error with an optimizer that has none.
    idempotent : bool
        Whether projecting a second time changes nothing but rounding. False for proximal steps.
    kernel : Kernel or None
        The same in C: ``nnc_constraint`` of ``nncore/plugin.h``.
    """

    split: Any = "tensor"
    needs_rate: ClassVar[bool] = False
    idempotent: ClassVar[bool] = True
    kernel: ClassVar[Kernel | None] = None

    def validate_tensor(self, n_rows: int, n_columns: int) -> None:
        """Raise `ShapeError` if no tensor of this shape can satisfy the constraint; called before any projection.

        Parameters
        ----------
        n_rows, n_columns : int
            Shape of the tensor; a vector is one row.
        """

    def project(self, w: np.ndarray, rate: float) -> None:
        """Project `w` onto the constraint, in place.

        Parameters
        ----------
        w : ndarray of shape (n_rows, n_columns)
            The tensor; a vector is one row.
        rate : float
            Learning rate of the last step for this tensor: that of the optimizer, its group and the schedule together. 0 for initial
            values, and without `needs_rate`.
        """
        raise NotImplementedError(f"{type(self).__name__}.project")

    def is_feasible(self, w: np.ndarray) -> np.ndarray | bool:
        """Whether `w` satisfies the constraint, up to rounding; for tests.

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
