"""What the two RealMLPs have in common: their parameters, and the networks that a recipe describes."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nncore.estimators.ensemble import Ensemble
from nncore.typing import ActivationsLike, CallbackLike, RateLike, ScheduleLike, ScoringLike, SolverLike


class RealMLP(Ensemble):
    """Ensembles of multi-layer perceptrons; subclasses know the target."""

    # scikit-learn reads the signature of each class, so that each spells out its own. The attributes are declared once, for type checkers.
    preset: str
    n_cv: int | None
    n_ens: int | None
    n_refit: int | None
    time_limit: float | None
    tune: int | str | None
    search_space: Any
    trials_file: Any
    hidden_layer_sizes: Any
    activation: ActivationsLike | None
    parametric_activation: bool | None
    front_scale: bool | None
    numerical_embedding: Any
    initializer: str | None
    ntk: bool | None
    lr_factors: Mapping[str, float] | None
    dropout: Any
    dropout_schedule: ScheduleLike | None
    solver: SolverLike | None
    learning_rate_init: float | None
    learning_rate: RateLike | None
    weight_decay: float | None
    weight_decay_schedule: ScheduleLike | None
    drop_last: bool | None
    batch_size: int | str | None
    max_iter: int | None
    n_iter_no_change: float | None
    validation_fraction: float | None
    scoring: ScoringLike | None
    callbacks: Sequence[CallbackLike] | None
    random_state: Any
    n_threads: int | None
    progress: bool
    dtype: str
    precision: str | None
    categorical_features: Any
    max_one_hot: int | None
    embedding_size: int | None
    smooth_clip: float | None
    memory_limit: int | str | None

    _components: ClassVar[Mapping[str, str]] = {
        "activation": "activations",
        "solver": "optimizers",
        "learning_rate": "schedules",
        "dropout_schedule": "schedules",
        "weight_decay_schedule": "schedules",
        "loss": "losses",
        "scoring": "metrics",
        "callbacks": "callbacks",
    }

    _family = "realmlp"
