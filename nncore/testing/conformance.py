"""Conformance checks of components of any kind."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from nncore import registry
from nncore.contract import TABLES, Configurable, native_kernel
from nncore.registry import PluginInfo
from nncore.testing.expectations import expect
from nncore.testing.guarded import OutOfBounds
from nncore.testing.hyperparameters import check_ranges
from nncore.testing.imports import check_import, check_manifest_is_light
from nncore.testing.tables import open_table


class ArgumentsNeeded(AssertionError):
    """The component needs arguments, and neither the test class nor the component has examples of them."""


class Conformance:
    """Base class of conformance tests.

    Every method ``test_*`` is a check that raises AssertionError; pytest runs them, and so does ``nncore plugins --verify``.

    Attributes
    ----------
    kind : str
        Kind of component, ``"optimizers"`` and so on; set by the classes of this package.
    name : str
        Name of the component to test, ``"nncore-lion/lion"``. Its plugin must be installed.
    arguments : sequence of dict
        Constructor arguments to test, one dict for each component. Default: `examples` of the component's class, or no arguments.
    """

    kind: ClassVar[str] = ""
    name: ClassVar[str] = ""
    arguments: ClassVar[Sequence[Mapping[str, Any]]] = ()

    @classmethod
    def component_class(cls) -> type[Any]:
        """The component's class."""
        return registry.get(cls.kind, cls.name)

    @classmethod
    def components(cls) -> list[Any]:
        """One instance for each of `arguments`."""
        component_class = cls.component_class()
        chosen = cls.arguments or component_class.examples
        if chosen is None and (required := required_arguments(component_class)):
            raise ArgumentsNeeded(
                f"{component_class.__name__} cannot be made without {', '.join(required)}: set `arguments` of the "
                "test class or in `examples` of the component's class, a list of dicts of arguments"
            )
        return [component_class(**arguments) for arguments in chosen or ({},)]

    @classmethod
    def plugin(cls) -> PluginInfo:
        """The plugin that provides the component."""
        return registry.component(cls.kind, cls.name).plugin

    def each(self, check: Callable[[Any], None]) -> None:
        """Run `check` on every component. Errors name the component."""
        for component in self.components():
            try:
                check(component)
            except AssertionError as error:
                error_class = OutOfBounds if isinstance(error, OutOfBounds) else AssertionError
                raise error_class(f"{_shown(component)}: {error}") from error

    def test_manifest_is_light(self) -> None:
        check_manifest_is_light(self.plugin(), registry.component(self.kind, self.name).component.target)

    def test_import_leaves_the_processor_alone(self) -> None:
        check_import(self.plugin(), registry.component(self.kind, self.name).component.target)

    def test_arguments_are_attributes(self) -> None:
        self.each(check_arguments)

    def test_ranges(self) -> None:
        self.each(check_ranges)

    def test_description(self) -> None:
        self.each(lambda component: check_description(self.kind, component))

    def test_kernel_loads(self) -> None:
        self.each(check_kernel)


def _shown(component: object) -> str:
    try:
        return repr(component)
    except Exception:  # repr of a faulty component may fail too
        return type(component).__name__


def required_arguments(component_class: type[Any]) -> list[str]:
    """Arguments of ``__init__`` without default."""
    if component_class.__init__ is object.__init__:  # whose signature is (*args, **kwargs)
        return []
    parameters = inspect.signature(component_class).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def check_arguments(component: Configurable) -> None:
    """Check that every argument of ``__init__`` is stored in the attribute of its name, which `config` and saved models use."""
    if type(component).__init__ is object.__init__:  # whose signature is (*args, **kwargs)
        return
    for parameter in inspect.signature(type(component)).parameters.values():
        expect(
            parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD),
            f"__init__ takes *{parameter.name}: name every argument, or a saved model cannot make the component again",
        )
        expect(hasattr(component, parameter.name), f"__init__ must keep the argument {parameter.name!r} in self.{parameter.name}")


def check_description(kind: str, component: Configurable) -> None:
    """Check that the description survives JSON and makes an equal component."""
    description = registry.config_of(kind, component)
    again = registry.resolve(kind, json.loads(json.dumps(description)))
    expect(type(again) is type(component), f"its description {description} makes a {type(again).__name__}")
    expect(registry.config_of(kind, again) == description, f"its description {description} makes {again!r}")
    if hasattr(component, "kernel"):
        expect(
            again.hyper() == component.hyper(), f"its description makes a component with hyper() {again.hyper()}, not {component.hyper()}"
        )


def check_kernel(component: Configurable) -> None:
    """Check that the kernel, if there is one, can be loaded and is a table of its kind for this version of nncore."""
    kernel = native_kernel(component)
    if kernel is not None:
        kind = next(kind for kind in TABLES if any(base.__name__.lower() == kind for base in type(component).__mro__))
        open_table(kernel.load(), kind)
