"""Whether a component runs compiled or on NumPy."""

from __future__ import annotations

from dataclasses import replace

from nncore.contract.activation import Activation
from nncore.contract.configurable import Configurable
from nncore.contract.constraint import Constraint
from nncore.contract.kernel import Kernel
from nncore.contract.layer import Layer
from nncore.contract.loss import Loss
from nncore.contract.metric import Metric
from nncore.contract.optimizer import Optimizer
from nncore.contract.optimizer_wrapper import OptimizerWrapper
from nncore.contract.regularizer import Regularizer
from nncore.contract.transform import Transform

#: What a kernel replaces, for each kind that can have one.
_METHODS: dict[type, tuple[str, ...]] = {
    Activation: ("forward", "backward"),
    Loss: ("forward", "backward"),
    Metric: ("terms",),
    Layer: ("forward", "backward"),
    Optimizer: ("step", "perturb", "before_step", "after_step"),
    Regularizer: ("value", "add_gradient"),
    Constraint: ("project",),
    Transform: ("apply",),
}


def native_kernel(component: Configurable | type[Configurable]) -> Kernel | None:
    """Return the kernel that is equivalent to `component` (an instance or its class), or None.

    A subclass that overrides `step` (or `forward`, `backward`) without its own kernel runs on NumPy: the inherited kernel would ignore
    its changes. The same holds for an `OptimizerWrapper` around an optimizer that runs on NumPy, and for a layer with such an
    `inner_activation`.
    """
    component_class = component if isinstance(component, type) else type(component)
    methods: tuple[str, ...] | None = None
    for cls in component_class.__mro__:
        own = vars(cls)
        if "kernel" in own:
            kernel: Kernel | None = own["kernel"]
            inner = _inner(component)
            return kernel if kernel is None or inner is None else _with_inner(kernel, inner)
        if methods is None:
            methods = next((methods for base, methods in _METHODS.items() if issubclass(component_class, base)), ())
        if any(method in own for method in methods):
            return None
    return None


def _inner(component: Configurable | type[Configurable]) -> Configurable | None:
    """The component that the kernel of another one calls."""
    if isinstance(component, OptimizerWrapper):
        return component.optimizer
    return component.inner_activation if isinstance(component, Layer) else None


def _with_inner(kernel: Kernel, component: Configurable) -> Kernel | None:
    """The kernel of what calls a component, or None if that one has none."""
    inner = native_kernel(component)
    return None if inner is None else replace(kernel, never_fails=kernel.never_fails and inner.never_fails)


def rung(component: Configurable | type[Configurable]) -> str:
    """Return how `component` runs: ``"native"``, ``"numba"`` or ``"numpy"``."""
    kernel = native_kernel(component)
    return "numpy" if kernel is None else kernel.rung
