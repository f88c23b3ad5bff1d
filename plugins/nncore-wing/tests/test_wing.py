"""The wing loss against nncore's conformance kit and values by hand, and the error of a package that is not compiled."""

from __future__ import annotations

import ctypes
import importlib
from typing import ClassVar

import numpy as np
import pytest
from nncore_wing.wing import Wing
from nncore_wing.wing_numpy import WingNumPy

import nncore as nn
from nncore.errors import ParameterError
from nncore.plugin import CALLS, rung
from nncore.testing import LossConformance

try:
    native = importlib.import_module("nncore_wing.native")
except ImportError:
    native = None

compiled = pytest.mark.skipif(native is None, reason="not compiled: pip install . with cargo at hand")

ARGUMENTS = [{}, {"width": 0.5, "curvature": 0.25}]


class TestWingNumPy(LossConformance):
    name = "nncore-wing/wing_numpy"
    arguments: ClassVar = ARGUMENTS


@compiled
class TestWing(LossConformance):
    name = "nncore-wing/wing"
    arguments: ClassVar = ARGUMENTS


@compiled
def test_the_structure_of_a_call_is_nncores() -> None:
    assert native is not None
    size_of_call = native._library.wing_size_of_call
    size_of_call.restype = ctypes.c_uint64
    assert size_of_call() == ctypes.sizeof(CALLS["loss"])


@compiled
def test_both_rungs_train_alike() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X @ rng.normal(size=(3, 2)) + rng.standard_t(2, size=(200, 2))
    curves = []
    for name in ("wing", "wing_numpy"):
        net = nn.Sequential(nn.Dense(2)).build(3, rng=0, dtype=np.float64)
        loss = {"name": name, "width": 2.0, "curvature": 0.5}
        curves.append(net.fit(X, y, loss=loss, optimizer=nn.Adam(lr=0.05), epochs=30, batch_size=25, rng=0, progress=False)["loss"])
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-12)
    assert curves[0][-1] < 0.8 * curves[0][0]
    assert [rung(nn.get("losses", name)) for name in ("wing", "wing_numpy")] == ["native", "numpy"]


@pytest.mark.parametrize("loss", [WingNumPy(2.0, 0.5), Wing(2.0, 0.5)])
def test_values_by_hand(loss: WingNumPy) -> None:
    output, target = np.array([[1.0, -3.0], [0.0, 2.0]]), np.zeros((2, 2))
    end = 2 * np.log(5)
    np.testing.assert_allclose(loss.forward(output, target), [2 * np.log(3) + 1 + end, end], rtol=1e-14)
    np.testing.assert_allclose(loss.backward(output, target), [[2 / 1.5, -1], [0, 1]], rtol=1e-14)


def test_hyperparameters_are_checked() -> None:
    with pytest.raises(ParameterError, match=r"Wing: width must be a number in \(0, inf\), got 0"):
        Wing(width=0)
