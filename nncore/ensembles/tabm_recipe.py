"""The recipe of TabM: all hyperparameters, by the names of the estimators' parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nncore.ensembles.recipes import RealMLPRecipe, Recipe

#: Number of layers of 512 units, without and with numerical embeddings.
N_LAYERS, N_LAYERS_EMBEDDED, N_UNITS = 3, 2, 512

#: Epochs after which a search compares its trials, since the number of epochs is not known in advance.
RUNGS = (8, 24, 56)


@dataclass(frozen=True, kw_only=True)
class TabMRecipe(Recipe):
    """TabM-D as in pytabkit, except `max_iter`, which is unlimited there. Training stops long before this limit."""

    ties: ClassVar[str] = "first"
    dense_only: ClassVar[Mapping[str, str]] = {
        **Recipe.dense_only,
        "n_quantiles": "is for quantiles, which move zeros",
        "quantile_noise": "is for quantiles, which move zeros",
    }
    auto_batch_sizes: ClassVar[Sequence[tuple[float, int]]] = (
        (2799, 32), (4499, 64), (6399, 128), (31_999, 256), (107_999, 512), (math.inf, 1024),
    )  # fmt: skip

    n_cv: int = 1
    hidden_layer_sizes: Any = None
    activation: Any = "relu"
    learning_rate_init: float = 2e-3
    batch_size: int | str = 256
    max_iter: int = 10_000
    n_iter_no_change: float = 17  # patience 16, which pytabkit and the authors' example exceed before they stop
    judged_by_error: bool = True
    one_logit_a_class: bool = True
    dropout: Any = 0.1
    solver: Any = "adamw"
    max_one_hot: int = 1_000_000
    clip_target: bool = False
    arch: str = "tabm"
    n_members: int = 32
    share_training_batches: bool | None = None  # None: only if the loss compares the samples of a batch
    n_quantiles: int = 1000
    quantile_noise: float = 1e-3

    @property
    def rungs(self) -> list[int]:
        return [*(min(epoch, self.max_iter) for epoch in RUNGS), self.max_iter]

    @property
    def number_encodings(self) -> list[Any]:
        if self.is_sparse:  # scaled as in RealMLP, which keeps zeros
            return ["robust", {"name": "smooth_clip", "limit": RealMLPRecipe.smooth_clip}]
        return [{"name": "quantile_normal", "most": self.n_quantiles, "noise": self.quantile_noise}]

    @property
    def level_encodings(self) -> list[Any]:
        return [{"name": "one_hot", "binary": False}]
