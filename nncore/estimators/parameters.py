"""Check constructor arguments when `fit` begins: constructors of scikit-learn's estimators must not check them."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from nncore.arguments import MOST, as_number, is_list, is_whole, plain, shown
from nncore.errors import ParameterError

#: Valid range of each number, and its description.
NUMBERS: dict[str, tuple[Callable[[float], bool], str]] = {
    "alpha": (lambda value: 0 <= value < math.inf, "a number of at least 0"),
    "learning_rate_init": (lambda value: 0 < value < math.inf, "a number above 0"),
    "power_t": (lambda value: 0 <= value < math.inf, "a number of at least 0"),
    "tol": (lambda value: value >= 0, "a number of at least 0"),
    "momentum": (lambda value: 0 <= value <= 1, "a number in [0, 1]"),
    "validation_fraction": (lambda value: 0 <= value < 1, "a number in [0, 1)"),
    "beta_1": (lambda value: 0 <= value < 1, "a number in [0, 1)"),
    "beta_2": (lambda value: 0 <= value < 1, "a number in [0, 1)"),
    "epsilon": (lambda value: 0 < value < math.inf, "a number above 0"),
    "label_smoothing": (lambda value: 0 <= value <= 1, "a number in [0, 1]"),
    "weight_decay": (lambda value: 0 <= value < math.inf, "a number of at least 0"),
    "quantile_noise": (lambda value: 0 <= value < math.inf, "a number of at least 0"),
    "smooth_clip": (lambda value: value > 0, "a number above 0, inf for none"),
}

#: Integers of at least 1, and their alternatives.
COUNTS: dict[str, tuple[Any, ...]] = {
    "max_iter": (),
    "max_fun": (),
    "batch_size": ("auto",),
    "n_iter_no_change": (math.inf,),
    "n_threads": (None,),
    "max_one_hot": (0,),
    "n_cv": (),
    "n_ens": (),
    "n_refit": (0,),
    "tune": (None, "time"),
    "embedding_size": (),
    "n_members": (),
}

FLAGS = (
    "shuffle",
    "warm_start",
    "nesterovs_momentum",
    "early_stopping",
    "progress",
    "standardize",
    "standardize_target",
    "clip_target",
    "parametric_activation",
    "front_scale",
    "ntk",
    "drop_last",
    "temperature_scaling",
)

#: Numbers that may also be None.
LIMITS = ("time_limit", "clip_norm")

#: Arguments for components; None means none.
LISTS = ("layers", "callbacks", "transforms")

DTYPES = ("input", "float32", "float64")
PRECISIONS = (None, "float32", "bfloat16", "auto")


def check_parameters(estimator: Any, optional: Collection[str] = ()) -> None:
    """Raise `ParameterError` for an argument of an estimator that is outside its range.

    Components (activations, solver, loss, layers, callbacks) are checked when they are made.

    Parameters
    ----------
    estimator : NetworkEstimator
    optional : collection of str
        Arguments that may also be None.
    """
    given = {name: value for name, value in vars(estimator).items() if value is not None or name not in optional}

    def refuse(name: str, wanted: str) -> None:
        raise ParameterError(f"{type(estimator).__name__}: {name} must be {wanted}, got {shown(getattr(estimator, name))}")

    for name in [name for name in NUMBERS if name in given]:
        is_allowed, wanted = NUMBERS[name]
        found = as_number(given[name])
        if found is None or not is_allowed(found):
            refuse(name, wanted)
    for name in [name for name in COUNTS if name in given]:
        value, others = given[name], COUNTS[name]
        if not is_count(value) and not any(value is other or (type(value) is type(other) and value == other) for other in others):
            refuse(name, " or ".join(["a whole number of at least 1", *map(repr, others)]))
    for name in FLAGS:
        if name in given and not isinstance(given[name], (bool, np.bool_)):
            refuse(name, "True or False")
    if not isinstance(given.get("verbose", 0), (Integral, np.bool_)):
        refuse("verbose", "True, False or a whole number")
    for name in LIMITS:
        value = given.get(name)
        if value is not None and not (as_number(value) or 0.0) > 0:
            refuse(name, "a number above 0 or None")
    for name in LISTS:
        if given.get(name) is not None and not is_list(given[name]):
            refuse(name, "a list, also of one thing, or None")
    if not isinstance(estimator.dtype, str) or estimator.dtype not in DTYPES:
        refuse("dtype", "one of " + ", ".join(map(repr, DTYPES)))
    if not (given.get("precision") is None or (isinstance(given["precision"], str) and given["precision"] in PRECISIONS)):
        refuse("precision", "one of " + ", ".join(map(repr, PRECISIONS)))


def asked_dtype(given: Any) -> np.dtype | None:
    """The dtype of the network by the arguments of an estimator; None: that of the samples."""
    if given.dtype != "input":
        return np.dtype(given.dtype)
    return None if given.precision is None else np.dtype(np.float32)


def is_number(value: Any) -> bool:
    """Whether it is a real number; True and False are not."""
    return as_number(value) is not None


def is_count(value: Any) -> bool:
    """Whether it is an integer of at least 1; True is not."""
    found = plain(value)
    return is_whole(found) and 1 <= found <= MOST


def as_random_state(random_state: Any) -> np.random.RandomState:
    """scikit-learn's `random_state`, or a NumPy Generator."""
    if isinstance(random_state, np.random.Generator):
        return np.random.RandomState(random_state.integers(2**32, dtype=np.uint32))
    try:
        state: np.random.RandomState = check_random_state(random_state)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"random_state must be a seed, a RandomState, a Generator or None, got {shown(random_state)}") from error
    return state
