"""`Known`: what calls of a built network rest on, found once until something changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from nncore.contract import Loss, Optimizer
from nncore.data import TargetsWanted
from nncore.program import Knobs, is_differentiable


@dataclass(frozen=True)
class Known:
    """Kept in `Knobs.known`, which forgets it when anything of a network moves.

    Attributes
    ----------
    input_shape, output_shape : tuple of int
        Of a sample.
    n_outputs : int
    dtype : dtype
    accepts_nan : bool
    is_differentiable : bool
        Whether there is a way back from the outputs to the inputs.
    loss : Loss or None
    has_optimizer : bool
    has_evaluation : bool
        Whether an optimizer predicts with other parameters than it trains.
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
        """What is known of a network that is built."""
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
        """What the loss takes."""
        assert self.loss is not None, "who has targets has asked for the loss"
        return TargetsWanted.by(self.loss, self.n_outputs)
