"""Changes of arguments of a network's own components: tried on a copy, then applied everywhere, or rejected."""

from __future__ import annotations

from typing import Any

from nncore.contract import Configurable, Optimizer, bind, components_in, copied_deeply, frozen
from nncore.errors import ParameterError, ShapeError
from nncore.network.layer_list import check_distinct
from nncore.program import (
    Blueprint,
    layer_names,
    plan_network,
    same_structure,
    structure_of_loss,
    structure_of_optimizer,
    structure_of_transform,
)

#: What to do instead of a change that a network does not allow.
REMEDIES = {
    "layers": "replace the layer with net.replace, or make a new network: nn.Sequential(net[:2], nn.Dense(3)) keeps the values of "
    "trained layers",
    "loss": "pass another loss= to fit, which checks the targets against it",
    "optimizer": "pass another optimizer= to fit, which starts with a fresh state",
    "groups": "pass other groups= to fit, which starts with a fresh state",
    "schedule": "pass another schedule= to fit",
    "transforms": "pass other transforms= to fit",
}


def tried(root: Any, component: Configurable, attributes: dict[str, Any]) -> Any:
    """A copy of `root` in which `component` has other attributes, and every component is valid."""
    memo: dict[int, Any] = {}
    trial = copied_deeply(root, memo)
    vars(memo[id(component)]).update(copied_deeply(attributes))
    for part in components_in(trial):
        part.validate()
    return trial


def stays_the_same(place: str, root: Any, trial: Any, blueprint: Blueprint | None) -> bool:
    """Whether `trial` instead of `root` leaves shapes, tensors, initial values, targets and state unchanged."""
    if place == "layers":
        names = layer_names(trial)
        check_distinct(trial, names)
        if blueprint is None:
            return True
        try:
            return same_structure(plan_network(trial, names, blueprint.input_shape), blueprint)
        except ShapeError:
            return False
    if place == "loss":
        n_outputs = None if blueprint is None else blueprint.n_outputs
        try:
            return structure_of_loss(trial, n_outputs) == structure_of_loss(root, n_outputs)
        except ShapeError:
            return False
    if place in ("optimizer", "groups"):
        spans = () if blueprint is None else blueprint.spans
        parts = ([part for part in components_in(whole) if isinstance(part, Optimizer)] for whole in (trial, root))
        return all(structure_of_optimizer(one, spans) == structure_of_optimizer(other, spans) for one, other in zip(*parts, strict=True))
    if place == "transforms":
        return all(structure_of_transform(one) == structure_of_transform(other) for one, other in zip(trial, root, strict=True))
    for path, schedule in trial.items():
        schedule.restore(root[path].state())
    return all(bool(schedule.monitor == root[path].monitor) for path, schedule in trial.items())


def refusal(place: str, component: Configurable, name: str, value: Any) -> ParameterError:
    """The error for what may not change."""
    return ParameterError(
        f"{type(component).__name__}: {name} is {getattr(component, name)!r:.80} and cannot become {value!r:.80} in this network, since "
        f"its structure or state depends on it: {REMEDIES[place]}"
    )


def commit(component: Configurable, attributes: dict[str, Any], owner: Any, place: str) -> None:
    """Give the network's own component its new attributes."""
    vars(component)["_bond"].changed.update(attributes)
    for name, value in attributes.items():
        bind(value, owner, place)
        vars(component)[name] = frozen(value) if name in type(component).argument_names else value
