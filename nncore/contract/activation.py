"""Activations: φ, applied to every row of a layer's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

import numpy as np

from nncore.contract.configurable import Configurable
from nncore.contract.formula import Graph, Value
from nncore.contract.kernel import Kernel
from nncore.errors import NoFormulaError
from nncore.words import ActivationName


class Activation(Configurable):
    """Base class of activations: φ, applied to every row of a layer's outputs.

    Attributes
    ----------
    needs_input : bool
        True if `backward` reads `z`. Otherwise `a` overwrites `z` in place, which saves memory and time.
    trainable : bool
        False for functions without a useful derivative (step, sign): training through them raises an error.
    initializer : str
        Weight initializer for a layer before this activation; by default one that preserves the variance of its inputs.
    output_domain : str or None
        Range of the outputs: the smallest interval that holds them, as in mathematics (``"(0, 1)"``, ``"[0, inf)"``). ``"distribution"`` if
        they are positive and each row, or each of several groups of columns, sums to 1. ``"input"`` if it changes nothing. `fit` raises an
        error if the range of the last activation does not suit the loss (`Loss.output_domain`). None is unknown: any loss is accepted.
    kernel : Kernel or None
        The same in C: ``nnc_activation`` of ``nncore/plugin.h``. It is called only for numbers of columns that `check_columns` accepts.
    """

    needs_input: ClassVar[bool] = False
    trainable: ClassVar[bool] = True
    initializer: ClassVar[str] = "xavier_notes"
    output_domain: str | None = None
    kernel: ClassVar[Kernel | None] = None

    def check_columns(self, n_columns: int) -> None:
        """Raise `ShapeError` if it cannot be applied to rows of `n_columns` numbers. Most activations accept any number."""

    def output_domain_for(self, n_columns: int) -> str | None:
        """`output_domain` for rows of `n_columns` numbers, if it depends on them or on hyperparameters."""
        return self.output_domain

    def forward(self, z: np.ndarray) -> np.ndarray:
        """φ(z); `z` and the result have shape ``(n_rows, n_columns)``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        """∂E/∂z from ``d_a`` = ∂E/∂a. `z` holds the input only if `needs_input`, else it equals `a`."""
        raise NotImplementedError(f"{type(self).__name__}.backward")

    def formula(self, g: Graph, z: Value) -> Value:
        """Write φ(z) with the primitives of `g`, for exports that predict without nncore.

        Parameters
        ----------
        g : Graph
            A formula may use its methods, the operators of values, and the numbers of ``__init__``, nothing else.
        z : Value of shape (n, n_columns)
            The inputs.

        Returns
        -------
        Value of shape (n, n_columns)
            The result of `forward`, up to rounding.

        Raises
        ------
        NoFormulaError
            If the class has no formula: it trains and predicts in nncore, and cannot be exported.
        """
        raise NoFormulaError(
            f"{type(self).__name__} has no formula, so it cannot be exported: write its method formula(self, g, z), which is `forward` "
            "with the primitives of g (see «Formulas» in the documentation)"
        )


#: What users may pass for an activation: a name, an instance, a class, or a dict with ``"name"`` and arguments.
ActivationLike: TypeAlias = ActivationName | str | Activation | type[Activation] | Mapping[str, Any]
