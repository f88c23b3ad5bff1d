"""The search of an ensemble estimator: make it from constructor arguments, and set fitted attributes from its trials."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from nncore.arguments import choice, path_text, shown
from nncore.data import Fold
from nncore.ensembles import (
    FAMILIES,
    EnsembleFit,
    Plan,
    Recipe,
    Samples,
    Search,
    Space,
    Trial,
    TrialsFile,
    check_averages,
    checked_space,
    cv_results,
    gathered,
    in_order,
    without_fixed,
)
from nncore.errors import ParameterError
from nncore.estimators.given import Given
from nncore.estimators.network_estimator import seed_from
from nncore.estimators.parameters import check_parameters

#: Parameters of recipes that all trials share: they determine validation rows, columns and the ensemble.
SHARED = frozenset({"n_cv", "n_ens", "n_refit", "validation_fraction", "max_one_hot", "temperature_scaling"})

#: Attributes that a search sets.
ATTRIBUTES = ("trials_", "cv_results_", "best_params_", "best_score_", "best_index_")


def check_tuning(estimator: Any, given: Given) -> None:
    """Raise `ParameterError` for arguments of a search that would be ignored or contradict each other."""
    if given.tune is not None and vars(estimator).get("_skl_callbacks"):
        raise ParameterError("tune does not report to the callbacks of set_callbacks: pass callbacks= or progress=True instead")
    for name in ("search_space", "trials_file"):
        if given.tune is None and getattr(given, name) is not None:
            raise ParameterError(f"{given.shown(name)} would be ignored without a search: pass tune=, the number of trials")
    if given.tune == "time" and given.time_limit is None:
        raise ParameterError("tune='time' runs as many trials as time_limit has room for: pass time_limit= too, in seconds")
    if given.trials_file is not None and not isinstance(given.random_state, Integral):
        raise ParameterError(f"trials_file needs an int as random_state, to continue a search; got {shown(given.random_state)}")


def search_of(
    estimator: Any,
    given: Given,
    recipe: Recipe,
    new_fit: Callable[..., EnsembleFit],
    splits: list[Fold],
    n_starts: int,
    random_state: np.random.RandomState,
    began: float,
) -> Search:
    """Make the search from the arguments of an estimator. `new_fit` makes the fit of a recipe."""
    as_given = new_fit(recipe)
    if as_given.options.scorer is not None:
        raise ParameterError(f"{given.shown('scoring')} is a scorer; with tune, scoring must be 'loss' or a metric of the registry")
    if not as_given.options.metrics:
        check_averages(as_given.loss)
    optional = [field.name for field in fields(recipe)]
    tunable = sorted(set(optional) & set(inspect.signature(type(estimator)).parameters) - SHARED)
    space = _space(estimator, given, recipe, tunable)
    deadline = None if given.time_limit is None else began + float(given.time_limit)
    n_trials = None if given.tune == "time" else int(given.tune)
    seed = seed_from(random_state)
    plan = Plan(n_trials, space, seed, deadline, bool(given.progress), refits=recipe.n_refit > 0, began=began)
    encoded: dict[Any, Any] = {}

    def fit_of(parameters: Mapping[str, Any]) -> EnsembleFit:
        trial = copy.copy(estimator)
        for name, value in parameters.items():
            setattr(trial, name, value)
        check_parameters(trial, optional=optional)
        return new_fit(recipe.with_arguments(parameters), encoded=encoded)

    return Search(plan, fit_of, {name: getattr(recipe, name) for name in tunable}, splits, n_starts)


def _space(estimator: Any, given: Given, recipe: Recipe, tunable: Sequence[str]) -> list[Space]:
    family = FAMILIES[estimator._family]
    asked = family.usual_space(vars(estimator).get("preset", "")) if given.search_space is None else given.search_space
    fixed = {name for name in tunable if given.unread(name) is not None}
    if recipe.is_sparse:
        fixed |= recipe.dense_only.keys()
    if isinstance(asked, str):
        published = family.spaces[choice("search_space", asked, tuple(family.spaces))]()
        of_others = {name.partition("__")[0] for one in published for name in one} - set(tunable)
        return without_fixed(published, fixed | of_others)
    space = checked_space(asked, tunable)
    both = sorted({name for one in space for name in one if name.partition("__")[0] in fixed})
    if both and recipe.is_sparse and (why := recipe.dense_only.get(both[0].partition("__")[0])):
        raise ParameterError(f"search_space draws {both[0]}, which {why}, but X is sparse: leave it out, or pass X.toarray()")
    if both:
        raise ParameterError(f"search_space draws {both[0]}, which {given.shown(both[0])} sets: leave out one of the two")
    return space


def trials_file(given: Given, search: Search, estimator: Any, samples: Samples, recipe: Recipe) -> TrialsFile | None:
    """The trials file of the search; None without one."""
    if given.trials_file is None:
        return None
    return TrialsFile.of(Path(path_text("trials_file", given.trials_file)), search, samples, recipe, type(estimator).__name__)


def forget(estimator: Any) -> None:
    """Remove the search results of an earlier fit."""
    for name in ATTRIBUTES:
        vars(estimator).pop(name, None)


def leave(estimator: Any, search: Search, chosen: Sequence[Trial], splits: Sequence[Fold], samples: Samples) -> None:
    """Set the attributes of an estimator from the trials and the networks of the ensemble."""
    found = {id(network): history for trial in chosen for network, history in zip(trial.networks, trial.histories, strict=True)}
    members, folds = gathered(chosen)
    estimator._take(
        members,
        [epoch for trial in chosen for epoch in trial.best_epochs],
        [score for trial in chosen for score in trial.scores],
        max(trial.n_epochs for trial in search.trials),
        [found[id(network)] for one in members for network in one.networks],
    )
    estimator._look_at_members([splits[number] for number in folds], samples)
    best = in_order(search.trials, search.mode)[0]
    estimator.trials_ = [trial.described() for trial in search.trials]
    estimator.cv_results_ = cv_results(search.trials, search.mode)
    estimator.best_index_, estimator.best_params_ = best.number, dict(best.parameters)
    estimator.best_score_ = float(estimator.cv_results_["mean_test_score"][best.number])
