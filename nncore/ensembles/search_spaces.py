"""Search spaces: the distributions that the trials of `tune` are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.arguments import is_list, listed, shown
from nncore.errors import ParameterError

#: Separates a parameter from an argument of it, as in scikit-learn.
NESTING = "__"

#: One space, or several, of which each trial draws one.
Space = Mapping[str, Any]


@dataclass(frozen=True)
class Uniform:
    """Uniform between two numbers."""

    low: float
    high: float

    def rvs(self, random_state: np.random.RandomState) -> float:
        return self.low + (self.high - self.low) * float(random_state.uniform())


@dataclass(frozen=True)
class LogUniform:
    """A log-uniform number."""

    low: float
    high: float

    def rvs(self, random_state: np.random.RandomState) -> float:
        return self.low * (self.high / self.low) ** float(random_state.uniform())


@dataclass(frozen=True)
class OneMinus:
    """1 minus a draw from another distribution."""

    other: LogUniform

    def rvs(self, random_state: np.random.RandomState) -> float:
        return 1.0 - self.other.rvs(random_state)


@dataclass(frozen=True)
class HalfOff:
    """0 with probability ½, else a draw from another distribution."""

    other: LogUniform | Uniform

    def rvs(self, random_state: np.random.RandomState) -> float:
        return self.other.rvs(random_state) if random_state.uniform() < 0.5 else 0.0


def paper() -> list[Space]:
    """RealMLP's space of Holzmüller, Grinsztajn & Steinwart (2024), with periodic embeddings or none."""
    return [
        {
            "numerical_embedding": [False, True, True, True],
            "numerical_embedding__sigma": LogUniform(0.05, 0.5),
            "front_scale": [True, True, True, False, False],
            "learning_rate_init": LogUniform(0.02, 0.3),
            "dropout": [0.0] * 3 + [0.15] * 5 + [0.3] * 2,
            "solver": [{"name": "adamw", "beta2": 0.95}],
            "weight_decay": [0.0, 0.02],
            "activation": ["relu", "selu", "mish"],
            "hidden_layer_sizes": [(256, 256, 256)] * 3 + [(64, 64, 64, 64, 64)] + [(512,)],
            "label_smoothing": [0.0] * 3 + [0.1] * 7,
        }
    ]


def tabarena() -> list[Space]:
    """RealMLP's space of TabArena (Erickson et al., 2025), without its early stopping."""
    shared = {
        "hidden_layer_sizes": [(width,) * depth for depth in (2, 3, 4) for width in (256, 384, 512)],
        "dropout": Uniform(0.0, 0.5),
        "dropout_schedule": ["flat_cosine"],
        "activation": ["mish"],
        "parametric_activation": [True],
        "front_scale": [True],
        "numerical_embedding": [True],
        "numerical_embedding__sigma": LogUniform(0.01, 50.0),
        "solver": ["adamw"],
        "solver__beta2": OneMinus(LogUniform(0.005, 0.05)),
        "lr_factors__numerical_embedding": LogUniform(0.05, 0.3),
        "lr_factors__scale": LogUniform(2.0, 10.0),
        "lr_factors__first_layer": LogUniform(0.3, 1.5),
        "label_smoothing": HalfOff(LogUniform(0.005, 0.1)),
        "label_smoothing_schedule": ["coslog4"],
        "learning_rate_init": LogUniform(0.02, 0.3),
        "weight_decay": LogUniform(0.001, 0.05),
        "weight_decay_schedule": ["flat_cosine"],
    }
    small = {"numerical_embedding__n_frequencies": [16], "numerical_embedding__n_outputs": [3], "max_iter": [256]}
    sizes = {"numerical_embedding__n_frequencies": [8, 16, 32, 64], "numerical_embedding__n_outputs": [7, 15, 31, 63]}
    return [shared | small, shared | sizes | {"max_iter": [256, 512]}]


def small() -> list[Space]:
    """A small space for the preset ``"fast"``."""
    return [
        {
            "hidden_layer_sizes": [(64, 64), (128, 128), (64, 64, 64), (256,)],
            "activation": ["relu", "silu", "mish"],
            "numerical_embedding": [False, True],
            "numerical_embedding__sigma": LogUniform(0.05, 0.5),
            "learning_rate_init": LogUniform(0.002, 0.02),
            "dropout": [0.0, 0.0, 0.1, 0.2],
            "solver": ["adamw"],
            "weight_decay": LogUniform(0.001, 0.1),
        }
    ]


