"""Make hidden layers from numbers of units, activations, normalisation and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from nncore.arguments import as_number, shown
from nncore.contract import Activation, Layer
from nncore.errors import ParameterError
from nncore.layers.activation import ActivationLayer
from nncore.layers.dense import Dense
from nncore.layers.dropout import Dropout
from nncore.registry import resolve

#: scikit-learn's names of activations, and nncore's.
SCIKIT_LEARN_ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def hidden_layer_sizes_of(sizes: Any) -> list[int]:
    """Check ``hidden_layer_sizes``, and return it as a list.

    Raises
    ------
    ParameterError
        If it is not a whole number above 0, or a sequence of them.
    """
    listed = list(sizes) if hasattr(sizes, "__iter__") and not isinstance(sizes, str) else [sizes]
    if not all(isinstance(size, Integral) and not isinstance(size, bool) for size in listed):
        raise ParameterError(f"hidden_layer_sizes must be whole numbers, got {shown(sizes)}")
    if any(size <= 0 for size in listed):
        raise ParameterError(f"hidden_layer_sizes must be > 0, got {listed}.")
    return [int(size) for size in listed]


def hidden_activations(activation: Any, n_layers: int) -> list[Any]:
    """One activation for each hidden layer, in the form the user passed."""
    if not isinstance(activation, (list, tuple)):
        return [activation] * n_layers
    if len(activation) != n_layers:
        raise ParameterError(f"activation lists {len(activation)} functions for {n_layers} hidden layers: give one, or one for each")
    return list(activation)


def hidden_layers(sizes: Sequence[int], activations: Sequence[Any], normalization: Any, dropout: Any) -> list[Layer]:
    """Make hidden layers in the order dense, normalisation, activation, dropout.

    Parameters
    ----------
    sizes : sequence of int
    activations : sequence of str, Activation or dict
        One for each size.
    normalization : str, dict or None
        Normalisation layer by name; None for none.
    dropout : float or sequence of float
        Fraction of the units to drop, for all layers or for each.
    """
    rates = dropout_rates(dropout, len(sizes))
    layers: list[Layer] = []
    for size, name, rate in zip(sizes, activations, rates, strict=True):
        activation = activation_of(name)
        if normalization is None:
            layers.append(Dense(size, activation))
        else:
            dense = Dense(size, weight_initializer=activation.initializer)  # for the activation after the next layer
            layers += [dense, resolve("layers", normalization), ActivationLayer(activation)]
        if rate > 0:
            layers.append(Dropout(rate))
    return layers


def dropout_rates(dropout: Any, n_layers: int) -> list[float]:
    """Fraction of units to drop after each hidden layer, given for all layers or for each."""
    rates = list(dropout) if hasattr(dropout, "__iter__") else [dropout] * n_layers
    if len(rates) != n_layers:
        raise ParameterError(f"dropout lists {len(rates)} rates for {n_layers} hidden layers: give one for each, or a single number")
    if not all(_is_rate(rate) for rate in rates):
        raise ParameterError(f"dropout must be a number in [0, 1), or one for each hidden layer, got {shown(dropout)}")
    return rates


def activation_of(spec: Any) -> Activation:
    """Make an activation from scikit-learn's name, or from what the registry accepts."""
    activation: Activation = resolve("activations", SCIKIT_LEARN_ACTIVATIONS.get(spec, spec) if isinstance(spec, str) else spec)
    return activation


def _is_rate(value: Any) -> bool:
    found = as_number(value)
    return found is not None and 0 <= found < 1
