"""What the two TabMs have in common: their parameters, their networks, and members that are left out."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nncore.arguments import whole_number
from nncore.data import Fold, SparseSamples
from nncore.ensembles import Members, Recipe, Samples, TabMRecipe, member_order
from nncore.errors import ParameterError
from nncore.estimators.ensemble import Ensemble
from nncore.estimators.ensemble_streams import check_shared
from nncore.estimators.given import Given
from nncore.estimators.held_out import check_validation
from nncore.estimators.network_estimator import checked_weights
from nncore.network import keep_members
from nncore.typing import ActivationsLike, CallbackLike, RateLike, ScoringLike, SolverLike
from nncore.words import explains_calls


@explains_calls
class TabM(Ensemble):
    """Networks that are ensembles of members that share weights; subclasses know the target."""

    # scikit-learn reads the signature of each class, so that each spells out its own. The attributes are declared once, for type checkers.
    arch: str | None
    n_members: int | None
    share_training_batches: bool | None
    n_cv: int | None
    n_ens: int | None
    n_refit: int | None
    time_limit: float | None
    tune: int | str | None
    search_space: Any
    trials_file: Any
    hidden_layer_sizes: Any
    activation: ActivationsLike | None
    numerical_embedding: Any
    dropout: Any
    solver: SolverLike | None
    learning_rate_init: float | None
    learning_rate: RateLike | None
    weight_decay: float | None
    clip_norm: float | None
    batch_size: int | str | None
    drop_last: bool | None
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
    n_quantiles: int | None
    quantile_noise: float | None
    memory_limit: int | str | None
    member_orders_: list[NDArray[np.int64]]
    member_losses_: list[NDArray[np.float64]]

    _components: ClassVar[Mapping[str, str]] = {
        "activation": "activations",
        "solver": "optimizers",
        "learning_rate": "schedules",
        "loss": "losses",
        "scoring": "metrics",
        "callbacks": "callbacks",
    }

    _family = "tabm"

    # ---- networks -----------------------------------------------------------------------------------------------------------

    def _preset(self, given: Given) -> TabMRecipe:
        return TabMRecipe()

    def _for_sparse(self, given: Given, recipe: Recipe) -> Recipe:
        check_shared(given, "X is sparse")
        return super()._for_sparse(given, recipe)

    # ---- members ------------------------------------------------------------------------------------------------------------

    def _look_at_members(self, splits: list[Fold], samples: Samples) -> None:
        ranked = [
            pair
            for members, fold in zip(self._members, splits, strict=True)
            if fold.validation is not None
            for pair in _ranked(members, *samples.of(fold.validation))
        ]
        self.member_orders_, self.member_losses_ = [order for order, _ in ranked], [losses for _, losses in ranked]

    def prune(self, n_members: int, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None) -> Self:
        """Keep only the best members of each network, so predictions take less time.

        Members are chosen greedily by the validation loss of their mean: first the best member alone, then each time the one that lowers
        the loss of the mean the most.

        Parameters
        ----------
        n_members : int
            Number of members that each network keeps. `member_losses_` shows the validation loss for each number. Copy the model first to
            keep all members too: ``copy.deepcopy(model).prune(8)``.
        X_val, y_val, sample_weight_val : array-like, optional
            Data to choose by, instead of the validation samples of `fit`. Needed after `load`, and for networks of `n_refit`.

        Returns
        -------
        self

        Raises
        ------
        ParameterError
            A network has fewer members, or there is no validation data to choose by.
        """
        self._check_is_fitted()
        size = whole_number("n_members", n_members, 1)
        check_validation(X_val, y_val, sample_weight_val)
        if X_val is not None:
            matrix, y_val = self._checked_samples(X_val, y_val)
            self._targets.check(y_val)
            data = matrix, self._encode_target(y_val, self._fitted_loss), checked_weights(sample_weight_val, matrix)
            ranked = [pair for members in self._members for pair in _ranked(members, *data)]
        else:
            known = vars(self)
            ranked = list(zip(known.get("member_orders_", []), known.get("member_losses_", []), strict=True))
        if not ranked:
            raise ParameterError("prune: the members of these networks were not ordered by validation: pass X_val and y_val")
        least = min(len(order) for order, _ in ranked)
        if size > least:
            raise ParameterError(f"prune: n_members must be at most {least}, as many as the networks have, got {size}")
        networks = [keep_members(network, order[:size].tolist()) for network, (order, _) in zip(self.networks_, ranked, strict=True)]
        left = iter(networks)
        self._members = [replace(members, networks=[next(left) for _ in members.networks]) for members in self._members]
        self.networks_ = networks
        self.member_orders_, self.member_losses_ = [np.arange(size) for _ in networks], [losses[:size] for _, losses in ranked]
        return self


def _ranked(
    members: Members, matrix: NDArray[np.floating] | SparseSamples, target: np.ndarray, weights: NDArray[np.floating] | None
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Of each network, the order of its members, and the losses of the means of the first ones."""
    inputs = members.inputs(matrix)
    scaled = target if members.target is None else members.target.transform(target)
    return [member_order(network, inputs, scaled, weights) for network in members.networks]
