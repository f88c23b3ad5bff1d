"""Networks of RealMLP: layers, initial values, learning rates and schedules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from nncore.arguments import choice, shown
from nncore.contract import Layer, Loss, activation_for
from nncore.ensembles.hidden_layers import activation_of, hidden_activations, hidden_layer_sizes_of, hidden_layers
from nncore.ensembles.input_columns import InputColumns
from nncore.ensembles.recipes import RealMLPRecipe
from nncore.errors import ParameterError
from nncore.layers.dense import Dense
from nncore.layers.dropout import Dropout
from nncore.layers.parametric_activation import ParametricActivation
from nncore.layers.periodic_embedding import PeriodicEmbedding
from nncore.layers.scale import Scale
from nncore.layers.scaled_dense import ScaledDense
from nncore.network import Sequential

#: Initial values of dense layers: the layers' defaults, RealMLP-TD-S's and RealMLP-TD's.
INITIALIZERS = ("default", "standard_normal", "data_hull")

#: Key of `lr_factors` for an extra factor of the weights and biases of the first dense layer.
FIRST_LAYER = "first_layer"

#: Other keys of `lr_factors`, and the tensors they stand for.
TENSORS = {
    "bias": ("dense_*.bias", "scaled_dense_*.bias"),
    "scale": ("scale_*.scale", "scaled_dense_*.scale"),
    "numerical_embedding": ("periodic_embedding_*",),
    "activation": ("parametric_activation_*.alpha",),
    "embedding": ("embedding_*",),
}

#: Prefixes of the names of dense layers.
DENSE = ("dense_", "scaled_dense_")


def layers_of(recipe: RealMLPRecipe, columns: InputColumns, loss: Loss, n_outputs: int) -> list[Layer]:
    """All layers of a network for the inputs that `columns` encodes."""
    fills, embeddings = columns.front_layers(recipe.embedding_size)
    waves = [PeriodicEmbedding(**given, columns=columns.places[0].tolist()) for given in _numerical_embedding(recipe, columns)]
    scale = [Scale()] if recipe.front_scale else []
    initializer = "data_hull" if choice("initializer", recipe.initializer, INITIALIZERS) == "data_hull" else None
    output = Dense(n_outputs, activation=activation_for(loss, n_outputs), weight_initializer=initializer)
    dense = [*_hidden(recipe, initializer), output]
    if recipe.is_sparse and scale:
        first = dense[0]
        assert isinstance(first, Dense), "dropout and activations come behind a dense layer"
        return [ScaledDense(first.n_outputs, first.activation, weight_initializer=first.weight_initializer), *dense[1:]]
    return [*fills, *waves, *embeddings, *scale, *dense]


def _numerical_embedding(recipe: RealMLPRecipe, columns: InputColumns) -> list[Mapping[str, Any]]:
    """Arguments of the numerical embedding, if there is one."""
    asked = recipe.numerical_embedding
    if not isinstance(asked, (bool, np.bool_, Mapping)):
        raise ParameterError(f"numerical_embedding must be True, False or a dict of arguments of PeriodicEmbedding, got {shown(asked)}")
    if isinstance(asked, Mapping) and "columns" in asked:
        raise ParameterError("numerical_embedding is for all columns of numbers: leave out 'columns'")
    if asked is False or asked is np.False_ or not columns.numbers.n_encoded:
        return []
    return [asked if isinstance(asked, Mapping) else {}]


def _hidden(recipe: RealMLPRecipe, initializer: str | None) -> list[Layer]:
    sizes = hidden_layer_sizes_of(recipe.hidden_layer_sizes)
    activations = hidden_activations(recipe.activation, len(sizes))
    if not recipe.parametric_activation and initializer is None:
        return hidden_layers(sizes, activations, None, recipe.dropout)
    layers: list[Layer] = []
    names = iter(activations)
    for layer in hidden_layers(sizes, activations, None, recipe.dropout):
        if isinstance(layer, Dense):
            activation = activation_of(next(names))
            own = activation.initializer if initializer is None else initializer
            bends = recipe.parametric_activation
            layers.append(Dense(layer.n_outputs, None if bends else activation, weight_initializer=own))
            layers += [ParametricActivation(activation)] if bends else []
        else:
            layers.append(layer)
    return layers


def start(network: Sequential, recipe: RealMLPRecipe, seed: int) -> None:
    """Set initial values of a built network that no initializer draws, from `seed`."""
    if recipe.initializer == "default":
        return
    # ScaledDense counts as Scale and Dense: initial values are those of the network for dense samples.
    rng = np.random.default_rng([seed, len(network.layers) + sum(isinstance(layer, ScaledDense) for layer in network.layers)])
    named = network.named_parameters()
    for name, view in named.items():
        if name.startswith("embedding_"):
            view *= 10  # from N(0, 0.1²) to N(0, 1)
    if recipe.initializer == "standard_normal":
        dense = [name for name in network.layer_names if name.startswith(DENSE)]
        for name in dense[:-1]:
            weight, bias = named[f"{name}.weight"], named[f"{name}.bias"]
            weight[...] = rng.normal(size=weight.shape) / math.sqrt(len(weight))
            bias[...] = rng.normal(size=bias.shape)
        for tensor in ("weight", "bias"):
            named[f"{dense[-1]}.{tensor}"][...] = 0


def started(network: Sequential, recipe: RealMLPRecipe, seed: int) -> dict[str, Any]:
    """Initialise a built network, and return arguments of its fit that depend on it."""
    start(network, recipe, seed)
    return {"groups": groups_of(network, recipe), "schedule": schedules_of(network, recipe) or None}


def groups_of(network: Sequential, recipe: RealMLPRecipe) -> dict[str, dict[str, Any]]:
    """Learning rates and weight decay of tensors.

    With `ntk`, RealMLP computes x·W/√d for a layer of d inputs. Here the weights are W/√d; the same steps then need a rate divided by √d.
    The decay is multiplied by the factor too: p ← p·(1 − lr·factor·(decay·factor)).
    """
    known = (*TENSORS, FIRST_LAYER)
    if not isinstance(recipe.lr_factors, Mapping) or not set(recipe.lr_factors) <= set(known):
        raise ParameterError(f"lr_factors must be a dict with keys among {', '.join(map(repr, known))}, got {shown(recipe.lr_factors)}")
    decays, groups = bool(recipe.weight_decay), dict[str, dict[str, Any]]()
    if recipe.ntk:
        for name, view in network.named_parameters().items():
            if name.startswith(DENSE) and name.endswith(".weight"):
                root = math.sqrt(len(view))
                groups[name] = {"lr_factor": 1 / root} | ({"weight_decay": recipe.weight_decay * root} if decays else {})
    for kind, pattern in [(kind, pattern) for kind, patterns in TENSORS.items() for pattern in patterns]:
        if kind in recipe.lr_factors and any(name.startswith(pattern.partition("*")[0]) for name in network.layer_names):
            factor = float(recipe.lr_factors[kind])
            decay = 0.0 if kind == "bias" else recipe.weight_decay * factor
            groups[pattern] = {"lr_factor": factor} | ({"weight_decay": decay} if decays else {})
    if FIRST_LAYER in recipe.lr_factors:
        first = next(name for name in network.layer_names if name.startswith(DENSE))
        groups |= _first_layer(first, groups, float(recipe.lr_factors[FIRST_LAYER]), recipe.weight_decay)
    return groups


def _first_layer(first: str, groups: Mapping[str, Mapping[str, Any]], factor: float, decay: float) -> dict[str, dict[str, Any]]:
    """The groups of the tensors of the first dense layer, with an extra factor."""
    found = {}
    for tensor, pattern in ((f"{first}.weight", f"{first}.weight"), (f"{first}.bias", f"{first.rpartition('_')[0]}_*.bias")):
        group = dict(groups.get(pattern, {}))
        found[tensor] = group | {"lr_factor": group.get("lr_factor", 1.0) * factor}
        if decay:
            found[tensor]["weight_decay"] = group.get("weight_decay", decay) * factor
    return found


def schedules_of(network: Sequential, recipe: RealMLPRecipe) -> dict[str, Any]:
    """Schedules of hyperparameters over the epochs, by path."""
    others = {"weight_decay": recipe.weight_decay_schedule if recipe.weight_decay else "constant"}
    if recipe.label_smoothing:
        others["loss.label_smoothing"] = recipe.label_smoothing_schedule
    names = zip(network.layer_names, network.layers, strict=True)
    others |= {f"{name}.rate": recipe.dropout_schedule for name, layer in names if isinstance(layer, Dropout)}
    return recipe.moves(others)
