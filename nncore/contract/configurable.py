"""What every component is: something described by the arguments of its ``__init__``."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import MOST, as_number, choice, flag, is_number, is_whole, plain, shown
from nncore.contract.frozen import thawed
from nncore.errors import NNCoreError, ParameterError
from nncore.words import is_of_call, misfit


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
    """Checks a component where it is made, so that ``Adam(lr=-1)`` fails where it is written.

    It also takes the arguments that a whole kind has in common (`Configurable.common`), of which the author of a class need not know.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        args = tuple(map(plain, args))
        own = {name: plain(value) for name, value in kwargs.items()}
        common = {name: own.pop(name) for name in cls.common_names if name in own}
        try:
            component = super().__call__(*args, **own)
        except NNCoreError:
            raise
        except TypeError as error:
            if is_of_call(error):
                raise misfit(cls.__name__, inspect.signature(cls), args, kwargs, error) from None
            raise cls._refusal(args, kwargs, error) from error
        except (ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise cls._refusal(args, kwargs, error) from error
        try:
            for name, value in common.items():
                if value is not None:
                    setattr(component, name, value)
            component.validate()
        except NNCoreError:
            raise
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise cls._refusal(args, kwargs, error) from error
        return component

    def _refusal(cls, args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> ParameterError:
        """For arguments that a class does not check, and that end in an error of Python's."""
        given = [*zip(cls.argument_names, args, strict=False), *kwargs.items()]
        arguments = ", ".join(f"{name}={shown(value)}" for name, value in given)
        return ParameterError(f"{cls.__name__}({arguments}) cannot be made: {type(error).__name__}: {error}")

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of ``__init__`` and of the common arguments, so that ``help(Adam)`` shows the hyperparameters; found once for each class."""
        known: inspect.Signature | None = vars(cls).get("_signature")
        if known is not None:
            return known
        initialise = type.__getattribute__(cls, "__init__")
        own = [] if initialise is object.__init__ else list(inspect.signature(initialise).parameters.values())[1:]
        common = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in cls.common_names]
        rest = [parameter for parameter in own if parameter.kind is inspect.Parameter.VAR_KEYWORD]
        known = inspect.Signature([*(parameter for parameter in own if parameter not in rest), *common, *rest])
        type.__setattr__(cls, "_signature", known)
        return known

    @property
    def common_names(cls) -> tuple[str, ...]:
        """The common arguments that ``__init__`` does not take itself."""
        common: tuple[str, ...] = cls.common  # type: ignore[attr-defined]
        return tuple(name for name in common if name not in cls.defaults)

    @property
    def argument_names(cls) -> tuple[str, ...]:
        """The arguments of ``__init__``, in order."""
        return tuple(cls.defaults)

    @property
    def defaults(cls) -> dict[str, Any]:
        """The arguments of ``__init__``, in order, and what each is if it is left out; found once for each class."""
        known: dict[str, Any] | None = vars(cls).get("_defaults")
        if known is None:
            initialise = type.__getattribute__(cls, "__init__")
            parameters = [] if initialise is object.__init__ else list(inspect.signature(initialise).parameters.values())[1:]
            known = {p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
            type.__setattr__(cls, "_defaults", known)
        return known

    def checked(cls, name: str, value: Any) -> Any:
        """A value for an attribute, which must be in the range, a flag or one of the words that the class declares for it.

        Raises
        ------
        ParameterError
        """
        of: Any = cls
        is_declared = name in of.ranges or name in of.flags or name in of.choices
        if not is_declared or (value is None and cls.defaults.get(name, "") is None):
            return value
        who = f"{cls.__name__}: {name}"
        if name in of.ranges:
            return _in_range(who, plain(value), of.ranges[name], whole=name in of.whole)
        return flag(who, value) if name in of.flags else choice(who, value, of.choices[name])


def _in_range(who: str, value: Any, interval: str, *, whole: bool) -> float:
    """A plain number in an interval; an int too large to be exact as a float becomes one, unless it must be whole."""
    is_right = is_whole(value) and abs(value) <= MOST if whole else as_number(value) is not None
    if not is_right or not is_inside(float(value), interval):
        raise ParameterError(f"{who} must be a {'whole number' if whole else 'number'} in {interval}, got {shown(value)}")
    return value if whole or abs(value) <= 2**53 else float(value)


class Configurable(metaclass=_Validated):
    """Something described by the arguments of its ``__init__``, each kept in the attribute of the same name.

    A network works with copies of the components it is given, and its programs run copies of those where they have no kernel. Whatever
    else a component keeps on itself, it keeps for one network. Setting an argument of a network's own component makes it anew on trial, and
    is refused if that changes shapes or first values, the targets of a loss, or the state of an optimizer.

    Attributes
    ----------
    ranges : dict of str to str
        Interval of each numeric hyperparameter, as in mathematics: ``{"lr": "[0, inf)", "beta1": "[0, 1)"}``.
    whole : tuple of str
        Those of them that must be whole numbers.
    flags : tuple of str
        Arguments that must be True or False.
    choices : dict of str to tuple of str
        Arguments that must be one of a few words: ``{"mode": ("batch", "cumulative")}``.
    examples : sequence of dict or None
        Constructor arguments to test the component with, for one that cannot be made without.
    common : tuple of str
        Keyword arguments that every class of the kind takes without its author writing them: ``name`` of layers. An author who does write
        one into ``__init__`` tells type checkers of it.
    """

    common: ClassVar[tuple[str, ...]] = ()
    ranges: ClassVar[dict[str, str]] = {}
    whole: ClassVar[tuple[str, ...]] = ()
    flags: ClassVar[tuple[str, ...]] = ()
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    examples: ClassVar[Sequence[dict[str, Any]] | None] = None

    def config(self) -> dict[str, Any]:
        """Arguments that make an equal component, in the order of ``__init__``; then those in common that were given."""
        cls = type(self)
        arguments = {name: getattr(self, name) for name in (*cls.argument_names, *cls.common_names)}
        return {name: value for name, value in arguments.items() if value is not None or name not in cls.common}

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
        """Numbers handed to the compiled kernel: the numeric (and boolean) part of `config` without `common`, in order."""
        own = (value for name, value in self.config().items() if name not in self.common)
        return [float(value) for value in own if isinstance(value, (bool, int, float, np.number, np.bool_))]

    def validate(self) -> None:
        """Raise `ParameterError` for arguments that do not go together, or whose values no declaration can tell.

        Called once ``__init__`` is done. What `ranges`, `flags` and `choices` declare is checked before, where an attribute is set.
        """

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, checked if it is declared; an argument of a component that a network owns is set by that network, or refused
        (`ownership`).
        """
        value = type(self).checked(name, value)
        bond = vars(self).get("_bond")
        if bond is None or not bond.binds(self):
            object.__setattr__(self, name, value)
        else:
            bond.set(self, name, value)

    def __delattr__(self, name: str) -> None:
        bond = vars(self).get("_bond")
        if bond is not None and bond.binds(self) and name in type(self).argument_names:
            raise ParameterError(f"{type(self).__name__}: {name} cannot be deleted, it is an argument; set another value")
        object.__delattr__(self, name)

    def __getstate__(self) -> dict[str, Any]:
        """Without what ties it to a network, and with ordinary lists and dicts: copies and pickles belong to nobody."""
        return {name: thawed(value) for name, value in vars(self).items() if name != "_bond"}

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={written(value)}" for name, value in self.config().items())
        return f"{type(self).__name__}({arguments})"


def numbers_of(component: Configurable) -> dict[str, float]:
    """The arguments of a component that are real numbers, by name: no switches, and none that `Configurable.whole` says are counts."""
    arguments = {name: getattr(component, name) for name in type(component).argument_names if name not in type(component).whole}
    return {name: float(value) for name, value in arguments.items() if is_number(value)}


def written(value: object) -> str:
    """An argument as a reader would write it: a function by its name."""
    return str(value.__name__) if inspect.isroutine(value) else repr(value)


def alike(one: Any, other: Any) -> bool:
    """Whether two components, or two arguments, are of one kind and configured alike."""
    if one is other:
        return True
    if isinstance(one, Configurable):
        mine, others = one.config(), other.config() if isinstance(other, Configurable) else {}
        return type(one) is type(other) and mine.keys() == others.keys() and all(alike(mine[name], others[name]) for name in mine)
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return isinstance(one, list) == isinstance(other, list) and len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other)
