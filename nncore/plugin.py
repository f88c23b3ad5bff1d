"""The one module a plugin author imports; the built-in components import it too, and little else of nncore.

A plugin is a package with an entry point in the group ``nncore`` that names a *manifest* module::

    from nncore.plugin import Component, hookimpl

    NNCORE_API = (1, 0)

    @hookimpl
    def nncore_optimizers(api):
        return [Component("lion", "nncore_lion.lion:Lion", "sign of an interpolated momentum")]

and classes deriving from `Optimizer`, `Activation`, `Loss`, `Initializer`, `Layer`, `Regularizer`,
`Constraint`, `Schedule`, `Encoding`, `Callback`, `Metric`, `Format` or `Exporter`.
Each works with NumPy alone; a `Kernel` adds the same computation compiled (``nncore/plugin.h`` is the contract).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

from nncore.contract import (
    ABI_MAJOR,
    ABI_MINOR,
    CALLS as _CALLS,
    FUNCTIONS as _FUNCTIONS,
    OPERATIONS as _OPERATIONS,
    OUTPUT_DOMAINS,
    PRIMITIVES as _PRIMITIVES,
    TABLES,
    TIMES as _TIMES,
    Activation,
    ActivationLike as _ActivationLike,
    Buffer,
    Builder,
    Callback,
    Collective,
    Component,
    Configurable,
    Constraint,
    Constraints as _Constraints,
    Encoding,
    Exporter,
    ExportGraph,
    Extremes,
    Format,
    Graph,
    History,
    Initializer,
    InitializerLike as _InitializerLike,
    Kernel,
    Layer,
    LayerCall,
    LayerView,
    Learned as _Learned,
    Loss,
    Means,
    Metric,
    Missing,
    Moments,
    Monitor,
    NetworkView,
    Node,
    NumbaCall,
    Optimizer,
    OptimizerWrapper,
    Output,
    Plan,
    Primitive,
    Regularizer,
    Regularizers as _Regularizers,
    RowSample,
    SampleInfo,
    Sampler,
    Schedule,
    Snapshot,
    State,
    Statistic,
    Tensor,
    TensorSpan,
    TextLevels,
    Transform,
    TransformCall,
    Value,
    class_counts,
    formula_of,
    function_table,
    head_columns,
    hookspecs,
    native_kernel,
    numba_call,
    permutation,
    quantiles,
    random_words,
    rung,
    setup_arguments,
    standard_normal,
)
from nncore.errors import NNCoreError
from nncore.words import BUILT_IN

__all__ = [
    "ABI_MAJOR", "ABI_MINOR", "CALLS", "FUNCTIONS", "OPERATIONS", "OUTPUT_DOMAINS", "PRIMITIVES", "TABLES", "TIMES", "Activation",
    "ActivationLike", "Buffer", "Builder", "Callback", "Collective", "Component", "Configurable", "Constraint", "Constraints", "Encoding",
    "ExportGraph", "Exporter", "Extremes", "Format", "Graph", "History", "Initializer", "InitializerLike", "Kernel", "Layer", "LayerCall",
    "LayerView", "Learned", "Loss", "Means", "Metric", "Missing", "Moments", "Monitor", "NetworkView", "Node", "NumbaCall", "Optimizer",
    "OptimizerWrapper", "Output", "Plan", "Primitive", "Regularizer", "Regularizers", "RowSample", "SampleInfo", "Sampler", "Schedule",
    "Snapshot", "State", "Statistic", "Tensor", "TensorSpan", "TextLevels", "Transform", "TransformCall", "Value", "class_counts",
    "formula_of", "function_table", "head_columns", "hookimpl", "native_kernel", "numba_call", "permutation", "quantiles", "random_words",
    "resolvable", "resolve", "resolve_each", "rung", "setup_arguments", "standard_normal",
]  # fmt: skip

#: What the functions of each kind of table take a pointer to: structures of ctypes, for kernels made from addresses.
CALLS = _CALLS
#: What several primitives may make up together, by name: a target that has such a function need not compute the primitives.
FUNCTIONS = _FUNCTIONS
#: Operations of exported models beside the primitives, and what they compute.
OPERATIONS = _OPERATIONS
#: How exported models take dates and times, for people.
TIMES = _TIMES
#: All primitives of formulas, by name. Shapes broadcast where `meaning` does not say otherwise; arithmetic is IEEE's.
PRIMITIVES = _PRIMITIVES
#: What a user may write for an activation.
ActivationLike: TypeAlias = _ActivationLike
#: What a user may write for an initializer.
InitializerLike: TypeAlias = _InitializerLike
#: What an encoding has learned: arrays of float64 or int64 by name. It is plain data, which files hold.
Learned: TypeAlias = _Learned
#: What a user may write for the constraints of a tensor: none, one or several.
Constraints: TypeAlias = _Constraints
#: The same for regularizers.
Regularizers: TypeAlias = _Regularizers

S = TypeVar("S")

#: Marks a function of a manifest as the implementation of a hook of `nncore.hookspecs`.
hookimpl = hookspecs.hookimpl


def __dir__() -> list[str]:
    return sorted(__all__)


def resolve(kind: str, spec: object, where: str = "") -> Any:
    """An instance of a component from whatever a user may write for one: for a component that is given another one.

    Parameters
    ----------
    kind : str
        ``"schedules"``, ``"optimizers"``, ..., or the singular.
    spec : instance, class, str, mapping or function
        See `nncore.registry.Registry.resolve`.
    where : str, optional
        The argument it was given for, with which an error begins: ``"Warmup: then"``.

    Returns
    -------
    Activation, Loss, ...
        Of the kind's base class.
    """
    from nncore import registry  # reads package metadata, which takes longer than all of this module: only once a name is looked up

    with _told(where):
        return registry.resolve(kind, spec)


def resolvable(kind: str, spec: S, where: str = "") -> S:
    """The same `spec`, if `resolve` would make a component of it; None stays None: for an argument that the host resolves later.

    A name that is built in is known without a look at the plugins.

    Parameters
    ----------
    kind : str
        ``"activations"``, ``"initializers"``, ..., in the plural.
    spec : instance, class, str, mapping or None
        See `nncore.registry.Registry.resolve`.
    where : str, optional
        The argument it was given for, with which an error begins: ``"Dense: activation"``.

    Returns
    -------
    instance, class, str, mapping or None
        What it was given.

    Raises
    ------
    UnknownComponentError
        If there is no component of that name.
    ParameterError
        If it is none of these, or a mapping whose arguments do not fit.
    """
    if spec is None or (type(spec) is str and spec in BUILT_IN[kind]):
        return spec
    from nncore import registry

    with _told(where):
        if isinstance(spec, str):
            registry.component(kind, spec)
        else:
            registry.resolve(kind, spec)
    return spec


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Let an error begin with the argument that it is about."""
    try:
        yield
    except NNCoreError as error:
        if where:
            error.args = (f"{where}: {error}", *error.args[1:])
        raise


def resolve_each(kind: str, spec: object, where: str = "") -> Any:
    """The same for an argument that may be left out, or hold several: for the regularizers and constraints of a layer's tensors.

    Parameters
    ----------
    kind : str
        ``"regularizers"`` or ``"constraints"``.
    spec : instance, class, str, mapping, a list of these or None
    where : str, optional
        The argument it was given for, with which an error begins.

    Returns
    -------
    Regularizer, Constraint, list of these or None
        None of None or of an empty list, and a list of a longer one.
    """
    if isinstance(spec, (list, tuple)):
        return [resolve(kind, item, where) for item in spec] or None
    return None if spec is None else resolve(kind, spec, where)
