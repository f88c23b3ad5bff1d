"""What a program consists of: stages, ops and buffers. The compiler writes it; the core and the interpreter read it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from nncore.contract import Activation, Kernel, Layer, Loss, Optimizer, Plan, native_kernel
from nncore.program.groups import Grouping
from nncore.program.kernels import Needed, named, needed

#: As a source of a stage: the input of the network.
NETWORK_INPUT = -1


@dataclass(frozen=True)
class Stage:
    """One layer with its place in the network and in the flat vectors. A layer with branches comes after what they consist of."""

    name: str
    index: int
    layer: Layer
    plan: Plan
    activation: Activation | None
    sources: tuple[int, ...]  # the stage whose output it reads, or those at the ends of its branches; NETWORK_INPUT for the input
    input_shape: tuple[int, ...]
    parameters: slice  # in the flat parameter vector
    buffers: slice  # in the flat vector of untrained state

    @property
    def n_inputs(self) -> int:
        return math.prod(self.input_shape)

    @property
    def n_outputs(self) -> int:
        return math.prod(self.plan.output_shape)

    @property
    def flops(self) -> int:
        """Floating-point operations for one sample at prediction; a multiply-add counts as 2, an activation as 1 for each output."""
        plan, own = self.plan, 0
        if plan.branches:
            own = self.n_outputs * (len(self.sources) - 1) if plan.merge == "sum" else 0
        elif plan.flops is not None:
            own = plan.flops
        elif not plan.training_only:
            own = sum(tensor.size * (2 if tensor.role == "weight" else 1) for tensor in plan.tensors)
        return own + (0 if self.activation is None else self.n_outputs)


@dataclass
class Branch:
    """One of the values that a joint has to do with."""

    y: np.ndarray | None  # (max_rows, n_columns); None: the program's input
    d_y: np.ndarray | None  # of the same shape; None where nobody asks
    n_columns: int


@dataclass
class Op:
    """One entry of a program: a layer, an activation applied to what came before, or a joint. Arrays have `max_rows` rows.

    A joint runs no component. Those of a layer with branches, ``"sum"`` and ``"concat"``, make one value of several; a ``"fork"`` stands
    behind an op whose output several others read, and on the way back adds up what they say of its gradient.
    """

    component: Layer | Activation
    stage: Stage
    x: np.ndarray | None  # (max_rows, n_inputs); None: the program's input
    y: np.ndarray  # (max_rows, n_outputs)
    n_inputs: int
    n_outputs: int
    sources: tuple[int, ...] = ()  # the ops whose outputs it reads, by number; NETWORK_INPUT for the program's input
    joint: str = ""
    branches: tuple[Branch, ...] = ()
    d_y: np.ndarray | None = None
    d_x: np.ndarray | None = None
    parameters: np.ndarray | None = None
    d_parameters: np.ndarray | None = None
    is_trained: bool = False
    buffers: np.ndarray | None = None
    cache: np.ndarray | None = None
    work: np.ndarray | None = None
    kernel: Kernel | None = field(init=False)
    capsule: object = field(init=False)
    hyper: np.ndarray = field(init=False)
    numbers: np.ndarray = field(init=False)  # int64, like the shapes of a sample
    input_shape: np.ndarray = field(init=False)
    output_shape: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.kernel = None if self.joint else native_kernel(self.component)
        self.capsule = None if self.kernel is None else self.kernel.load()
        self.hyper = np.array([] if self.joint else self.component.hyper(), np.float64)
        is_layer = isinstance(self.component, Layer) and not self.joint
        self.numbers = np.array(self.plan.numbers, np.int64)
        self.input_shape = np.array(self.stage.input_shape if is_layer else (), np.int64)
        self.output_shape = np.array(self.plan.output_shape, np.int64)

    @property
    def kind(self) -> str:
        """``"layer"``, ``"activation"`` or, without compiled form, ``"python"``; or the joint."""
        if self.joint:
            return self.joint
        return "python" if self.capsule is None else "layer" if isinstance(self.component, Layer) else "activation"

    @property
    def layer(self) -> int:
        return self.stage.index

    @property
    def plan(self) -> Plan:
        """The layer's, or an empty one for an activation and a joint."""
        return self.stage.plan if isinstance(self.component, Layer) and not self.joint else _NO_PLAN

    @property
    def first_parameter(self) -> int:
        return self.stage.parameters.start

    @property
    def gradient_unit(self) -> int:
        """Of the compiled form; Python writes all gradients on the way back."""
        return 0 if self.capsule is None else self.plan.gradient_unit

    @property
    def tensor_places(self) -> list[int]:
        """Where each of the layer's tensors begins among its parameters."""
        return [0, *itertools.accumulate(tensor.size for tensor in self.plan.tensors)][:-1]

    def needed(self, dtype: np.dtype, trains: bool) -> list[Needed]:
        """Functions that its table must have, and must not."""
        if not isinstance(self.component, Layer):
            stems = ["forward", *(["backward"] if trains and self.runs_backward else [])]
            return needed("activation", stems, dtype)
        if not trains:
            return needed("layer", ["forward"], dtype)
        unit = self.plan.gradient_unit
        why = f"gradient_unit of its plan is {unit}"
        both_ways = ["forward", *(["backward"] if self.runs_backward else [])]
        return needed("layer", both_ways, dtype) + needed("layer", ["gradient"], dtype, why=why, is_wanted=unit > 0)

    def who(self) -> str:
        """The component, for messages."""
        return named("layers" if isinstance(self.component, Layer) else "activations", self.component)

    @property
    def runs_backward(self) -> bool:
        """Whether there is anything to do on the way back."""
        if self.joint:
            return self.joint == "fork" or (self.joint == "concat" and any(branch.d_y is not None for branch in self.branches))
        return self.d_x is not None or (self.is_trained and self.gradient_unit == 0)


