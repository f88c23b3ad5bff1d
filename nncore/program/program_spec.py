"""The specification of a program: ops and buffers. The compiler writes it; the core and the interpreter read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nncore._core import Turn
from nncore.contract import Loss, Optimizer, wrappers_of
from nncore.program.groups import Grouping
from nncore.program.kernels import Around, Needed, named
from nncore.program.knobs import Knobs
from nncore.program.reach import rate_factor, safe_gradient
from nncore.program.rules import Rounds, Rule
from nncore.program.specification import Averaging, Course, Op, Sparse, Tie, Undo
from nncore.program.state import NetworkState
from nncore.program.transforming import BatchBuffers, TransformOp


@dataclass
class OneMember:
    """Buffers for the loss of one member of an ensemble at a time."""

    output: np.ndarray  # (max_rows, n_outputs)
    d_output: np.ndarray  # (max_rows, n_outputs)
    losses: np.ndarray  # (max_rows,)


@dataclass
class Shards:
    """Parts of a batch whose sums are added along a tree, and memory for gradients that wait there for others."""

    n: int = 1  # 1: the batch is summed as a whole
    waiting: np.ndarray | None = None  # (max_parts, height of the tree * piece_size)
    piece_size: int = 0  # gradients that are summed together


@dataclass(slots=True)  # as an Op
class ProgramSpec:
    """Everything that `nncore._core.program.Program` needs: ops, batch buffers and flat vectors; and in `knobs`, settings that may
    change."""

    knobs: Knobs
    dtype: np.dtype
    ops: list[Op]
    ties: list[Tie]  # op after op
    n_inputs: int
    n_outputs: int
    n_targets: int
    output_shape: tuple[int, ...]  # of one sample
    max_rows: int
    slice_rows: int  # rows that go through the ops at a time
    max_parts: int  # threads that the buffers have space for
    accepts_nan: bool  # NaN in the inputs; infinity is never accepted
    input: np.ndarray  # (max_rows, n_inputs); empty in a program with a `room`, or for sparse rows
    places: np.ndarray | None  # (2, max_rows) int64: begins and ends of the rows of a sparse batch; None: inputs are dense
    output: np.ndarray  # (max_rows, n_outputs); with `one_member` (max_rows, n_members * n_outputs)
    d_output: np.ndarray | None  # like `output`, if there is a backward pass
    d_input: np.ndarray | None  # (max_rows, n_inputs), if it is computed
    target: np.ndarray  # (max_rows, n_targets)
    labels: np.ndarray  # (max_rows,) int64
    weight: np.ndarray  # (max_rows,)
    losses: np.ndarray  # (max_rows,)
    n_together: int  # rows of a batch that stay together: 1, or the samples of an ensemble's members
    one_member: OneMember | None  # for an ensemble whose members each have their own loss
    transforms: list[TransformOp]
    gathered: BatchBuffers  # buffers for a batch in training: the three above, or others if there are transforms
    training: bool
    loss: Loss | None
    loss_capsule: object
    loss_hyper: np.ndarray
    loss_needed: list[Needed]
    parameters: np.ndarray  # (n_parameters,)
    gradients: np.ndarray  # (n_parameters,)
    state: NetworkState | None  # of all groups
    shadow: np.ndarray | None  # (n_parameters,) mean of the parameters over steps, if there is one
    average_rest: np.ndarray | None  # (n_parameters,) rounding errors of the mean
    tiles: np.ndarray | None  # (max_parts, tile_size), if gradients are consumed as they are computed
    sparse: list[list[Sparse]]  # (n_ops,) tensors of which a batch touches only some rows
    touched: np.ndarray | None  # (max_parts, n) uint64: masks of these rows, if steps update only them
    touched_words: int  # words that the largest tensor needs for its rows
    shards: Shards
    rounds: bool  # whether training computes matrix products of layers in bfloat16
    accumulated: np.ndarray | None  # (n_parameters,) sum of gradients over batches, if several make a step
    skips_zero: list[bool]  # (n_groups,) whether a step with a gradient of zero changes nothing
    optimizers: tuple[Optimizer, ...]  # (n_groups,) empty in a program that does not train
    optimizer_capsules: list[object]  # (n_groups,) of the optimizers inside all wrappers; None: in Python
    around: list[list[Around]]  # (n_groups,) compiled wrappers, outermost first
    optimizer_hyper: np.ndarray  # (n_groups, n_hyper)
    optimizer_work: np.ndarray  # (max_parts, n) working memory of their kernels
    optimizer_needed: list[list[Needed]]  # (n_groups,)
    anchor: np.ndarray | None  # (n_parameters,) the parameters, while they are perturbed for a second gradient
    buffers: np.ndarray  # (n_buffers,)
    kept_buffers: np.ndarray | None  # (n_buffers,) the buffers after the first of two passes
    undo: list[Undo]  # data that a step changes; the buffers first
    is_careful: bool  # whether a component may fail, or may give another result if run again
    room: np.ndarray | None  # memory of the batch buffers, if each run gets its own (`SharedRoom`)
    grouping: Grouping
    average: Averaging
    decays: np.ndarray  # (n_tensors,) λ of the penalty, in the order of `grouping.tensors`
    rules: list[Rule]
    regularizers: Rounds
    constraints: Rounds
    values: np.ndarray  # (number of pieces of regularizers,) float64: contribution of each to the loss
    block_sums: np.ndarray  # (ceil(n_parameters / BLOCK),) float64, for sums of squares of weights or gradients
    interpreter: Any = None  # runs components without compiled form
    clip_norm: float = 0.0  # 0: no limit
    clip_value: float = 0.0  # 0: no limit
    seed: int = 0
    _row_seconds: float = field(init=False)  # approximate time of a thread for a row of a forward pass

    def __post_init__(self) -> None:
        # A row uses at most one parameter for each pair of input and output: of an embedding table, it uses one vector.
        met = sum(min(op.parameters.size, (op.n_inputs + 1) * op.n_outputs) / op.n_together for op in self.ops if op.parameters is not None)
        self._row_seconds = 2 * met / _FLOPS + sum(op.n_outputs / op.n_together for op in self.ops) * _ELEMENT_SECONDS

    @property
    def n_members(self) -> int:
        """Number of members of an ensemble whose members each have their own loss; 0 for other networks."""
        return 0 if self.one_member is None else self.output.shape[1] // self.n_outputs

    @property
    def is_sparse(self) -> bool:
        """Whether inputs are rows of a sparse matrix."""
        return self.places is not None

    @property
    def version(self) -> np.ndarray:
        """Version of the knobs, (2,) int64."""
        return self.knobs.version

    @property
    def turn(self) -> Turn:
        """Lock of the network, which runs one program at a time."""
        return self.knobs.turn

    @property
    def has_penalty(self) -> bool:
        return bool(self.decays.any())

    @property
    def looks_at_gradients(self) -> bool:
        """Whether something between gradients and step needs all gradients at once."""
        return self.has_penalty or any(rule.kind == "regularizer" for rule in self.rules) or self.clip_norm > 0 or self.clip_value > 0

    @property
    def uses_up_gradients(self) -> bool:
        """Whether steps do not write `gradients`: each tile of them is consumed where it is computed, and its memory is reused."""
        return self.tiles is not None and not self.looks_at_gradients

    @property
    def first_rule(self) -> int:
        """Number of the first of `rules` in the core, after those of ops, groups and transforms."""
        return len(self.ops) + len(self.grouping.groups) + len(self.transforms)

    @property
    def first_site_of_transforms(self) -> int:
        """Index of the first of `transforms` among a thread's sites, after those of ops."""
        return len(self.ops)

    @property
    def first_site_of_rules(self) -> int:
        """Index of the first of `rules` among a thread's sites, after the transforms."""
        return self.first_site_of_transforms + len(self.transforms)

    def refresh(self) -> None:
        """Take over the current knobs. The program calls it before a run if their version has changed."""
        knobs = self.knobs
        assert knobs.blueprint is not None, "what is compiled was built"
        for op in self.ops:
            op.take_over(knobs.blueprint.stages[op.stage.index])
        for transform, component in zip(self.transforms, knobs.transforms, strict=False):  # empty after the fit
            transform.take_over(component)
        if self.loss is not None and (loss := knobs.loss_for(self.training)) is not None:
            self.loss_hyper[:] = loss.hyper()
        if self.optimizers and knobs.optimizer is not None:
            self.optimizer_hyper[:] = self.grouping.hyper(knobs.optimizer)
        for rule, now in zip(self.rules, knobs.rules() if self.rules else (), strict=True):
            rule.take_over(now)
        self.decays[:] = self.grouping.penalties(knobs.weight_decay, knobs.optimizer)
        self.clip_norm, self.clip_value, self.seed = knobs.clip_norm, knobs.clip_value, knobs.seed
        self.interpreter.refresh()

    def safe_gradient(self, rate_factor: float, n_steps: int) -> float:
        """Largest gradient with which no step overflows: `reach.safe_gradient`. The program calls it."""
        if self.state is None or self.anchor is not None or self.constraints.pieces:
            return 0.0
        numbered = [group.of_group(own) for group, own in zip(self.grouping.groups, self.optimizers, strict=True)]
        return safe_gradient(numbered, self.parameters, self.state, rate_factor, n_steps)

    def rate_factor(self, courses: Sequence[Course]) -> float:
        """Largest factor of learning rates in some courses: `reach.rate_factor`."""
        return rate_factor(courses, self.optimizer_hyper)

    def who_judges(self) -> str:
        """Name of the loss for messages."""
        return named("losses", self.loss)

    def who_optimizes(self, group: int) -> str:
        """Name of a group's optimizer for messages."""
        return named("optimizers", wrappers_of(self.optimizers[group])[1])

    def forward_seconds(self, n_rows: int) -> float:
        """Approximate time of a forward pass on one thread, to decide how many threads to use."""
        return n_rows * self._row_seconds

    def step_seconds(self, n_rows: int) -> float:
        """Approximate time of a training step on one thread."""
        return 3 * self.forward_seconds(n_rows) + self.parameters.nbytes * 7 / _BANDWIDTH  # like Adam: 4 vectors read, 3 written


#: A rough estimate for current processors.
_FLOPS, _BANDWIDTH, _ELEMENT_SECONDS = 80e9, 40e9, 0.3e-9
