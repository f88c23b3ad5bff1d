"""The one module a plugin author imports; the built-in components import it too, and little else of nncore.

A plugin is a package with an entry point in the group ``nncore`` that names a *manifest* module::

    from nncore.plugin import Component, hookimpl

    NNCORE_API = (1, 0)

    @hookimpl
    def nncore_optimizers(api):
        return [Component("lion", "nncore_lion.lion:Lion", "sign of an interpolated momentum")]

and classes deriving from `Optimizer`, `Activation`, `Loss`, `Initializer`, `Layer`, `Schedule`, `Callback`, `Metric` or `Format`.
Each works with NumPy alone; a `Kernel` adds the same computation compiled (``nncore/plugin.h`` is the contract).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pluggy

from nncore.configurable import Configurable
from nncore.errors import ParameterError
from nncore.history import History
from nncore.kernel import ABI_MAJOR, ABI_MINOR, TABLES, Kernel, function_table
from nncore.monitor import Monitor
from nncore.snapshot import Snapshot

__all__ = [
    "ABI_MAJOR", "ABI_MINOR", "TABLES", "Activation", "Buffer", "Callback", "Component", "Configurable", "Format", "History", "Initializer",
    "Kernel", "Layer", "LayerCall", "Loss", "Metric", "Monitor", "Optimizer", "Plan", "Schedule", "Snapshot", "Tensor", "TensorSpan",
    "function_table", "hookimpl", "native_kernel", "resolve", "rung",
]  # fmt: skip

#: Marks a function of a manifest as the implementation of a hook of `nncore.hookspecs`.
hookimpl = pluggy.HookimplMarker("nncore")


@dataclass(frozen=True)
class Component:
    """One line of a manifest: a name, where its class is, and a sentence about it.

    Parameters
    ----------
    name : str
        Lower case letters, digits and underscores: what users write.
    target : str
        ``"package.module:Class"``; imported when somebody first asks for it, so that listing stays cheap.
    summary : str
        One sentence for ``nncore plugins``.
    """

    name: str
    target: str
    summary: str = ""


class Activation(Configurable):
    """φ, applied to every row of a layer's outputs.

    Attributes
    ----------
    needs_input : bool
        True if `backward` reads `z`. Otherwise `a` overwrites `z` in place, which saves memory and time.
    trainable : bool
        False for functions without a useful derivative (step, sign): training through them raises.
    initializer : str
        The weight initializer that suits a layer feeding this activation.
    kernel : Kernel or None
        The same in C: ``nnc_activation`` of ``nncore/plugin.h``, called only for numbers of columns that `check_columns` lets pass.
    """

    needs_input: ClassVar[bool] = False
    trainable: ClassVar[bool] = True
    initializer: ClassVar[str] = "glorot_uniform"
    kernel: ClassVar[Kernel | None] = None

    def check_columns(self, n_columns: int) -> None:
        """Raise `ShapeError` if it cannot be applied to rows of `n_columns` numbers. Most can be, to any."""

    def forward(self, z: np.ndarray) -> np.ndarray:
        """φ(z); `z` and the result have shape ``(n_rows, n_columns)``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
        """∂E/∂z from ``d_a`` = ∂E/∂a. `z` holds the input only if `needs_input`, else it equals `a`."""
        raise NotImplementedError(f"{type(self).__name__}.backward")


