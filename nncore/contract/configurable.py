"""Base of all components: objects that the arguments of their ``__init__`` describe."""

from __future__ import annotations

import copyreg
import functools
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import MOST, as_number, choice, flag, is_number, is_whole, plain, shown
from nncore.contract.frozen import thawed
from nncore.errors import NNCoreError, ParameterError
from nncore.words import ListsPublicNames, is_of_call, misfit


@functools.lru_cache(maxsize=256)
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


@dataclass(frozen=True)
class Arguments:
    """The arguments of a class of components.

    Attributes
    ----------
    signature : Signature
        Of ``__init__`` and of the common arguments.
    defaults : dict of str to object
        The arguments of ``__init__``, in order, and what each is if it is left out.
    own : tuple of str
        Their names.
    needed : tuple of str
        Those without a default.
    common : tuple of str
        The common arguments that ``__init__`` does not take itself.
    names : tuple of str
        `own`, and then `common`.
    stored : frozenset of str
        `own`, which an ``__init__`` keeps in attributes of these names.
    left_out_if_none : frozenset of str
        The common ones among them, which `Configurable.config` shows only where they were given.
    declared : frozenset of str
        What `Configurable.ranges`, `flags` and `choices` say something of.
    has_default_copies : bool
        Whether an instance is copied as Python copies any object: attribute by attribute.
    """

    signature: inspect.Signature
    defaults: dict[str, Any]
    own: tuple[str, ...]
    needed: tuple[str, ...]
    common: tuple[str, ...]
    names: tuple[str, ...]
    stored: frozenset[str]
    left_out_if_none: frozenset[str]
    declared: frozenset[str]
    has_default_copies: bool

    @classmethod
    def of(cls, component: Any) -> Arguments:
        """The arguments of a class."""
        initialise = type.__getattribute__(component, "__init__")
        parameters = [] if initialise is object.__init__ else list(inspect.signature(initialise).parameters.values())[1:]
        several = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
        defaults = {parameter.name: parameter.default for parameter in parameters if parameter.kind not in several}
        common = tuple(name for name in component.common if name not in defaults)
        rest = [parameter for parameter in parameters if parameter.kind is inspect.Parameter.VAR_KEYWORD]
        added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in common]
        return cls(
            signature=inspect.Signature([*(parameter for parameter in parameters if parameter not in rest), *added, *rest]),
            defaults=defaults,
            own=tuple(defaults),
            needed=tuple(name for name, default in defaults.items() if default is inspect.Parameter.empty),
            common=common,
            names=(*defaults, *common),
            stored=frozenset(defaults),
            left_out_if_none=frozenset(component.common),
            declared=frozenset((*component.ranges, *component.flags, *component.choices)),
            has_default_copies=component not in copyreg.dispatch_table
            and all(getattr(component, name, None) is getattr(Configurable, name, None) for name in _COPYING),
        )

    def can_be(self, given: Mapping[str, Any]) -> bool:
        """Whether keywords fit, as far as that is seen at once."""
        return given.keys() <= self.signature.parameters.keys() and all(name in given for name in self.needed)


#: Methods by which a class says how its instances are made and copied.
_COPYING = (
    "__new__",
    "__copy__",
    "__deepcopy__",
    "__getstate__",
    "__setstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
    "__reduce__",
    "__reduce_ex__",
    "__slots__",
)


class _Validated(type):
    """Checks a component when it is made, so that ``Adam(lr=-1)`` fails at once.

    It also accepts the arguments that all classes of a kind share (`Configurable.common`), which authors of classes need not write.
    """

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(name, bases, namespace, **kwargs)
        type.__setattr__(cls, "_arguments", None)  # its own, not those of a base

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        args = tuple(map(plain, args))
        own = {name: plain(value) for name, value in kwargs.items()}
        common = {name: own.pop(name) for name in cls.arguments.common if name in own} if own else own
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
        """That of ``__init__`` and of the common arguments, so that ``help(Adam)`` shows the hyperparameters."""
        return cls.arguments.signature

    @property
    def arguments(cls) -> Arguments:
        """Facts about the arguments of the class, cached."""
        known: Arguments | None = type.__getattribute__(cls, "_arguments")
        if known is None:
            known = Arguments.of(cls)
            type.__setattr__(cls, "_arguments", known)
        return known

    @property
    def common_names(cls) -> tuple[str, ...]:
        """The common arguments that ``__init__`` does not take itself."""
        return cls.arguments.common

    @property
    def argument_names(cls) -> tuple[str, ...]:
        """The arguments of ``__init__``, in order."""
        return cls.arguments.own

    @property
    def defaults(cls) -> dict[str, Any]:
        """The arguments of ``__init__``, in order, and what each is if it is left out."""
        return cls.arguments.defaults

    def checked(cls, name: str, value: Any) -> Any:
        """A value for an attribute, which must be in the range, a flag or one of the words that the class declares for it.

        Raises
        ------
        ParameterError
        """
        of: Any = cls
        known = cls.arguments
        if name not in known.declared or (value is None and known.defaults.get(name, "") is None):
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


