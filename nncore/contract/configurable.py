"""What every component is: something described by the arguments of its ``__init__``."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import is_number, is_whole
from nncore.errors import ParameterError


def bounds(interval: str) -> tuple[float, float]:
    """The ends of an interval written as in mathematics, ``"[0, 1)"``."""
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    return low, high


def is_inside(value: Any, interval: str) -> Any:
    """Whether a number, or each number of an array, lies in an interval; NaN never does."""
    low, high = bounds(interval)
    above = value >= low if interval[0] == "[" else value > low
    below = value <= high if interval[-1] == "]" else value < high
    return above & below


class _Validated(type):
    """Checks a component once its ``__init__`` is done, so that ``Adam(lr=-1)`` fails where it is written."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        component = super().__call__(*args, **kwargs)
        component.validate()
        return component

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of ``__init__``, so that ``help(Adam)`` shows the hyperparameters."""
        initialise = type.__getattribute__(cls, "__init__")
        if initialise is object.__init__:
            return inspect.Signature()
        signature = inspect.signature(initialise)
        return signature.replace(parameters=list(signature.parameters.values())[1:])


class Configurable(metaclass=_Validated):
    """Something described by the arguments of its ``__init__``, each kept in the attribute of the same name.

    Attributes
    ----------
    ranges : dict of str to str
        Interval of each numeric hyperparameter, as in mathematics: ``{"lr": "[0, inf)", "beta1": "[0, 1)"}``.
    whole : tuple of str
        Those of them that must be whole numbers.
    examples : sequence of dict or None
        Constructor arguments to test the component with, for one that cannot be made without.
    """

    ranges: ClassVar[dict[str, str]] = {}
    whole: ClassVar[tuple[str, ...]] = ()
    examples: ClassVar[Sequence[dict[str, Any]] | None] = None

    def config(self) -> dict[str, Any]:
        """Arguments that make an equal component, in the order of ``__init__``."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        names = [p.name for p in parameters if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        return {name: getattr(self, name) for name in names}

    @classmethod
    def upgrade(cls, config: dict[str, Any], version: str) -> dict[str, Any]:
        """Arguments for this version of the class, from those that an older one wrote to a file: for arguments that were renamed or added.

        Called when a network is loaded whose file was saved with an older version of the class's distribution.

        Parameters
        ----------
        config : dict
            Arguments by name, as JSON holds them; components among them are dicts, upgraded already.
        version : str
            Of the distribution when the file was saved.

        Returns
        -------
        dict
            Arguments of ``__init__``.
        """
        return config

    def hyper(self) -> list[float]:
        """Numbers handed to the compiled kernel: the numeric (and boolean) part of `config`, in order."""
        return [float(value) for value in self.config().values() if isinstance(value, (bool, int, float, np.number, np.bool_))]

    def validate(self) -> None:
        """Raise `ParameterError` for a hyperparameter outside `ranges`."""
        for name, interval in self.ranges.items():
            value = getattr(self, name)
            wanted = "whole number" if name in self.whole else "number"
            is_right = is_whole(value) if name in self.whole else is_number(value)
            if not is_right or not is_inside(value, interval):
                raise ParameterError(f"{type(self).__name__}: {name} must be a {wanted} in {interval}, got {value!r}")

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={written(value)}" for name, value in self.config().items())
        return f"{type(self).__name__}({arguments})"


def written(value: object) -> str:
    """An argument as a reader would write it: a function by its name."""
    return str(value.__name__) if inspect.isroutine(value) else repr(value)
