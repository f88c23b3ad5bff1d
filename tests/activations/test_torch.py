"""Activations have the values and derivatives of PyTorch 2.13.0, recorded by make_torch_values.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncore.activations.celu import CELU
from nncore.activations.hard_sigmoid import HardSigmoid
from nncore.activations.hard_swish import HardSwish
from nncore.activations.hard_tanh import HardTanh
from nncore.activations.log_softmax import LogSoftmax
from nncore.activations.relu6 import ReLU6
from nncore.activations.silu import SiLU
from nncore.activations.softsign import Softsign
from nncore.plugin import Activation
from nncore.testing import numpy_twin
from nncore.testing.activations import Rung

VALUES = np.load(Path(__file__).with_name("torch_values.npz"))
CASES: dict[str, Activation] = {
    "hard_swish": HardSwish(),
    "hard_sigmoid": HardSigmoid(),
    "hard_tanh": HardTanh(),
    "hard_tanh(-0.5, 2)": HardTanh(-0.5, 2.0),
    "relu6": ReLU6(),
    "softsign": Softsign(),
    "celu": CELU(),
    "celu(0.5)": CELU(0.5),
    "silu(1.702)": SiLU(1.702),
    "log_softmax": LogSoftmax(),
}


def test_every_case_is_recorded() -> None:
    assert {key.partition("/")[0] for key in VALUES} == set(CASES)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_values_and_derivatives(case: str, compiled: bool) -> None:
    rung = Rung(CASES[case] if compiled else numpy_twin(CASES[case]))
    z, d_a = VALUES[f"{case}/z"], VALUES[f"{case}/d_a"]
    a = rung.forward(z)
    np.testing.assert_allclose(a, VALUES[f"{case}/a"], rtol=1e-14, atol=1e-15)
    rtol = 3e-8 if case == "hard_sigmoid" else 1e-13  # PyTorch's slope there is 1/6 in float32
    np.testing.assert_allclose(rung.backward(z, a, d_a), VALUES[f"{case}/d_z"], rtol=rtol, atol=2e-15)