class Configurable(ListsPublicNames, metaclass=_Validated):
    """Base class of all components: each argument of ``__init__`` is stored in the attribute of the same name.

    A network works with copies of the components it is given. Its programs run copies of those if a component has no kernel. A component
    may store other attributes for its one network. Setting an argument of a network's own component first makes a new one on trial. It
    raises an error if that changes shapes or initial values, the targets of a loss, or the state of an optimizer.

    Attributes
    ----------
    ranges : dict of str to str
        Interval of each numeric hyperparameter, as in mathematics: ``{"lr": "[0, inf)", "beta1": "[0, 1)"}``.
    whole : tuple of str
        Numeric hyperparameters that must be whole numbers.
    flags : tuple of str
        Arguments that must be True or False.
    choices : dict of str to tuple of str
        Arguments that must be one of a few words: ``{"mode": ("batch", "cumulative")}``.
    examples : sequence of dict or None
        Constructor arguments to test the component with, if it needs some.
    common : tuple of str
        Keyword arguments that every class of the kind accepts, such as ``name`` of layers. Authors need not write them; writing one into
        ``__init__`` tells type checkers of it.
    """

    common: ClassVar[tuple[str, ...]] = ()
    ranges: ClassVar[dict[str, str]] = {}
    whole: ClassVar[tuple[str, ...]] = ()
    flags: ClassVar[tuple[str, ...]] = ()
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    examples: ClassVar[Sequence[dict[str, Any]] | None] = None

    def config(self) -> dict[str, Any]:
        """Arguments that make an equal component, in the order of ``__init__``; then the common arguments that were given."""
        cls: Any = type(self)
        known = cls._arguments or cls.arguments  # a property of a class is slower than an attribute
        left_out = known.left_out_if_none
        return {name: value for name in known.names if (value := getattr(self, name)) is not None or name not in left_out}

    @classmethod
    def upgrade(cls, config: dict[str, Any], version: str) -> dict[str, Any]:
        """Convert arguments that an older version of the class wrote to a file: for arguments that were renamed or added.

        It is called when a network is loaded whose file was saved with an older version of the class's distribution.

        Parameters
        ----------
        config : dict
            Arguments by name, as JSON holds them. Components among them are dicts that are already converted.
        version : str
            Version of the distribution when the file was saved.

        Returns
        -------
        dict
            Arguments of ``__init__``.
        """
        return config

    def hyper(self) -> list[float]:
        """Numbers for the compiled kernel: the numeric and boolean arguments in order, without `common`."""
        own = (value for name, value in self.config().items() if name not in self.common)
        return [float(value) for value in own if isinstance(value, (bool, int, float, np.number, np.bool_))]

    def validate(self) -> None:
        """Raise `ParameterError` for arguments that contradict each other, or that declarations cannot check.

        It is called after ``__init__``. `ranges`, `flags` and `choices` are checked before, when an attribute is set.
        """

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute, checked if it is declared; an argument of a component that a network owns is set by that network, or refused
        (`ownership`).
        """
        cls: Any = type(self)
        if name in (cls._arguments or cls.arguments).declared:
            value = cls.checked(name, value)
        bond = self.__dict__.get("_bond")
        if bond is None or not bond.binds(self):
            object.__setattr__(self, name, value)
        else:
            bond.set(self, name, value)

    def __delattr__(self, name: str) -> None:
        bond = vars(self).get("_bond")
        if bond is not None and bond.binds(self) and name in type(self).argument_names:
            raise ParameterError(f"{type(self).__name__}: the argument {name} cannot be deleted; set another value")
        object.__delattr__(self, name)

    def __getstate__(self) -> dict[str, Any]:
        """State without links to a network, and with ordinary lists and dicts: copies and pickles do not belong to a network."""
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


_NUMBERS_AND_TEXT = frozenset((bool, int, float, str))


def alike(one: Any, other: Any) -> bool:
    """Whether two components, or two arguments, are of one kind and configured alike."""
    if one is other:
        return True
    if type(one) in _NUMBERS_AND_TEXT and type(other) in _NUMBERS_AND_TEXT:  # as most arguments are, and a Mapping is slow to ask
        return bool(one == other)
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
