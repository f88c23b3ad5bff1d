"""NumPy versions of compiled components."""

from __future__ import annotations

import copy
from typing import TypeVar

from nncore.contract import Configurable
from nncore.words import explains_calls

C = TypeVar("C", bound=Configurable)


@explains_calls
def numpy_twin(component: C) -> C:
    """A copy without compiled kernel, which runs in NumPy, to compare the kernel with."""
    twin = copy.copy(component)
    twin.__class__ = type(f"NumPy{type(component).__name__}", (type(component),), {"kernel": None})
    return twin
