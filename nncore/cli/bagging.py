"""Ensembles as `nncore train` trains them: a recipe with the options that were said, folds that keep groups and times apart."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np

from nncore import registry
from nncore.arguments import choice
from nncore.cli.arguments import component
from nncore.cli.experiment import FEWEST_ROWS_TO_DIVIDE, Fitted, Parts, fit, make_encoder, row_weights, targets
from nncore.cli.settings import Settings, long_name
from nncore.cli.task import Task
from nncore.cli.terminal import notice
from nncore.contract import Loss
from nncore.data import Fold
from nncore.ensembles import (
    FAMILIES,
    EnsembleFit,
    EnsembleModel,
    FitOptions,
    Recipe,
    Samples,
    layout_of,
    member_folds,
    n_outputs,
)
from nncore.errors import DataError, ParameterError
from nncore.tabular import ClassTarget, TableEncoder

#: The kind and the recipe of ``--model auto``.
USUAL_FAMILY, USUAL_PRESET = "realmlp", "fast"

#: Options of networks of one's own, those of them that recipes have no place for, and those of ensembles.
OF_NETWORKS = (
    "hidden", "activation", "normalization", "dropout", "optimizer", "lr", "schedule", "group", "sampler", "transform", "weight_decay",
    "clip_norm",
)  # fmt: skip
OF_MLP = ("normalization", "group", "sampler", "transform")
OF_ENSEMBLES = ("preset", "n_cv", "n_ens")

#: Learned functions of more columns of numbers than this cost more than all the rest, and columns so many stand in for each other.
MOST_EMBEDDED = 100


def model_name(settings: Settings, task: Task) -> str:
    """The model that is meant: ``"mlp"``, or the name of a family.

    Raises
    ------
    ParameterError
        For an option that the model would ignore.
    """
    if settings.model == "auto":
        return _usual_model(settings, task)
    ignored = OF_ENSEMBLES if settings.model == "mlp" else OF_MLP
    if said := settings.said(ignored):
        other = f"--model {' or '.join(FAMILIES)}" if settings.model == "mlp" else "--model mlp"
        raise ParameterError(f"--{long_name(said[0])} is for {other}; leave it out, or say {other}")
    return settings.model


def _usual_model(settings: Settings, task: Task) -> str:
    if settings.said(OF_ENSEMBLES):
        return model_name(replace(settings, model=USUAL_FAMILY), task)
    if settings.said(OF_NETWORKS) or task.table.n_rows < FEWEST_ROWS_TO_DIVIDE:
        return "mlp"
    kinds = [len(np.unique(values)) for values in (task.row_values.group, task.row_values.time) if values is not None]
    return USUAL_FAMILY if all(n >= FEWEST_ROWS_TO_DIVIDE for n in kinds) else "mlp"


def fit_model(settings: Settings, task: Task, parts: Parts, *, epochs: int | None = None, progress: bool = False) -> Fitted:
    """Train the model of the settings, by name, on ``parts.training``; `epochs` are those of `mlp`, if nothing stops it."""
    if settings.model == "mlp":
        return fit(settings, task, parts, epochs=epochs, progress=progress)
    began, rows = time.monotonic(), parts.training
    recipe = recipe_of(settings, task, len(rows))
    encoder = ensemble_encoder(task, rows, recipe)
    weights = row_weights(settings, encoder, task, rows)
    if weights is not None:
        rows, weights = rows[weights > 0], weights[weights > 0]
    matrix = encoder.matrix(task.table)[0][rows]
    target = targets(encoder, task, rows)
    loss = loss_of(settings, task, recipe)
    rng = np.random.default_rng([settings.seed, 2])
    ensemble = _new_fit(settings, task, recipe, encoder, Samples(matrix, target, weights, len(rows)), loss, began, progress)
    divided, n_starts = bag_folds(settings, task, rows, recipe, rng)
    members = ensemble.members(divided, n_starts, lambda: int(rng.integers(2**31)))
    ensemble.validate(members)
    for text in ensemble.diverged:
        notice(text)
    return Fitted(
        EnsembleModel(encoder, members), parts, ensemble.histories, ensemble.best_epochs, recipe.max_iter, time.monotonic() - began
    )


def _new_fit(
    settings: Settings, task: Task, recipe: Recipe, encoder: TableEncoder, samples: Samples, loss: Loss, began: float, progress: bool
) -> EnsembleFit:
    judge = None if task.metric is None else task.metric.judge
    if judge is None and recipe.judged_by_error and settings.loss is None and isinstance(encoder.target, ClassTarget):
        judge = registry.resolve("metrics", "accuracy")
    options = FitOptions(
        metrics=[] if judge is None else [judge], time_limit=settings.time_limit, n_threads=settings.threads, progress=progress
    )
    return EnsembleFit(
        FAMILIES[settings.model],
        options,
        recipe,
        layout_of(encoder),
        samples,
        loss,
        scales_targets=not isinstance(encoder.target, ClassTarget),
        n_outputs=n_outputs(encoder.target, loss),
        began=began,
    )


def ensemble_encoder(task: Task, rows: np.ndarray, recipe: Recipe) -> TableEncoder:
    """What columns are, of all rows to learn from; each fold has statistics of its own."""
    return make_encoder(task, rows, most_one_hot=recipe.max_one_hot - 1)


def ensemble_text(settings: Settings, task: Task, rows: np.ndarray, recipe: Recipe) -> str:
    """What will be trained, for a person."""
    divided, n_starts = bag_folds(settings, task, rows, recipe, np.random.default_rng(settings.seed))
    n_networks, first = len(divided) * n_starts, divided[0]
    assert first.validation is not None, "every fold has some"
    shape = f"{n_networks} network{'s' * (n_networks > 1)} of {FAMILIES[settings.model].size(recipe)}"
    if len(divided) > 1:
        each = (
            "one for each of {} folds, by which it is stopped" if n_starts == 1 else f"{n_starts} for each of {{}} folds, which stops them"
        )
        folds_text = each.format(len(divided))
    else:
        latest = "" if task.row_values.time is None else "the latest "
        folds_text = f"stopped by {latest}{len(first.validation)} rows"
    usual_recipe = FAMILIES[settings.model].presets[preset_of(settings)][0]
    narrow = f"no learned functions of over {MOST_EMBEDDED} columns of numbers" if _is_too_wide(settings, task, usual_recipe) else None
    how = [settings.loss, narrow, f"at most {recipe.max_iter} epochs", f"batches of {recipe.batch_size_for(len(first.train))}"]
    averaged = "; their answers are averaged" if n_networks > 1 else ""
    usual = f"{settings.model}, preset {preset_of(settings)}: {shape}, {folds_text}{averaged}"
    return f"{usual}; {', '.join(filter(None, how))}, seed {settings.seed}"


def _is_too_wide(settings: Settings, task: Task, recipe: Recipe) -> bool:
    """Whether learned functions of numbers are left out, which nobody asked for by naming a preset."""
    n_numbers = sum(kind.kind == "numeric" for kind in task.columns.values())
    return settings.preset is None and bool(recipe.numerical_embedding) and n_numbers > MOST_EMBEDDED


def preset_of(settings: Settings) -> str:
    """The preset that is meant."""
    presets = tuple(FAMILIES[settings.model].presets)
    return choice("--preset", settings.preset or (USUAL_PRESET if USUAL_PRESET in presets else presets[0]), presets)


def recipe_of(settings: Settings, task: Task, n_rows: int) -> Recipe:
    """The preset for so many rows to learn from, with what options say.

    Raises
    ------
    ParameterError
        For a preset that is not there, or weight decay that the optimizer has no place for.
    """
    recipe = FAMILIES[settings.model].presets[preset_of(settings)][0 if task.classes is not None else 1].for_rows(n_rows)
    given: dict[str, Any] = {
        "n_cv": settings.n_cv,
        "n_ens": settings.n_ens,
        "hidden_layer_sizes": settings.hidden,
        "activation": None if settings.activation is None else component(settings.activation),
        "dropout": settings.dropout,
        "learning_rate_init": settings.lr,
        "weight_decay": settings.weight_decay,
        "clip_norm": settings.clip_norm,
        "batch_size": settings.batch_size,
        "max_iter": settings.epochs,
        "n_iter_no_change": math.inf if settings.patience == 0 else settings.patience,
    }
    if _is_too_wide(settings, task, recipe):
        recipe = replace(recipe, numerical_embedding=False)
    recipe = recipe.with_arguments(given)
    if settings.schedule is not None:
        moves: dict[str, Any] = {path: component(text) for path, text in settings.schedule.items()}
        recipe = replace(recipe, learning_rate={"lr": recipe.learning_rate, **moves})
    return _with_optimizer(settings, recipe)


def _with_optimizer(settings: Settings, recipe: Recipe) -> Recipe:
    """The recipe with an optimizer of one's own, at its own numbers where nothing is said of them."""
    solver = recipe.solver if settings.optimizer is None else component(settings.optimizer)
    name = solver if isinstance(solver, str) else solver["name"]
    if settings.weight_decay and "weight_decay" not in registry.get("optimizers", name).argument_names:
        raise ParameterError(f"--weight-decay: the optimizer {name} has none of its own; say --optimizer adamw, or --model mlp")
    if settings.optimizer is None:
        return recipe
    said = {"lr": settings.lr, "weight_decay": settings.weight_decay}
    numbers = {key: value for key, value in said.items() if value is not None}
    return replace(recipe, solver=registry.resolve("optimizers", solver | numbers), weight_decay=recipe.weight_decay)


def loss_of(settings: Settings, task: Task, recipe: Recipe) -> Loss:
    """The task's loss, with the recipe's label smoothing where nobody chose another loss."""
    if settings.loss is not None or not recipe.label_smoothing:
        return task.loss
    return type(task.loss)(**task.loss.config() | {"label_smoothing": float(recipe.label_smoothing)})


def bag_folds(settings: Settings, task: Task, rows: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[list[Fold], int]:
    """Which of `rows`, by their places among them, each member learns from and is stopped by; and how many starts each fold has.

    Raises
    ------
    DataError
        If there are too few rows, groups or times.
    ParameterError
        If folds are asked for where times divide.
    """
    try:
        return member_folds(recipe, task.splitter.of(rows), np.arange(len(rows)), rng, n_cv=settings.n_cv, option="--n-cv ")
    except DataError as error:
        raise DataError(f"{error}, or say --model mlp") from None
