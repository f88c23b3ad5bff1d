"""Regularizers: penalties on parameters that are added to the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.kernel import Kernel
from nncore.words import RegularizerName

#: Parts of a tensor that the functions of a regularizer or a constraint may be called on, one by one.
SPLITS = ("elements", "rows", "columns", "tensor")


class Regularizer(Configurable):
    """Base class of regularizers: a term R(W) of the training loss that depends on one tensor.

    Attributes
    ----------
    split : {"elements", "rows", "columns", "tensor"}
        Parts on which several threads may call the compiled functions at once: R is a sum over single numbers, rows, or columns.
        ``"tensor"`` if it needs the whole tensor. A property may choose by the arguments.
    kernel : Kernel or None
        The same in C: ``nnc_regularizer`` of ``nncore/plugin.h``.
    """

    split: Any = "tensor"
    kernel: ClassVar[Kernel | None] = None

    def value(self, w: np.ndarray) -> float:
        """Compute R(W).

        Parameters
        ----------
        w : ndarray of shape (n_rows, n_columns)
            The tensor; a vector is one row. Do not change it.

        Returns
        -------
        float
        """
        raise NotImplementedError(f"{type(self).__name__}.value")

    def add_gradient(self, w: np.ndarray, g: np.ndarray) -> None:
        """Add ∂R/∂W to `g`, in place.

        Parameters
        ----------
        w, g : ndarray of shape (n_rows, n_columns)
            The tensor, and its gradient so far.
        """
        raise NotImplementedError(f"{type(self).__name__}.add_gradient")


#: What a user may write for one.
RegularizerLike: TypeAlias = RegularizerName | str | Regularizer | type[Regularizer] | Mapping[str, Any]
#: The same for an argument of a layer: none, one or several.
Regularizers: TypeAlias = RegularizerLike | Sequence[RegularizerLike] | None
