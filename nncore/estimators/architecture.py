"""From the arguments of a multi-layer perceptron to layers, their first values, and the views scikit-learn's users know."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.contract import Activation, Layer
from nncore.errors import ParameterError, ShapeError
from nncore.estimators.parameters import is_number
from nncore.layers.activation import ActivationLayer
from nncore.layers.dense import Dense
from nncore.layers.dropout import Dropout
from nncore.network import Sequential
from nncore.registry import resolve

#: scikit-learn's names of activations, with ours.
SCIKIT_LEARN_ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}


def hidden_layer_sizes_of(sizes: Any) -> list[int]:
    """``hidden_layer_sizes`` as a list.

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
    """One activation for each hidden layer, as the user wrote it."""
    if not isinstance(activation, (list, tuple)):
        return [activation] * n_layers
    if len(activation) != n_layers:
        raise ParameterError(f"activation lists {len(activation)} functions for {n_layers} hidden layers: give one, or one for each")
    return list(activation)


def hidden_layers(sizes: Sequence[int], activations: Sequence[Any], normalization: Any, dropout: Any) -> list[Layer]:
    """Dense layers, each followed by what is asked for: dense, normalisation, activation, dropout.

    Parameters
    ----------
    sizes : sequence of int
    activations : sequence of str, Activation or dict
        One for each size.
    normalization : str, dict or None
        A layer of the registry, by name.
    dropout : float or sequence of float
        Part of the units that are dropped, for all layers or for each.
    """
    rates = list(dropout) if hasattr(dropout, "__iter__") else [dropout] * len(sizes)
    if len(rates) != len(sizes):
        raise ParameterError(f"dropout lists {len(rates)} rates for {len(sizes)} hidden layers: give one for each, or a single number")
    if not all(is_number(rate) and 0 <= rate < 1 for rate in rates):
        raise ParameterError(f"dropout must be a number in [0, 1), or one for each hidden layer, got {shown(dropout)}")
    layers: list[Layer] = []
    for size, name, rate in zip(sizes, activations, rates, strict=True):
        activation = activation_of(name)
        if normalization is None:
            layers.append(Dense(size, activation))
        else:
            dense = Dense(size, weight_initializer=activation.initializer)  # for the activation that follows two layers on
            layers += [dense, resolve("layers", normalization), ActivationLayer(activation)]
        if rate > 0:
            layers.append(Dropout(rate))
    return layers


def activation_of(spec: Any) -> Activation:
    """An activation, by scikit-learn's name or as the registry takes it."""
    activation: Activation = resolve("activations", SCIKIT_LEARN_ACTIVATIONS.get(spec, spec) if isinstance(spec, str) else spec)
    return activation


def is_scikit_learns(activations: Sequence[Any]) -> bool:
    """Whether scikit-learn has all of them, and so says what the first values are."""
    return all(isinstance(name, str) and name in SCIKIT_LEARN_ACTIVATIONS for name in activations)


def start_as_scikit_learn(network: Sequential, activations: Sequence[str], random_state: np.random.RandomState) -> None:
    """Give dense layers scikit-learn's first values, drawn in its order: the same `random_state` starts at the same point.

    Weights and biases from U(-b, b), b = √(k / (fan_in + fan_out)), where k = 2 for the logistic function and 6 otherwise (Glorot &
    Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010). The output layer counts as one with
    the activation of the last hidden layer.
    """
    weights, biases = dense_parameters(network)
    named = [*activations, activations[-1] if activations else "identity"]
    for weight, bias, activation in zip(weights, biases, named, strict=True):
        bound = math.sqrt((2 if activation == "logistic" else 6) / sum(weight.shape))
        weight[...] = random_state.uniform(-bound, bound, weight.shape)
        bias[...] = random_state.uniform(-bound, bound, bias.shape)


def dense_parameters(network: Sequential) -> tuple[TensorViews, TensorViews]:
    """Live weights and biases of all dense layers, also of those inside other layers, in order."""
    weights, biases = TensorViews(), TensorViews()
    for name, view in network.named_parameters().items():
        layer, _, tensor = name.rpartition(".")
        if layer.rpartition(".")[2].startswith("dense_"):
            (weights if tensor == "weight" else biases).append(view)
    return weights, biases


class TensorViews(list[np.ndarray]):
    """Live arrays of a network in a list; an array put into it is copied into the network."""

    def __setitem__(self, index: Any, value: Any) -> None:
        places, values = (self[index], value) if isinstance(index, slice) else ([self[index]], [value])
        if len(places) != len(values):
            raise ShapeError(f"{len(places)} arrays are wanted, got {len(values)}")
        arrays = [np.asarray(array) for array in values]
        for place, array in zip(places, arrays, strict=True):
            if place.shape != array.shape:
                raise ShapeError(f"this tensor of the network has shape {place.shape}, got an array of shape {array.shape}")
        for place, array in zip(places, arrays, strict=True):
            place[...] = array
