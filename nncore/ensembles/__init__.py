"""Networks for tables: recipes, what training rows say of columns and targets, members trained at once and averaged. Imports network.

Estimators and the command stand on it; nothing here needs scikit-learn.
"""

from __future__ import annotations

from nncore.ensembles.best_epoch import Score
from nncore.ensembles.calibration import at_temperature, has_temperature, temperature_of
from nncore.ensembles.ensemble_fit import EnsembleFit, FitOptions, Samples
from nncore.ensembles.folds import Fold, folds, hold_out
from nncore.ensembles.hidden_layers import (
    SCIKIT_LEARN_ACTIVATIONS,
    activation_of,
    hidden_activations,
    hidden_layer_sizes_of,
    hidden_layers,
)
from nncore.ensembles.input_columns import EncodedRows, InputColumns, InputLayout, dtype_of
from nncore.ensembles.member_order import member_order
from nncore.ensembles.members import Members, loss_of_mixture, together, weights_of
from nncore.ensembles.real_mlp_network import groups_of, layers_of, schedules_of, start
from nncore.ensembles.recipes import PRESETS, RealMLPRecipe, Recipe, recipe
from nncore.ensembles.tabm_network import start_tabm, tabm_groups, tabm_layers
from nncore.ensembles.tabm_recipe import TabMRecipe
from nncore.ensembles.target_scale import TargetScale

__all__ = [
    "PRESETS", "SCIKIT_LEARN_ACTIVATIONS", "EncodedRows", "EnsembleFit", "FitOptions", "Fold", "InputColumns", "InputLayout", "Members",
    "RealMLPRecipe", "Recipe", "Samples", "Score", "TabMRecipe", "TargetScale", "activation_of", "at_temperature", "dtype_of", "folds",
    "groups_of", "has_temperature", "hidden_activations", "hidden_layer_sizes_of", "hidden_layers", "hold_out", "layers_of",
    "loss_of_mixture", "member_order", "recipe", "schedules_of", "start", "start_tabm", "tabm_groups", "tabm_layers", "temperature_of",
    "together", "weights_of",
]  # fmt: skip
