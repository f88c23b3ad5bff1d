"""scikit-learn's attributes of a network: weights, biases and activations, if they determine the predictions."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from sklearn.exceptions import NotFittedError

from nncore.ensembles import SCIKIT_LEARN_ACTIVATIONS
from nncore.estimators.architecture import dense_parameters
from nncore.layers.dense import Dense
from nncore.layers.dropout import Dropout
from nncore.network import Sequential
from nncore.registry import qualified_name, resolve

#: scikit-learn's names of output activations.
OUT_ACTIVATIONS = ("identity", "logistic", "softmax", "exp")


T = TypeVar("T")


class LiveParameters:
    """``coefs_``, ``intercepts_``, ``n_layers_`` and ``out_activation_`` of an estimator with a `network_`.

    Tools that convert scikit-learn's perceptrons compute predictions from these and from ``activation``. So the attributes exist only if
    that gives the predictions. Otherwise an `AttributeError` says what else the network does. Weights and biases that are assigned before a
    network exists are used when it is made.

    Attributes
    ----------
    network_ : Sequential
        The trained network.
    """

    network_: Sequential
    activation: Any
    _columns: Any

    def _out_activation(self) -> str | None:
        """scikit-learn's name of the output activation; None if predictions are computed in another way."""
        raise NotImplementedError

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Live weights of the dense layers, ``(n_in, n_out)`` each: writing into them, or assigning arrays, changes the network."""
        return self._said("coefs_", lambda network: dense_parameters(network)[0])

    @coefs_.setter
    def coefs_(self, arrays: list[np.ndarray]) -> None:
        self._assign("coefs_", arrays)

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Live biases of the dense layers, ``(n_out,)`` each."""
        return self._said("intercepts_", lambda network: dense_parameters(network)[1])

    @intercepts_.setter
    def intercepts_(self, arrays: list[np.ndarray]) -> None:
        self._assign("intercepts_", arrays)

    @property
    def n_layers_(self) -> int:
        """Number of layers of units, including the input."""
        return self._said("n_layers_", lambda network: len(dense_parameters(network)[0]) + 1)

    @n_layers_.setter
    def n_layers_(self, number: int) -> None:
        self._assign("n_layers_", number)

    @property
    def out_activation_(self) -> str:
        """scikit-learn's name of the output activation."""
        return self._said("out_activation_", lambda network: str(self._out_activation()))

    @out_activation_.setter
    def out_activation_(self, name: str) -> None:
        self._assign("out_activation_", name)

    def _said(self, name: str, of_network: Callable[[Sequential], T]) -> T:
        """The value of an attribute: from the network, or assigned before it exists."""
        if "network_" not in vars(self) and name in vars(self).get("_assigned", {}):
            assigned: T = vars(self)["_assigned"][name]
            return assigned
        self._check_is_all(name)
        return of_network(self.network_)

    def _assign(self, name: str, value: Any) -> None:
        if "network_" not in vars(self):  # used by the next partial_fit
            vars(self)["_assigned"] = vars(self).get("_assigned", {}) | {name: value}
            return
        self._check_is_all(name)
        if name in ("coefs_", "intercepts_"):
            dense_parameters(self.network_)[name == "intercepts_"][:] = value
        elif value != getattr(self, name):
            raise AttributeError(f"{name} is {getattr(self, name)!r} in this network: it cannot be set to {value!r}")

    def _take_assigned(self) -> None:
        """Copy assigned values to the new network."""
        for name, value in vars(self).pop("_assigned").items():
            setattr(self, name, value)

    def _check_is_all(self, name: str) -> None:
        """Raise `AttributeError` for the attribute `name` if there is no network, or if scikit-learn's attributes do not determine
        predictions."""
        if "network_" not in vars(self):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")
        if more := self._more_than_words():
            raise AttributeError(
                f"this {type(self).__name__} has no {name}: its predictions depend on more than dense layers ({more}). "
                "network_.named_parameters() has all tensors, and network_.save() saves everything"
            )

    def _more_than_words(self) -> str:
        """What predictions depend on in addition to weights, biases, ``activation`` and ``out_activation_``; empty if nothing."""
        if self._columns.standardize:
            return "features are standardised"
        if not self._columns.has_numbers_alone:
            return "features are encoded"
        if self._out_activation() not in OUT_ACTIVATIONS:
            return "the loss decodes the outputs in its own way"
        dense: list[Dense] = []
        for layer in self.network_.layers:
            if type(layer) is Dense and layer.use_bias and layer.tied_to is None:
                dense.append(layer)
            elif not isinstance(layer, Dropout):  # no effect in predictions
                return f"{layer!r} is one of its layers"
        used = {_activation_name(layer.activation) for layer in dense[:-1]}
        asked = self.activation if isinstance(self.activation, str) else None
        if used - {SCIKIT_LEARN_ACTIVATIONS.get(asked or "")}:
            return f"its activations are {', '.join(sorted(used))}, and activation={self.activation!r}"
        return ""


def _activation_name(activation: Any) -> str:
    """Registered name of an activation, with its arguments if it has any."""
    made = resolve("activations", "identity" if activation is None else activation)
    return repr(made) if made.config() else qualified_name("activations", type(made))
