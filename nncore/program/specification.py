"""What a program consists of: stages, and the ops that they become."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from nncore.contract import Activation, Kernel, Layer, Plan, Tensor, TensorSpan, native_kernel
from nncore.program.kernels import Needed, named, needed
from nncore.program.memory import named_views

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
    parameters: slice  # its own, in the flat parameter vector
    buffers: slice  # in the flat vector of untrained state
    offsets: tuple[int, ...]  # of each tensor of the plan in the flat parameter vector

    @cached_property
    def n_inputs(self) -> int:
        return math.prod(self.input_shape)

    @cached_property
    def n_outputs(self) -> int:
        return math.prod(self.plan.output_shape)

    @property
    def activation_columns(self) -> int:
        """Of each row that the activation sees."""
        return self.n_outputs // self.plan.activation_rows

    @cached_property
    def own_tensors(self) -> tuple[Tensor, ...]:
        """Those that are not tied to others; they lie one after the other."""
        return tuple(tensor for tensor in self.plan.tensors if tensor.tied_to is None)

    @cached_property
    def is_tied(self) -> bool:
        """Whether it uses tensors of other layers."""
        return any(tensor.tied_to is not None for tensor in self.plan.tensors)

    @property
    def lies_in_one_piece(self) -> bool:
        """Whether its tensors are found in the flat vector as a kernel wants them, one after the other."""
        distances = {offset - place for offset, place in zip(self.offsets, places(self.plan.tensors), strict=True)}
        return len(distances) <= 1 and not any(tensor.transposed for tensor in self.plan.tensors)

    def own_views(self, parameters: np.ndarray, buffers: np.ndarray) -> dict[str, np.ndarray]:
        """Live views of its own tensors and buffers by their own names, in the flat vectors of the network."""
        return named_views(self.own_tensors, parameters[self.parameters]) | named_views(self.plan.buffers, buffers[self.buffers])

    def touched_tensors(self, *, reads_sparse: bool) -> list[tuple[int, Tensor]]:
        """Tensors of which a batch touches some rows, with their numbers: of sparse inputs, weights with a row for each."""
        reads_sparse = reads_sparse and self.plan.takes_sparse
        return [
            (number, tensor)
            for number, tensor in enumerate(self.plan.tensors)
            if tensor.sparse_gradient or (reads_sparse and tensor.role == "weight" and tensor.shape[0] == self.n_inputs)
        ]

    def full_name(self, tensor: Tensor) -> str:
        """What the network calls a tensor of the plan."""
        return tensor.tied_to or f"{self.name}.{tensor.name}"

    def views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """All tensors of the plan by their own names, tied ones too, as views of a vector that is laid out like the parameters."""
        found: dict[str, np.ndarray] = {}
        for tensor, offset in zip(self.plan.tensors, self.offsets, strict=True):
            flat = vector[offset : offset + tensor.size]
            found[tensor.name] = flat.reshape(tensor.shape[::-1]).T if tensor.transposed else flat.reshape(tensor.shape)
        return found

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


#: Terms of a gradient that are added up one after the other: with more, each addition rounds a sum far larger than the term.
BLOCK_TERMS = 2048
#: Operations that it takes to add one number of a block's gradient to those of the blocks before it, about.
ADDING = 8


@dataclass
class Branch:
    """One of the values that a joint has to do with."""

    y: np.ndarray | None  # (max_rows, n_columns); None: the program's input
    d_y: np.ndarray | None  # of the same shape; None where nobody asks
    n_columns: int


@dataclass(frozen=True)
class Inner:
    """The compiled part of a layer's `inner_activation`."""

    activation: Activation

    @property
    def capsule(self) -> object:
        kernel = native_kernel(self.activation)
        assert kernel is not None, "the layer has a kernel"
        return kernel.load()

    def needed(self, dtype: np.dtype, has_way_back: bool) -> list[Needed]:
        """Functions that its table must have."""
        return needed("activation", ["forward", *(["backward"] if has_way_back else [])], dtype)

    def who(self) -> str:
        """The component, for messages."""
        return named("activations", self.activation)


