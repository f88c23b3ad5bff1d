"""Every constraint's compiled kernel against its NumPy methods, at the CPU level of this process (see test_levels.py)."""

from __future__ import annotations

import pytest

from nncore import registry
from nncore.plugin import Constraint
from nncore.testing.constraints import check_agreement, check_parts

CLASSES = [registry.get("constraints", name) for name in registry.names("constraints")]
ALL = [cls(**arguments) for cls in CLASSES for arguments in cls.examples or ({},)]


@pytest.mark.parametrize("constraint", ALL, ids=repr)
def test_agrees_with_numpy_and_in_parts(constraint: Constraint) -> None:
    assert constraint.kernel is not None
    assert constraint.kernel.never_fails
    check_agreement(constraint)
    check_parts(constraint)
