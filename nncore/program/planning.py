"""Plan a network: its stages with their shapes, and the position of every tensor."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nncore import registry
from nncore.contract import Activation, Layer, Plan, TensorSpan, native_kernel
from nncore.errors import DtypeError, NotTrainableError, ParameterError, PluginError, ShapeError
from nncore.program.kernels import named
from nncore.program.memory import named_views
from nncore.program.specification import NETWORK_INPUT, Stage
from nncore.program.ties import Sources, tied_plan


@dataclass(frozen=True)
class Blueprint:
    """A planned network: its stages, and every tensor's position."""

    input_shape: tuple[int, ...]
    stages: tuple[Stage, ...]
    spans: tuple[TensorSpan, ...]
    n_parameters: int
    n_buffers: int

    @cached_property
    def output_shape(self) -> tuple[int, ...]:
        return self.stages[-1].plan.output_shape if self.stages else self.input_shape

    @cached_property
    def n_inputs(self) -> int:
        return math.prod(self.input_shape)

    @cached_property
    def n_outputs(self) -> int:
        return math.prod(self.output_shape)

    @cached_property
    def sparse_tensors(self) -> frozenset[str]:
        """Names of tensors of which a batch touches only some rows, including those for which this holds only with sparse inputs."""
        readers = {stage.index for stage in self.readers}
        found = ((stage, tensor) for stage in self.stages for _, tensor in stage.touched_tensors(reads_sparse=stage.index in readers))
        return frozenset(stage.full_name(tensor) for stage, tensor in found)

    @cached_property
    def n_members(self) -> int:
        """Number of members of an ensemble, each trained by its own loss, whose mean is the output; 0 for other networks."""
        return self.stages[-1].plan.members if self.stages and self.stages[-1].activation is None else 0

    @cached_property
    def member_stages(self) -> frozenset[int]:
        """Stages that compute with the samples of all members together, if each member gets a sample of its own. Else there are none."""
        first = next((stage.index for stage in self.stages if stage.plan.own_samples), len(self.stages))
        return frozenset(range(first, len(self.stages)))

    @property
    def n_together(self) -> int:
        """Number of samples in training that are one sample of `member_stages`; 1 for networks whose samples are all alike."""
        return self.stages[min(self.member_stages)].plan.output_shape[0] if self.member_stages else 1

    @cached_property
    def training_shape(self) -> tuple[int, ...]:
        """Shape of one sample's outputs in training, as the loss receives them: the output, or the outputs of all members."""
        return self.stages[-1].input_shape if self.n_members else self.output_shape

    @cached_property
    def accepts_nan(self) -> bool:
        """Whether every layer that reads the inputs accepts NaN."""
        return bool(self.readers) and all(stage.plan.accepts_nan for stage in self.readers)

    @cached_property
    def takes_sparse(self) -> bool:
        """Whether every layer that reads the inputs accepts sparse ones."""
        return bool(self.readers) and not any(map(needs_dense, self.readers))

    @cached_property
    def readers(self) -> tuple[Stage, ...]:
        """The layers that read the inputs, unchanged or reshaped."""
        untouched, readers = {NETWORK_INPUT}, []
        for stage in self.stages:
            if untouched.isdisjoint(stage.sources):
                continue
            if stage.plan.is_view and stage.activation is None:
                untouched.add(stage.index)
            else:
                readers.append(stage)
        return tuple(readers)

    def parameter_views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Views, by name, of a flat vector in the layout of the parameters."""
        return {f"{s.name}.{name}": view for s in self.stages for name, view in named_views(s.own_tensors, vector[s.parameters]).items()}

    @property
    def ties(self) -> dict[str, str]:
        """Tied tensors, and the tensors that they share, by full names."""
        pairs = ((f"{stage.name}.{tensor.name}", tensor.tied_to) for stage in self.stages for tensor in stage.plan.tensors)
        return {name: source for name, source in pairs if source is not None}

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every tensor, by name."""
        return {f"{stage.name}.{tensor.name}": tensor.shape for stage in self.stages for tensor in stage.own_tensors}

    def buffer_views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Views, by name, of a flat vector in the layout of the untrained state."""
        return {f"{s.name}.{name}": view for s in self.stages for name, view in named_views(s.plan.buffers, vector[s.buffers]).items()}


def layer_names(layers: Sequence[Layer]) -> list[str]:
    """Names of layers. Layers without a name are called by kind and count: ``dense_1``, ``dropout_1``, ``dense_2``.

    Raises
    ------
    ParameterError
        If two layers have the same name.
    """
    names = numbered([(_kind_of(layer), layer.name) for layer in layers])
    if twice := next((name for name, count in Counter(names).items() if count > 1), None):
        raise ParameterError(f"two layers have the name {twice!r}: give one of them another name=")
    return names


def numbered(layers: Iterable[tuple[str, str | None]]) -> list[str]:
    """Names of layers, from the kind and the given name (or None) of each."""
    counts: Counter[str] = Counter()
    names = []
    for kind, given in layers:
        if given is None:
            counts[kind] += 1
        names.append(f"{kind}_{counts[kind]}" if given is None else given)
    return names


def _kind_of(layer: Layer) -> str:
    try:
        return registry.qualified_name("layers", type(layer)).rpartition("/")[2]
    except LookupError:  # a class of the user's own
        return type(layer).__name__.lower()


def plan_network(layers: Sequence[Layer], names: Sequence[str], input_shape: tuple[int, ...]) -> Blueprint:
    """Infer shapes from the first layer to the last, and assign positions to all tensors.

    Raises
    ------
    ShapeError
        If a layer does not accept the outputs of the layer before. The message names the layer.
    """
    planner = _Planner()
    planner.chain(layers, names, NETWORK_INPUT, input_shape)
    return Blueprint(input_shape, tuple(planner.stages), tuple(planner.spans), planner.n_parameters, planner.n_buffers)


class _Planner:
    """Lists the stages of a network, inner layers before the layers that contain them."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.spans: list[TensorSpan] = []
        self.sources = Sources()
        self.offsets: dict[str, int] = {}  # of tensors, by full name
        self.n_parameters = self.n_buffers = 0

    def chain(self, layers: Sequence[Layer], names: Sequence[str], source: int, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Plan a chain of layers. Returns the last one's number and output shape."""
        for name, layer in zip(names, layers, strict=True):
            if layer.name is not None:
                self.sources.given.add(name)
            with _placed(name):
                plan = layer.plan(shape)
            _check(layer, name, plan, shape)
            plan = tied_plan(layer, name, plan, self.sources)
            sources: tuple[int, ...] = (source,)
            if plan.branches:
                sources, shapes = self._branches(plan, name, source, shape)
                with _placed(name):
                    plan = replace(plan, output_shape=_merged(plan, shapes))
            activation: Activation | None = None if plan.activation is None else registry.resolve("activations", plan.activation)
            if activation is not None:
                with _placed(name):
                    activation.check_columns(math.prod(plan.output_shape) // plan.activation_rows)
            source, shape = self._add(name, layer, plan, activation, sources, shape), plan.output_shape
        return source, shape

    def _branches(self, plan: Plan, name: str, source: int, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
        """The stages at the ends of the branches, and their output shapes."""
        branches = [[registry.resolve("layers", layer) for layer in branch] for branch in plan.branches]
        names = iter(layer_names([layer for branch in branches for layer in branch]))
        ends = [self.chain(branch, [f"{name}.{next(names)}" for _ in branch], source, shape) for branch in branches]
        return tuple(end for end, _ in ends), [end_shape for _, end_shape in ends]

    def _add(
        self,
        name: str,
        layer: Layer,
        plan: Plan,
        activation: Activation | None,
        sources: tuple[int, ...],
        input_shape: tuple[int, ...],
    ) -> int:
        index = len(self.stages)
        first_parameter, first_buffer = self.n_parameters, self.n_buffers
        for tensor in plan.tensors:
            if tensor.tied_to is not None:
                continue
            rows = tensor.shape[0] if len(tensor.shape) > 1 else 1
            columns = tensor.size // rows
            self.offsets[f"{name}.{tensor.name}"] = self.n_parameters
            self.spans.append(TensorSpan(f"{name}.{tensor.name}", tensor.role, index, self.n_parameters, rows, columns))
            self.n_parameters += tensor.size
        self.n_buffers += sum(buffer.size for buffer in plan.buffers)
        parameters, buffers = slice(first_parameter, self.n_parameters), slice(first_buffer, self.n_buffers)
        offsets = tuple(self.offsets[tensor.tied_to or f"{name}.{tensor.name}"] for tensor in plan.tensors)
        stage = Stage(name, index, layer, plan, activation, sources, input_shape, parameters, buffers, offsets)
        self.stages.append(stage)
        if layer.name is not None:
            self.sources.stages[name] = stage
        return index


@contextmanager
def _placed(name: str) -> Iterator[None]:
    """Add the name of the layer to a `ShapeError`."""
    try:
        yield
    except ShapeError as error:
        raise ShapeError(f"{name}: {error}") from None


def _check(layer: Layer, name: str, plan: object, input_shape: tuple[int, ...]) -> None:
    """Raise an error for an invalid plan, naming plugin and layer, before anything is allocated."""
    try:
        if not isinstance(plan, Plan):
            raise PluginError(f"plan() returned {plan!r}; it must return a Plan")
        plan.validate(input_shape)
        if plan.split_rows and plan.tensors and not plan.gradient_unit and native_kernel(layer) is not None:
            raise PluginError("split_rows of the plan is True; with tensors, a compiled layer needs gradient functions and a gradient_unit")
    except PluginError as error:
        raise PluginError(f"{named('layers', layer)}, {name}: {error}") from None


def _merged(plan: Plan, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Shape of the merged outputs of a layer's branches."""
    if plan.merge == "sum":
        if any(shape != shapes[0] for shape in shapes):
            given = ", ".join(map(str, shapes))
            raise ShapeError(f"only outputs of one shape can be added, and the branches have {given}: give them the same width")
        return shapes[0]
    if any(len(shape) != 1 for shape in shapes):
        given = ", ".join(map(str, shapes))
        raise ShapeError(f"only vectors can be concatenated, and the branches have {given}: end them with nn.Flatten()")
    return (sum(shape[0] for shape in shapes),)


#: Advice about a layer without derivatives.
_FOR_PREDICTION = "this layer is only for prediction, and no gradient passes through it; train the original network, and quantize it again"


def needs_dense(stage: Stage) -> bool:
    """Whether a stage cannot read sparse rows."""
    return not stage.plan.takes_sparse or native_kernel(stage.layer) is None


def check_sparse(blueprint: Blueprint, name: str) -> None:
    """Raise `DtypeError` if the network cannot read the sparse inputs `name`."""
    if not blueprint.takes_sparse:
        who = next((f"{stage.name}, {stage.layer!r}, reads" for stage in blueprint.readers if needs_dense(stage)), "this network reads")
        raise DtypeError(f"{name} is sparse, and {who} every number of a sample: begin the network with nn.Dense, or pass {name}.toarray()")


def check_own_samples(blueprint: Blueprint) -> None:
    """Raise `ParameterError` if members cannot have samples of their own in this network."""
    if not blueprint.member_stages:
        return
    name = blueprint.stages[min(blueprint.member_stages)].name
    if blueprint.n_members != blueprint.n_together:
        raise ParameterError(
            f"{name}: share_training_batches=False gives each member samples and a loss of its own, so the last layer must be "
            "nn.MeanMembers(): add it, or share the batches"
        )
    if any(stage.plan.branches for stage in blueprint.stages) or sum(stage.plan.own_samples for stage in blueprint.stages) > 1:
        raise ParameterError(f"{name}: share_training_batches=False works in a chain of layers that it is once in: share the batches")


def is_differentiable(blueprint: Blueprint) -> bool:
    """Whether gradients can be computed with respect to the inputs."""
    return all(stage.layer.trainable and (stage.activation is None or stage.activation.trainable) for stage in blueprint.stages)


def check_differentiable(blueprint: Blueprint) -> None:
    """Raise `NotTrainableError` if a layer or activation has no derivative, so that there is no gradient with respect to the inputs."""
    for stage in blueprint.stages:
        if not stage.layer.trainable:
            raise NotTrainableError(f"{stage.name}: {_FOR_PREDICTION}")
        if stage.activation is not None and not stage.activation.trainable:
            raise NotTrainableError(
                f"{stage.name}: {stage.activation!r} has no useful derivative, so there is no gradient with respect to the inputs; use "
                "sigmoid or tanh instead"
            )


def check_trainable(blueprint: Blueprint, frozen: Collection[str] = ()) -> None:
    """Raise `NotTrainableError` if a gradient would have to pass through an activation without derivative, or nothing is trained.

    Tensors named in `frozen` need no gradient.
    """
    if blueprint.n_parameters == 0 and not all(stage.layer.trainable for stage in blueprint.stages):
        raise NotTrainableError(f"{next(stage.name for stage in blueprint.stages if not stage.layer.trainable)}: {_FOR_PREDICTION}")
    if blueprint.n_parameters == 0:
        raise NotTrainableError("this network has no parameters to train: add a Dense layer")
    trains: list[bool] = []  # whether a stage, or any before it, has trained tensors
    for stage in blueprint.stages:
        has_own = any(stage.full_name(tensor) not in frozen for tensor in stage.plan.tensors)
        trains.append(has_own or any(trains[source] for source in stage.sources if source != NETWORK_INPUT))
        if not stage.layer.trainable and trains[-1]:
            raise NotTrainableError(f"{stage.name}: {_FOR_PREDICTION}")
        if stage.activation is not None and not stage.activation.trainable and trains[-1]:
            raise NotTrainableError(
                f"{stage.name}: {stage.activation!r} has no useful derivative, so nothing before it can be trained by gradients; "
                "use sigmoid or tanh for training, freeze its tensors and those before it by groups, or call predict only"
            )
