"""`Known`: facts about a built network that calls use, cached until something changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from nncore import registry
from nncore.contract import Loss, Metric, Optimizer
from nncore.data import TargetsWanted
from nncore.program import Knobs, is_differentiable


@dataclass(frozen=True)
class Known:
    """Cached in `Knobs.known`, which every change of the network clears.

    Attributes
    ----------
    input_shape, output_shape : tuple of int
        Of a sample.
    n_outputs : int
    dtype : dtype
    accepts_nan : bool
    is_differentiable : bool
        Whether gradients can pass from the outputs to the inputs.
    loss : Loss or None
    has_optimizer : bool
    has_evaluation : bool
        Whether an optimizer predicts with other parameters than those it trains.
    of_two_passes : Optimizer or None
        The first optimizer that computes two gradients in a step.
    """

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    n_outputs: int
    dtype: np.dtype
    accepts_nan: bool
    is_differentiable: bool
    loss: Loss | None
    has_optimizer: bool
    has_evaluation: bool
    of_two_passes: Optimizer | None

    @classmethod
    def of(cls, knobs: Knobs, dtype: np.dtype) -> Self:
        """The facts about a built network."""
        blueprint, grouping = knobs.blueprint, knobs.grouping
        assert blueprint is not None, "a built network is planned"
        assert grouping is not None, "and its tensors are grouped"
        optimizers: tuple[Any, ...] = () if knobs.optimizer is None else grouping.optimizers(knobs.optimizer)
        return cls(
            input_shape=blueprint.input_shape,
            output_shape=blueprint.output_shape,
            n_outputs=blueprint.n_outputs,
            dtype=dtype,
            accepts_nan=blueprint.accepts_nan,
            is_differentiable=is_differentiable(blueprint),
            loss=knobs.loss,
            has_optimizer=knobs.optimizer is not None,
            has_evaluation=any(optimizer.has_evaluation for optimizer in optimizers),
            of_two_passes=next((optimizer for optimizer in optimizers if optimizer.n_passes > 1), None),
        )

    @cached_property
    def targets(self) -> TargetsWanted:
        """The targets that the loss takes."""
        assert self.loss is not None, "who has targets has asked for the loss"
        return TargetsWanted.by(self.loss, self.n_outputs)

    @cached_property
    def default_metrics(self) -> MetricsOfLoss:
        """The metrics of `evaluate` by default."""
        assert self.loss is not None, "who is scored has a loss"
        return MetricsOfLoss(self.loss)


class MetricsOfLoss:
    """The metrics of a loss, made once, as long as their names stand for the same classes.

    Parameters
    ----------
    loss : Loss

    Attributes
    ----------
    scorings : dict
        Cached scorers by the number of columns of real targets, 0 for class indices. A user takes one out and puts it back afterwards,
        since it holds sums.
    """

    def __init__(self, loss: Loss) -> None:
        self._loss = loss
        self._specs: list[Any] | None = None
        self._classes: list[type] = []
        self._metrics: list[Metric] = []
        self.scorings: dict[int, Any] = {}

    def metrics(self) -> list[Metric]:
        """The same list as before, if nothing has changed."""
        specs = list(self._loss.metrics)
        named = [spec if isinstance(spec, str) else spec["name"] for spec in specs if isinstance(spec, (str, dict))]
        classes = [registry.get("metrics", name) for name in named]
        if len(named) < len(specs) or specs != self._specs or classes != self._classes:  # what has no name may change
            self._metrics, self.scorings = [registry.resolve("metrics", spec) for spec in specs], {}
            self._specs, self._classes = specs, classes
        return self._metrics
