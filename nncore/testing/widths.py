"""Find numbers of columns that a component accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nncore.contract import Activation, Loss
from nncore.errors import ParameterError, ShapeError

#: How many numbers above the wanted one are tried.
_REACH = 1024


def outputs_for(loss: Loss, wanted: int) -> int:
    """The number of outputs nearest above `wanted` that the loss takes, else nearest below."""
    return _nearest(loss.n_targets, wanted, f"{loss!r} takes no number of outputs")


def columns_for(activation: Activation, wanted: int) -> int:
    """The number of columns nearest above `wanted` that the activation takes, else nearest below."""
    return _nearest(activation.check_columns, wanted, f"{activation!r} takes no number of columns")


def _nearest(check: Callable[[int], object], wanted: int, complaint: str) -> int:
    candidates: Iterable[int] = [*range(wanted, wanted + _REACH), *range(wanted - 1, 0, -1)]
    for n in candidates:
        try:
            check(n)
        except (ShapeError, ParameterError):
            continue
        return n
    raise AssertionError(f"{complaint} up to {wanted + _REACH}")
