"""`Plan`: the tensors, buffers and memory that a layer asks for."""

from __future__ import annotations

import itertools
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from nncore.arguments import is_number
from nncore.contract.activation import ActivationLike
from nncore.contract.configurable import Configurable
from nncore.contract.domain import DISTRIBUTION, INPUT, is_domain
from nncore.contract.initializer import InitializerLike
from nncore.errors import PluginError

#: Largest number in a plan: a terabyte and more.
LARGEST = 2**40
MOST_DIMENSIONS = 32
ROLES = ("weight", "bias", "scale")
#: Fields for layers that run themselves, unlike views and layers with branches.
_OF_WHAT_RUNS = ("tensors", "buffers", "cache", "cache_per_row", "work", "work_per_row", "gradient_unit", "batch_sums")
_COUNTS = ("cache", "cache_per_row", "work", "work_per_row", "gradient_unit", "batch_sums")
_FLAGS = (
    "split_rows", "split_columns", "is_view", "training_only", "accepts_nan", "spreads_nan", "takes_sparse",
    "reads_parameters_in_gradient", "backward_fills_cache", "own_samples",
)  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A trained tensor of a layer.

    Attributes
    ----------
    name : str
        ``"weight"``, ``"bias"``. Users see ``"<layer>.<name>"``.
    shape : tuple of int
        ``(n_in, n_out)`` for a weight.
    role : {"weight", "bias", "scale"}
        ``weight_decay`` applies to weights only.
    initializer : Initializer, str, dict or None
        Initial values. A dict is ``{"name": ..., **arguments}``. None uses the initializer of the layer's activation.
    fan_in, fan_out : int
        Number of connections into and out of a unit, for the initializer.
    tied_to : str or None
        The tensor of an earlier layer that is used instead, ``"encoder.weight"``. The network stores it once, and adds up the gradients.
        The layer must have that name. In a layer inside another one, names are looked up there first.
    transposed : bool
        Whether this tensor is the transpose of the one that it is tied to; both are matrices.
    regularizer, constraint : Regularizer or Constraint, str, dict, list of these or None, default None
        Penalties that are added to the loss, and projections after every step. Several are applied one after the other.
    per_member : bool, default False
        Whether the first dimension counts the members of an ensemble, of which `nncore.keep_members` keeps some.
    sparse_gradient : bool, default False
        Whether a batch touches only some rows of the tensor, such as those of its categories, and the gradients of others are zero. Users
        may train it with `lazy`. A compiled kernel with ``gradient`` functions then also has ``touch`` and ``touched_gradient``, so that a
        step on a large table takes time only for touched rows. The tensor has at least two dimensions, and its rows are as long as some
        `gradient_unit`.
    """

    name: str
    shape: tuple[int, ...]
    role: str
    initializer: InitializerLike | None
    fan_in: int
    fan_out: int
    tied_to: str | None = None
    transposed: bool = False
    regularizer: Any = None
    constraint: Any = None
    per_member: bool = False
    sparse_gradient: bool = False

    @cached_property
    def size(self) -> int:
        return math.prod(self.shape)


#: Bytes of a number of the whole numbers that a buffer may hold.
WHOLE_BYTES = {"int8": 1}
#: Bytes of the smallest number of a network, float32.
_NUMBER_BYTES = 4


@dataclass(frozen=True)
class Buffer:
    """An array that is saved with the network but not trained: running statistics, or the weights of a quantised layer.

    Attributes
    ----------
    name : str
        ``"mean"``. Users see ``"<layer>.<name>"``.
    shape : tuple of int
        Its shape.
    value : float, default 0
        Initial value of all elements.
    dtype : {"int8"} or None, default None
        Type of its elements, also in files; None is that of the network. A kernel finds it in the place of `size` numbers of the network.
    interval : str or None, default None
        Interval of valid numbers, ``"(0, inf)"``. A file with others is not loaded.
    """

    name: str
    shape: tuple[int, ...]
    value: float = 0.0
    dtype: str | None = None
    interval: str | None = None

    @cached_property
    def size(self) -> int:
        """Size in numbers of the network's dtype."""
        n = math.prod(self.shape)
        return n if self.dtype is None else -(-n * WHOLE_BYTES[self.dtype] // _NUMBER_BYTES)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a layer for an input shape: output shape, tensors, memory, and how the host may call it.

    Attributes
    ----------
    output_shape : tuple of int
        Shape of one output sample.
    tensors, buffers : tuple
        Tensors and buffers, in the order in which the compiled kernel finds them.
    activation : Activation, str or None
        Activation that the host applies to the layer's output.
    activation_rows : int, default 1
        Number of rows of equal length into which the activation divides the output of a sample, such as the members of an ensemble, which a
        softmax must not mix.
    cache, cache_per_row : int
        Size of the memory that is kept from forward to backward: in all, and for each row of the batch. All sizes are in numbers of the
        network's dtype.
    work, work_per_row : int
        Size of the working memory for a call of a compiled function, and for each of its rows. Its content is not kept. ``gradient``
        functions get only `work`.
    numbers : tuple of int
        Results of the plan for the kernel and for `LayerCall.numbers`.
    split_rows : bool
        In training, several threads may call compiled functions on slices of the batch at once. No row depends on another, `cache` is 0,
        and `gradient_unit` is not 0 if there are tensors. ``gradient`` functions get blocks of the rows of a large batch, and the host adds
        up their gradients: a long sum in float32 would be inaccurate.
    split_columns : bool
        In training, several threads may call compiled functions for some of the output columns at once.
    gradient_unit : int
        The compiled kernel has ``gradient`` functions, which write any range of the layer's parameters that begins and ends at a multiple
        of this. 0: ``backward`` writes the gradients.
    gradient_bound : float
        Bound for gradients: ``gradient`` functions write sums over the rows of elements of d_y, each times a number. The magnitude of that
        number is at most this, or at most the largest of x. So the host can bound gradients without reading them, unless they depend on
        parameters (`reads_parameters_in_gradient`).
    gradient_terms : int
        Number of such products that a row adds to an element of the gradient: 1, or the positions of a convolution.
    batch_sums : int
        For a layer whose rows depend on each other only through sums over the batch: the number of sums for each input, in float64. The
        compiled kernel then has ``forward_sums``, ``backward_sums`` and ``join_sums``. In a fit with `shards`, the host computes the sums
        with them, shard by shard; in any other fit, the layer does. Given the sums, forward and backward may be called for some rows of the
        batch, or for none. Processes that share a fit have some rows each, and equal buffers and gradients.
    is_view : bool
        The output is the input in another shape, and nothing runs (flatten).
    training_only : bool
        The layer is left out at prediction (dropout).
    reads_parameters_in_gradient : bool
        The compiled ``gradient`` functions read the layer's parameters. The host then updates none before all gradients are computed.
    backward_fills_cache : bool
        The compiled ``backward`` functions write to the cache for ``gradient``. They are then called even if d_x is not needed.
    accepts_nan : bool
        As the first layer of a network it accepts samples with NaN.
    spreads_nan : bool
        For any parameters, an input that is NaN or infinite makes the first output of its sample NaN or infinite, before the activation.
        Predictions of a compiled layer then check that output instead of every input.
    takes_sparse : bool
        As the first layer of a network, its compiled functions take rows of a sparse matrix, ``sparse`` of the call, instead of x. The time
        of ``gradient`` functions then depends only on the stored values. It needs a `gradient_unit`. A batch touches only some rows of
        weights with one row for each input, so the kernel has ``touch`` and ``touched_gradient``, as for a `sparse_gradient`.
    codes : tuple of int
        Inputs with category codes, in flat order: no transform changes them.
    output_domain : str or None
        Range of the outputs before `activation`, as `Activation.output_domain`: ``"(-inf, inf)"`` if they can be any numbers. None is
        unknown. A view, or a layer that only trains, has the range of its inputs, and branches have that of their ends.
    members : int, default 0
        The layer averages samples of this many members of an ensemble. As the last layer of a network, without an activation, it is left
        out of training. The loss of a sample is then the mean of the losses of its members. 0: the layer does not average members.
    own_samples : bool, default False
        The layer copies a sample for each member of an ensemble, in the order of the output's first dimension. When `fit` trains on arrays,
        each member gets a sample of its own instead. The layer is then left out, and layers before it compute one sample for each member.
    link : str, dict or None, default None
        With `members`, the link of the loss on whose scale the layer averages; a loss with another link raises an error. ``"identity"``
        averages the outputs themselves, for any loss.
    flops : int or None
        Floating-point operations for one sample at prediction, without the activation; a multiply-add counts as 2. It is only shown to
        users. None: twice the numbers in weights, once those in other tensors, which is right for layers like `Dense`.
    branches : tuple of tuple
        Layers that the layer consists of (instances, names, or dicts of a name and arguments). Each branch takes the layer's input, and
        their outputs are merged. An empty branch is the input itself. Only the activation of the layer runs in addition, and the host finds
        `output_shape`.
    merge : {"concat", "sum"}
        How to merge the outputs of the branches.
    """

    output_shape: tuple[int, ...]
    tensors: tuple[Tensor, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    activation: ActivationLike | None = None
    activation_rows: int = 1
    cache: int = 0
    cache_per_row: int = 0
    work: int = 0
    work_per_row: int = 0
    numbers: tuple[int, ...] = ()
    split_rows: bool = False
    split_columns: bool = False
    gradient_unit: int = 0
    gradient_bound: float = 1.0
    gradient_terms: int = 1
    batch_sums: int = 0
    is_view: bool = False
    training_only: bool = False
    reads_parameters_in_gradient: bool = False
    backward_fills_cache: bool = False
    accepts_nan: bool = False
    spreads_nan: bool = False
    takes_sparse: bool = False
    codes: tuple[int, ...] = ()
    output_domain: str | None = None
    members: int = 0
    own_samples: bool = False
    link: str | Mapping[str, Any] | None = None
    flops: int | None = None
    branches: tuple[tuple[Configurable | str | Mapping[str, Any], ...], ...] = ()
    merge: str = "concat"

    def validate(self, input_shape: tuple[int, ...]) -> None:
        """Raise `PluginError` if the plan is not valid for samples of `input_shape`. The host calls it before it allocates memory.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of a sample.

        Raises
        ------
        PluginError
            The message names the field, its value and what is needed.
        """
        _check_shape("output_shape", self.output_shape, smallest=1)
        self._check_parts()
        for name in _COUNTS:
            _check_count(name, getattr(self, name), 0, LARGEST)
        _check_count("gradient_terms", self.gradient_terms, 1, LARGEST)
        _check_count("members", self.members, 0, LARGEST)
        _check_count("activation_rows", self.activation_rows, 1, LARGEST)
        if math.prod(self.output_shape) % self.activation_rows:
            _refuse("activation_rows", self.activation_rows, f"a divisor of the {math.prod(self.output_shape)} outputs")
        if self.flops is not None:
            _check_count("flops", self.flops, 0, 2**63 - 1)
        if not isinstance(self.numbers, tuple):
            _refuse("numbers", self.numbers, "a tuple of whole numbers")
        for number in self.numbers:
            _check_count("numbers", number, -(2**63), 2**63 - 1)
        for name in _FLAGS:
            if not isinstance(getattr(self, name), bool):
                _refuse(name, getattr(self, name), "True or False")
        n_inputs = math.prod(input_shape)
        if not (isinstance(self.codes, tuple) and len(set(self.codes)) == len(self.codes)):
            _refuse("codes", self.codes, "a tuple of different whole numbers")
        for code in self.codes:
            _check_count("codes", code, 0, n_inputs - 1)
        bound = self.gradient_bound
        if not (is_number(bound) and 0 <= bound < math.inf):
            _refuse("gradient_bound", bound, "a finite number of at least 0")
        if not is_domain(self.output_domain):
            _refuse("output_domain", self.output_domain, f"an interval like '[0, inf)', {DISTRIBUTION!r}, {INPUT!r} or None")
        activation = self.activation
        if not (activation is None or isinstance(activation, (str, Configurable, Mapping, type)) or callable(activation)):
            _refuse("activation", activation, "an activation, its name or None")
        if self.members and math.prod(self.output_shape) * self.members != n_inputs:
            _refuse("output_shape", self.output_shape, f"with {self.members} members that many times fewer numbers than {input_shape}")
        if self.own_samples and self.output_shape != (self.output_shape[0], *input_shape):
            _refuse("output_shape", self.output_shape, f"with own_samples a number of members and {tuple(input_shape)}")
        if self.own_samples and (self.tensors or self.buffers or self.activation is not None):
            _refuse("own_samples", self.own_samples, "False for a layer with tensors, buffers or an activation: it is left out of training")
        if not (self.link is None or (self.members and isinstance(self.link, (str, Mapping)))):
            _refuse("link", self.link, "None or, with members, a link's name or dict")
        self._check_branches()
        self._check_splits()
        if not self.branches and (self.is_view or self.training_only) and math.prod(self.output_shape) != n_inputs:
            which = "is_view" if self.is_view else "training_only"
            what = f"with {which} it must have as many numbers as the input {tuple(input_shape)}"
            _refuse("output_shape", self.output_shape, what)

    def _check_parts(self) -> None:
        """Tensors and buffers."""
        for field, of in (("tensors", Tensor), ("buffers", Buffer)):
            given = getattr(self, field)
            if not (isinstance(given, tuple) and all(isinstance(part, of) for part in given)):
                _refuse(field, given, f"a tuple of {of.__name__}")
        parts: list[Tensor | Buffer] = [*self.tensors, *self.buffers]
        for part in parts:
            if not (isinstance(part.name, str) and part.name.isidentifier()):
                _refuse("name of a tensor or buffer", part.name, "an identifier")
            _check_shape(f"shape of {part.name}", part.shape, smallest=1)
        names = [part.name for part in parts]
        if len(set(names)) < len(names):
            _refuse("names of tensors and buffers", names, "a name of its own for each")
        for tensor in self.tensors:
            _check_tensor(tensor)
        for buffer in self.buffers:
            if not (buffer.dtype is None or (isinstance(buffer.dtype, str) and buffer.dtype in WHOLE_BYTES)):
                _refuse(f"dtype of {buffer.name}", buffer.dtype, f"{', '.join(WHOLE_BYTES)} or None")
            if not (is_domain(buffer.interval) and buffer.interval not in (DISTRIBUTION, INPUT)):
                _refuse(f"interval of {buffer.name}", buffer.interval, "an interval like '(0, inf)' or None")
            if not (is_number(buffer.value) and math.isfinite(buffer.value)):
                _refuse(f"value of {buffer.name}", buffer.value, "a finite number")

    def _check_branches(self) -> None:
        if not (isinstance(self.branches, tuple) and all(isinstance(branch, tuple) for branch in self.branches)):
            _refuse("branches", self.branches, "a tuple of tuples of layers")
        for layer in itertools.chain.from_iterable(self.branches):
            if not isinstance(layer, (Configurable, str, Mapping, type)):
                _refuse("a layer of a branch", layer, "a layer, its name or a dict")
        if self.merge not in ("concat", "sum"):
            _refuse("merge", self.merge, '"concat" or "sum"')
        if not self.branches:
            return
        for name in (*_OF_WHAT_RUNS, "numbers", "is_view", "training_only"):
            if getattr(self, name):
                _refuse(name, getattr(self, name), "nothing, as a layer with branches runs nothing else")

    def _check_splits(self) -> None:
        """Check that the fields about calls on parts are consistent."""
        unit, n_parameters = self.gradient_unit, sum(tensor.size for tensor in self.tensors)
        if self.is_view:
            for name in _OF_WHAT_RUNS:
                if getattr(self, name):
                    _refuse(name, getattr(self, name), "nothing, as a view runs nothing")
        if unit and (n_parameters == 0 or n_parameters % unit):
            _refuse("gradient_unit", unit, f"0 or a divisor of the {n_parameters} parameters")
        for tensor in self.tensors:
            if tensor.sparse_gradient and unit and (tensor.size // tensor.shape[0]) % unit:
                _refuse("gradient_unit", unit, f"a divisor of the numbers in a row of {tensor.name}, which has a sparse_gradient")
        if self.split_rows and self.cache:
            _refuse("cache", self.cache, "0 with split_rows: ask for cache_per_row")
        if self.split_rows and self.batch_sums:
            _refuse("batch_sums", self.batch_sums, "0 with split_rows, where no row depends on another")
        if self.split_columns and self.work_per_row:
            _refuse("work_per_row", self.work_per_row, "0 with split_columns, as every call has all rows: ask for work")
        if self.reads_parameters_in_gradient and unit == 0:
            _refuse("reads_parameters_in_gradient", True, "False without gradient functions, which a gradient_unit announces")
        if self.takes_sparse and unit == 0:
            _refuse("takes_sparse", True, "False without gradient functions, which a gradient_unit announces")
        if self.backward_fills_cache and (unit == 0 or self.cache + self.cache_per_row == 0):
            _refuse("backward_fills_cache", True, "False without a cache, and gradient functions to read it")


def _check_tensor(tensor: Tensor) -> None:
    """All of it but its name and shape."""
    if tensor.role not in ROLES:
        _refuse(f"role of {tensor.name}", tensor.role, f"one of {', '.join(ROLES)}")
    if not (tensor.initializer is None or isinstance(tensor.initializer, (str, Configurable, Mapping))):
        _refuse(f"initializer of {tensor.name}", tensor.initializer, "an initializer, its name, a dict or None")
    for name in ("regularizer", "constraint"):
        rules = getattr(tensor, name)
        several = rules if isinstance(rules, (list, tuple)) else () if rules is None else (rules,)
        for rule in several:
            if not isinstance(rule, (Configurable, str, Mapping, type)):
                _refuse(f"{name} of {tensor.name}", rules, f"a {name}, its name, a dict, a list of these or None")
    for name in ("fan_in", "fan_out"):
        _check_count(name, getattr(tensor, name), 1, LARGEST, tensor.name)
    if not (tensor.tied_to is None or (isinstance(tensor.tied_to, str) and "." in tensor.tied_to)):
        _refuse(f"tied_to of {tensor.name}", tensor.tied_to, 'a layer and its tensor, "encoder.weight", or None')
    if not isinstance(tensor.per_member, bool):
        _refuse(f"per_member of {tensor.name}", tensor.per_member, "True or False")
    sparse = tensor.sparse_gradient
    if sparse is not False and not (sparse is True and tensor.tied_to is None and len(tensor.shape) > 1):
        _refuse(f"sparse_gradient of {tensor.name}", sparse, "False, or True for a tensor of at least two dimensions that is not tied")
    if tensor.transposed is not False and not (tensor.transposed is True and tensor.tied_to is not None and len(tensor.shape) == 2):
        _refuse(f"transposed of {tensor.name}", tensor.transposed, "False, or True for a matrix that is tied to another")


def _refuse(field: str, value: object, wanted: str) -> NoReturn:
    raise PluginError(f"{field} of the plan is {reprlib.repr(value)}; it must be {wanted}")


def _check_count(field: str, value: object, smallest: int, largest: int, tensor: str = "") -> None:
    if not (isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= largest):
        _refuse(f"{field} of {tensor}" if tensor else field, value, f"a whole number (int) from {smallest} to {largest}")


def _check_shape(field: str, shape: object, smallest: int) -> None:
    if not (isinstance(shape, tuple) and len(shape) <= MOST_DIMENSIONS):
        _refuse(field, shape, f"a tuple of at most {MOST_DIMENSIONS} whole numbers")
    for n in shape:
        _check_count(field, n, smallest, LARGEST)
    if math.prod(shape) > LARGEST:
        _refuse(field, shape, f"of at most {LARGEST} numbers")
