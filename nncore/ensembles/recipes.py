"""Recipes of networks for tables: all hyperparameters, by the names of the estimators' parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

from nncore.arguments import choice

#: ``batch_size="auto"``: (largest number of samples, batch size).
AUTO_BATCH_SIZES = ((1024, 64), (8192, 128), (30_000, 256), (100_000, 512), (math.inf, 1024))


#: Number of comparisons of a search's trials; the last is at the end of training.
N_RUNGS = 4
#: Fractions of all epochs at which the learning rate of RealMLP's schedule, coslog4, is 0.
RUNGS = (1 / 15, 3 / 15, 7 / 15)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Default hyperparameters of an ensemble. A field applies if the estimator's parameter of the same name is None."""

    #: Which of several equally good epochs to keep.
    ties: ClassVar[str] = "last"
    auto_batch_sizes: ClassVar[Sequence[tuple[float, int]]] = AUTO_BATCH_SIZES
    #: Parameters that are for dense samples, and what they do with zeros.
    dense_only: ClassVar[Mapping[str, str]] = {"numerical_embedding": "learns a vector for each number, also for 0"}

    n_cv: int
    hidden_layer_sizes: Any
    activation: Any
    learning_rate_init: float
    batch_size: int | str
    max_iter: int
    n_iter_no_change: float
    judged_by_error: bool = False
    one_logit_a_class: bool = False
    n_ens: int = 1
    n_refit: int = 0
    numerical_embedding: Any = False
    dropout: Any = 0.0
    solver: Any = "adam"
    learning_rate: Any = "constant"
    weight_decay: float = 0.0
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    temperature_scaling: bool = False
    drop_last: bool = False
    validation_fraction: float = 0.2
    max_one_hot: int = 9
    embedding_size: int = 8
    clip_target: bool = True
    #: Whether samples are sparse, so that networks leave out what is `dense_only`.
    is_sparse: bool = False
    #: Values of fields for more training rows, by name: (number of rows, value), ascending. The field's own value is for fewer rows.
    by_rows: Mapping[str, Sequence[tuple[int, Any]]] = field(default_factory=dict)

    def with_arguments(self, arguments: Mapping[str, Any]) -> Self:
        """Replace fields by the arguments of the same names that are not None, for any number of rows."""
        asked = {one.name: arguments.get(one.name) for one in fields(self)}
        found = {name: value for name, value in asked.items() if value is not None}
        by_rows = {name: steps for name, steps in self.by_rows.items() if name not in found}
        return replace(self, **found | {"by_rows": by_rows})

    def for_rows(self, n_rows: int) -> Self:
        """The recipe for a number of training rows."""
        found = {name: [value for most, value in steps if n_rows > most] for name, steps in self.by_rows.items()}
        return replace(self, by_rows={}, **{name: values[-1] for name, values in found.items() if values})

    def for_sparse(self) -> Self:
        """The recipe for sparse samples."""
        return self.with_arguments({"numerical_embedding": False, "is_sparse": True})

    def moves(self, others: Mapping[str, Any]) -> dict[str, Any]:
        """Schedules by path, from `others` and `learning_rate`, which may be a dict of any paths. Constant ones are left out."""
        rate = self.learning_rate
        named = {**others, **(rate if isinstance(rate, Mapping) and "name" not in rate else {"lr": rate})}
        return {path: schedule for path, schedule in named.items() if not (isinstance(schedule, str) and schedule == "constant")}

    @property
    def number_encodings(self) -> list[Any]:
        """Encodings of numeric columns."""
        raise NotImplementedError

    @property
    def level_encodings(self) -> list[Any]:
        """Encodings of one-hot columns."""
        raise NotImplementedError

    @property
    def rungs(self) -> list[int]:
        """Epochs after which a search compares its trials: `N_RUNGS` of them, ascending."""
        return [*(max(1, round(self.max_iter * part)) for part in RUNGS), self.max_iter]

    def batch_size_for(self, n_samples: int) -> int:
        """Batch size for a number of training samples."""
        if isinstance(self.batch_size, str):
            return min(next(size for most, size in self.auto_batch_sizes if n_samples <= most), n_samples)
        return min(int(self.batch_size), n_samples)


