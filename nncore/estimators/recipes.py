"""Recipes of networks for tables: every number of them, by the names of the estimators' parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from nncore.arguments import choice

#: Of ``batch_size="auto"``: up to so many samples, so many a batch.
AUTO_BATCH_SIZES = ((1024, 64), (8192, 128), (30_000, 256), (100_000, 512), (math.inf, 1024))


@dataclass(frozen=True)
class Recipe:
    """What a parameter of the same name is where it is None."""

    n_cv: int
    n_ens: int
    n_refit: int
    hidden_layer_sizes: Any
    activation: Any
    dropout: float
    solver: Any
    learning_rate_init: float
    learning_rate: Any
    weight_decay: float
    batch_size: int | str
    max_iter: int
    n_iter_no_change: float
    validation_fraction: float
    smooth_clip: float
    max_one_hot: int
    embedding_size: int
    clip_target: bool

    def with_arguments(self, arguments: Mapping[str, Any]) -> Recipe:
        """The recipe with the arguments that are here by name and not None."""
        found = {field.name: arguments.get(field.name) for field in fields(self)}
        return replace(self, **{name: value for name, value in found.items() if value is not None})


FAST = Recipe(
    n_cv=8,
    n_ens=1,
    n_refit=0,
    hidden_layer_sizes=(64, 64),
    activation="relu",
    dropout=0.0,
    solver="adam",
    learning_rate_init=0.003,
    learning_rate="constant",
    weight_decay=0.0,
    batch_size="auto",
    max_iter=200,
    n_iter_no_change=20,
    validation_fraction=0.2,
    smooth_clip=3.0,
    max_one_hot=9,
    embedding_size=8,
    clip_target=True,
)

#: By the value of `preset`, for classifiers and regressors.
PRESETS: dict[str, tuple[Recipe, Recipe]] = {"fast": (FAST, FAST)}


def recipe(preset: Any, *, is_classifier: bool) -> Recipe:
    """The recipe that `preset` names.

    Raises
    ------
    ParameterError
        If there is none of this name.
    """
    return PRESETS[choice("preset", preset, tuple(PRESETS))][0 if is_classifier else 1]


def batch_size_for(asked: int | str, n_samples: int) -> int:
    """Samples of a batch, for so many to train on."""
    size = next(size for most, size in AUTO_BATCH_SIZES if n_samples <= most) if isinstance(asked, str) else int(asked)
    return min(size, n_samples)
