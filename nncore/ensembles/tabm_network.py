"""Networks of TabM: layers, initial values, and tensors with weight decay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import choice, shown
from nncore.contract import Layer, Loss, activation_for
from nncore.data import EncodingChain
from nncore.ensembles.hidden_layers import activation_of, dropout_rates, hidden_activations, hidden_layer_sizes_of
from nncore.ensembles.input_columns import InputColumns
from nncore.ensembles.tabm_recipe import N_LAYERS, N_LAYERS_EMBEDDED, N_UNITS, TabMRecipe
from nncore.errors import ParameterError
from nncore.layers.dropout import Dropout
from nncore.layers.fill_missing import FillMissing
from nncore.layers.mean_members import MeanMembers
from nncore.layers.member_heads import MemberHeads
from nncore.layers.members_dense import MembersDense
from nncore.layers.piecewise_linear_embedding import PiecewiseLinearEmbedding
from nncore.layers.repeat_members import RepeatMembers
from nncore.layers.repeated_dense import RepeatedDense
from nncore.network import Sequential

#: TabM, and TabM-mini, whose members share everything except the factors of the inputs and the output layers.
ARCHITECTURES = ("tabm", "tabm-mini")

#: Arguments of `numerical_embedding`, and their defaults.
EMBEDDING = {"n_bins": 48, "n_outputs": 16}


def tabm_layers(recipe: TabMRecipe, columns: InputColumns, rows: NDArray[np.floating], loss: Loss, n_outputs: int) -> list[Layer]:
    """All layers of a network for the inputs that `columns` encodes. Bins are quantiles of the encoded training `rows`."""
    fills, embeddings = columns.front_layers(recipe.embedding_size)
    lines = _numerical_embedding(recipe, columns, rows)
    embedded = {column: line.n_outputs for line in lines for column in line.columns or ()}
    n_filled = sum(len(fill.columns or ()) for fill in fills if isinstance(fill, FillMissing))
    groups = [*_groups(columns, embedded), *[1] * n_filled, *[recipe.embedding_size] * len(columns.places[2]), *embedded.values()] or [1]
    heads = MemberHeads(n_outputs, activation_for(loss, n_outputs))
    hidden = _hidden(recipe, groups, is_embedded=bool(lines))
    if recipe.is_sparse:
        if recipe.share_training_batches is not None and not recipe.share_training_batches:
            raise ParameterError("share_training_batches=False needs dense samples in memory, but X is sparse: leave it at None")
        return [*hidden, heads, _mean(loss)]
    shares = loss.needs_batch if recipe.share_training_batches is None else recipe.share_training_batches
    repeats = RepeatMembers(recipe.n_members, share_training_batches=shares)
    return [*fills, *embeddings, *lines, repeats, *hidden, heads, _mean(loss)]


def _mean(loss: Loss) -> MeanMembers:
    """Mean of the members' predictions, or of their outputs if the link of the loss is unknown."""
    try:
        return MeanMembers(loss.link)
    except ParameterError:
        return MeanMembers("identity")


def _numerical_embedding(recipe: TabMRecipe, columns: InputColumns, rows: NDArray[np.floating]) -> list[PiecewiseLinearEmbedding]:
    """The embedding of all numeric columns, if there is one."""
    asked = recipe.numerical_embedding
    if not isinstance(asked, (bool, np.bool_, Mapping)) or (isinstance(asked, Mapping) and not asked.keys() <= EMBEDDING.keys()):
        names = " and ".join(map(repr, EMBEDDING))
        raise ParameterError(f"numerical_embedding must be True, False or a dict with {names}, got {shown(asked)}")
    places = columns.places[0]
    if (not asked and not isinstance(asked, Mapping)) or not len(places):
        return []
    given = EMBEDDING | (dict(asked) if isinstance(asked, Mapping) else {})
    learned = EncodingChain.learn([{"name": "piecewise_linear", "n_bins": given["n_bins"]}], rows[:, places]).learned[0]
    # Two edges must not become equal in the network's dtype; a column that is constant in it has no edges.
    split = np.split(learned["edges"].astype(rows.dtype), np.cumsum(learned["n_edges"])[:-1])
    bins = {place: edges.tolist() for place, edges in zip(places.tolist(), map(np.unique, split), strict=True) if len(edges) > 1}
    return [PiecewiseLinearEmbedding(list(bins.values()), given["n_outputs"], columns=list(bins))] if bins else []


