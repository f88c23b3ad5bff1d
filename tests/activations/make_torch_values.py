"""Records outputs of PyTorch's activations, as data for test_torch.py; run with a Python that has PyTorch 2.13.0.

Values and, by autograd, derivatives in float64 go to torch_values.npz under ``"case/what"``: of functions of one number at a row of places,
bends among them; of log_softmax the gradient of Σ a ⊙ d_a.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as f

PLACES = [-1e5, -20.0, -6.5, -3.0, -2.9, -1.25, -1.0, -0.75, 0.0, 0.3, 1.0, 2.0, 3.0, 5.9, 6.0, 25.0, 1e5]
CASES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "hard_swish": f.hardswish,
    "hard_sigmoid": f.hardsigmoid,
    "hard_tanh": f.hardtanh,
    "hard_tanh(-0.5, 2)": lambda z: f.hardtanh(z, -0.5, 2.0),
    "relu6": f.relu6,
    "softsign": f.softsign,
    "celu": f.celu,
    "celu(0.5)": lambda z: f.celu(z, 0.5),
    "silu(1.702)": lambda z: z * torch.sigmoid(1.702 * z),
    "log_softmax": lambda z: f.log_softmax(z, 1),
}


def recorded(phi: Callable[[torch.Tensor], torch.Tensor], z: np.ndarray, d_a: np.ndarray) -> dict[str, np.ndarray]:
    inputs = torch.tensor(z, requires_grad=True)
    a = phi(inputs)
    a.backward(torch.tensor(d_a))
    return {"z": z, "d_a": d_a, "a": a.detach().numpy(), "d_z": inputs.grad.numpy()}


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for name, phi in CASES.items():
        z = rng.normal(size=(5, 7)) * 3 if name == "log_softmax" else np.array([PLACES])
        d_a = rng.normal(size=z.shape) if name == "log_softmax" else np.ones_like(z)
        arrays |= {f"{name}/{what}": values for what, values in recorded(phi, z, d_a).items()}
    np.savez_compressed(Path(__file__).with_name("torch_values.npz"), **arrays)
