"""Loss, optimizers, limits and groups of a fit, checked together before the network changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore import registry
from nncore.arguments import number
from nncore.contract import Callback, Loss, Optimizer, Transform, alike
from nncore.errors import ParameterError
from nncore.network.averaging import check_averages
from nncore.network.network import Network
from nncore.program import Blueprint, Knobs, check_groups, check_outputs, check_rules, check_trainable, group_tensors, rules_of
from nncore.typing import LossLike, OptimizerLike


@dataclass(frozen=True)
class Learning:
    """Arguments of `fit` about learning, and what follows from them.

    Attributes
    ----------
    knobs : Knobs
        Settings of the network after the change; its own where no argument was passed.
    loss, optimizer : Loss, Optimizer
    groups : dict or None
        Those that were given.
    limits : dict of str to float
        Numbers of the network that were given. What was not is never set, since another thread may be changing it.
    version : int
        Version of the network when its blueprint was made.
    """

    knobs: Knobs
    loss: Loss
    optimizer: Optimizer
    groups: dict[str, dict[str, Any]] | None
    limits: dict[str, float]
    version: int

    @classmethod
    def checked(
        cls,
        network: Network,
        blueprint: Blueprint,
        version: int,
        *,
        loss: LossLike | None,
        optimizer: OptimizerLike | None,
        groups: Mapping[str, Mapping[str, Any]] | None,
        limits: Mapping[str, float | None],
        observers: Sequence[Callback],
        transforms: Sequence[Transform],
    ) -> Learning:
        """Raise unless `network`, which is or will be built like `blueprint`, can be trained so."""
        given = {name: number(name, value, 0) for name, value in limits.items() if value is not None}
        new_groups = None if groups is None else check_groups(groups)
        if optimizer is None:
            network._check_present("optimizer")
        network._check_rules_present(groups_come=groups is not None)
        if groups is None:
            network._check_present("groups")
        new_loss: Loss = network._needs("loss") if loss is None else registry.resolve("losses", loss)
        check_outputs(new_loss, blueprint)
        new_optimizer: Optimizer | None = network.optimizer
        if optimizer or new_optimizer is None:
            new_optimizer = registry.resolve("optimizers", optimizer or "adam")
        assert new_optimizer is not None, "adam is there"
        in_force = network.groups if new_groups is None else new_groups
        grouping = group_tensors(in_force, blueprint)
        check_trainable(blueprint, grouping.frozen)
        grouping.check(new_optimizer)
        check_averages(sum(observer.averages for observer in observers), grouping.optimizers(new_optimizer))
        check_rules(rules_of(blueprint, in_force, grouping), grouping, new_optimizer)
        grouping.check_lazy(given.get("weight_decay", network.weight_decay), new_optimizer)
        knobs = Knobs(
            blueprint=blueprint,
            grouping=grouping,
            options=in_force,
            transforms=tuple(transforms),
            loss=new_loss,
            optimizer=new_optimizer,
            **{name: given.get(name, getattr(network, name)) for name in limits},
        )
        return cls(knobs, new_loss, new_optimizer, new_groups, given, version)

    def check_accumulation(self, accumulate: int, batch_size: int) -> None:
        """Raise if the loss or an optimizer needs all samples of a step at once and would get them in parts."""
        if self.loss.needs_batch and accumulate > 1:
            raise ParameterError(
                f"{self.loss!r} needs all samples of a step at once, and accumulate={accumulate} splits a step into batches: "
                f"use accumulate=1 with batch_size={batch_size * accumulate}"
            )
        grouping = self.knobs.grouping
        assert grouping is not None, "it was grouped above"
        two_passes = next((own for own in grouping.optimizers(self.optimizer) if own.n_passes > 1), None)
        if two_passes is not None and accumulate > 1:
            raise ParameterError(
                f"{two_passes!r} computes two gradients of each batch, the second from all of the first, and accumulate={accumulate} "
                f"splits a step into several batches: use accumulate=1 with batch_size={batch_size * accumulate}"
            )

    def goes_on_with_schedule(self, network: Network) -> bool:
        """Whether the network keeps its optimizers, so that a schedule may continue."""
        grouping = self.knobs.grouping
        assert grouping is not None, "it was grouped above"
        has_steps = network.schedule_is_under_way or (network.place is not None and bool(network.schedules))  # or an epoch to be ended
        return has_steps and alike(self.optimizer, network.optimizer) and network._keeps_optimizers(grouping)

    def changes(self, network: Network) -> dict[str, tuple[object, object]]:
        """Settings that differ from those of the network, without numbers that may change at any step: (old, new) by name."""
        grouping = self.knobs.grouping
        assert grouping is not None, "it was grouped above"
        changes: dict[str, tuple[object, object]] = {}
        if not alike(self.loss, network.loss):
            changes["loss"] = network.loss, self.loss
        if not alike(self.optimizer, network.optimizer):
            changes["optimizer"] = network.optimizer, self.optimizer
        elif network.is_built and not network._keeps_optimizers(grouping):
            changes["groups"] = dict(network.groups), self.groups
        return changes

    def build(self, network: Network, shape: tuple[int, ...], seed: int, dtype: np.dtype, batch: np.ndarray) -> None:
        """Build a network that is not built yet. Constraints of these groups also apply to the initial values."""
        blueprint = self.knobs.blueprint if network.version == self.version else None
        if self.groups is not None:
            network._knobs.options = network._own_groups(self.groups)
        network._build(shape, None, None, seed, dtype, batch, blueprint)

    def give(self, network: Network) -> None:
        """Apply these settings to the built network."""
        network._set_loss(self.loss)
        if not alike(self.optimizer, network.optimizer):
            network._set_optimizer(self.optimizer)
        if self.groups is not None:
            network._replace_absent_rules(("groups",))
            network._set_groups(self.groups)
        for name, value in self.limits.items():
            setattr(network, name, value)