@dataclass(frozen=True, kw_only=True)
class RealMLPRecipe(Recipe):
    """Default hyperparameters of RealMLP."""

    parametric_activation: bool = False
    front_scale: bool = False
    initializer: str = "default"
    ntk: bool = False
    lr_factors: Mapping[str, float] = field(default_factory=dict)
    dropout_schedule: Any = "constant"
    weight_decay_schedule: Any = "constant"
    label_smoothing_schedule: Any = "constant"
    smooth_clip: float = 3.0

    @property
    def number_encodings(self) -> list[Any]:
        clip: list[Any] = [] if self.smooth_clip == math.inf else [{"name": "smooth_clip", "limit": float(self.smooth_clip)}]
        return ["robust", *clip]

    @property
    def level_encodings(self) -> list[Any]:
        return ["one_hot", *self.number_encodings]


_FAST = RealMLPRecipe(
    n_cv=8,
    hidden_layer_sizes=(64, 64),
    activation="relu",
    learning_rate_init=0.006,
    learning_rate="cosine",
    batch_size="auto",
    max_iter=64,
    n_iter_no_change=20,
    numerical_embedding=True,
    front_scale=True,
    lr_factors={"scale": 6.0},
)

_TD_S_CLASSES = RealMLPRecipe(
    n_cv=1,
    hidden_layer_sizes=(256, 256, 256),
    activation="selu",
    learning_rate_init=0.04,
    batch_size=256,
    max_iter=256,
    n_iter_no_change=math.inf,
    judged_by_error=True,
    one_logit_a_class=True,
    front_scale=True,
    initializer="standard_normal",
    ntk=True,
    lr_factors={"bias": 0.1, "scale": 6.0, "numerical_embedding": 0.1, "activation": 0.1},
    solver={"name": "adam", "beta2": 0.95},
    learning_rate="coslog4",
    label_smoothing=0.1,
    temperature_scaling=True,
    drop_last=True,
    max_one_hot=1_000_000,
    clip_target=False,
)

_TD_CLASSES = replace(
    _TD_S_CLASSES,
    parametric_activation=True,
    numerical_embedding=True,
    initializer="data_hull",
    dropout=0.15,
    dropout_schedule="flat_cosine",
    solver={"name": "adamw", "beta2": 0.95},
    weight_decay=0.02,
    weight_decay_schedule="flat_cosine",
    max_one_hot=9,
    clip_target=True,
)

_OF_REALS: dict[str, Any] = {"activation": "mish", "label_smoothing": 0.0}

#: More rows make epochs longer, so fewer are needed. Larger folds differ less, so fewer folds are needed.
_FAST_CLASSES = replace(
    _FAST,
    by_rows={
        "n_cv": ((5_000, 5),),
        "max_iter": ((5_000, 32),),
        "n_iter_no_change": ((5_000, 10),),
        "batch_size": ((5_000, 128),),
    },
)

#: With few steps, smaller batches, a higher learning rate and faster waves of the schedule train further.
_FAST_REALS = replace(
    _FAST,
    by_rows={
        "n_cv": ((5_000, 5), (12_000, 4)),
        "max_iter": ((5_000, 32), (12_000, 20), (30_000, 12)),
        "n_iter_no_change": ((5_000, 10),),
        "batch_size": ((5_000, 64),),
        "learning_rate_init": ((5_000, 0.01),),
        "solver": ((5_000, {"name": "adam", "beta2": 0.95}),),
        "numerical_embedding": ((5_000, {"sigma": 0.3}),),
    },
)

#: Recipes for classifiers and regressors, by `preset`.
PRESETS: dict[str, tuple[RealMLPRecipe, RealMLPRecipe]] = {
    "td": (_TD_CLASSES, replace(_TD_CLASSES, learning_rate_init=0.2, **_OF_REALS)),
    "td-s": (_TD_S_CLASSES, replace(_TD_S_CLASSES, learning_rate_init=0.07, **_OF_REALS)),
    "fast": (_FAST_CLASSES, _FAST_REALS),
}


def recipe(preset: Any, *, is_classifier: bool) -> RealMLPRecipe:
    """The recipe that `preset` names.

    Raises
    ------
    ParameterError
        If there is no preset of this name.
    """
    return PRESETS[choice("preset", preset, tuple(PRESETS))][0 if is_classifier else 1]
