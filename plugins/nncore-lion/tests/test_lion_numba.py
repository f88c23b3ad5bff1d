"""The numba rung where numba is installed, and the message where it is not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

import nncore as nn
from nncore.plugin import rung
from nncore.testing import OptimizerConformance

HAS_NUMBA = importlib.util.find_spec("numba") is not None
needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="numba is not installed")


@needs_numba
class TestLionNumba(OptimizerConformance):
    name = "nncore-lion/lion_numba"


@needs_numba
def test_both_rungs_give_the_same_bits() -> None:
    """Both rungs give the same bits: numba fuses no multiplication with an addition, so every rounding is NumPy's."""
    from nncore.testing.tables import optimizer

    lion = nn.get("optimizers", "nncore-lion/lion")(lr=0.01, beta1=0.8, beta2=0.95, weight_decay=0.1)
    table = optimizer(nn.get("optimizers", "lion_numba").kernel.load())
    hyper = np.array(lion.hyper())
    for dtype, step in ((np.float32, table.step_f32), (np.float64, table.step_f64)):
        rng = np.random.default_rng(1)
        w, state = rng.normal(size=1023).astype(dtype), np.zeros((1, 1023), dtype)
        w_numba, state_numba = w.copy(), state.copy()
        for t in range(1, 31):
            g = rng.normal(size=1023).astype(dtype)
            g[::7] = 0
            lion.step(w, g, state, t)
            step.must(w=w_numba, g=g, state=state_numba, n=1023, stride=1023, t=t, hyper=hyper)
        np.testing.assert_array_equal(w_numba, w)
        np.testing.assert_array_equal(state_numba, state)


@needs_numba
def test_a_nan_is_not_hidden() -> None:
    from nncore.testing.tables import optimizer

    table = optimizer(nn.get("optimizers", "lion_numba").kernel.load())
    w, state = np.ones(2), np.zeros((1, 2))
    table.step_f64.must(w=w, g=np.array([np.nan, 1.0]), state=state, n=2, stride=2, t=1, hyper=np.array([0.1, 0.9, 0.99, 0.0]))
    np.testing.assert_array_equal(np.isnan(w), [True, False])


@needs_numba
def test_the_rung_is_reported() -> None:
    assert rung(nn.get("optimizers", "nncore-lion/lion")) == "numpy"
    assert rung(nn.get("optimizers", "lion_numba")) == "numba"


def test_without_numba_the_extra_is_named() -> None:
    code = """
import sys
sys.modules["numba"] = None  # as if it were not installed
import nncore as nn
nn.get("optimizers", "nncore-lion/lion")
try:
    nn.get("optimizers", "lion_numba")
except nn.errors.MissingExtraError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == 'lion_numba needs numba: pip install "nncore-lion[numba]"'
