"""Compiled kernels are found where a component declares them; a missing one raises an error that helps."""

from __future__ import annotations

import pytest

from nncore.activations.relu import ReLU
from nncore.errors import PluginError
from nncore.plugin import Kernel


def test_a_kernel_that_is_there():
    assert "nncore.activation" in repr(ReLU.kernel.load())


@pytest.mark.parametrize(
    "target",
    ["nncore_no_such_module:kernel", "nncore.no_such_module:kernel", "nncore.plugin:no_such_kernel", "nncore.plugin", "nncore.plugin:"],
)
def test_a_kernel_that_cannot_be_loaded(target):
    with pytest.raises(PluginError, match=f"the compiled kernel '{target}' cannot be loaded: ") as caught:
        Kernel(target).load()
    assert isinstance(caught.value.__cause__, (ImportError, AttributeError))
