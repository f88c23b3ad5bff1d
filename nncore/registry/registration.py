"""Register classes at run time. They are checked like an entry of a manifest before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar, overload

from nncore.arguments import shown
from nncore.contract import Configurable
from nncore.errors import ParameterError, UnknownComponentError
from nncore.registry import registry as of_process
from nncore.registry.catalogue import BASES, CLAIMING, are_suffixes, article, kind_of, plural, singular
from nncore.registry.manifest import SOUND_NAME, is_sound_name
from nncore.registry.registry import RUN_TIME
from nncore.registry.run_time import snake_case, target_of
from nncore.registry.travel import Luggage, unpacked
from nncore.words import KindName, explains_calls

C = TypeVar("C", bound=type[Configurable])


@overload
def register(kind: KindName | str, cls: C, name: str | None = None) -> C: ...


@overload
def register(kind: KindName | str, cls: None = None, name: str | None = None) -> Callable[[C], C]: ...


@explains_calls
def register(kind: KindName | str, cls: type[Configurable] | None = None, name: str | None = None) -> Any:
    """Register your own class under a name, for this process, without a plugin. Also a decorator: ``@nn.register("optimizers")``.

    The name works everywhere: in networks, estimators, `get` and `names`. Files store the name, and that it was registered at run time, but
    no module to import. To load the file elsewhere, call `register` first, or pass the class:
    ``nn.load(path, components={"yogi": Yogi})``.

    Pickled estimators and networks, such as those for joblib's workers, bring all registrations of their process with them.

    Parameters
    ----------
    kind : str
        ``"optimizers"``, ``"layers"``, ..., or the singular.
    cls : type, optional
        A subclass of the kind's base class in `nncore.plugin`. None returns a decorator.
    name : str, optional
        Name of lower case letters, digits and underscores. By default the name of the class in snake case, ``"my_yogi"`` for ``MyYogi``.

    Returns
    -------
    type
        `cls`, unchanged; or a decorator that returns the class it is given.

    Raises
    ------
    ParameterError
        If the class is not of that kind, or the name is invalid, or used by a built-in, a plugin or another registered class. A class with
        the same module and qualified name (a notebook cell run twice) replaces its older version.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> @nn.register("optimizer")
    ... class SignDescent(nn.plugin.Optimizer):
    ...     ranges = {"lr": "[0, inf)"}
    ...     def __init__(self, lr=0.01):
    ...         self.lr = lr
    ...     def step(self, w, g, state, t):
    ...         w -= self.lr * np.sign(g)
    >>> nn.get("optimizer", "sign_descent")(lr=0.1)
    SignDescent(lr=0.1)
    >>> nn.unregister("optimizer", "sign_descent")
    """
    kind = plural(kind)
    if cls is None:
        return lambda decorated: register(kind, decorated, name)
    _check_class(kind, cls)
    chosen = _checked_name(kind, cls, name)
    with of_process.locked() as registry:
        old = RUN_TIME.of_kind(kind).get(chosen)
        if old is None:
            _check_not_taken(kind, chosen, [found for found in registry.of_kind(kind).get(chosen, []) if not found.plugin.run_time])
        elif old.component.target != target_of(cls):
            raise ParameterError(
                f"the {singular(kind)} {chosen!r} is registered already, as {old.component.target}: give this one another name "
                f"(name=...), or call nncore.unregister({kind!r}, {chosen!r}) first"
            )
        RUN_TIME.add(kind, chosen, cls)
    return cls


@explains_calls
def unregister(kind: KindName | str, name: str) -> None:
    """Remove a name that `register` added. Networks that use the class keep it.

    Parameters
    ----------
    kind : str
        ``"optimizers"``, ``"layers"``, ..., or the singular.
    name : str
        The name under which the class is registered.

    Raises
    ------
    UnknownComponentError
        If no component has that name.
    ParameterError
        If the name is built in or belongs to a plugin.
    """
    kind = plural(kind)
    with of_process.locked() as registry:
        found = registry.component(kind, name)
        if not found.plugin.run_time:
            who = f"the {singular(kind)} {name!r} is of {found.plugin.distribution} {found.plugin.version}"
            raise ParameterError(f"{who}: only classes of nncore.register can be removed; see NNCORE_DISABLE_PLUGINS for plugins")
        if found.component.name not in {one.component.name for one in RUN_TIME.registered() if one.kind == kind}:
            raise UnknownComponentError(f"no {singular(kind)} is registered as {name!r}: it was passed to a call of nncore.load only")
        RUN_TIME.remove(kind, found.component.name)


def given(components: Mapping[str, type[Configurable]]) -> AbstractContextManager[None]:
    """Let names stand for classes inside a ``with`` block, for a file: see `nncore.load`.

    Parameters
    ----------
    components : mapping of str to type
        Classes by name, each of the kind whose base class it derives from.

    Raises
    ------
    ParameterError
        See `register`. But names may already be registered: the given class takes precedence.
    """
    if not isinstance(components, Mapping):
        raise ParameterError(f'components must be a dict of classes by name, {{"yogi": Yogi}}; got {shown(components)}')
    classes = {}
    for name, cls in components.items():
        kind = kind_of(cls) if isinstance(cls, type) else None
        if kind is None:
            raise ParameterError(f"components[{name!r}] must be a class that derives from a base class of nncore.plugin, got {shown(cls)}")
        _check_class(kind, cls)
        _checked_name(kind, cls, name)
        installed = of_process.installed().of_kind(kind).get(name, [])
        _check_not_taken(kind, name, [found for found in installed if found.plugin.built_in])
        classes[name] = (kind, cls)
    return RUN_TIME.given(classes)


def given_kind(name: str) -> str | None:
    """The kind of a name inside `given`."""
    return RUN_TIME.given_kind(name)


def luggage() -> Luggage | None:
    """The registrations of this process for a pickle, so that its reader knows the names; None if there are none."""
    registrations = RUN_TIME.registered()
    return Luggage(registrations, arrive) if registrations else None


def arrive(packed: list[tuple[str, str, bytes]]) -> Luggage | None:
    """Register the classes of a pickle, except under names that are registered here, which take precedence."""
    for kind, name, data in packed:
        cls = unpacked(data)  # its module may register it while it is imported
        if cls is None or not issubclass(cls, BASES[kind]):
            continue
        with of_process.locked() as registry:
            if RUN_TIME.has_arrived(kind, name) or not registry.of_kind(kind).get(name):
                RUN_TIME.add(kind, name, cls, arrived=True)
    return luggage()


def _check_class(kind: str, cls: object) -> None:
    base = BASES[kind]
    if isinstance(cls, str):
        raise ParameterError(
            f"pass the class before the name: nncore.register({kind!r}, cls, {shown(cls)}), or name={shown(cls)} in a decorator"
        )
    if not isinstance(cls, type) or not issubclass(cls, base):
        what = f"the class {cls.__name__}" if isinstance(cls, type) else shown(cls)
        raise ParameterError(
            f"{article(kind)} must derive from nncore.plugin.{base.__name__}, and {what} does not: derive it, or pass another kind"
        )
    if cls is base:
        raise ParameterError(f"nncore.plugin.{base.__name__} is the base class of {kind}: register a subclass of it")
    if issubclass(cls, CLAIMING):
        if not are_suffixes(cls.suffixes):
            raise ParameterError(
                f"{cls.__name__}: `suffixes` must be a tuple of texts such as '.npz', in lower case, got {shown(cls.suffixes)}"
            )
        if taken := sorted(of_process.installed().built_in_suffixes(kind).intersection(cls.suffixes)):
            raise ParameterError(
                f"{cls.__name__} claims {', '.join(taken)}, which is built in and cannot be replaced: choose another suffix"
            )


def _checked_name(kind: str, cls: type, name: object) -> str:
    chosen = snake_case(cls.__name__) if name is None else name
    if not isinstance(chosen, str) or not is_sound_name(chosen):
        raise ParameterError(f"the name {chosen!r} of {article(kind)} {SOUND_NAME}: pass another, name=...")
    return chosen


def _check_not_taken(kind: str, name: str, by: list[Any]) -> None:
    if by:
        plugin = by[0].plugin
        owner = "built in" if plugin.built_in else f"of the plugin {plugin.distribution} {plugin.version}"
        raise ParameterError(f"the {singular(kind)} {name!r} is {owner} and cannot be replaced: choose another name, name=...")
