"""A network as a table: layers, sizes, and how they run."""

from __future__ import annotations

import inspect
import math
from collections.abc import Collection, Iterator
from typing import Any

from nncore import registry
from nncore.arguments import listed
from nncore.contract import Configurable, Layer, Plan, rung, written
from nncore.network.network import Network
from nncore.network.rules import described_groups
from nncore.program import RULES, Blueprint, Stage, group_tensors, plan_network
from nncore.tables import ShownTable, Table

_COLUMNS = ("layer", "does", "output", "parameters", "trained", "FLOPs", "runs")
_NUMBERS = ("parameters", "FLOPs")
#: A description of a layer that is longer is cut.
_WIDEST = 60


def summary(network: Network) -> str:
    """The network as plain text: a line for each layer, then sizes, loss, optimizer and progress of training.

    FLOPs are those of a prediction for one sample. Layers inside a layer come before it, under its name: ``residual_1.dense_1``. Before
    the network is built, shapes and numbers are ``"?"``.
    """
    return ShownTable.of(_table(network))


def html(network: Network) -> str:
    """The summary as HTML for a notebook."""
    return _table(network).html()


def describe(network: Network) -> dict[str, Any]:
    """The summary for programs: names, arguments and rungs of every part, in a form for JSON."""
    described: dict[str, Any] = {
        "layers": [
            {"layer": name, "rung": _rung_of(layer), **registry.config_of("layers", layer)}
            for name, layer in zip(network.layer_names, network.layers, strict=True)
        ]
    }
    for what, kind in (("loss", "losses"), ("optimizer", "optimizers")):
        component = getattr(network, what)
        described[what] = None if component is None else {"rung": rung(component), **registry.config_of(kind, component)}
        if what in network.absent:
            described[what] = {"rung": "absent", **network.absent[what].document[what]}
    if network.schedules or "schedule" in network.absent:
        described["schedule"] = {path: registry.config_of("schedules", schedule) for path, schedule in network.schedules.items()}
        if "schedule" in network.absent:
            described["schedule"] = network.absent["schedule"].document["schedule"]
    described["groups"] = described_groups(network.groups)
    for pattern, options in network.groups.items():
        if "optimizer" in options:
            described["groups"][pattern]["optimizer"] = {"rung": rung(options["optimizer"])} | described["groups"][pattern]["optimizer"]
    if "groups" in network.absent:
        described["groups"] = network.absent["groups"].document["groups"]
    if network.is_built:
        described |= {"input_shape": list(network.input_shape), "dtype": network.dtype.name, "n_parameters": network.n_parameters}
        blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
        described["n_flops"] = sum(stage.flops for stage in blueprint.stages)
        described["ties"] = blueprint.ties
        described["rules"] = [
            {"tensor": rule.tensor.name, "rung": rung(rule.component), "kind": kind, **registry.config_of(kind, rule.component)}
            for rule in network.rules
            for kind in [RULES[rule.kind]]
        ]
    return described


def _rung_of(layer: Layer, plan: Plan | None = None) -> str:
    """The rung of a layer with its activation: the lowest, since one part in NumPy slows down the whole layer.

    Without a plan, layers inside it count too; with a plan, only what joins their outputs.
    """
    runs_itself = type(layer).forward is not Layer.forward  # a view passes its input on
    activation = getattr(layer, "activation", None)
    parts = [rung(layer)] if runs_itself else []
    parts += [] if activation is None else [rung(registry.resolve("activations", activation))]
    parts += [_rung_of(inner) for inner in _layers_in(list(layer.config().values()))] if plan is None else []
    parts += ["native"] if plan is not None and plan.branches else []
    return next((level for level in ("numpy", "numba", "native") if level in parts), "nothing to run")


def _layers_in(value: object) -> Iterator[Layer]:
    """The layers in an argument of a layer."""
    if isinstance(value, Layer):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _layers_in(item)


def _table(network: Network) -> Table:
    if not network.is_built:
        rows: list[tuple[str, ...]] = [
            (name, _cut(_written(layer)), "?", "?", "?", "?", _rung_of(layer))
            for name, layer in zip(network.layer_names, network.layers, strict=True)
        ]
        return Table("Sequential, not built yet", _COLUMNS, rows, _NUMBERS, ["fit(X, y) or build(n_inputs) gives it parameters"])
    blueprint = plan_network(network.layers, network.layer_names, network.input_shape)
    frozen = group_tensors(network.groups, blueprint).frozen
    rows = [
        (
            stage.name,
            _described(stage),
            _shape(stage.plan.output_shape),
            _count(sum(tensor.size for tensor in stage.own_tensors)),
            _trained(stage, frozen),
            _count(stage.flops),
            _rung_of(stage.layer, stage.plan),
        )
        for stage in blueprint.stages
    ]
    title = f"Sequential, {network.dtype.name}, input {_shape(network.input_shape)}"
    return Table(title, _COLUMNS, rows, _NUMBERS, _notes(network, blueprint, frozen))


def _described(stage: Stage) -> str:
    """The layer as in code. A layer that contains layers, which have their own lines, shows how it joins them."""
    if stage.plan.branches:
        done = {"sum": "added", "concat": "side by side"}[stage.plan.merge]
        return f"{type(stage.layer).__name__}: {len(stage.sources)} branches {done}"
    return _cut(_written(stage.layer))


