"""scikit-learn's initial weights of a multi-layer perceptron, and live views of weights and biases in scikit-learn's form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nncore.ensembles import SCIKIT_LEARN_ACTIVATIONS
from nncore.errors import ShapeError
from nncore.network import Sequential


def is_scikit_learns(activations: Sequence[Any]) -> bool:
    """Whether scikit-learn has all of these activations, so that its rules for initial weights apply."""
    return all(isinstance(name, str) and name in SCIKIT_LEARN_ACTIVATIONS for name in activations)


def start_as_scikit_learn(network: Sequential, activations: Sequence[str], random_state: np.random.RandomState) -> None:
    """Initialise dense layers like scikit-learn, in the same order: the same `random_state` gives the same weights.

    Weights and biases come from U(-b, b), b = √(k / (fan_in + fan_out)), where k = 2 for the logistic function and 6 otherwise. The
    output layer counts as one with the activation of the last hidden layer. Source: Glorot & Bengio, "Understanding the difficulty of
    training deep feedforward neural networks", 2010.
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
    """A list of live arrays of a network. Assigning an element copies the array into the network."""

    def __setitem__(self, index: Any, value: Any) -> None:
        places, values = (self[index], value) if isinstance(index, slice) else ([self[index]], [value])
        if len(places) != len(values):
            raise ShapeError(f"{len(places)} arrays are needed, got {len(values)}")
        arrays = [np.asarray(array) for array in values]
        for place, array in zip(places, arrays, strict=True):
            if place.shape != array.shape:
                raise ShapeError(f"this tensor of the network has shape {place.shape}, got an array of shape {array.shape}")
        for place, array in zip(places, arrays, strict=True):
            place[...] = array
