"""What the two RealMLPs have in common: their parameters, and the networks that a recipe describes."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nncore.contract import Loss, activation_for
from nncore.estimators.architecture import hidden_activations, hidden_layer_sizes_of, hidden_layers
from nncore.estimators.ensemble import Ensemble
from nncore.estimators.input_columns import InputColumns
from nncore.estimators.recipes import Recipe
from nncore.layers.dense import Dense
from nncore.network import Sequential


class RealMLP(Ensemble):
    """Ensembles of multi-layer perceptrons; subclasses know the target."""

    # scikit-learn reads the signature of each class, so that each spells out its own. The attributes are declared once, for type checkers.
    preset: str
    n_cv: int | None
    n_ens: int | None
    n_refit: int | None
    time_limit: float | None
    hidden_layer_sizes: Any
    activation: Any
    dropout: Any
    solver: Any
    learning_rate_init: float | None
    learning_rate: Any
    weight_decay: float | None
    batch_size: int | str | None
    max_iter: int | None
    n_iter_no_change: float | None
    validation_fraction: float | None
    scoring: Any
    callbacks: Sequence[Any] | None
    random_state: Any
    n_threads: int | None
    progress: bool
    dtype: str
    categorical_features: Any
    max_one_hot: int | None
    embedding_size: int | None
    smooth_clip: float | None

    _components: ClassVar[Mapping[str, str]] = {
        "activation": "activations",
        "solver": "optimizers",
        "learning_rate": "schedules",
        "loss": "losses",
        "scoring": "metrics",
        "callbacks": "callbacks",
    }

    def _new_network(self, recipe: Recipe, loss: Loss, columns: InputColumns) -> Sequential:
        n_outputs = self.n_outputs_
        fills, embeddings = columns.layout.front_layers(columns.n_inputs, recipe.embedding_size)
        sizes = hidden_layer_sizes_of(recipe.hidden_layer_sizes)
        hidden = hidden_layers(sizes, hidden_activations(recipe.activation, len(sizes)), None, recipe.dropout)
        return Sequential(*fills, *embeddings, *hidden, Dense(n_outputs, activation=activation_for(loss, n_outputs)))
