"""Train ensembles for `nncore train`: choose the model, make folds by groups and times, and train members of one or many recipes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nncore import registry
from nncore.cli.answers import epoch_score
from nncore.cli.experiment import FEWEST_ROWS_TO_DIVIDE, Fitted, Parts, fit, make_encoder, row_weights, targets
from nncore.cli.recipes import MOST_EMBEDDED, USUAL_FAMILY, is_too_wide, loss_of, preset_of, recipe_of
from nncore.cli.search import OF_SEARCHES, Searched, check_search, search, search_space
from nncore.cli.settings import Settings, long_name
from nncore.cli.task import Task
from nncore.cli.terminal import notice
from nncore.data import Fold
from nncore.ensembles import (
    FAMILIES,
    EnsembleFit,
    EnsembleModel,
    FitOptions,
    Members,
    Recipe,
    Samples,
    Score,
    gathered,
    layout_of,
    member_folds,
    n_outputs,
    together,
)
from nncore.errors import DataError, ParameterError
from nncore.tabular import ClassTarget, TableEncoder

if TYPE_CHECKING:
    from nncore.cli.search_outcome import SearchOutcome
    from nncore.contract import History

#: Options of the model `mlp`, those of them that recipes do not support, and options of ensembles.
OF_NETWORKS = (
    "hidden", "activation", "normalization", "dropout", "optimizer", "lr", "schedule", "group", "sampler", "transform", "weight_decay",
    "clip_norm",
)  # fmt: skip
OF_MLP = ("normalization", "group", "sampler", "transform")
OF_ENSEMBLES = ("preset", "n_cv", "n_ens", "n_refit", "tune", *OF_SEARCHES)

#: Message after Ctrl-C while networks are trained on all rows.
IN_REFIT = "interrupted while networks were retrained on all rows; the ensemble has the networks of the folds"


def model_name(settings: Settings, task: Task) -> str:
    """Choose the model: ``"mlp"``, or the name of a family.

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
        raise ParameterError(f"--{long_name(said[0])} needs {other}; leave it out, or add {other}")
    if settings.model != "mlp":
        check_search(settings, task)
    return settings.model


def _usual_model(settings: Settings, task: Task) -> str:
    if settings.said(OF_ENSEMBLES):
        return model_name(replace(settings, model=USUAL_FAMILY), task)
    if settings.said(OF_NETWORKS) or task.table.n_rows < FEWEST_ROWS_TO_DIVIDE:
        return "mlp"
    kinds = [len(np.unique(values)) for values in (task.row_values.group, task.row_values.time) if values is not None]
    return USUAL_FAMILY if all(n >= FEWEST_ROWS_TO_DIVIDE for n in kinds) else "mlp"


def fit_model(settings: Settings, task: Task, parts: Parts, *, epochs: int | None = None, progress: bool = False) -> Fitted:
    """Train the model of the settings on ``parts.training``. `epochs` is for `mlp` without early stopping."""
    if settings.model == "mlp":
        return fit(settings, task, parts, epochs=epochs, progress=progress)
    began, rows = time.monotonic(), parts.training
    recipe = recipe_of(settings, task, len(rows))
    encoder = ensemble_encoder(task, rows, recipe)
    weights = row_weights(settings, encoder, task, rows)
    if weights is not None:
        rows, weights = rows[weights > 0], weights[weights > 0]
    samples = Samples(encoder.matrix(task.table)[0][rows], targets(encoder, task, rows), weights, len(rows))
    rng = np.random.default_rng([settings.seed, 2])
    new_fit = partial(new_ensemble_fit, settings, task, encoder=encoder, samples=samples, rows=rows, began=began, progress=progress)
    divided, n_starts = bag_folds(settings, task, rows, recipe, rng)

    def new_seed() -> int:
        return int(rng.integers(2**31))

    if settings.tune is None:
        trained = train(recipe, new_fit, Fold(np.arange(samples.n_train), None), divided, n_starts, new_seed)
    else:
        trained = _train_best(settings, task, recipe, new_fit, samples, divided, n_starts, new_seed, began)
    return trained.fitted(encoder, parts, (len(divided), n_starts), time.monotonic() - began)


