"""Everything that authors of plugins import. The built-in components use it too.

A plugin is a package with an entry point in the group ``nncore`` that names a *manifest* module::

    from nncore.plugin import Component, hookimpl

    NNCORE_API = (1, 0)

    @hookimpl
    def nncore_optimizers(api):
        return [Component("lion", "nncore_lion.lion:Lion", "sign of an interpolated momentum")]

and of classes that derive from `Optimizer`, `Activation`, `Loss`, `Initializer`, `Layer`, `Regularizer`,
`Constraint`, `Schedule`, `Encoding`, `Callback`, `Metric`, `Format` or `Exporter`.
A class needs only NumPy. A `Kernel` adds the same computation in C (``nncore/plugin.h`` is the contract).
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

#: The ctypes structure whose pointer the functions of each kind of table take.
CALLS = _CALLS
#: Functions that consist of several primitives, by name. A target that has such a function need not compute the primitives.
FUNCTIONS = _FUNCTIONS
#: Operations of exported models in addition to the primitives, and what they compute.
OPERATIONS = _OPERATIONS
#: How exported models represent dates and times, in words.
TIMES = _TIMES
#: All primitives of formulas, by name. Shapes broadcast unless `meaning` says otherwise; arithmetic is IEEE's.
PRIMITIVES = _PRIMITIVES
#: What users may pass for an activation.
ActivationLike: TypeAlias = _ActivationLike
#: What users may pass for an initializer.
InitializerLike: TypeAlias = _InitializerLike
#: The learned state of an encoding: arrays of float64 or int64 by name, which files store.
Learned: TypeAlias = _Learned
#: What users may pass as constraints of a tensor: none, one or several.
Constraints: TypeAlias = _Constraints
#: What users may pass as regularizers of a tensor.
Regularizers: TypeAlias = _Regularizers

S = TypeVar("S")

#: Marks a function of a manifest as the implementation of a hook of `nncore.hookspecs`.
hookimpl = hookspecs.hookimpl


def __dir__() -> list[str]:
    return sorted(__all__)


def resolve(kind: str, spec: object, where: str = "") -> Any:
    """Make a component from a name, an instance, a class or a dict: for components that take another one as argument.

    Parameters
    ----------
    kind : str
        ``"schedules"``, ``"optimizers"``, ..., or the singular.
    spec : instance, class, str, mapping or function
        See `nncore.registry.Registry.resolve`.
    where : str, optional
        Name of the argument, for the beginning of error messages: ``"Warmup: then"``.

    Returns
    -------
    Activation, Loss, ...
        An instance of the kind's base class.
    """
    from nncore import registry  # reads package metadata, which takes longer than all of this module: only once a name is looked up

    with _told(where):
        return registry.resolve(kind, spec)


def resolvable(kind: str, spec: S, where: str = "") -> S:
    """Check that `resolve` accepts `spec`, and return it unchanged: for arguments that the host resolves later. None is valid.

    Built-in names are checked without searching for plugins.

    Parameters
    ----------
    kind : str
        ``"activations"``, ``"initializers"``, ..., in the plural.
    spec : instance, class, str, mapping or None
        See `nncore.registry.Registry.resolve`.
    where : str, optional
        Name of the argument, for the beginning of error messages: ``"Dense: activation"``.

    Returns
    -------
    instance, class, str, mapping or None
        `spec`.

    Raises
    ------
    UnknownComponentError
        If there is no component of that name.
    ParameterError
        If `spec` has another type, or is a mapping with wrong arguments.
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
    """Begin error messages with the name of the argument."""
    try:
        yield
    except NNCoreError as error:
        if where:
            error.args = (f"{where}: {error}", *error.args[1:])
        raise


def resolve_each(kind: str, spec: object, where: str = "") -> Any:
    """Make components from none, one or a list: for the regularizers and constraints of a layer's tensors; see `resolve`.

    Parameters
    ----------
    kind : str
        ``"regularizers"`` or ``"constraints"``.
    spec : instance, class, str, mapping, a list of these or None
        What users pass.
    where : str, optional
        Name of the argument, for the beginning of error messages.

    Returns
    -------
    Regularizer, Constraint, list of these or None
        None for None or an empty list, a list for other lists.
    """
    if isinstance(spec, (list, tuple)):
        return [resolve(kind, item, where) for item in spec] or None
    return None if spec is None else resolve(kind, spec, where)
