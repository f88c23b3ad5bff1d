"""What a program consists of: stages, ops and buffers. The compiler writes it; the core and the interpreter read it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from nncore.plugin import Activation, Layer, Loss, Optimizer, Plan, TensorSpan, native_kernel


@dataclass(frozen=True)
class Stage:
    """One layer with its place in the network and in the flat vectors."""

    name: str
    index: int
    layer: Layer
    plan: Plan
    activation: Activation | None
    input_shape: tuple[int, ...]
    parameters: slice  # in the flat parameter vector
    buffers: slice  # in the flat vector of untrained state

    @property
    def n_inputs(self) -> int:
        return math.prod(self.input_shape)

    @property
    def n_outputs(self) -> int:
        return math.prod(self.plan.output_shape)


@dataclass
class Op:
    """One entry of a program: a layer, or an activation applied to what came before. Arrays have `max_rows` rows."""

    component: Layer | Activation
    stage: Stage
    x: np.ndarray | None  # (max_rows, n_inputs); None: the program's input
    y: np.ndarray  # (max_rows, n_outputs)
    n_inputs: int
    n_outputs: int
    d_y: np.ndarray | None = None
    d_x: np.ndarray | None = None
    parameters: np.ndarray | None = None
    d_parameters: np.ndarray | None = None
    buffers: np.ndarray | None = None
    cache: np.ndarray | None = None
    scratch: np.ndarray | None = None
    capsule: object = field(init=False)
    hyper: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.hyper = np.array(self.component.hyper(), np.float64)
        kernel = native_kernel(self.component)
        self.capsule = None if kernel is None else kernel.load()

    @property
    def kind(self) -> str:
        """``"layer"``, ``"activation"`` or, without compiled form, ``"python"``."""
        return "python" if self.capsule is None else "layer" if isinstance(self.component, Layer) else "activation"

    @property
    def layer(self) -> int:
        return self.stage.index

    @property
    def plan(self) -> Plan:
        """The layer's, or an empty one for an activation."""
        return self.stage.plan if isinstance(self.component, Layer) else _NO_PLAN

    @property
    def first_parameter(self) -> int:
        return self.stage.parameters.start

    @property
    def gradient_unit(self) -> int:
        """Of the compiled form; Python writes all gradients on the way back."""
        return 0 if self.capsule is None else self.plan.gradient_unit


_NO_PLAN = Plan(())


@dataclass
class ProgramSpec:
    """All that `nncore._core.program.Program` needs: ops, batch buffers, flat vectors."""

    dtype: np.dtype
    ops: list[Op]
    first_trained_op: int
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
    parameters: np.ndarray  # (n_parameters,)
    gradients: np.ndarray  # (n_parameters,)
    state: np.ndarray | None  # (n_slots, n_parameters)
    penalties: np.ndarray | None  # (ceil(n_parameters / PENALTY_BLOCK),) float64, if there is weight decay
    tiles: np.ndarray | None  # (max_parts, tile_size), where gradients are used up as they are made
    spans: tuple[TensorSpan, ...]
    optimizer: Optimizer | None
    optimizer_capsule: object
    optimizer_hyper: np.ndarray
    weight_decay: float
    seed: int
    interpreter: Any = None  # runs what has no compiled form

    def forward_seconds(self, n_rows: int) -> float:
        """About how long one thread takes for a forward pass; good enough to decide how many are worth using."""
        return n_rows * self._row_seconds

    def step_seconds(self, n_rows: int) -> float:
        """The same for one step of training."""
        return 3 * self.forward_seconds(n_rows) + self.parameters.nbytes * 7 / _BANDWIDTH  # as Adam: 4 vectors read, 3 written

    @cached_property
    def _row_seconds(self) -> float:
        return 2 * self.parameters.size / _FLOPS + sum(op.n_outputs for op in self.ops) * _ELEMENT_SECONDS


#: A processor of today, roughly.
_FLOPS, _BANDWIDTH, _ELEMENT_SECONDS = 80e9, 40e9, 0.3e-9