@dataclass(frozen=True)
class Trained:
    """Trained members, and facts about their training: see `Fitted`."""

    members: Sequence[Members]
    histories: Sequence[History]
    best_epochs: Sequence[int]
    most_epochs: int
    diverged: Sequence[str]
    search: SearchOutcome | None = None
    n_refit: int = 0
    interruption: str | None = None

    def fitted(self, encoder: TableEncoder, parts: Parts, shape: tuple[int, int], seconds: float) -> Fitted:
        """Make the model of these members, and report which of them diverged."""
        for text in self.diverged:
            notice(text)
        return Fitted(
            EnsembleModel(encoder, self.members),
            parts,
            self.histories,
            self.best_epochs,
            self.most_epochs,
            seconds,
            shape,
            self.search,
            self.n_refit,
            self.interruption,
        )


def train(
    recipe: Recipe,
    new_fit: Callable[..., EnsembleFit],
    whole: Any,
    divided: list[Any],
    n_starts: int,
    new_seed: Callable[[], int],
) -> Trained:
    """Train members of one recipe. `divided` are the folds, `whole` is the fold of all rows."""
    ensemble = new_fit(recipe)
    members = ensemble.members(divided, n_starts, new_seed)
    is_whole = ensemble.validate(members)
    trained = Trained(members, ensemble.histories, ensemble.best_epochs, recipe.max_iter, ensemble.diverged)
    if not recipe.n_refit or not is_whole:
        return trained
    again = ensemble.members([whole], recipe.n_refit, new_seed)
    if not ensemble.refit(again):
        return replace(trained, interruption=IN_REFIT)
    return replace(trained, members=again, histories=ensemble.histories, n_refit=recipe.n_refit)


def of_trials(found: Searched, settings: Settings) -> Trained:
    """The members of the trials that a search has selected."""
    chosen = found.chosen
    return Trained(
        gathered(chosen)[0],
        [history for trial in chosen for history in trial.histories],
        [epoch for trial in chosen for epoch in trial.best_epochs],
        max(trial.max_iter for trial in chosen),
        [text for trial in chosen for text in trial.fit.diverged],
        found.outcome,
        interruption=found.interruption(settings),
    )


def _train_best(
    settings: Settings,
    task: Task,
    recipe: Recipe,
    new_fit: Callable[..., EnsembleFit],
    samples: Samples,
    divided: list[Fold],
    n_starts: int,
    new_seed: Callable[[], int],
    began: float,
) -> Trained:
    """Search recipes, and train members of the best ones."""
    space = search_space(settings, task, recipe)
    found = search(settings, recipe, new_fit, samples, divided, n_starts, space=space, seed=new_seed(), began=began)
    trained = of_trials(found, settings)
    if not recipe.n_refit or found.search.interrupted:
        return trained
    found.search.refit(found.chosen, Fold(np.arange(samples.n_train), None), recipe.n_refit, new_seed)
    if found.search.interrupted:
        return replace(trained, interruption=IN_REFIT)
    return replace(of_trials(found, settings), n_refit=recipe.n_refit)


def new_ensemble_fit(
    settings: Settings,
    task: Task,
    recipe: Recipe,
    *,
    encoder: TableEncoder,
    samples: Samples,
    rows: np.ndarray,
    began: float,
    progress: bool,
    encoded: dict[Any, Any] | None = None,
    kind: Any = EnsembleFit,
) -> EnsembleFit:
    """Make the fit of a recipe, by `kind`: `EnsembleFit` or a function that makes it. `samples` are the `rows` of the table."""
    judge = None if task.metric is None else task.metric.judge
    loss = loss_of(settings, task, recipe)
    score = epoch_score(task, encoder.target, loss)
    if task.metric is None and recipe.judged_by_error and settings.loss is None and isinstance(encoder.target, ClassTarget):
        judge = registry.resolve("metrics", "accuracy")

    def scorer(members: Members, places: np.ndarray) -> Score:
        assert score is not None, "made only where there is one"
        return lambda outputs: score(together(members.in_units(outputs, loss), loss), rows[places])

    options = FitOptions(
        metrics=[] if judge is None else [judge],
        time_limit=settings.time_limit,
        precision=settings.precision,
        n_threads=settings.threads,
        progress=progress and settings.tune is None,  # a search reports its rounds
        scorer=None if score is None else scorer,
    )
    fit: EnsembleFit = kind(
        FAMILIES[settings.model],
        options,
        recipe,
        layout_of(encoder),
        samples,
        loss,
        scales_targets=not isinstance(encoder.target, ClassTarget),
        n_outputs=n_outputs(encoder.target, loss),
        began=began,
        encoded=encoded,
    )
    return fit


