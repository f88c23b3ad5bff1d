"""Convert PyTorch modules to networks."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nncore.arguments import shown
from nncore.errors import ParameterError
from nncore.interchange import graph
from nncore.interchange.graph import Node
from nncore.interchange.misfits import NOT_DENSE, OWN_ACTIVATION, Misfits
from nncore.network import Sequential
from nncore.words import explains_calls

#: Activations without arguments, by the names of modules, functions and methods.
ACTIVATIONS = {
    "ReLU": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "SiLU": "silu", "Mish": "mish", "SELU": "selu",
    "ReLU6": "relu6", "Hardswish": "hard_swish", "Hardsigmoid": "hard_sigmoid", "Softsign": "softsign",
    "relu": "relu", "relu_": "relu", "sigmoid": "sigmoid", "tanh": "tanh", "silu": "silu", "mish": "mish", "selu": "selu", "exp": "exp",
    "relu6": "relu6", "hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid", "softsign": "softsign",
}  # fmt: skip
#: Modules that act only in training.
NOTHING = ("Identity", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout")
#: Activations that nncore does not have.
OTHERS = ("Tanhshrink", "Softshrink", "Hardshrink", "LogSigmoid", "Threshold", "RReLU", "logsigmoid")
#: Functions that are looked up in torch, to distinguish them from other functions of the same name.
FUNCTIONS = (
    "relu", "relu_", "sigmoid", "tanh", "silu", "mish", "selu", "exp", "leaky_relu", "elu", "celu", "gelu", "softplus", "softmax",
    "log_softmax", "dropout", "flatten", "cat", "concat", "add", "linear", "reshape", "squeeze", "relu6", "hardtanh", "hardswish",
    "hardsigmoid", "softsign", "logsigmoid", "glu", "alpha_dropout",
)  # fmt: skip

FOLLOW = "write the network as torch.nn.Sequential, or export it with torch.onnx.export and read that file with nn.from_onnx"

#: Placeholder for sizes of values in the graph, which are not values themselves.
SIZE = object()


@explains_calls
def from_torch(module: Any, *, input_shape: Any = None) -> Sequential:
    """Convert a trained PyTorch module to a network.

    Predictions agree with those of ``module.eval()`` up to rounding. The module is not changed. ``torch.fx`` traces its ``forward``, so
    your own classes work like ``torch.nn.Sequential`` if they only call:

    ==================================================  ==========================================
    PyTorch                                             nncore
    ==================================================  ==========================================
    ``Linear``                                          `Dense`
    ``ReLU``, ``GELU``, ``Softmax``, ...                 the activation of that name
    ``PReLU``, ``GLU``                                  `PReLU`, `GLU`
    ``BatchNorm1d``, ``LayerNorm``, ``RMSNorm``         `BatchNorm`, `LayerNorm`, `RMSNorm`
    ``Dropout``, ``AlphaDropout``                       `Dropout`, `AlphaDropout`
    ``Embedding``, ``Flatten``                          the layers of these names
    ``x + f(x)``, ``torch.cat([f(x), g(x)], 1)``        `Residual`, `Concat`
    ==================================================  ==========================================

    Parameters
    ----------
    module : torch.nn.Module
        Module with float32 or float64 parameters, whose dtype the network gets.
    input_shape : int or tuple of int, optional
        Shape of one sample. By default a vector of the length that the first tensors take.

    Returns
    -------
    Sequential
        Built network, without loss and optimizer. ``net.fit`` trains it further.

    Raises
    ------
    ParameterError
        If nncore cannot represent a part of the module. The message names each such part, its place and what to do.

    Notes
    -----
    Everything that affects predictions is converted. Of the settings for training, rates of dropout and the momentum of batch normalisation
    are converted. Shared weights become copies. A network takes one code a column for an ``Embedding``, as a number; codes that PyTorch
    refuses get a vector of zeros. A final ``squeeze`` is dropped: outputs of a network have two dimensions.

    Examples
    --------
    >>> import nncore as nn
    >>> import torch  # doctest: +SKIP
    >>> module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))  # doctest: +SKIP
    >>> net = nn.from_torch(module)  # doctest: +SKIP
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(module, torch.nn.Module):
        remedy = (
            "load the module in PyTorch first" if isinstance(module, (str, bytes)) or hasattr(module, "__fspath__") else "pass a module"
        )
        raise ParameterError(f"from_torch takes a torch.nn.Module, got {shown(module)}: {remedy}")
    shape = graph.checked_shape("from_torch", input_shape)
    misfits = Misfits("from_torch")
    remedy = "convert the module first: module.float()"
    names = [tensor.dtype for tensor in (*module.parameters(), *module.buffers()) if tensor.is_floating_point()]
    dtype = graph.network_dtype(names, misfits, remedy)
    with _evaluating(module):
        root = torch.nn.Sequential(module) if torch.fx.Tracer().is_leaf_module(module, "") else module
        try:
            steps = torch.fx.Tracer().trace(root)
        except Exception as error:  # the user's forward may raise anything for a tracing proxy
            raise ParameterError(
                f"from_torch: the forward of {type(module).__name__} depends on values and cannot be traced ({error}): {FOLLOW}"
            ) from error
        with torch.no_grad():
            start, output = _Reader(torch, root, misfits).read(steps)
    return graph.assembled(output, start, shape, dtype, misfits)


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Put the module and its submodules in evaluation mode inside the ``with`` block."""
    before = [(part, part.training) for part in module.modules()]
    for part, _ in before:
        part.training = False
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


class _Reader:
    """Make nodes from the steps that ``torch.fx`` traced."""

    def __init__(self, torch: Any, root: Any, misfits: Misfits) -> None:
        self._root, self._misfits = root, misfits
        self._values: dict[Any, Any] = {}
        self._functions: dict[Any, str] = {
            getattr(home, name): name for name in FUNCTIONS for home in (torch, torch.nn.functional) if hasattr(home, name)
        }
        self._functions |= {operator.add: "add", operator.iadd: "iadd", operator.getitem: "getitem", getattr: "getattr"}

    def read(self, steps: Any) -> tuple[Node, Node]:
        """Make the nodes of the samples and of the output."""
        start = output = Node("input")
        order = {step: number for number, step in enumerate(steps.nodes)}
        n_inputs = 0
        for step in steps.nodes:
            if step.op == "placeholder":
                n_inputs += 1
                if n_inputs > 1:
                    self._misfits.add(f"argument {step.name!r} of forward", "a second input", "put all columns into one matrix")
                self._values[step] = start
            elif step.op == "get_attr":
                self._values[step] = _attribute(self._root, step.target)
            elif step.op == "output":
                if isinstance(step.args[0], type(step)):
                    output = self._node(step.args[0])
                else:
                    self._misfits.add("output", "forward returns several values", "return one tensor")
            else:
                self._values[step] = self._value(step)
                if self._is_in_place(step) and any(order[user] > order[step] for user in step.args[0].users):
                    self._misfits.add(self._place(step), "it changes a value in place that is used again", "pass inplace=False")
        return start, output

    def _place(self, step: Any) -> str:
        if step.op == "call_module":
            return f"{step.target!r} ({type(self._root.get_submodule(step.target)).__name__})"
        name = self._functions.get(step.target) or getattr(step.target, "__name__", step.target)
        stack = step.meta.get("nn_module_stack") or {}
        inside = [path for path in stack if path]
        return f"{name}() in the forward of {inside[-1]!r}" if inside else f"{name}() in forward"

    def _is_embedding(self, step: Any) -> bool:
        return step.op == "call_module" and type(self._root.get_submodule(step.target)).__name__ == "Embedding"

    def _is_in_place(self, step: Any) -> bool:
        if step.op == "call_module":
            return bool(getattr(self._root.get_submodule(step.target), "inplace", False))
        name = self._functions.get(step.target, step.target)
        return bool(step.kwargs.get("inplace", False)) or name == "iadd" or (isinstance(name, str) and name.endswith("_"))

    def _node(self, value: Any) -> Node:
        """The node of an argument."""
        try:
            found = self._values.get(value)
        except TypeError:  # such as a list
            found = None
        if isinstance(found, Node):
            return found
        self._misfits.add("forward", f"it computes with {shown(value)}, which is no layer's output", FOLLOW)
        return Node("input")

    def _value(self, step: Any) -> Any:
        place = self._place(step)
        if step.op == "call_module":
            return self._module(place, self._root.get_submodule(step.target), self._node(step.args[0] if step.args else None))
        name = self._functions.get(step.target) if step.op == "call_function" else step.target
        if name in ("size", "getattr", "dim") or (name == "getitem" and self._values.get(step.args[0]) is SIZE):
            return SIZE
        return self._called(place, step, name)

    # ---- modules ------------------------------------------------------------------------------------------------------------

    def _module(self, place: str, module: Any, before: Node) -> Node:
        kind = next((cls for cls in type(module).__mro__ if cls.__module__.startswith("torch.nn.modules")), type(module))
        if module._forward_hooks or module._forward_pre_hooks:
            self._misfits.add(place, "it has forward hooks, which may change what it computes", "remove the hooks")
        name = kind.__name__
        if name in ACTIVATIONS:
            return graph.activation(place, before, ACTIVATIONS[name])
        if name in NOTHING:
            return graph.same(place, before)
        convert: Callable[[str, Any, Node], Node] | None = getattr(self, f"_{name}", None)
        if convert is not None:
            return convert(place, module, before)
        self._misfits.add(place, "nncore has nothing like it", OWN_ACTIVATION if name in OTHERS else NOT_DENSE)
        return graph.same(place, before)

    def _Linear(self, place: str, module: Any, before: Node) -> Node:
        return graph.dense(place, before, _array(module.weight).T, None if module.bias is None else _array(module.bias))

    def _LeakyReLU(self, place: str, module: Any, before: Node) -> Node:
        return graph.activation(place, before, "leaky_relu", slope=float(module.negative_slope))

    def _ELU(self, place: str, module: Any, before: Node) -> Node:
        return self._elu(place, before, float(module.alpha))

    def _CELU(self, place: str, module: Any, before: Node) -> Node:
        return self._celu(place, before, float(module.alpha))

    def _GELU(self, place: str, module: Any, before: Node) -> Node:
        return graph.activation(place, before, "gelu", approximate=module.approximate)

    def _Softplus(self, place: str, module: Any, before: Node) -> Node:
        return graph.activation(place, before, "softplus", beta=float(module.beta))

    def _Hardtanh(self, place: str, module: Any, before: Node) -> Node:
        return graph.clip(place, before, float(module.min_val), float(module.max_val))

    def _Softmax(self, place: str, module: Any, before: Node) -> Node:
        return self._of_rows(place, "softmax", before, module.dim)

    def _LogSoftmax(self, place: str, module: Any, before: Node) -> Node:
        return self._of_rows(place, "log_softmax", before, module.dim)

    def _GLU(self, place: str, module: Any, before: Node) -> Node:
        return self._glu(place, before, module.dim)

    def _PReLU(self, place: str, module: Any, before: Node) -> Node:
        slopes = _array(module.weight)
        if len(slopes) == 1 and 0 <= slopes[0] < 1:
            return graph.activation(place, before, "leaky_relu", slope=float(slopes[0]))
        return graph.prelu(place, before, slopes if len(slopes) > 1 else slopes[0])

    def _Dropout(self, place: str, module: Any, before: Node) -> Node:
        return graph.dropout(place, before, float(module.p))

    def _AlphaDropout(self, place: str, module: Any, before: Node) -> Node:
        return graph.alpha_dropout(place, before, float(module.p))

    def _Flatten(self, place: str, module: Any, before: Node) -> Node:
        return self._flatten(place, before, module.start_dim, module.end_dim)

    def _BatchNorm1d(self, place: str, module: Any, before: Node) -> Node:
        if module.running_mean is None:
            self._misfits.add(place, "it normalises by the batch also at prediction", "train it with track_running_stats=True")
            return graph.same(place, before)
        gamma, beta = (None if tensor is None else _array(tensor) for tensor in (module.weight, module.bias))
        mean, variance = _array(module.running_mean), _array(module.running_var)
        momentum = 0.1 if module.momentum is None else float(module.momentum)
        return graph.batch_norm(place, before, mean, variance, gamma, beta, epsilon=float(module.eps), momentum=momentum)

    def _LayerNorm(self, place: str, module: Any, before: Node) -> Node:
        shape = tuple(module.normalized_shape)
        dtype = before_dtype(self._root)
        gamma = np.ones(shape, dtype) if module.weight is None else _array(module.weight)
        beta = np.zeros(shape, dtype) if getattr(module, "bias", None) is None else _array(module.bias)
        return graph.layer_norm(place, before, gamma, beta, epsilon=float(module.eps))

    def _RMSNorm(self, place: str, module: Any, before: Node) -> Node:
        shape, dtype = tuple(module.normalized_shape), before_dtype(self._root)
        gamma = np.ones(shape, dtype) if module.weight is None else _array(module.weight)
        epsilon = float(np.finfo(dtype).eps) if module.eps is None else float(module.eps)
        return graph.rms_norm(place, before, gamma, epsilon=epsilon)

    def _Embedding(self, place: str, module: Any, before: Node) -> Node:
        if module.max_norm is not None:
            self._misfits.add(place, "it shortens vectors when it is called (max_norm)", "set max_norm to None after training")
        return graph.embedding(place, before, _array(module.weight))

    # ---- functions and methods ----------------------------------------------------------------------------------------------

    def _called(self, place: str, step: Any, name: str | None) -> Node:
        args, kwargs = step.args, step.kwargs

        def argument(position: int, keyword: str, default: Any = None) -> Any:
            return args[position] if len(args) > position else kwargs.get(keyword, default)

        if name in ("cat", "concat"):
            given = argument(0, "tensors", ())
            values = [value for value in map(self._values.get, given) if isinstance(value, Node)]
            if argument(1, "dim", 0) in (1, -1) and values and len(values) == len(given):
                return Node(place, tuple(values), merge="concat")
            self._misfits.add(place, "it does not put features of the same samples side by side", "pass a list of tensors and dim=1")
            return Node("input")
        before = self._node(argument(0, "input"))
        if name in ACTIVATIONS:
            return graph.activation(place, before, ACTIVATIONS[name])
        if name == "leaky_relu":
            return graph.activation(place, before, "leaky_relu", slope=float(argument(1, "negative_slope", 0.01)))
        if name in ("elu", "celu"):
            return (self._elu if name == "elu" else self._celu)(place, before, float(argument(1, "alpha", 1.0)))
        if name == "gelu":
            return graph.activation(place, before, "gelu", approximate=kwargs.get("approximate", "none"))
        if name == "softplus":
            return graph.activation(place, before, "softplus", beta=float(argument(1, "beta", 1.0)))
        if name == "hardtanh":
            return graph.clip(place, before, float(argument(1, "min_val", -1.0)), float(argument(2, "max_val", 1.0)))
        if name in ("softmax", "log_softmax"):
            return self._of_rows(place, name, before, argument(1, "dim"))
        if name == "glu":
            return self._glu(place, before, argument(1, "dim", -1))
        if name in ("dropout", "alpha_dropout"):
            if argument(2, "training", name == "dropout"):
                self._misfits.add(place, "it drops units also at prediction", "pass training=self.training")
            return (graph.dropout if name == "dropout" else graph.alpha_dropout)(place, before, float(argument(1, "p", 0.5)))
        if name == "linear":
            weight, bias = self._values.get(argument(1, "weight")), self._values.get(argument(2, "bias"))
            if weight is not None and not isinstance(weight, Node):
                return graph.dense(place, before, _array(weight).T, None if bias is None else _array(bias))
        if name == "flatten":
            return self._flatten(place, before, argument(1, "start_dim", 0), argument(2, "end_dim", -1))
        if name in ("view", "reshape") and (flat := self._as_flat(place, before, args[1:])) is not None:
            return flat
        if name in ("contiguous", "clone", "detach"):
            return graph.same(place, before)
        if name in ("long", "int") and all(self._is_embedding(user) for user in step.users):
            return before
        if name == "squeeze" and argument(1, "dim") in (1, -1) and all(user.op == "output" for user in step.users):
            return graph.same(place, before)
        if name in ("add", "iadd"):
            other = self._values.get(argument(1, "other"))
            if isinstance(other, Node) and kwargs.get("alpha", 1) == 1:
                return Node(place, (before, other), merge="sum")
        self._misfits.add(place, "nncore has nothing like it", OWN_ACTIVATION if name in OTHERS else FOLLOW)
        return graph.same(place, before)

    # ---- both ---------------------------------------------------------------------------------------------------------------

    def _elu(self, place: str, before: Node, alpha: float) -> Node:
        if alpha < 0:
            self._misfits.add(place, f"alpha={alpha} is negative", OWN_ACTIVATION)
            return graph.same(place, before)
        return graph.activation(place, before, "elu", alpha=alpha)

    def _celu(self, place: str, before: Node, alpha: float) -> Node:
        if alpha < 0:
            self._misfits.add(place, f"alpha={alpha} is negative", OWN_ACTIVATION)
            return graph.same(place, before)
        return graph.activation(place, before, "celu", alpha=alpha)

    def _of_rows(self, place: str, name: str, before: Node, dim: Any) -> Node:
        """A softmax or log-softmax."""
        self._check_dim(place, dim)
        return graph.activation(place, before, name)

    def _glu(self, place: str, before: Node, dim: Any) -> Node:
        self._check_dim(place, dim)
        return graph.glu(place, before)

    def _check_dim(self, place: str, dim: Any) -> None:
        if dim not in (1, -1):
            self._misfits.add(place, f"its dim is {dim}, not that of the features", "pass dim=1")

    def _flatten(self, place: str, before: Node, start: int, end: int) -> Node:
        if start != 1 or end != -1:
            self._misfits.add(place, "it does not make one vector of each sample", "flatten from dimension 1 to the last, -1")
        return graph.flatten(place, before)

    def _as_flat(self, place: str, before: Node, sizes: tuple[Any, ...]) -> Node | None:
        """``x.view(x.size(0), -1)`` and similar calls; None for other shapes."""
        sizes = tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else sizes
        kinds = ["n" if self._values.get(size) is SIZE else size for size in sizes]
        if len(kinds) == 2 and kinds[0] in ("n", -1) and isinstance(kinds[1], int) and kinds != [-1, -1]:
            return graph.flatten(place, before, None if kinds[1] == -1 else kinds[1])
        return None


def before_dtype(root: Any) -> Any:
    """NumPy's dtype of the parameters of a module."""
    return next((_array(parameter[:0]).dtype for parameter in root.parameters() if parameter.ndim), np.dtype("float32"))


def _attribute(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module


def _array(tensor: Any) -> np.ndarray:
    tensor = tensor.detach().cpu()
    array: np.ndarray = (tensor if str(tensor.dtype) in ("torch.float32", "torch.float64") else tensor.float()).numpy()
    return array
