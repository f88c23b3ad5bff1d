"""The layers of another library's model as a graph with one input and one output, and its conversion to a network."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from nncore.contract import Layer
from nncore.errors import ParameterError
from nncore.interchange.misfits import Misfits
from nncore.layers.activation import ActivationLayer
from nncore.layers.alpha_dropout import AlphaDropout
from nncore.layers.batch_norm import BatchNorm
from nncore.layers.concat import Concat
from nncore.layers.dense import Dense
from nncore.layers.dropout import Dropout
from nncore.layers.embedding import Embedding
from nncore.layers.flatten import Flatten
from nncore.layers.gaussian_noise import GaussianNoiseLayer
from nncore.layers.glu import GLU
from nncore.layers.layer_norm import LayerNorm
from nncore.layers.prelu import PReLU
from nncore.layers.residual import Residual
from nncore.layers.rms_norm import RMSNorm
from nncore.network import Sequential

#: ε of a `BatchNorm` that represents plain factors and shifts: negligible compared with 1, and not 0 in float32.
NO_EPSILON = 1e-30

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Node:
    """One layer or merge of the graph. Without both, it passes its only input on; without inputs, it is the samples.

    Attributes
    ----------
    place : str
        Name in messages.
    inputs : tuple of Node
    layer : Layer or None
    parameters, buffers : dict of str to ndarray
        Values of the layer's tensors, in their order. A number or a row is broadcast to the tensor's shape.
    merge : {"", "sum", "concat"}
        How several inputs are merged.
    n_inputs : int or None
        Number of input features, if its tensors determine it.
    is_elementwise : bool
        Whether it accepts samples of any shape, and keeps the shape.
    table : ndarray of shape (n_categories, n_outputs) or None
        Vectors of an `Embedding`, the same for each of its columns.
    """

    place: str
    inputs: tuple[Node, ...] = ()
    layer: Layer | None = None
    parameters: Arrays = field(default_factory=dict)
    buffers: Arrays = field(default_factory=dict)
    merge: str = ""
    n_inputs: int | None = None
    is_elementwise: bool = False
    table: np.ndarray | None = None

    @property
    def keeps_width(self) -> bool:
        """Whether it has the same number of outputs as inputs."""
        return not self.merge and self.table is None and not isinstance(self.layer, Dense | GLU)


# ---- nodes of every kind ----------------------------------------------------------------------------------------------------


def same(place: str, before: Node) -> Node:
    """A layer that does nothing in prediction."""
    return Node(place, (before,), is_elementwise=True)


def dense(place: str, before: Node, weight: np.ndarray, bias: np.ndarray | None) -> Node:
    """x·W + b, with `weight` of shape (n_inputs, n_outputs)."""
    values = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    return Node(place, (before,), Dense(weight.shape[1], use_bias=bias is not None), values, n_inputs=weight.shape[0])


def activation(place: str, before: Node, name: str, **arguments: Any) -> Node:
    """An activation, by its nncore name."""
    return Node(place, (before,), ActivationLayer({"name": name, **arguments}), is_elementwise=name not in ("softmax", "log_softmax"))


def clip(place: str, before: Node, low: float, high: float) -> Node:
    """min(max(x, low), high); some bounds have their own activations."""
    if low == 0 and high in (6, math.inf):
        return activation(place, before, "relu6" if high == 6 else "relu")
    return activation(place, before, "hard_tanh", low=low, high=high)


def prelu(place: str, before: Node, slope: np.ndarray) -> Node:
    """x where x > 0, else a·x, with a slope for each feature, or one for all."""
    return Node(place, (before,), PReLU(), {"slope": slope}, n_inputs=slope.size if slope.ndim else None, is_elementwise=not slope.ndim)


def glu(place: str, before: Node) -> Node:
    """The first half of the features, times the sigmoid of the second."""
    return Node(place, (before,), GLU())


def dropout(place: str, before: Node, rate: float) -> Node:
    return Node(place, (before,), Dropout(rate), is_elementwise=True) if rate < 1 else same(place, before)


def alpha_dropout(place: str, before: Node, rate: float) -> Node:
    return Node(place, (before,), AlphaDropout(rate), is_elementwise=True) if rate < 1 else same(place, before)


def noise(place: str, before: Node, std: float) -> Node:
    return Node(place, (before,), GaussianNoiseLayer(std), is_elementwise=True)


def flatten(place: str, before: Node, n_inputs: int | None = None) -> Node:
    """Flatten each sample to a vector, of `n_inputs` numbers if known."""
    return Node(place, (before,), Flatten(), n_inputs=n_inputs)


def batch_norm(
    place: str,
    before: Node,
    mean: np.ndarray,
    variance: np.ndarray,
    gamma: np.ndarray | None,
    beta: np.ndarray | None,
    *,
    epsilon: float,
    momentum: float,
) -> Node:
    gamma = np.ones_like(mean) if gamma is None else gamma
    beta = np.zeros_like(mean) if beta is None else beta
    layer = BatchNorm(momentum=momentum, epsilon=epsilon)
    values = {"gamma": gamma, "beta": beta}
    n_inputs = mean.size if mean.ndim else None
    return Node(place, (before,), layer, values, {"mean": mean, "variance": variance}, n_inputs=n_inputs)


def affine(place: str, before: Node, centre: np.ndarray, factor: np.ndarray, shift: np.ndarray) -> Node:
    """(x − centre)·factor + shift for each feature, computed in this order by a `BatchNorm` with variance 1. Each may be one number for
    all."""
    centre, factor, shift = np.broadcast_arrays(centre, factor, shift)
    node = batch_norm(place, before, centre, np.ones_like(centre), factor, shift, epsilon=NO_EPSILON, momentum=0.1)
    return replace(node, is_elementwise=True)


def layer_norm(place: str, before: Node, gamma: np.ndarray, beta: np.ndarray, *, epsilon: float) -> Node:
    return Node(place, (before,), LayerNorm(epsilon), {"gamma": gamma, "beta": beta}, n_inputs=gamma.size, is_elementwise=gamma.ndim > 1)


def rms_norm(place: str, before: Node, gamma: np.ndarray, *, epsilon: float) -> Node:
    return Node(place, (before,), RMSNorm(epsilon), {"gamma": gamma}, n_inputs=gamma.size, is_elementwise=gamma.ndim > 1)


def embedding(place: str, before: Node, table: np.ndarray) -> Node:
    return Node(place, (before,), Embedding(len(table), table.shape[1]), table=table)


# ---- the network ------------------------------------------------------------------------------------------------------------


@dataclass
class _Part:
    """A layer of the network, with the values of its tensors, including those of nested layers."""

    layer: Any
    parameters: list[tuple[str, np.ndarray]]
    buffers: list[tuple[str, np.ndarray]]


def assembled(output: Node, start: Node, input_shape: tuple[int, ...] | None, dtype: np.dtype, misfits: Misfits) -> Sequential:
    """Build the network from `start`, the samples, to `output`.

    Parameters
    ----------
    output, start : Node
    input_shape : tuple of int or None
        Shape of a sample; None: inferred from the first tensors.
    dtype : dtype
    misfits : Misfits
        Parts that cannot be converted. If there are any, they are reported before anything is built.

    Raises
    ------
    ParameterError
        If nncore cannot represent the graph.
    """
    order = _in_order(output)
    misfits.check()
    shape = input_shape or _inferred_shape(order, misfits)
    shapes = _shapes(order, shape, misfits)
    misfits.check()
    parts = _Chains(order, shapes, misfits).chain(output, start)
    if not parts:
        misfits.add(output.place, "there are no layers between input and output", "hand over a model that computes something")
    misfits.check()
    network = Sequential(*[part.layer for part in parts])
    network.allocate(shape, None, None, dtype)
    _fill([value for part in parts for value in part.parameters], network.named_parameters())
    _fill([value for part in parts for value in part.buffers], network.named_buffers())
    return network


def _in_order(output: Node) -> list[Node]:
    """All nodes that `output` depends on, each after its inputs."""
    order: dict[Node, None] = {}
    waiting = [(output, False)]
    while waiting:
        node, inputs_done = waiting.pop()
        if inputs_done:
            order.setdefault(node)
        elif node not in order:
            waiting.append((node, True))
            waiting.extend((before, False) for before in reversed(node.inputs))
    return list(order)


def _inferred_shape(order: Sequence[Node], misfits: Misfits) -> tuple[int, ...]:
    """Infer the shape of a sample: a vector of the length that the first tensors take."""
    as_wide: set[Node] = set()  # values with the same number of features as a sample
    vectors: dict[Node, int] = {}  # values with this many features for each feature of a sample
    for node in order:
        is_first = not node.inputs or all(before in as_wide for before in node.inputs)
        if node.n_inputs and node.inputs and is_first:
            return (node.n_inputs,)
        if node.table is not None:
            vectors[node] = node.table.shape[1]
        elif node.keeps_width and node.inputs and (width := vectors.get(node.inputs[0])):
            vectors[node] = width
        elif node.n_inputs and node.inputs and (width := vectors.get(node.inputs[0])):
            return (node.n_inputs // width,)
        if node.keeps_width and is_first:
            as_wide.add(node)
    misfits.add("input", "nothing says how many features a sample has", "pass input_shape=, the shape of one sample")
    misfits.check()
    raise AssertionError("a misfit was found")


def _shapes(order: Sequence[Node], shape: tuple[int, ...], misfits: Misfits) -> dict[Node, tuple[int, ...]]:
    """Output shapes of the nodes. Notes misfits where shapes do not match, or a node that takes vectors gets something else."""
    shapes: dict[Node, tuple[int, ...]] = {}
    for node in order:
        if not node.inputs:
            shapes[node] = shape
            continue
        befores = [shapes[before] for before in node.inputs]
        if node.table is not None:
            if node.inputs[0].inputs:
                misfits.add(node.place, "an embedding of numbers that are computed", "nncore looks up columns of the input: nn.Embedding")
            shapes[node] = (*befores[0], node.table.shape[1]) if befores[0] != (1,) else (node.table.shape[1],)
            continue
        if not node.is_elementwise and not isinstance(node.layer, Flatten) and any(len(before) != 1 for before in befores):
            misfits.add(node.place, f"it works along one axis of samples of shape {befores[0]}", "put a Flatten before it")
        n_inputs = math.prod(befores[0])
        if node.n_inputs not in (None, n_inputs):
            what = f"it takes samples of {node.n_inputs} numbers, and they have {n_inputs} there"
            misfits.add(node.place, what, "hand over a model whose layers fit each other and the shape of the input")
        if node.merge == "sum" and len(set(befores)) > 1:
            misfits.add(node.place, f"it adds values of the shapes {' and '.join(map(str, befores))}", "add vectors of one length")
        if node.merge == "concat":
            shapes[node] = (sum(map(math.prod, befores)),)
        elif isinstance(node.layer, Flatten):
            shapes[node] = (n_inputs,)
        elif isinstance(node.layer, GLU):
            if n_inputs % 2:
                misfits.add(node.place, f"it halves {n_inputs} features", "give the layer before it an even number of outputs")
            shapes[node] = (n_inputs // 2,)
        else:
            shapes[node] = (node.layer.n_outputs,) if isinstance(node.layer, Dense) else befores[0]
    return shapes


class _Chains:
    """Chains of layers between two nodes of a graph."""

    def __init__(self, order: Sequence[Node], shapes: Mapping[Node, tuple[int, ...]], misfits: Misfits) -> None:
        self._shapes, self._misfits = shapes, misfits
        #: For each node: itself, and backwards the nodes on all paths from the samples to it.
        self._passed: dict[Node, list[Node]] = {}
        for node in order:
            ways = [self._passed[before] for before in node.inputs]
            shared = set.intersection(*map(set, ways)) if ways else set()
            self._passed[node] = [node, *(other for other in (ways[0] if ways else []) if other in shared)]

    def chain(self, node: Node, stop: Node) -> list[_Part]:
        """The layers after `stop` up to `node`."""
        backwards: list[_Part] = []
        while node is not stop:
            if node.merge:
                meeting = self._passed[node][1]
                backwards.append(self._merged(node, [self.chain(before, meeting) for before in node.inputs]))
                node = meeting
                continue
            has_vectors = len(self._shapes[node.inputs[0]]) == 1
            if node.layer is not None and not (isinstance(node.layer, Flatten) and has_vectors):
                backwards.append(self._part(node))
            node = node.inputs[0]
        return list(_joined(reversed(backwards)))

    def _part(self, node: Node) -> _Part:
        shape = self._shapes[node.inputs[0]]
        parameters, buffers = dict(node.parameters), dict(node.buffers)
        if node.table is not None:  # the row after those of the categories is for unknown ones
            table = np.concatenate([node.table, np.zeros_like(node.table[:1])])
            parameters = {f"weight_{column}": table for column in range(shape[0])}
        elif not isinstance(node.layer, Dense):
            parameters, buffers = ({name: np.broadcast_to(array, shape) for name, array in own.items()} for own in (parameters, buffers))
        return _Part(copy.deepcopy(node.layer), list(parameters.items()), list(buffers.items()))

    def _merged(self, node: Node, branches: list[list[_Part]]) -> _Part:
        inner: list[Any] = [[part.layer for part in branch] for branch in branches]
        if node.merge == "sum":
            if len(branches) != 2 or not any(branches):
                self._misfits.add(node.place, f"a sum of {len(branches)} values that nncore cannot build", "add two values, one a layer's")
            if not branches[0]:
                branches, inner = branches[::-1], inner[::-1]
            layer: Layer = Residual(inner[0] or [Flatten()], inner[1])
        else:
            layer = Concat(inner)
        parts = [part for branch in branches for part in branch]
        return _Part(layer, [value for part in parts for value in part.parameters], [value for part in parts for value in part.buffers])


def _joined(parts: Iterator[_Part]) -> Iterator[_Part]:
    """Move activations into the layers that they follow, if these have an argument for them."""
    last: _Part | None = None
    for part in parts:
        if (
            isinstance(part.layer, ActivationLayer)
            and last is not None
            and isinstance(last.layer, Dense | Residual | Concat)
            and last.layer.activation is None
        ):
            last.layer.activation = part.layer.activation
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last


def _fill(values: Sequence[tuple[str, np.ndarray]], views: Mapping[str, np.ndarray]) -> None:
    """Copy values into the tensors of a network, in the same order."""
    for (tensor, array), (name, view) in zip(values, views.items(), strict=True):
        assert name.rpartition(".")[2] == tensor, f"{name} got the values of {tensor}"
        view[...] = array


def network_dtype(found: Sequence[Any], misfits: Misfits, remedy: str) -> np.dtype:
    """The common dtype of all tensors; float32 if there are none."""
    names = sorted({str(name).rpartition(".")[2] for name in found})
    if not set(names) <= {"float32", "float64"} or len(names) > 1:
        misfits.add("parameters", f"they are {' and '.join(names)}, a network has float32 or float64", remedy)
        return np.dtype("float32")
    return np.dtype(names[0] if names else "float32")


def checked_shape(caller: str, input_shape: Any) -> tuple[int, ...] | None:
    """Check the argument `input_shape`: None, a number of features, or a shape."""
    if input_shape is None:
        return None
    shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else (input_shape,)
    if not shape or not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in shape):
        raise ParameterError(f"{caller}: input_shape must be the shape of one sample, numbers of at least 1, got {input_shape!r}")
    return tuple(int(n) for n in shape)
