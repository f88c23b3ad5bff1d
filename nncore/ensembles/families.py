"""Kinds of networks for tables, by name: their presets, and how to make a member from a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nncore.contract import Layer, Loss
from nncore.ensembles import real_mlp_network
from nncore.ensembles.hidden_layers import hidden_layer_sizes_of
from nncore.ensembles.input_columns import InputColumns
from nncore.ensembles.recipes import PRESETS, Recipe
from nncore.ensembles.search_spaces import OF_REAL_MLP, OF_TABM, Space
from nncore.ensembles.tabm_network import ARCHITECTURES, started_tabm, tabm_layers
from nncore.ensembles.tabm_recipe import TabMRecipe
from nncore.network import Sequential


@dataclass(frozen=True)
class Family:
    """A kind of network for tables.

    Attributes
    ----------
    presets : mapping of str to (Recipe, Recipe)
        Recipes for classification and regression, by name. The first preset is the default.
    layers : callable
        Makes the layers of a member from a recipe, the columns of its fold, encoded training rows, a loss and a number of outputs.
    started : callable
        Initialises a built network by a recipe and a seed, and returns arguments of its fit.
    size : callable
        Describes the size of a recipe's network, in words.
    spaces : mapping of str to callable
        Published search spaces.
    usual_space : callable
        Name of the default search space for a preset.
    said_by_preset : frozenset of str
        Parameters that a preset sets. A search does not draw them if the user names a preset.
    """

    presets: Mapping[str, tuple[Recipe, Recipe]]
    layers: Callable[[Any, InputColumns, Any, Loss, int], list[Layer]]
    started: Callable[[Sequential, Any, int], dict[str, Any]]
    size: Callable[[Any], str]
    spaces: Mapping[str, Callable[[], list[Space]]]
    usual_space: Callable[[str], str]
    said_by_preset: frozenset[str] = frozenset()


#: By the value of ``nncore train --model``.
FAMILIES: Mapping[str, Family] = {
    "realmlp": Family(
        PRESETS,
        lambda recipe, columns, rows, loss, n_outputs: real_mlp_network.layers_of(recipe, columns, loss, n_outputs),
        real_mlp_network.started,
        lambda recipe: f"{' → '.join(map(str, hidden_layer_sizes_of(recipe.hidden_layer_sizes))) or 'no hidden'} units",
        OF_REAL_MLP,
        lambda preset: "small" if preset == "fast" else "paper",
    ),
    "tabm": Family(
        {arch: (replace(TabMRecipe(), arch=arch), replace(TabMRecipe(), arch=arch)) for arch in ARCHITECTURES},
        tabm_layers,
        started_tabm,
        lambda recipe: f"{recipe.n_members} members that share weights",
        OF_TABM,
        lambda preset: "paper",
        frozenset({"arch"}),
    ),
}
