"""Hyperparameters of components as parameters of the estimator: ``solver__lr``, ``layers__0__rate``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from nncore.arguments import flag
from nncore.contract import UNCHANGING, Configurable
from nncore.errors import NNCoreError, ParameterError
from nncore.registry import qualified_name, resolve
from nncore.words import explains_calls

#: Attributes, in addition to arguments, that a clone of an estimator gets.
CLONED_WITH = ("_metadata_request", "_sklearn_output_config", "_skl_callbacks")


@functools.cache
def _names_of(cls: Any) -> tuple[str, ...]:
    """Cached names of the arguments, since scikit-learn's search for them is slow."""
    return tuple(super(NestedParameters, cls)._get_param_names())


@explains_calls
class NestedParameters:
    """Base class before scikit-learn's ``BaseEstimator``, which treats components like nested estimators.

    ``get_params`` lists the arguments of components, and ``set_params`` changes them, by the components' names. An instance is replaced by
    a new one and never changed, since it may be in use elsewhere.
    """

    #: Arguments of the constructor that take components, or lists or dicts of them, and their kind.
    _components: ClassVar[Mapping[str, str]] = {}

    def _meant(self, parameter: str) -> Any:
        """The component that a parameter's value means, if it differs from the registry's meaning; None for no component."""
        return getattr(self, parameter)

    @classmethod
    def _get_param_names(cls) -> list[str]:
        """scikit-learn's names of the arguments of the constructor."""
        of: Any = cls
        return list(_names_of(of))

    def __sklearn_clone__(self) -> Self:
        """Do what `sklearn.base.clone` does, without deep copies if all arguments are numbers, strings and similar."""
        arguments: dict[str, Any] = super().get_params(deep=False)  # type: ignore[misc]
        if all(type(value) in UNCHANGING for value in arguments.values()) and vars(self).keys().isdisjoint(CLONED_WITH):
            clone = type(self)(**arguments)
            if all(getattr(clone, name) is value for name, value in arguments.items()):
                return clone
        cloned: Self = super().__sklearn_clone__()  # type: ignore[misc]
        return cloned

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments; with `deep`, also those of the components among them.

        Parameters
        ----------
        deep : bool, default True
            Also list the arguments of components, such as ``solver__lr`` next to ``solver``.

        Returns
        -------
        dict
            Values by name.
        """
        deep = flag("deep", deep)
        params: dict[str, Any] = super().get_params(deep=deep)  # type: ignore[misc]  # BaseEstimator has it
        if deep:
            for parameter, kind in self._components.items():
                params |= {f"{parameter}__{name}": value for name, value in _inside(kind, self._meant(parameter)).items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Change arguments of the constructor, or of components among them. If a name is unknown, nothing is changed.

        Parameters
        ----------
        **params : object
            Values by the names of `get_params`. Those of components are set last: ``solver="adamw", solver__weight_decay=0.1``.

        Returns
        -------
        self
        """
        own: dict[str, Any] = {}
        nested: dict[str, dict[str, Any]] = {}
        for key, value in params.items():
            parameter, _, name = key.partition("__")
            if name and parameter in self._components:
                nested.setdefault(parameter, {})[name] = value
            else:
                own[key] = value
        before = {name: vars(self)[name] for name in {*own, *nested} & vars(self).keys()}
        try:
            if own.keys() <= set(self._get_param_names()):
                for name, value in own.items():
                    setattr(self, name, value)
            else:
                super().set_params(**own)  # type: ignore[misc]  # says which are unknown
            for parameter, changes in nested.items():
                given, meant = getattr(self, parameter), self._meant(parameter)
                setattr(self, parameter, _changed(self._components[parameter], given, meant, changes, parameter))
        except BaseException:
            vars(self).update(before)
            raise
        return self


def _inside(kind: str | None, value: Any) -> dict[str, Any]:
    """All nested arguments of a component or a collection of them, by names joined with ``__``."""
    parts = _parts(value)
    inner_kind = kind if parts is not None else None
    if parts is None:
        component = _component(kind, value)
        parts = {} if component is None else {name: getattr(component, name) for name in _arguments(component)}
    found = dict(parts)
    for name, part in parts.items():
        found |= {f"{name}__{inner}": number for inner, number in _inside(inner_kind, part).items()}
    return found


def _parts(value: Any) -> dict[str, Any] | None:
    """The elements of a list, by number, or of a dict that is not a component."""
    if isinstance(value, (list, tuple)):
        return {str(number): item for number, item in enumerate(value)}
    return dict(value) if isinstance(value, Mapping) and "name" not in value else None


def _component(kind: str | None, value: Any) -> Configurable | None:
    """The component that a value is or describes; None if there is none."""
    if isinstance(value, Configurable):
        return value
    if isinstance(value, Mapping):
        kind = value.get("kind", kind)
    if kind is None or not isinstance(value, (str, type, Mapping)):
        return None
    try:
        component: Configurable = resolve(kind, value)
    except (NNCoreError, TypeError, ValueError):  # a name of scikit-learn, or a value that `fit` will refuse
        return None
    return component


def _arguments(component: Configurable) -> list[str]:
    cls = type(component)
    return [*cls.argument_names, *cls.common_names]


def _changed(kind: str | None, value: Any, meant: Any, changes: Mapping[str, Any], path: str) -> Any:
    """A copy of `value` with changed nested arguments: a new list, dict or component."""
    grouped: dict[str, dict[str, Any]] = {}
    for key, new in changes.items():
        name, _, inner = key.partition("__")
        grouped.setdefault(name, {})[inner] = new
    parts = _parts(value)
    component = None if parts is not None else _component(kind, meant)
    known = parts if parts is not None else {} if component is None else {name: getattr(component, name) for name in _arguments(component)}
    for name, inside in grouped.items():
        if name not in known:
            remedy = "" if parts is not None else f" To search over several values of {path}, pass a list of grids, one for each."
            raise ParameterError(f"Invalid parameter {name!r} for {path}={value!r}. Valid parameters are: {list(known)!r}.{remedy}")
        part = inside.pop("", known[name])
        if inside:
            part = _changed(kind if parts is not None else None, part, part, inside, f"{path}__{name}")
        known[name] = part
    if parts is not None:
        return type(value)(known.values()) if isinstance(value, (list, tuple)) else known
    if isinstance(value, Configurable):
        return type(value)(**{name: argument for name, argument in known.items() if argument is not None or name not in type(value).common})
    assert component is not None, "a name that is known is an argument of it"
    assert kind is not None or isinstance(value, Mapping), "only a description tells its own kind"
    described = dict(value) if isinstance(value, Mapping) else {"name": qualified_name(str(kind), type(component))}
    return described | {"layer_name" if name == "name" else name: known[name] for name in grouped}