@dataclass(slots=True)  # a dict of so many attributes takes 1.5 kB
class Op:
    """One entry of a program: a layer, an activation applied to what came before, or a joint. Arrays have `max_rows` rows.

    A joint runs no component. Those of a layer with branches, ``"sum"`` and ``"concat"``, make one value of several. A ``"fork"`` follows
    an op whose output several others read, and adds up their gradients in the backward pass.
    """

    component: Layer | Activation
    stage: Stage
    x: np.ndarray | None  # (max_rows, n_inputs); None: the program's input
    y: np.ndarray  # (max_rows, n_outputs)
    n_inputs: int
    n_outputs: int
    sources: tuple[int, ...] = ()  # the ops whose outputs it reads, by number; NETWORK_INPUT for the program's input
    reads_sparse: bool = False  # inputs of the program, which are sparse
    joint: str = ""
    branches: tuple[Branch, ...] = ()
    d_y: np.ndarray | None = None
    d_x: np.ndarray | None = None
    parameters: np.ndarray | None = None
    d_parameters: np.ndarray | None = None
    is_trained: bool = False
    may_leave_slope: bool = False  # an activation that reads its input on the way back, and is alone in that
    buffers: np.ndarray | None = None
    cache: np.ndarray | None = None
    work: np.ndarray | None = None
    batch_sums: np.ndarray | None = None  # (1 + height of a tree, plan.batch_sums, n_inputs) float64, where there are shards
    sums: np.ndarray | None = None  # (2, number of parameters): gradients of a block of rows, and what rounding took from their sum
    plan: Plan = field(init=False)  # the layer's, or an empty one for an activation and a joint
    kernel: Kernel | None = field(init=False)
    capsule: object = field(init=False)
    inner: Inner | None = field(init=False)  # what the layer's kernel calls
    kind: str = field(init=False)  # "layer", "activation" or, without compiled form, "python"; or the joint
    hyper: np.ndarray = field(init=False)
    numbers: np.ndarray = field(init=False)  # int64, like the shapes of a sample
    input_shape: np.ndarray = field(init=False)
    output_shape: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        is_layer = isinstance(self.component, Layer) and not self.joint
        self.plan = self.stage.plan if is_layer else _NO_PLAN
        self.kernel = None if self.joint else native_kernel(self.component)
        self.capsule = None if self.kernel is None else self.kernel.load()
        activation = self.component.inner_activation if self.capsule is not None and isinstance(self.component, Layer) else None
        self.inner = None if activation is None else Inner(activation)
        self.kind = self.joint or ("python" if self.capsule is None else "layer" if is_layer else "activation")
        self.hyper = np.array([] if self.joint else self.component.hyper(), np.float64)
        self.numbers = np.array(self.plan.numbers, np.int64)
        self.input_shape = np.array(self.stage.input_shape if is_layer else (), np.int64)
        self.output_shape = np.array(self.plan.output_shape, np.int64)

    def take_over(self, stage: Stage) -> None:
        """Go on with the numbers of another stage that is made alike."""
        component = stage.layer if isinstance(self.component, Layer) else stage.activation
        if component is not None:  # else it copies the input of a network of views, or is an activation that does
            self.component = component
        self.stage = stage
        if self.plan is not _NO_PLAN:
            self.plan = stage.plan
        if not self.joint:
            self.hyper[:] = self.component.hyper()

    @property
    def rows_per_sample(self) -> int:
        """As how many rows an activation sees a sample."""
        return self.stage.plan.activation_rows if isinstance(self.component, Activation) else 1

    @property
    def layer(self) -> int:
        return self.stage.index

    @property
    def is_tied(self) -> bool:
        """Whether it works on gradients, and perhaps parameters, that the host brings to the flat vectors and back (`Tie`)."""
        return bool(self.plan.tensors) and self.stage.is_tied

    @property
    def first_parameter(self) -> int:
        return 0 if self.is_tied else self.stage.parameters.start

    @property
    def gradient_unit(self) -> int:
        """Of the compiled form; Python writes all gradients on the way back."""
        return 0 if self.capsule is None else self.plan.gradient_unit

    @property
    def block_rows(self) -> int:
        """Rows of a batch whose gradients the compiled form adds up in one call; 0 for all, whatever their number.

        Few enough that rounding stays small, and so many that adding up the blocks is a small part of the work.
        """
        if not self.gradient_unit or not self.plan.split_rows:
            return 0
        n_parameters = sum(tensor.size for tensor in self.plan.tensors)
        worth_adding = ADDING * n_parameters // max(self.stage.flops, self.n_outputs)
        return max(1, BLOCK_TERMS // self.plan.gradient_terms, worth_adding)

    @property
    def sparse_tensors(self) -> list[tuple[int, Tensor]]:
        """Its tensors of which a batch touches some rows, with their numbers."""
        return self.stage.touched_tensors(reads_sparse=self.reads_sparse) if self.plan.tensors else []

    def sparse(self, placed: Mapping[str, tuple[TensorSpan, int, int]]) -> list[Sparse]:
        """Where these are; `placed` are all of the network by name, as `Grouping.placed` says."""
        own = () if self.is_tied else self.sparse_tensors
        return [Sparse(number, *placed[self.stage.full_name(tensor)]) for number, tensor in own]

    @property
    def tensor_places(self) -> list[int]:
        """Where each of the layer's tensors begins among its parameters."""
        return places(self.plan.tensors)

    def ties(self, number: int, frozen: Collection[str]) -> Iterator[Tie]:
        """Where its tensors are in the flat vectors, if some are tied; `number` is its own among the ops."""
        if not self.is_tied:
            return
        for tensor, place, offset in zip(self.plan.tensors, self.tensor_places, self.stage.offsets, strict=True):
            rows, columns = tensor.shape if tensor.transposed else (1, tensor.size)
            is_trained = self.is_trained and self.stage.full_name(tensor) not in frozen
            is_copied, adds = not self.stage.lies_in_one_piece, tensor.tied_to is not None
            yield Tie(number, place, offset, rows, columns, tensor.transposed, is_copied, adds, is_trained)

    def needed(self, dtype: np.dtype, has_way_back: bool) -> list[Needed]:
        """Functions that its table must have, and must not."""
        stems = ["forward", *(["backward"] if has_way_back and self.runs_backward else [])]
        if not isinstance(self.component, Layer):
            return needed("activation", stems, dtype)
        functions = needed("layer", stems, dtype)
        if self.batch_sums is not None:
            functions += needed("layer", _SUMS, dtype, why=f"batch_sums of its plan is {self.plan.batch_sums}")
        if not self.is_trained:
            return functions
        unit = self.plan.gradient_unit
        why = f"gradient_unit of its plan is {unit}"
        functions += needed("layer", ["gradient"], dtype, why=why, is_wanted=unit > 0)
        sparse = next((tensor.name for _, tensor in self.sparse_tensors), None)
        if sparse is not None and unit > 0:
            why = f"the tensor {sparse!r} of its plan has a sparse_gradient" if not self.reads_sparse else "its plan says takes_sparse"
            functions += needed("layer", ["touch", "touched_gradient"], dtype, why=why)
        return functions

    def who(self) -> str:
        """The component, for messages."""
        return named("layers" if isinstance(self.component, Layer) else "activations", self.component)

    @property
    def runs_backward(self) -> bool:
        """Whether there is anything to do on the way back."""
        if self.joint:
            return self.joint == "fork" or (self.joint == "concat" and any(branch.d_y is not None for branch in self.branches))
        return self.d_x is not None or (self.is_trained and (self.gradient_unit == 0 or self.plan.backward_fills_cache))


_NO_PLAN = Plan(())
#: Functions of a layer whose plan has `batch_sums`.
_SUMS = ("forward_sums", "backward_sums", "join_sums")


@dataclass(frozen=True)
class Tie:
    """A tensor of an op that uses tensors of others: it has gradients, and perhaps parameters, in memory of the op (`ties.h`)."""

    op: int
    place: int  # of its first number in the op's own memory
    offset: int  # in the flat vectors
    rows: int
    columns: int
    transposed: bool  # in the flat vectors it is (columns, rows)
    is_copied: bool  # the op reads a copy of the parameters
    adds: bool  # its gradient is added to that of another layer; else it is the only one
    is_trained: bool


def places(tensors: Sequence[Tensor]) -> list[int]:
    """Where each of these begins if they lie one after the other."""
    return [0, *itertools.accumulate(tensor.size for tensor in tensors)][:-1]


class Sparse(NamedTuple):
    """A tensor of an op of which a batch touches some rows."""

    tensor: int  # its number in the plan
    span: TensorSpan
    group: int  # that trains it
    place: int  # among the parameters of the group


@dataclass(frozen=True)
class Undo:
    """Numbers that a step changes, and room for how they were. Once a step was taken back, it holds what the step had made of them."""

    what: str  # for messages; empty for the parameters
    live: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True)
class Averaging:
    """The mean of the parameters over steps."""

    decay: float = 0.0  # 0: there is none
    begin: int = 0  # steps done before it began


@dataclass(frozen=True)
class Course:
    """One place of a program where a number is kept, and what it is multiplied with in each step.

    Attributes
    ----------
    factors : ndarray of shape (n_steps,), float64
    numbers : ndarray
        One-dimensional, float64: what the program reads.
    index : int
        In `numbers`.
    op : int or None
        Whose they are, by its site: an op, ``IS_LOSS``, a transform or a rule (`ProgramSpec.first_site_of_transforms`). Each thread of a
        run gets its own. None if all threads share them, which read them in the second phase of a step alone.
    limit : str
        Instead of `numbers`: a limit of gradients, which the program keeps itself.
    told : tuple of (str, int, str) or None
        A component that runs in Python, which is told: ``"op"``, ``"transform"``, ``"rule"``, ``"loss"`` or
        ``"optimizer"``, its number, the name of the argument.
    """

    factors: np.ndarray
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0))
    index: int = 0
    op: int | None = None
    limit: str = ""
    told: tuple[str, int, str] | None = None