def _tabm(depths: Sequence[int], widths: Sequence[int]) -> list[Space]:
    """pytabkit's space for TabM-mini with piecewise linear embeddings, with these numbers of layers and widths."""
    return [
        {
            "arch": ["tabm-mini"],
            "batch_size": ["auto"],
            "learning_rate_init": LogUniform(1e-4, 3e-3),
            "weight_decay": HalfOff(LogUniform(1e-4, 1e-1)),
            "hidden_layer_sizes": [(width,) * depth for depth in depths for width in widths],
            "dropout": HalfOff(Uniform(0.0, 0.5)),
            "numerical_embedding": [True],
            "numerical_embedding__n_outputs": list(range(8, 33, 4)),
            "numerical_embedding__n_bins": list(range(2, 129)),
        }
    ]


#: TabM's spaces by name: its paper's and TabArena's.
OF_TABM: Mapping[str, Callable[[], list[Space]]] = {
    "paper": lambda: _tabm((1, 2, 3, 4), range(64, 1025, 16)),
    "tabarena": lambda: _tabm((2, 3, 4, 5), range(128, 1025, 16)),
}

#: RealMLP's spaces by name.
OF_REAL_MLP: Mapping[str, Callable[[], list[Space]]] = {"paper": paper, "tabarena": tabarena, "small": small}


def checked_space(space: Any, allowed: Collection[str]) -> list[Space]:
    """Check a user's space: a dict of lists or distributions by parameter, or a list of such dicts.

    Raises
    ------
    ParameterError
        If it is something else, or names a parameter that cannot be tuned.
    """
    many = [space] if isinstance(space, Mapping) else list(space) if is_list(space) else []
    if not many or not all(isinstance(one, Mapping) and one for one in many):
        wanted = "a dict of lists or distributions by parameter, or a list of such dicts"
        raise ParameterError(f"search_space must be {wanted}, got {shown(space)}")
    for one in many:
        for name, values in one.items():
            if not isinstance(name, str) or name.partition(NESTING)[0] not in allowed:
                raise ParameterError(f"search_space: {name!r} cannot be tuned; parameters that can are {listed(sorted(allowed))}")
            if not (is_list(values) and len(values)) and not callable(getattr(values, "rvs", None)):
                wanted = "a list of values, not empty, or a distribution with a method rvs"
                raise ParameterError(f"search_space: {name!r} must have {wanted}, got {shown(values)}")
    return [{name: list(values) if is_list(values) else values for name, values in one.items()} for one in many]


def without_fixed(space: Sequence[Space], fixed: Collection[str]) -> list[Space]:
    """Remove parameters that the user has set from a space."""
    return [{name: values for name, values in one.items() if name.partition(NESTING)[0] not in fixed} for one in space]


def drawn(space: Sequence[Space], random_state: np.random.RandomState) -> dict[str, Any]:
    """Draw one value for each parameter of one of the spaces. Parameters are drawn in sorted order, so the order of the dict has no
    effect."""
    one = space[int(random_state.randint(len(space)))] if len(space) > 1 else space[0]
    return {name: _drawn(one[name], random_state) for name in sorted(one)}


def _drawn(values: Any, random_state: np.random.RandomState) -> Any:
    found = values[int(random_state.randint(len(values)))] if is_list(values) else values.rvs(random_state=random_state)
    return found.item() if isinstance(found, np.generic) else found


def nested_in(values: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Convert drawn values to parameters: ``solver__beta2`` becomes an argument of ``solver``, which is drawn too or taken from `base`.

    An argument of something that is off is ignored, such as ``numerical_embedding__sigma`` if ``numerical_embedding`` is False.

    Raises
    ------
    ParameterError
        If a parameter has no arguments.
    """
    found = {name: value for name, value in values.items() if NESTING not in name}
    for name, value in values.items():
        outer, separator, inner = name.partition(NESTING)
        if not separator:
            continue
        holder = found.get(outer, base[outer])
        if holder is False or holder is None:
            continue
        if not isinstance(holder, (Mapping, str, bool)):
            raise ParameterError(f"search_space: {name!r} is a part of {outer}={shown(holder)}, which has none")
        parts = dict(holder) if isinstance(holder, Mapping) else {"name": holder} if isinstance(holder, str) else {}
        found[outer] = parts | {inner: value}
    return found


def shown_parameters(values: Mapping[str, Any]) -> str:
    """Parameters for display: ``"activation='mish', learning_rate_init=0.0412"``."""
    return ", ".join(f"{name}={f'{value:.3g}' if isinstance(value, float) else repr(value)}" for name, value in values.items())
