"""Ensembles of networks for tables: recipes, encodings of columns and targets, and members trained together and averaged.

Estimators and the command use it. It imports network, and does not need scikit-learn.
"""

from __future__ import annotations

from nncore.ensembles.best_epoch import BestTogether, Score
from nncore.ensembles.calibration import at_temperature, check_averages, has_temperature, temperature_of
from nncore.ensembles.ensemble_fit import EnsembleFit, FitOptions, Samples, Validated
from nncore.ensembles.exporting import (
    graph_of_table_model,
    text_levels,
    write_classes,
    write_decision,
    write_members,
    write_places,
    write_temperature,
)
from nncore.ensembles.families import FAMILIES, Family
from nncore.ensembles.fold_statistics import FoldStatistics
from nncore.ensembles.hidden_layers import (
    SCIKIT_LEARN_ACTIVATIONS,
    activation_of,
    hidden_activations,
    hidden_layer_sizes_of,
    hidden_layers,
)
from nncore.ensembles.input_columns import EncodedRows, InputColumns, InputLayout, as_slice, dtype_of, label_of_number
from nncore.ensembles.member_folds import member_folds
from nncore.ensembles.member_order import member_order
from nncore.ensembles.members import Members, together, weights_of
from nncore.ensembles.members_file import ESTIMATOR_KEY, count_of, damage_told, described_members, need, number_of, numbers_of, read_members
from nncore.ensembles.recipes import PRESETS, RealMLPRecipe, Recipe, recipe
from nncore.ensembles.row_summary import RowSummary
from nncore.ensembles.search_spaces import Space, checked_space, shown_parameters, without_fixed
from nncore.ensembles.streamed_fit import StreamedFit, StreamedFold, StreamedSamples
from nncore.ensembles.table_models import EnsembleModel, NetworkModel, TableModel, layout_of, load_table_model, n_outputs
from nncore.ensembles.tabm_recipe import TabMRecipe
from nncore.ensembles.target_scale import TargetScale, TargetStatistics
from nncore.ensembles.trials import Trial, cv_results, in_order
from nncore.ensembles.trials_file import TrialsFile, run_search
from nncore.ensembles.tuning import Plan, Search, gathered

__all__ = [
    "ESTIMATOR_KEY", "FAMILIES", "PRESETS", "SCIKIT_LEARN_ACTIVATIONS", "BestTogether", "EncodedRows", "EnsembleFit", "EnsembleModel",
    "Family", "FitOptions", "FoldStatistics", "InputColumns", "InputLayout", "Members", "NetworkModel", "Plan", "RealMLPRecipe", "Recipe",
    "RowSummary", "Samples", "Score", "Search", "Space", "StreamedFit", "StreamedFold", "StreamedSamples",
    "TabMRecipe", "TableModel", "TargetScale", "TargetStatistics", "Trial", "TrialsFile", "Validated", "activation_of", "as_slice",
    "at_temperature", "check_averages", "checked_space", "count_of", "cv_results", "damage_told", "described_members",
    "dtype_of", "gathered", "graph_of_table_model", "has_temperature", "hidden_activations", "hidden_layer_sizes_of", "hidden_layers",
    "in_order", "label_of_number", "layout_of", "load_table_model", "member_folds", "member_order", "n_outputs", "need", "number_of",
    "numbers_of", "read_members", "recipe", "run_search", "shown_parameters", "temperature_of", "text_levels", "together", "weights_of",
    "without_fixed", "write_classes", "write_decision", "write_members", "write_places", "write_temperature",
]  # fmt: skip
