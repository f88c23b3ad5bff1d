"""Settings of checks. The component's class may have them as attributes, so that they apply to every run of its checks."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


class Setting:
    """An attribute of a test class. Its value is the attribute of the same name of the component's class, or a default.

    A value that the test class assigns takes precedence.
    """

    def __init__(self, default: Any) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: Any) -> Any:
        if not owner.name:  # a class of this package, which tests no component yet
            return self.default
        return getattr(owner.component_class(), self.name, self.default)


def setting(default: T) -> T:
    """Make a `Setting`, which type checkers see as its value."""
    return cast(T, Setting(default))


def settings_of(tests: type) -> dict[str, Any]:
    """The settings of a test class and its base classes, with their defaults."""
    return {name: value.default for cls in reversed(tests.__mro__) for name, value in vars(cls).items() if isinstance(value, Setting)}