def ensemble_encoder(task: Task, rows: np.ndarray, recipe: Recipe) -> TableEncoder:
    """Fit the encoder of columns to all training rows. Each fold has its own statistics."""
    return make_encoder(task, rows, most_one_hot=recipe.max_one_hot - 1)


@dataclass(frozen=True)
class EnsembleShape:
    """Size of an ensemble: its networks and rows.

    Attributes
    ----------
    recipe : Recipe
    n_folds, n_starts : int
    n_train, n_validation : int
        Training rows and validation rows of the first fold.
    """

    recipe: Recipe
    n_folds: int
    n_starts: int
    n_train: int
    n_validation: int


def shape_of_ensemble(settings: Settings, task: Task, rows: np.ndarray, recipe: Recipe) -> EnsembleShape:
    """Size of an ensemble that is trained on rows in memory."""
    divided, n_starts = bag_folds(settings, task, rows, recipe, np.random.default_rng(settings.seed))
    return EnsembleShape(recipe, len(divided), n_starts, len(divided[0].train), len(divided[0].held_out))


def ensemble_text(settings: Settings, task: Task, shape: EnsembleShape) -> str:
    """Describe the ensemble to be trained, for the user."""
    recipe, n_folds, n_starts = shape.recipe, shape.n_folds, shape.n_starts
    n_networks = n_folds * n_starts
    networks = f"{n_networks} network{'s' * (n_networks > 1)} of {FAMILIES[settings.model].size(recipe)}"
    if n_folds > 1:
        each = "one for each of {} folds, on which it is validated" if n_starts == 1 else f"{n_starts} validated on each of {{}} folds"
        folds_text = each.format(n_folds)
    else:
        latest = "" if task.row_values.time is None else "the latest "
        folds_text = f"validated on {latest}{shape.n_validation} rows"
    usual_recipe = FAMILIES[settings.model].presets[preset_of(settings)][0]
    narrow = (
        f"no embedding of more than {MOST_EMBEDDED} numeric columns"
        if usual_recipe.numerical_embedding and is_too_wide(settings, task)
        else None
    )
    how = [settings.loss, narrow, f"at most {recipe.max_iter} epochs", f"batches of {recipe.batch_size_for(shape.n_train)}"]
    averaged = "; their predictions are averaged" if n_networks > 1 else ""
    if recipe.n_refit:
        one = recipe.n_refit == 1
        averaged = f"; then {recipe.n_refit} on all rows, for the mean of the best epochs, which replace{'s' * one} them"
    usual = f"{settings.model}, preset {preset_of(settings)}: {networks}, {folds_text}{averaged}"
    return f"{usual}; {', '.join(filter(None, how))}, seed {settings.seed}"


def bag_folds(settings: Settings, task: Task, rows: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> tuple[list[Fold], int]:
    """Training and validation rows of each member, as positions in `rows`; and the number of starts of each fold.

    Raises
    ------
    DataError
        If there are too few rows, groups or times.
    ParameterError
        If folds are requested for rows with times.
    """
    try:
        return member_folds(recipe, task.splitter.of(rows), np.arange(len(rows)), rng, n_cv=settings.n_cv, option="--n-cv ")
    except DataError as error:
        raise DataError(f"{error}, or use --model mlp") from None