class Loss(Configurable):
    """E, per sample. The host averages over the batch (weighted by ``sample_weight``); the loss does not.

    Attributes
    ----------
    targets : {"real", "labels", "both"}
        What `target` may be: ``(n_rows, n_targets)`` reals, ``(n_rows,)`` int64 class indices, or either.
    target_range : str or None
        Interval in which real targets must lie, ``"[0, 1]"``.
    link : str, dict or None
        Activation that turns outputs into predictions on the scale of the targets: probabilities (``"softmax"``, ``"sigmoid"``), rates
        (``"exp"``). ``predict_proba`` applies it, and metrics see what it gives. A dict is ``{"name": ..., **arguments}``.
    metrics : tuple of str or dict
        Metrics shown beside this loss when the user asks for none.
    kernel : Kernel or None
        The same in C: ``nnc_loss`` of ``nncore/plugin.h``.
    """

    targets: str = "real"
    target_range: str | None = None
    link: str | dict[str, Any] | None = None
    metrics: tuple[str | dict[str, Any], ...] = ()
    kernel: ClassVar[Kernel | None] = None

    def n_targets(self, n_outputs: int) -> int:
        """Columns of a real-valued target for a network with `n_outputs` outputs. Raises `ShapeError` if it cannot have so many."""
        return n_outputs

    def targets_for(self, n_outputs: int) -> str:
        """`targets` for a network with `n_outputs` outputs, if it depends on them."""
        return self.targets

    def check_targets(self, target: np.ndarray, name: str) -> None:
        """Raise `DataError` if the loss cannot be computed for real targets ``(n_samples, n_targets)``; messages call them `name`.

        They are finite numbers in `target_range`.
        """

    def example_targets(self, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray | None:
        """Real targets ``(n_rows, n_targets)`` to test the loss with, if it does not take just any numbers in `target_range`."""
        return None

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Loss of every sample, shape ``(n_rows,)``, summed over its outputs."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Gradient of every sample's loss with respect to its outputs, shape ``(n_rows, n_outputs)``."""
        raise NotImplementedError(f"{type(self).__name__}.backward")


class Initializer(Configurable):
    """First values of a tensor.

    Attributes
    ----------
    needs_batch : bool
        True if `refine` is to be called with a batch of data after all tensors have their samples.
    """

    needs_batch: ClassVar[bool] = False

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        """Values of the given shape (float64; the host converts). For a bias, `fan_in` is that of its layer's weight."""
        raise NotImplementedError(f"{type(self).__name__}.sample")

    def refine(self, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
        """Adapt a layer's tensors, in place, to what the layer gets.

        Called, if `needs_batch`, for one layer after the other from the first on, for the initializer of the weight.

        Parameters
        ----------
        x : ndarray of shape (n_rows, n_inputs)
            The layer's inputs for a batch, through the layers before it as already refined.
        weight : ndarray of shape (n_inputs, n_outputs)
        bias : ndarray of shape (n_outputs,) or None
        """
        raise NotImplementedError(f"{type(self).__name__}.refine")


@dataclass(frozen=True)
class TensorSpan:
    """Where one tensor lies in the flat vectors, for optimizers that need structure.

    Attributes
    ----------
    name : str
        ``"dense_1.weight"``.
    role : str
        ``"weight"``, ``"bias"`` or ``"scale"``.
    layer : int
        Position of its layer in the network.
    offset, rows, columns : int
        ``w[offset:offset + rows * columns].reshape(rows, columns)``; a vector has one row.
    """

    name: str
    role: str
    layer: int
    offset: int
    rows: int
    columns: int


class Optimizer(Configurable):
    """One update of all parameters, a pass over flat vectors.

    Attributes
    ----------
    n_slots : int
        How many vectors of state, each as long as the parameters, start at zero and are kept between steps.
    needs_tensors : bool
        True to get the list of `TensorSpan` as a last argument of `step`.
    kernel : Kernel or None
        The same in C: ``nnc_optimizer`` of ``nncore/plugin.h``.
    """

    n_slots: int = 0
    needs_tensors: ClassVar[bool] = False
    kernel: ClassVar[Kernel | None] = None

    # The Any in both places lets type checkers accept subclasses that take (w, g, state, t) and nothing more.
    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Any, **_: Any) -> None:
        """Update `w` and `state` in place.

        Parameters
        ----------
        w, g : ndarray of shape (n,)
            Parameters and gradients: of the whole network, or of a part that is trained alike (parameter groups).
        state : ndarray of shape (n_slots, n)
        t : int
            Number of this step, from 1.
        *tensors : sequence of TensorSpan
            One argument, present if `needs_tensors`: what to update. `w`, `g` and `state` are then always those of the whole network.
        """
        raise NotImplementedError(f"{type(self).__name__}.step")


@dataclass(frozen=True)
class Tensor:
    """A trained tensor that a layer asks for.

    Attributes
    ----------
    name : str
        ``"weight"``, ``"bias"``; users see ``"<layer>.<name>"``.
    shape : tuple of int
        ``(n_in, n_out)`` for a weight.
    role : {"weight", "bias", "scale"}
        ``weight_decay`` applies to weights only.
    initializer : Initializer, str, dict or None
        A dict is ``{"name": ..., **arguments}``; None takes what the layer's activation recommends.
    fan_in, fan_out : int
        Connections into and out of a unit, for the initializer.
    """

    name: str
    shape: tuple[int, ...]
    role: str
    initializer: Initializer | str | dict[str, Any] | None
    fan_in: int
    fan_out: int

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Buffer:
    """State that is saved with the network but not trained: running statistics."""

    name: str
    shape: tuple[int, ...]
    value: float = 0.0

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Plan:
    """What a layer needs for a given input shape.

    Attributes
    ----------
    output_shape : tuple of int
        Shape of one output sample.
    tensors, buffers : tuple
        In the order in which the compiled kernel finds them, one after the other.
    activation : Activation, str or None
        Applied to the layer's output by the host.
    cache, cache_per_row : int
        Numbers kept from forward to backward: in all, and for each row of the batch.
    scratch, scratch_per_row : int
        Numbers a compiled kernel needs as working room; never kept.
    split_rows : bool
        While training, compiled functions may be called on slices of the batch, by several threads at once: no row depends on
        another, `cache` is 0, and if there are tensors, `gradient_unit` is not.
    split_columns : bool
        While training, compiled functions may be called for some columns of what they write, by several threads at once.
    gradient_unit : int
        The compiled kernel has ``gradient`` functions, which write any range of the layer's parameters that begins and ends at a
        multiple of this many. 0: ``backward`` writes the gradients.
    gradient_bound : float
        The ``gradient`` functions write sums over the rows of elements of d_y, each times a number that is in magnitude no larger than
        this or than the largest of x, whichever is more. The host relies on it to bound gradients without looking at them.
    is_view : bool
        The output is the input under another shape; nothing runs (flatten).
    training_only : bool
        Left out at prediction (dropout).
    accepts_nan : bool
        As the first layer of a network it takes samples with NaN, which other networks refuse.
    flops : int or None
        Floating-point operations for one sample at prediction, without the activation; a multiply-add counts as 2. Only told to users.
        None: twice the numbers in weights, once those in other tensors, which is right for layers like `Dense`.
    branches : tuple of tuple
        The layer consists of layers (instances, names, or dicts of a name and arguments): each branch takes the layer's input, and their
        outputs are merged. An empty branch is the input itself. Nothing else of the layer runs but its activation, and the host finds
        `output_shape`.
    merge : {"concat", "sum"}
        How the outputs of the branches become one.
    """

    output_shape: tuple[int, ...]
    tensors: tuple[Tensor, ...] = ()
    buffers: tuple[Buffer, ...] = ()
    activation: Activation | str | None = None
    cache: int = 0
    cache_per_row: int = 0
    scratch: int = 0
    scratch_per_row: int = 0
    split_rows: bool = False
    split_columns: bool = False
    gradient_unit: int = 0
    gradient_bound: float = 1.0
    is_view: bool = False
    training_only: bool = False
    accepts_nan: bool = False
    flops: int | None = None
    branches: tuple[tuple[Layer | str | Mapping[str, Any], ...], ...] = ()
    merge: str = "concat"


@dataclass
class LayerCall:
    """What a layer sees of one batch; the twin of ``nnc_layer_call`` in ``nncore/plugin.h``. All arrays are live views.

    Attributes
    ----------
    x, y : ndarray of shape (n_rows, n_inputs), (n_rows, n_outputs)
        Input; output, to be written by `Layer.forward`.
    d_y, d_x : ndarray of the same shapes
        Gradients, for `Layer.backward`, which reads `d_y` and writes `d_x`, or leaves it if it is None because nobody asks.
    parameters, d_parameters, buffers : dict of str to ndarray
        By the names of the plan. `d_parameters` is written, not added to.
    cache : ndarray of shape (cache + cache_per_row * n_rows,)
    seed, step, layer : int
        Key of the random numbers of this call.
    training : bool
    """

    x: np.ndarray
    y: np.ndarray
    d_y: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    d_x: np.ndarray | None = None
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    d_parameters: dict[str, np.ndarray] = field(default_factory=dict)
    buffers: dict[str, np.ndarray] = field(default_factory=dict)
    cache: np.ndarray = field(default_factory=lambda: np.empty(0))
    seed: int = 0
    step: int = 1
    layer: int = 0
    training: bool = True


class Layer(Configurable):
    """One layer: a plan, and the two directions beside each other.

    Attributes
    ----------
    kernel : Kernel or None
        The same in C: ``nnc_layer`` of ``nncore/plugin.h``.
    """

    kernel: ClassVar[Kernel | None] = None

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        """What the layer needs when a sample has `input_shape`. Raises `ShapeError` if it cannot take it."""
        raise NotImplementedError(f"{type(self).__name__}.plan")

    def forward(self, call: LayerCall) -> None:
        """Write ``call.y`` (and the cache) from ``call.x``."""
        raise NotImplementedError(f"{type(self).__name__}.forward")

    def backward(self, call: LayerCall) -> None:
        """Write ``call.d_parameters`` and, if it is not None, ``call.d_x`` from ``call.d_y``."""
        raise NotImplementedError(f"{type(self).__name__}.backward")


class Metric(Configurable):
    """A score of predictions, higher or lower being better as it says.

    Attributes
    ----------
    higher_is_better : bool
    label : str or None
        Name of its column in the history; None is the name under which it is registered.
    """

    higher_is_better: bool = True
    label: str | None = None

    def check_shapes(self, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        """Raise `ShapeError` if outputs and targets of these shapes cannot be scored; asked before training begins."""

    def score(self, output: np.ndarray, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Score of outputs ``(n_rows, n_outputs)`` against class indices ``(n_rows,)`` or reals ``(n_rows, n_targets)``."""
        raise NotImplementedError(f"{type(self).__name__}.score")


class Schedule(Configurable):
    """How the learning rate moves during a fit.

    Most are a formula and have nothing but `factor`. One that reacts to how training goes looks at the history in `observe`, and says
    in `state` what it must not forget, so that a run resumed from a file goes on as if it had never stopped. A network keeps a copy of
    the schedule that `fit` is given (`net.schedule`).

    Attributes
    ----------
    monitor : str or None
        A column of the history without which it can do nothing: `fit` refuses to begin if it does not record that.
    """

    monitor: str | None = None

    def factor(self, step: np.ndarray, n_steps: int) -> np.ndarray:
        """Factors of the optimizer's learning rate.

        Parameters
        ----------
        step : ndarray of shape (n,), int64
            Steps of the schedule, the first is 0.
        n_steps : int
            Steps that the schedule spans.

        Returns
        -------
        ndarray of shape (n,)
            None of them negative. They depend on nothing but the arguments, the hyperparameters and `state`.
        """
        raise NotImplementedError(f"{type(self).__name__}.factor")

    def observe(self, history: History) -> None:
        """Take notice of an epoch, before callbacks do; the factors of the next epoch are asked for afterwards.

        Parameters
        ----------
        history : History
            ``history[name][-1]`` is the epoch's value of a column, ``history.mode(name)`` which ones are better.
        """

    def state(self) -> dict[str, float]:
        """What `observe` has learned, as finite numbers by name; saved with the network."""
        return {}

    def restore(self, state: dict[str, float]) -> None:
        """Take back what `state` returned, or, if it is empty, forget everything: a fit begins with that.

        Raises
        ------
        ParameterError
            If it is nothing that `state` returns.
        """
        if state:
            raise ParameterError(f"{type(self).__name__} keeps no state, got {sorted(state)}")


class Format(Configurable):
    """How a described network becomes the bytes of a file, and comes back. Reading must not run code from the file.

    Attributes
    ----------
    suffixes : tuple of str
        Of the file names it claims, in lower case with the dot: ``(".npz",)``.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    def encode(self, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
        """The file, from a description that JSON can hold and C-contiguous arrays by name. The host writes it atomically."""
        raise NotImplementedError(f"{type(self).__name__}.encode")

    def read(self, path: Path) -> tuple[Any, dict[str, np.ndarray]]:
        """Description and arrays of a file. The host checks both against each other; the format checks that the file is sound.

        Raises
        ------
        FileFormatError
            If it is not, with a message that goes on after "... cannot be loaded: ".
        """
        raise NotImplementedError(f"{type(self).__name__}.read")


class Callback(Configurable):
    """Called by ``fit``. Override what you need; `training` is the running `nncore.training.Training`.

    ``training`` has ``network``, ``history``, ``epoch`` (from 1), ``n_epochs``, ``n_steps``, ``fraction`` of the fit done,
    ``loss`` so far in this epoch, and ``stop(reason)``, which ends the fit after the current callback round.

    `Monitor` tells whether an epoch is the best so far, and `Snapshot` keeps its network.

    Attributes
    ----------
    monitor : str or None
        A column of the history without which it can do nothing: `fit` refuses to begin if it does not record that.
    """

    monitor: str | None = None

    def on_fit_begin(self, training: Any) -> None:
        """Before the first epoch."""

    def on_progress(self, training: Any) -> None:
        """Some twenty times a second, between two steps."""

    def on_epoch_end(self, training: Any) -> None:
        """After the validation of an epoch."""

    def on_fit_end(self, training: Any) -> None:
        """At the end, also after an interruption or an error."""


def resolve(kind: str, spec: object) -> Any:
    """An instance of a component from whatever a user may write for one: for a component that is given another one.

    Parameters
    ----------
    kind : str
        ``"schedules"``, ``"optimizers"``, ...
    spec : instance, class, str, mapping or function
        See `nncore.registry.Registry.resolve`.
    """
    from nncore import registry  # points up: names are known to nobody below, and are looked up when a component is made, not imported

    return registry.resolve(kind, spec)


#: What a kernel replaces, for each kind that can have one.
_METHODS: dict[type, tuple[str, ...]] = {
    Activation: ("forward", "backward"),
    Loss: ("forward", "backward"),
    Layer: ("forward", "backward"),
    Optimizer: ("step",),
}


def native_kernel(component: Configurable | type[Configurable]) -> Kernel | None:
    """The kernel that computes what `component` (an instance or its class) computes, or None.

    A subclass that overrides `step` (or `forward`, `backward`) without a kernel of its own runs on NumPy: the inherited
    kernel would silently ignore what it changed.
    """
    component_class = component if isinstance(component, type) else type(component)
    methods = next((methods for base, methods in _METHODS.items() if issubclass(component_class, base)), ())
    for cls in component_class.__mro__:
        if "kernel" in vars(cls):
            kernel: Kernel | None = vars(cls)["kernel"]
            return kernel
        if any(method in vars(cls) for method in methods):
            return None
    return None


def rung(component: Configurable | type[Configurable]) -> str:
    """What runs for `component`: ``"native"``, ``"numba"`` or ``"numpy"``."""
    kernel = native_kernel(component)
    return "numpy" if kernel is None else kernel.rung
