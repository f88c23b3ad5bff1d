"""The recipe of an ensemble for `nncore train`: a preset, changed by options."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from nncore import registry
from nncore.arguments import choice
from nncore.cli.arguments import component
from nncore.cli.settings import Settings
from nncore.cli.task import Task
from nncore.contract import Loss
from nncore.ensembles import FAMILIES, Recipe
from nncore.errors import ParameterError

#: The kind and the recipe of ``--model auto``.
USUAL_FAMILY, USUAL_PRESET = "realmlp", "fast"

#: With more numeric columns, embeddings of numbers would take most of the time, and such columns are usually redundant.
MOST_EMBEDDED = 100

#: The recipe's parameter that each option sets.
PARAMETERS = {
    "n_cv": "n_cv", "n_ens": "n_ens", "n_refit": "n_refit", "hidden": "hidden_layer_sizes", "activation": "activation",
    "dropout": "dropout", "lr": "learning_rate_init", "weight_decay": "weight_decay", "clip_norm": "clip_norm", "batch_size": "batch_size",
    "epochs": "max_iter", "patience": "n_iter_no_change", "schedule": "learning_rate", "optimizer": "solver",
}  # fmt: skip


def is_too_wide(settings: Settings, task: Task) -> bool:
    """Whether embeddings of numbers are left out: there are too many columns, and the user has not named a preset."""
    return settings.preset is None and sum(kind.kind == "numeric" for kind in task.columns.values()) > MOST_EMBEDDED


def preset_of(settings: Settings) -> str:
    """The chosen preset."""
    presets = tuple(FAMILIES[settings.model].presets)
    return choice("--preset", settings.preset or (USUAL_PRESET if USUAL_PRESET in presets else presets[0]), presets)


def recipe_of(settings: Settings, task: Task, n_rows: int) -> Recipe:
    """The preset for a number of training rows, changed by options.

    Raises
    ------
    ParameterError
        For an unknown preset, or weight decay that the optimizer does not support.
    """
    recipe = FAMILIES[settings.model].presets[preset_of(settings)][0 if task.classes is not None else 1].for_rows(n_rows)
    given = {parameter: getattr(settings, option) for option, parameter in PARAMETERS.items()}
    given |= {
        "activation": None if settings.activation is None else component(settings.activation),
        "n_iter_no_change": math.inf if settings.patience == 0 else settings.patience,
        "learning_rate": None,  # set below, with the learning rate
        "solver": None,
    }
    if is_too_wide(settings, task):
        recipe = replace(recipe, numerical_embedding=False)
    recipe = recipe.with_arguments(given)
    if settings.schedule is not None:
        moves: dict[str, Any] = {path: component(text) for path, text in settings.schedule.items()}
        recipe = replace(recipe, learning_rate={"lr": recipe.learning_rate, **moves})
    return _with_optimizer(settings, recipe)


def _with_optimizer(settings: Settings, recipe: Recipe) -> Recipe:
    """The recipe with the user's optimizer, with its default hyperparameters where the user has set none."""
    solver = recipe.solver if settings.optimizer is None else component(settings.optimizer)
    name = solver if isinstance(solver, str) else solver["name"]
    if settings.weight_decay and "weight_decay" not in registry.get("optimizers", name).argument_names:
        raise ParameterError(f"--weight-decay: the optimizer {name} has no weight decay; use --optimizer adamw, or --model mlp")
    if settings.optimizer is None:
        return recipe
    said = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    numbers = {key: value for key, value in said.items() if value is not None}
    return replace(recipe, solver=registry.resolve("optimizers", solver | numbers), weight_decay=recipe.weight_decay)


def loss_of(settings: Settings, task: Task, recipe: Recipe) -> Loss:
    """The task's loss, with the recipe's label smoothing unless the user has chosen a loss."""
    if settings.loss is not None or not recipe.label_smoothing:
        return task.loss
    return type(task.loss)(**task.loss.config() | {"label_smoothing": float(recipe.label_smoothing)})
