"""Settings of the checks: the component's class may carry them, so that every run of its checks obeys them."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


class Setting:
    """An attribute of a test class: that of the component's class, if it has one of the name, else a default.

    A test class that assigns the attribute comes before both.
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
    """A `Setting`, which type checkers take for its value."""
    return cast(T, Setting(default))


def settings_of(tests: type) -> dict[str, Any]:
    """The settings of a test class with their defaults, those of its bases included."""
    return {name: value.default for cls in reversed(tests.__mro__) for name, value in vars(cls).items() if isinstance(value, Setting)}
