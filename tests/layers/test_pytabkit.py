"""RealMLP's layers have the values and gradients of pytabkit 1.8.0, recorded by make_pytabkit_values.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore.contract import Layer
from nncore.testing import numpy_twin
from nncore.testing.layer_calls import Call

VALUES = np.load(Path(__file__).with_name("pytabkit_values.npz"))
#: Our layer, and the names of its tensors.
CASES: dict[str, tuple[Layer, list[str]]] = {
    "pbld": (nn.PeriodicEmbedding(), ["frequency", "phase", "weight", "bias"]),
    "scale": (nn.Scale(), ["scale"]),
    "selu": (nn.ParametricActivation("selu"), ["alpha"]),
    "mish": (nn.ParametricActivation("mish"), ["alpha"]),
}


def in_our_order(case: str, y: np.ndarray) -> np.ndarray:
    """Columns in our order; pytabkit puts them after the periodic features."""
    n = VALUES[f"{case}/x"].shape[1]
    return np.hstack([y[:, -n:], y[:, :-n]]) if case == "pbld" else y


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case: str, compiled: bool) -> None:
    layer, names = CASES[case]
    parameters = np.concatenate([VALUES[f"{case}/{name}"].ravel() for name in names])
    d_parameters = np.concatenate([VALUES[f"{case}/d_{name}"].ravel() for name in names])
    call = Call(layer if compiled else numpy_twin(layer), VALUES[f"{case}/x"], parameters, np.zeros(0))
    np.testing.assert_allclose(call.forward(), in_our_order(case, VALUES[f"{case}/y"]), rtol=1e-12, atol=1e-13)
    actual_d_x, actual_d_parameters = call.backward(in_our_order(case, VALUES[f"{case}/d_y"]))
    np.testing.assert_allclose(actual_d_x, VALUES[f"{case}/d_x"], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(actual_d_parameters, d_parameters, rtol=1e-11, atol=1e-12)
