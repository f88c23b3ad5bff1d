"""``--tune``: the search space next to given options, and the search for an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from nncore.arguments import choice, listed
from nncore.cli.recipes import PARAMETERS, is_too_wide, preset_of
from nncore.cli.search_outcome import SearchOutcome
from nncore.cli.settings import Settings, long_name
from nncore.cli.task import Task
from nncore.data import Fold
from nncore.ensembles import FAMILIES, EnsembleFit, Plan, Recipe, Samples, Search, Space, Trial, TrialsFile, run_search, without_fixed
from nncore.errors import ParameterError

#: Options that need a search.
OF_SEARCHES = ("search_space", "trials_file")


def check_search(settings: Settings, task: Task) -> None:
    """Raise `ParameterError` for options of a search that would be ignored or contradict each other."""
    if settings.tune is None:
        if said := settings.said(OF_SEARCHES):
            raise ParameterError(f"--{long_name(said[0])} has no effect without --tune; leave it out, or add --tune N")
        return
    if settings.tune == "time" and settings.time_limit is None:
        raise ParameterError("--tune time runs as many trials as --time-limit has room for; add --time-limit SECONDS")
    if settings.trials_file is not None and settings.cv is not None:
        raise ParameterError(f"--trials-file holds one search, but --cv {settings.cv} runs {settings.cv + 1}; leave one of them out")
    if task.metric is not None and task.metric.judge is None:
        what = f"--metric {task.metric.name} needs whole networks after each epoch, but --tune trains them in parts"
        raise ParameterError(f"{what}; use a metric of nncore (nncore plugins lists them), or leave --metric out")
    space_name(settings)


def space_name(settings: Settings) -> str:
    """Name of the search space."""
    family = FAMILIES[settings.model]
    return choice("--search-space", settings.search_space or family.usual_space(preset_of(settings)), tuple(family.spaces))


def search_space(settings: Settings, task: Task, recipe: Recipe) -> list[Space]:
    """The search space, without parameters that options set or that do not apply to the task."""
    family = FAMILIES[settings.model]
    fixed = {parameter for option, parameter in PARAMETERS.items() if settings.said((option,))}
    if settings.optimizer is not None:  # with its own hyperparameters
        fixed |= {"learning_rate_init", "weight_decay"}
    if settings.preset is not None:
        fixed |= family.said_by_preset
    if settings.loss is not None or task.classes is None:
        fixed |= {"label_smoothing", "label_smoothing_schedule"}
    if is_too_wide(settings, task):
        fixed.add("numerical_embedding")
    published = family.spaces[space_name(settings)]()
    of_others = {_outer(name) for one in published for name in one} - {field.name for field in fields(recipe)}
    return without_fixed(published, fixed | of_others)


def search_text(settings: Settings, task: Task, recipe: Recipe, n_kept: int | None = None) -> str:
    """Describe the search for the user. It uses `n_kept` rows if the table is streamed."""
    drawn = f"{listed(_drawn(search_space(settings, task, recipe)))} from the space {space_name(settings)}"
    if settings.tune == "time":
        trials = f"as many trials as the time limit has room for: the defaults, and others that draw {drawn}"
    elif settings.tune == 1:
        trials = "1 trial: the defaults"
    else:
        trials = f"{settings.tune} trials: the defaults, and {int(settings.tune or 1) - 1} that draw {drawn}"
    on = None if n_kept is None else f"compared on {n_kept} rows in memory; the best are then trained on all rows"
    limit = None if settings.time_limit is None else f"{settings.time_limit:g} s at most"
    file = settings.trials_file
    kept = None if file is None else f"{'continues from' if file.exists() else 'trials are saved to'} {file}"
    return "; ".join(filter(None, [trials, "the best are averaged", on, limit, kept]))


def _drawn(space: list[Space]) -> list[str]:
    """Parameters with more than one value, sorted."""
    values: dict[str, list[Any]] = {}
    for one in space:
        for name, drawn in one.items():
            values.setdefault(_outer(name), []).append(drawn)
    return sorted(name for name, drawn in values.items() if any(map(_varies, drawn)))


def _varies(drawn: Any) -> bool:
    """Whether it is a distribution or has more than one value."""
    return not isinstance(drawn, list) or len(set(map(repr, drawn))) > 1


def _outer(name: str) -> str:
    return name.partition("__")[0]


@dataclass(frozen=True)
class Searched:
    """The result of a search.

    Attributes
    ----------
    search : Search
    chosen : list of Trial
        Trials in the ensemble.
    outcome : SearchOutcome
    """

    search: Search
    chosen: list[Trial]
    outcome: SearchOutcome

    def interruption(self, settings: Settings) -> str | None:
        """What Ctrl-C interrupted, and what is kept; None without Ctrl-C."""
        if not self.search.interrupted:
            return None
        n = len(self.outcome.trials)
        kept = f"interrupted in the search, after {n} trial{'s' * (n > 1)} had begun; the ensemble has the best of them"
        if settings.trials_file is None:
            return f"{kept} (with --trials-file FILE.nncore a search can be continued)"
        return f"{kept}; the same command continues from {settings.trials_file}"


def search(
    settings: Settings,
    recipe: Recipe,
    new_fit: Callable[..., EnsembleFit],
    samples: Samples,
    splits: list[Fold],
    n_starts: int,
    *,
    space: list[Space],
    seed: int,
    began: float,
    is_first_half: bool = False,
) -> Searched:
    """Run a search, continuing from the trials file if there is one. `new_fit` makes the fit of a recipe.

    With `is_first_half`, half of the time is left for what follows. The same holds before networks are trained on all rows.
    """
    encoded: dict[Any, Any] = {}

    def fit_of(parameters: Mapping[str, Any]) -> EnsembleFit:
        return new_fit(recipe.with_arguments(parameters), encoded=encoded)

    plan = Plan(
        None if settings.tune == "time" else int(settings.tune or 1),
        space,
        seed,
        None if settings.time_limit is None else began + settings.time_limit,
        not settings.quiet and settings.cv is None,
        refits=recipe.n_refit > 0 or is_first_half,
        began=began,
    )
    made = Search(plan, fit_of, {field.name: getattr(recipe, field.name) for field in fields(recipe)}, splits, n_starts)
    file = None
    if settings.trials_file is not None:
        file = TrialsFile.of(settings.trials_file, made, samples, recipe, f"nncore train --model {settings.model}")
    chosen = run_search(made, file)
    encoded.clear()  # all rows of each fold, which are no longer needed
    return Searched(made, chosen, SearchOutcome.of(made, space_name(settings)))
