"""Every regularizer's compiled kernel against its NumPy methods, at the CPU level of this process (see test_levels.py)."""

from __future__ import annotations

import pytest

from nncore import registry
from nncore.plugin import Regularizer
from nncore.testing.regularizers import check_agreement, check_parts

#: Regularizers of matrix products, in which NumPy is faster than a loop.
IN_NUMPY = {"orthogonal"}
CLASSES = [registry.get("regularizers", name) for name in registry.names("regularizers") if name not in IN_NUMPY]
ALL = [cls(**arguments) for cls in CLASSES for arguments in cls.examples or ({},)]


@pytest.mark.parametrize("regularizer", ALL, ids=repr)
def test_agrees_with_numpy_and_in_parts(regularizer: Regularizer) -> None:
    assert regularizer.kernel is not None
    assert regularizer.kernel.never_fails
    check_agreement(regularizer)
    check_parts(regularizer)