_NO_PLAN = Plan(())


@dataclass(frozen=True)
class UpdateRule:
    """What happens to gradients on their way to the optimizer, and to the parameters after it."""

    weight_decay: float = 0.0
    clip_norm: float = 0.0  # 0: no limit
    clip_value: float = 0.0  # 0: no limit
    average_decay: float = 0.0  # of the mean over steps; 0: there is none
    average_begin: int = 0  # steps done before it began


@dataclass
class ProgramSpec:
    """All that `nncore._core.program.Program` needs: ops, batch buffers, flat vectors."""

    dtype: np.dtype
    ops: list[Op]
    n_inputs: int
    n_outputs: int
    n_targets: int
    output_shape: tuple[int, ...]  # of one sample
    max_rows: int
    slice_rows: int  # rows that go through the ops at a time
    max_parts: int  # threads that have room in the buffers
    accepts_nan: bool  # in the inputs; infinity never is
    input: np.ndarray  # (max_rows, n_inputs)
    output: np.ndarray  # (max_rows, n_outputs)
    d_output: np.ndarray | None  # (max_rows, n_outputs), training only
    target: np.ndarray  # (max_rows, n_targets)
    labels: np.ndarray  # (max_rows,) int64
    weight: np.ndarray  # (max_rows,)
    losses: np.ndarray  # (max_rows,)
    loss: Loss | None
    loss_capsule: object
    loss_hyper: np.ndarray
    loss_needed: list[Needed]
    parameters: np.ndarray  # (n_parameters,)
    gradients: np.ndarray  # (n_parameters,)
    state: np.ndarray | None  # (n_slots, n_parameters)
    shadow: np.ndarray | None  # (n_parameters,) mean of the parameters over steps, if there is one
    tiles: np.ndarray | None  # (max_parts, tile_size), where gradients are used up as they are made
    accumulated: np.ndarray | None  # (n_parameters,) sum of gradients over batches, if several make a step
    optimizer: Optimizer | None
    optimizer_capsule: object
    optimizer_hyper: np.ndarray  # (n_groups, n_hyper)
    optimizer_needed: list[Needed]
    undo: np.ndarray | None  # (n_slots + 2, n_parameters) for a step of an optimizer whose kernel may fail
    grouping: Grouping
    rule: UpdateRule
    decays: np.ndarray | None  # (n_tensors,) λ of the penalty, in the order of `grouping.tensors`; None if there is none
    block_sums: np.ndarray | None  # (ceil(n_parameters / BLOCK),) float64, where squares of weights or gradients are added up
    seed: int
    interpreter: Any = None  # runs what has no compiled form

    def who_judges(self) -> str:
        """The loss, for messages."""
        return named("losses", self.loss)

    def who_optimizes(self) -> str:
        """The optimizer, for messages."""
        return named("optimizers", self.optimizer)

    def forward_seconds(self, n_rows: int) -> float:
        """About how long one thread takes for a forward pass; good enough to decide how many are worth using."""
        return n_rows * self._row_seconds

    def step_seconds(self, n_rows: int) -> float:
        """The same for one step of training."""
        return 3 * self.forward_seconds(n_rows) + self.parameters.nbytes * 7 / _BANDWIDTH  # as Adam: 4 vectors read, 3 written

    @cached_property
    def _row_seconds(self) -> float:
        # A row meets no more parameters than there are pairs of inputs and outputs: of a table of vectors it takes one.
        met = sum(min(op.parameters.size, (op.n_inputs + 1) * op.n_outputs) for op in self.ops if op.parameters is not None)
        return 2 * met / _FLOPS + sum(op.n_outputs for op in self.ops) * _ELEMENT_SECONDS


#: A processor of today, roughly.
_FLOPS, _BANDWIDTH, _ELEMENT_SECONDS = 80e9, 40e9, 0.3e-9