def _groups(columns: InputColumns, embedded: Collection[int]) -> list[int]:
    """Number of adjacent inputs of each column, for numbers without embedding and for levels."""
    of_numbers, of_levels, of_codes = columns.places
    origins = np.zeros(len(of_numbers) + len(of_levels) + len(of_codes), np.int64)
    origins[of_numbers] = np.arange(len(of_numbers))
    origins[of_levels] = len(of_numbers) + np.repeat(np.arange(columns.hot.n_columns), columns.hot.widths)
    passed = np.delete(origins, [*of_codes, *embedded])
    begins = np.flatnonzero(np.diff(passed, prepend=-1))
    return [int(size) for size in np.diff(begins, append=len(passed))]


def _hidden(recipe: TabMRecipe, groups: list[int], *, is_embedded: bool) -> list[Layer]:
    asked = recipe.hidden_layer_sizes
    n_layers = N_LAYERS_EMBEDDED if is_embedded else N_LAYERS
    sizes = hidden_layer_sizes_of((N_UNITS,) * n_layers if asked is None else asked)
    if not sizes:
        raise ParameterError("hidden_layer_sizes must have at least one layer, whose inputs tell the members apart")
    is_mini = choice("arch", recipe.arch, ARCHITECTURES) == "tabm-mini"
    shared: dict[str, Any] = {"scale_outputs": False, "share_bias": True} if is_mini else {}
    layers: list[Layer] = []
    names, rates = hidden_activations(recipe.activation, len(sizes)), dropout_rates(recipe.dropout, len(sizes))
    for number, (size, name, rate) in enumerate(zip(sizes, names, rates, strict=True)):
        if number == 0:
            own: dict[str, Any] = {"input_groups": groups}
        else:
            own = {"scale_inputs": False} if is_mini else {"input_initializer": None}
        if number == 0 and recipe.is_sparse:  # each input is a column
            layers.append(RepeatedDense(recipe.n_members, size, activation_of(name), **shared))
        else:
            layers.append(MembersDense(size, activation_of(name), **own, **shared))
        layers += [Dropout(rate)] if rate > 0 else []
    return layers


def started_tabm(network: Sequential, recipe: TabMRecipe, seed: int) -> dict[str, Any]:
    """Initialise a built network, and return arguments of its fit that depend on it."""
    start_tabm(network, seed)
    return {"groups": tabm_groups(network, recipe), "schedule": recipe.moves({}) or None}


def start_tabm(network: Sequential, seed: int) -> None:
    """Set initial values of a built network that no initializer draws: with embedded numbers, r of the first layer is N(0, 1)."""
    if not any(isinstance(layer, PiecewiseLinearEmbedding) for layer in network.layers):
        return
    first = next(layer for layer in network.layers if isinstance(layer, MembersDense))
    name = network.layer_names[network.layers.index(first)]
    factors = network.named_parameters()[f"{name}.input_scale"]
    groups = first.input_groups
    assert groups is not None, "the first layer has them"
    rng = np.random.default_rng([seed, len(network.layers)])
    factors[...] = np.repeat(rng.normal(size=(len(factors), len(groups))), groups, axis=1)


def tabm_groups(network: Sequential, recipe: TabMRecipe) -> dict[str, dict[str, Any]]:
    """No weight decay for biases, linear parts of numerical embeddings, and values of missing numbers."""
    if not recipe.weight_decay:
        return {}
    lines, fills = "piecewise_linear_embedding_", "fill_missing_"
    named = network.named_parameters()
    kept = [name for name in named if name.endswith(".bias") or name.startswith(fills)]
    kept += [name for name in named if name.startswith(lines) and name.endswith(".weight")]
    return {name: {"weight_decay": 0.0} for name in kept}
