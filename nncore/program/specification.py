"""The parts of a program: stages of a network, and the ops that they become."""

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

#: Source of a stage: the input of the network.
NETWORK_INPUT = -1


@dataclass(frozen=True)
class Stage:
    """A layer with its position in the network and in the flat vectors. A layer with branches comes after the layers in them."""

    name: str
    index: int
    layer: Layer
    plan: Plan
    activation: Activation | None
    sources: tuple[int, ...]  # stages whose outputs it reads: one, or the ends of its branches; NETWORK_INPUT for the input
    input_shape: tuple[int, ...]
    parameters: slice  # its own in the flat parameter vector
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
        """Number of columns of each row of the activation."""
        return self.n_outputs // self.plan.activation_rows

    @cached_property
    def own_tensors(self) -> tuple[Tensor, ...]:
        """Tensors that are not tied to others. They are contiguous."""
        return tuple(tensor for tensor in self.plan.tensors if tensor.tied_to is None)

    @cached_property
    def is_tied(self) -> bool:
        """Whether it uses tensors of other layers."""
        return any(tensor.tied_to is not None for tensor in self.plan.tensors)

    @property
    def lies_in_one_piece(self) -> bool:
        """Whether its tensors are contiguous in the flat vector, as kernels need them."""
        distances = {offset - place for offset, place in zip(self.offsets, places(self.plan.tensors), strict=True)}
        return len(distances) <= 1 and not any(tensor.transposed for tensor in self.plan.tensors)

    def own_views(self, parameters: np.ndarray, buffers: np.ndarray) -> dict[str, np.ndarray]:
        """Live views of its tensors and buffers in the flat vectors of the network, by their names in the layer."""
        return named_views(self.own_tensors, parameters[self.parameters]) | named_views(self.plan.buffers, buffers[self.buffers])

    def touched_tensors(self, *, reads_sparse: bool) -> list[tuple[int, Tensor]]:
        """Tensors of which a batch touches only some rows, with their numbers. With sparse inputs, weights with one row for each input."""
        reads_sparse = reads_sparse and self.plan.takes_sparse
        return [
            (number, tensor)
            for number, tensor in enumerate(self.plan.tensors)
            if tensor.sparse_gradient or (reads_sparse and tensor.role == "weight" and tensor.shape[0] == self.n_inputs)
        ]

    def full_name(self, tensor: Tensor) -> str:
        """Name of a tensor of the plan in the network."""
        return tensor.tied_to or f"{self.name}.{tensor.name}"

    def views(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Views of all tensors of the plan, also tied ones, by their names in the layer, of a vector in the layout of the parameters."""
        found: dict[str, np.ndarray] = {}
        for tensor, offset in zip(self.plan.tensors, self.offsets, strict=True):
            flat = vector[offset : offset + tensor.size]
            found[tensor.name] = flat.reshape(tensor.shape[::-1]).T if tensor.transposed else flat.reshape(tensor.shape)
        return found

    @property
    def flops(self) -> int:
        """Floating-point operations for one sample in prediction. A multiply-add counts as 2, an activation as 1 for each output."""
        plan, own = self.plan, 0
        if plan.branches:
            own = self.n_outputs * (len(self.sources) - 1) if plan.merge == "sum" else 0
        elif plan.flops is not None:
            own = plan.flops
        elif not plan.training_only:
            own = sum(tensor.size * (2 if tensor.role == "weight" else 1) for tensor in plan.tensors)
        return own + (0 if self.activation is None else self.n_outputs)


#: Number of terms of a gradient that are summed sequentially. With more, rounding errors grow, since the sum is much larger than each term.
BLOCK_TERMS = 2048
#: Approximate number of operations to add one number of a block's gradient to the sum of the earlier blocks.
ADDING = 8


@dataclass
class Branch:
    """One of the values that a joint reads or writes."""

    y: np.ndarray | None  # (max_rows, n_columns); None: the program's input
    d_y: np.ndarray | None  # of the same shape; None if it is not needed
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


@dataclass(slots=True)  # a dict with so many attributes takes 1.5 kB
class Op:
    """One entry of a program: a layer, an activation, or a joint. Arrays have `max_rows` rows, divided by `n_together`.

    A joint runs no component. ``"sum"`` and ``"concat"`` merge the branches of a layer. A ``"fork"`` follows an op whose output several ops
    read, and sums their gradients in the backward pass.
    """

    component: Layer | Activation
    stage: Stage
    x: np.ndarray | None  # (max_rows, n_inputs); None: the program's input
    y: np.ndarray  # (max_rows, n_outputs)
    n_inputs: int
    n_outputs: int
    sources: tuple[int, ...] = ()  # numbers of the ops whose outputs it reads; NETWORK_INPUT for the program's input
    n_together: int = 1  # rows of a batch that are one row of the op
    reads_sparse: bool = False  # whether it reads sparse inputs of the program
    joint: str = ""
    branches: tuple[Branch, ...] = ()
    d_y: np.ndarray | None = None
    d_x: np.ndarray | None = None
    parameters: np.ndarray | None = None
    d_parameters: np.ndarray | None = None
    is_trained: bool = False
    may_leave_slope: bool = False  # an activation that is the only reader of its input in the backward pass
    buffers: np.ndarray | None = None
    cache: np.ndarray | None = None
    work: np.ndarray | None = None
    batch_sums: np.ndarray | None = None  # (1 + height of a tree, plan.batch_sums, n_inputs) float64, if there are shards
    sums: np.ndarray | None = None  # (2, number of parameters): gradients of a block of rows, and the rounding errors of their sum
    plan: Plan = field(init=False)  # the layer's plan, or an empty one for an activation or joint
    kernel: Kernel | None = field(init=False)
    capsule: object = field(init=False)
    inner: Inner | None = field(init=False)  # called by the layer's kernel
    kind: str = field(init=False)  # "layer", "activation", "python" (without compiled form), or the kind of joint
    hyper: np.ndarray = field(init=False)
    numbers: np.ndarray = field(init=False)  # int64, as are the shapes of a sample
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
        """Take over the numbers of another stage with the same structure."""
        component = stage.layer if isinstance(self.component, Layer) else stage.activation
        if component is not None:  # otherwise it copies the input of a network of views, or is an activation that does
            self.component = component
        self.stage = stage
        if self.plan is not _NO_PLAN:
            self.plan = stage.plan
        if not self.joint:
            self.hyper[:] = self.component.hyper()

    @property
    def rows_per_sample(self) -> int:
        """Number of rows that a sample has for an activation."""
        return self.stage.plan.activation_rows if isinstance(self.component, Activation) else 1

    @property
    def layer(self) -> int:
        return self.stage.index

    @property
    def is_tied(self) -> bool:
        """Whether it uses separate gradients, and possibly parameters, which the host copies to and from the flat vectors (`Tie`)."""
        return bool(self.plan.tensors) and self.stage.is_tied

    @property
    def first_parameter(self) -> int:
        return 0 if self.is_tied else self.stage.parameters.start

    @property
    def gradient_unit(self) -> int:
        """Unit of ranges of gradients in the compiled form. Python computes all gradients in the backward pass."""
        return 0 if self.capsule is None else self.plan.gradient_unit

    @property
    def block_rows(self) -> int:
        """Number of rows whose gradients the compiled form sums in one call; 0 for any number.

        It is small enough to limit rounding errors, and large enough that summing the blocks is a small part of the work.
        """
        if not self.gradient_unit or not self.plan.split_rows:
            return 0
        n_parameters = sum(tensor.size for tensor in self.plan.tensors)
        worth_adding = ADDING * n_parameters // max(self.stage.flops, self.n_outputs)
        return max(1, BLOCK_TERMS // self.plan.gradient_terms, worth_adding)

    @property
    def sparse_tensors(self) -> list[tuple[int, Tensor]]:
        """Tensors of which a batch touches only some rows, with their numbers."""
        return self.stage.touched_tensors(reads_sparse=self.reads_sparse) if self.plan.tensors else []

    def sparse(self, placed: Mapping[str, tuple[TensorSpan, int, int]]) -> list[Sparse]:
        """Positions of the sparse tensors. `placed` is the result of `Grouping.placed`."""
        own = () if self.is_tied else self.sparse_tensors
        return [Sparse(number, *placed[self.stage.full_name(tensor)]) for number, tensor in own]

    @property
    def tensor_places(self) -> list[int]:
        """Position of each tensor among the layer's parameters."""
        return places(self.plan.tensors)

    def ties(self, number: int, frozen: Collection[str]) -> Iterator[Tie]:
        """Positions of its tensors in the flat vectors, if some are tied. `number` is the number of the op."""
        if not self.is_tied:
            return
        for tensor, place, offset in zip(self.plan.tensors, self.tensor_places, self.stage.offsets, strict=True):
            rows, columns = tensor.shape if tensor.transposed else (1, tensor.size)
            is_trained = self.is_trained and self.stage.full_name(tensor) not in frozen
            is_copied, adds = not self.stage.lies_in_one_piece, tensor.tied_to is not None
            yield Tie(number, place, offset, rows, columns, tensor.transposed, is_copied, adds, is_trained)

    def needed(self, dtype: np.dtype, has_way_back: bool) -> list[Needed]:
        """Functions that the kernel's table must have or must not have."""
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
        """Whether the op runs in the backward pass."""
        if self.joint:
            return self.joint == "fork" or (self.joint == "concat" and any(branch.d_y is not None for branch in self.branches))
        return self.d_x is not None or (self.is_trained and (self.gradient_unit == 0 or self.plan.backward_fills_cache))


_NO_PLAN = Plan(())
#: Functions of a layer whose plan has `batch_sums`.
_SUMS = ("forward_sums", "backward_sums", "join_sums")


@dataclass(frozen=True)
class Tie:
    """A tensor of an op with tied tensors. Its gradients, and possibly its parameters, are in the op's own memory (`ties.h`)."""

    op: int
    place: int  # position in the op's own memory
    offset: int  # in the flat vectors
    rows: int
    columns: int
    transposed: bool  # in the flat vectors its shape is (columns, rows)
    is_copied: bool  # the op reads a copy of the parameters
    adds: bool  # its gradient is added to another layer's; otherwise it is the only one
    is_trained: bool


def places(tensors: Sequence[Tensor]) -> list[int]:
    """Position of each tensor if they are contiguous."""
    return [0, *itertools.accumulate(tensor.size for tensor in tensors)][:-1]


class Sparse(NamedTuple):
    """A tensor of an op of which a batch touches only some rows."""

    tensor: int  # number in the plan
    span: TensorSpan
    group: int  # group that trains it
    place: int  # position among the parameters of the group


@dataclass(frozen=True)
class Undo:
    """Data that a step changes, with memory for their previous values. After a step is undone, it holds the undone values."""

    what: str  # name for messages; empty for the parameters
    live: np.ndarray
    kept: np.ndarray


@dataclass(frozen=True)
class Averaging:
    """The mean of the parameters over steps."""

    decay: float = 0.0  # 0: no averaging
    begin: int = 0  # number of steps before averaging began


@dataclass(frozen=True)
class Course:
    """One place of a program where a scheduled number is stored, and its factor in each step.

    Attributes
    ----------
    factors : ndarray of shape (n_steps,), float64
    numbers : ndarray
        The array that the program reads, one-dimensional, float64.
    index : int
        Index in `numbers`.
    op : int or None
        Site of the owner: an op, ``IS_LOSS``, a transform or a rule (`ProgramSpec.first_site_of_transforms`). Each thread of a run has its
        own numbers. None if all threads share them, and read them only in the second phase of a step.
    limit : str
        Instead of `numbers`: a limit of gradients, which the program itself stores.
    told : tuple of (str, int, str) or None
        The component in Python to notify: ``"op"``, ``"transform"``, ``"rule"``, ``"loss"`` or ``"optimizer"``, its number, and the name of
        the argument.
    """

    factors: np.ndarray
    numbers: np.ndarray = field(default_factory=lambda: np.empty(0))
    index: int = 0
    op: int | None = None
    limit: str = ""
    told: tuple[str, int, str] | None = None
