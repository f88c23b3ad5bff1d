"""The one module a plugin author imports; the built-in components import it too, and little else of nncore.

A plugin is a package with an entry point in the group ``nncore`` that names a *manifest* module::

    from nncore.plugin import Component, hookimpl

    NNCORE_API = (1, 0)

    @hookimpl
    def nncore_optimizers(api):
        return [Component("lion", "nncore_lion.lion:Lion", "sign of an interpolated momentum")]

and classes deriving from `Optimizer`, `Activation`, `Loss`, `Initializer`, `Layer`, `Regularizer`,
`Constraint`, `Schedule`, `Callback`, `Metric` or `Format`.
Each works with NumPy alone; a `Kernel` adds the same computation compiled (``nncore/plugin.h`` is the contract).
"""

from __future__ import annotations

from typing import Any, TypeAlias

from nncore.contract import (
    ABI_MAJOR,
    ABI_MINOR,
    CALLS as _CALLS,
    OUTPUT_DOMAINS,
    PRIMITIVES as _PRIMITIVES,
    TABLES,
    Activation,
    Buffer,
    Builder,
    Callback,
    Component,
    Configurable,
    Constraint,
    Constraints as _Constraints,
    Format,
    Graph,
    History,
    Initializer,
    Kernel,
    Layer,
    LayerCall,
    Loss,
    Metric,
    Monitor,
    NumbaCall,
    Optimizer,
    OptimizerWrapper,
    Plan,
    Primitive,
    Regularizer,
    Regularizers as _Regularizers,
    SampleInfo,
    Sampler,
    Schedule,
    Snapshot,
    State,
    Tensor,
    TensorSpan,
    Transform,
    TransformCall,
    Value,
    class_counts,
    function_table,
    head_columns,
    hookspecs,
    native_kernel,
    numba_call,
    permutation,
    random_words,
    rung,
)

__all__ = [
    "ABI_MAJOR", "ABI_MINOR", "CALLS", "OUTPUT_DOMAINS", "PRIMITIVES", "TABLES", "Activation", "Buffer", "Builder", "Callback",
    "Component", "Configurable", "Constraint", "Constraints", "Format", "Graph", "History", "Initializer", "Kernel", "Layer", "LayerCall",
    "Loss", "Metric", "Monitor", "NumbaCall", "Optimizer", "OptimizerWrapper", "Plan", "Primitive", "Regularizer", "Regularizers",
    "SampleInfo", "Sampler", "Schedule", "Snapshot", "State", "Tensor", "TensorSpan", "Transform", "TransformCall", "Value",
    "class_counts", "function_table", "head_columns", "hookimpl", "native_kernel", "numba_call", "permutation", "random_words", "resolve",
    "resolve_each", "rung",
]  # fmt: skip

#: What the functions of each kind of table take a pointer to: structures of ctypes, for kernels made from addresses.
CALLS = _CALLS
#: All primitives of formulas, by name. Shapes broadcast where `meaning` does not say otherwise; arithmetic is IEEE's.
PRIMITIVES = _PRIMITIVES
#: What a user may write for the constraints of a tensor: none, one or several.
Constraints: TypeAlias = _Constraints
#: The same for regularizers.
Regularizers: TypeAlias = _Regularizers

#: Marks a function of a manifest as the implementation of a hook of `nncore.hookspecs`.
hookimpl = hookspecs.hookimpl


def resolve(kind: str, spec: object) -> Any:
    """An instance of a component from whatever a user may write for one: for a component that is given another one.

    Parameters
    ----------
    kind : str
        ``"schedules"``, ``"optimizers"``, ..., or the singular.
    spec : instance, class, str, mapping or function
        See `nncore.registry.Registry.resolve`.

    Returns
    -------
    Activation, Loss, ...
        Of the kind's base class.
    """
    from nncore import registry  # reads package metadata, which takes longer than all of this module: only once a name is looked up

    return registry.resolve(kind, spec)


def resolve_each(kind: str, spec: object) -> Any:
    """The same for an argument that may be left out, or hold several: for the regularizers and constraints of a layer's tensors.

    Parameters
    ----------
    kind : str
        ``"regularizers"`` or ``"constraints"``.
    spec : instance, class, str, mapping, a list of these or None

    Returns
    -------
    Regularizer, Constraint, list of these or None
        None of None or of an empty list, and a list of a longer one.
    """
    if isinstance(spec, (list, tuple)):
        return [resolve(kind, item) for item in spec] or None
    return None if spec is None else resolve(kind, spec)