def _trained(stage: Stage, frozen: Collection[str]) -> str:
    """``"yes"``, ``"frozen"``, or the names of frozen and tied tensors; ``"-"`` for a layer without tensors."""
    names = [tensor.name for tensor in stage.own_tensors]
    kept = [name for name in names if f"{stage.name}.{name}" in frozen]
    own = [] if not names else ["yes" if not kept else "frozen" if kept == names else f"not {', '.join(kept)}"]
    tied = [f"{tensor.name} tied to {tensor.tied_to}" for tensor in stage.plan.tensors if tensor.tied_to is not None]
    return ", ".join([*own, *tied]) or "-"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _notes(network: Network, blueprint: Blueprint, frozen: Collection[str]) -> list[str]:
    n_parameters, n_buffers = blueprint.n_parameters, blueprint.n_buffers
    n_frozen = sum(span.rows * span.columns for span in blueprint.spans if span.name in frozen)
    kept_by_optimizers = 0 if network.optimizer is None else sum(view.nbytes for view in network.optimizer_state.values())
    size = network.dtype.itemsize
    kept = _memory((n_parameters + n_buffers) * size)
    trained = _memory((n_parameters * 2 + n_buffers) * size + kept_by_optimizers)  # with gradients and the optimizers' state
    *kinds, last = f"{_count(n_parameters)} parameters", *_kept_beside_parameters(blueprint)
    in_training = f", {trained} while training" if n_parameters else ""
    notes = [f"{', '.join(kinds)}{' and ' if kinds else ''}{last}: {kept}{in_training}"]
    if floats := _left_in_float(blueprint):
        notes.append(f"not quantized: {floats}")
    if n_frozen:
        notes.append(f"{_count(n_parameters - n_frozen)} are trained, {_count(n_frozen)} frozen")
    n_flops = sum(stage.flops for stage in blueprint.stages)
    notes.append(f"{_count(n_flops)} FLOPs to predict a sample (a multiply-add is 2)")
    if network.loss is not None:
        notes.append(f"loss {_written(network.loss)} ({rung(network.loss)})")
    if network.optimizer is not None:
        decay = f", weight decay {network.weight_decay:g}" if network.weight_decay else ""
        notes.append(f"optimizer {_written(network.optimizer)} ({rung(network.optimizer)}){decay}")
    for pattern, options in network.groups.items():
        if "optimizer" in options:
            notes.append(f"optimizer of {pattern} {_written(options['optimizer'])} ({rung(options['optimizer'])})")
    notes += _rules(network)
    notes.append(f"trained for {_counted(network.n_steps, 'step')}, {_counted(network.n_epochs, 'epoch')}")
    return notes


def _kept_beside_parameters(blueprint: Blueprint) -> list[str]:
    """Numbers in buffers, and their kind."""
    buffers = [buffer for stage in blueprint.stages for buffer in stage.plan.buffers]
    n_codes = sum(math.prod(buffer.shape) for buffer in buffers if buffer.dtype is not None)
    n_statistics = sum(buffer.size for buffer in buffers if buffer.dtype is None)
    codes = [f"{_count(n_codes)} weights of 8 bits"] if n_codes else []
    return codes + ([f"{_count(n_statistics)} {'scales, biases and ' if n_codes else ''}running statistics"] if n_statistics else [])


def _left_in_float(blueprint: Blueprint) -> str:
    """The layers with weights that are not of 8 bits, in a network that has some that are; else nothing."""
    if not any(buffer.dtype is not None for stage in blueprint.stages for buffer in stage.plan.buffers):
        return ""
    stages = [stage for stage in blueprint.stages if any(tensor.role == "weight" for tensor in stage.plan.tensors)]
    return listed([stage.name for stage in stages], most=8) if stages else ""


def _rules(network: Network) -> list[str]:
    """A line for every regularizer and constraint, with its tensors."""
    tensors: dict[str, list[str]] = {}
    for rule in network.rules:
        tensors.setdefault(f"{rule.kind} {_written(rule.component)} ({rung(rule.component)})", []).append(rule.tensor.name)
    return [f"{rule}: {listed(names, most=4)}" for rule, names in tensors.items()]


def _written(component: Configurable) -> str:
    """``"Dense(n_outputs=10, activation='relu')"``: the arguments that are not the defaults."""
    parameters = inspect.signature(type(component)).parameters
    config = {name: value for name, value in component.config().items() if name not in type(component).common}  # they have columns
    given = {name: written(value) for name, value in config.items() if repr(value) != repr(parameters[name].default)}
    return f"{type(component).__name__}({', '.join(f'{name}={value}' for name, value in given.items())})"


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _count(number: int) -> str:
    """Digits in groups of three: ``"1 234 567"``."""
    return f"{number:,}".replace(",", " ")


def _counted(number: int, thing: str) -> str:
    return f"{_count(number)} {thing}{'' if number == 1 else 's'}"


def _memory(n_bytes: int) -> str:
    """``"512 bytes"``, ``"1.5 KiB"``."""
    if n_bytes < 1024:
        return f"{n_bytes} bytes"
    power = min(int(math.log2(n_bytes) // 10), 4)
    return f"{n_bytes / 1024**power:.1f} {'KMGT'[power - 1]}iB"
