"""Records what layers of PyTorch give, as data for test_torch.py; run with a Python that has PyTorch 2.13.0.

Inputs and outputs of 9 samples in float64, parameters, and the gradients of Σ y ⊙ d_y by autograd, go to torch_values.npz under
``"case/what"``. Layers that PyTorch lacks are written with its functions. For alpha dropout the dropped inputs are recorded, too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as f

N_ROWS, N = 9, 6
RATE = 0.3
Function = Callable[..., torch.Tensor]


def gated(phi: Function) -> Function:
    return lambda x: x[:, : N // 2] * phi(x[:, N // 2 :])


def doubled(phi: Function) -> Function:
    """A dense layer of twice the width, (x V + c) φ(x W + b), with V and W side by side."""
    return lambda x, weight, bias: gated(phi)(x @ weight + bias)


#: A function of x and parameters, and the shapes of these.
CASES: dict[str, tuple[Function, dict[str, tuple[int, ...]]]] = {
    "rms_norm": (lambda x, gamma: f.rms_norm(x, (N,), gamma, 1e-3), {"gamma": (N,)}),
    "prelu": (f.prelu, {"slope": (N,)}),
    "glu": (lambda x: f.glu(x, 1), {}),
    "geglu": (gated(f.gelu), {}),
    "maxout": (lambda x: x.reshape(N_ROWS, N // 3, 3).amax(2), {}),
    "swiglu": (doubled(f.silu), {"weight": (4, N), "bias": (N,)}),
    "multiplicative_interaction": (doubled(lambda z: z), {"weight": (4, N), "bias": (N,)}),
}


def recorded(function: Function, shapes: dict[str, tuple[int, ...]], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Inputs, outputs and gradients of one call by names, gradients as ``d_<name>``."""
    given = {"x": rng.normal(size=(N_ROWS, shapes.get("weight", (N,))[0]))}
    given |= {name: rng.normal(size=shape) for name, shape in shapes.items()}
    tensors = {name: torch.tensor(values, requires_grad=True) for name, values in given.items()}
    y = function(*tensors.values())
    d_y = rng.normal(size=tuple(y.shape))
    y.backward(torch.tensor(d_y))
    return given | {f"d_{name}": tensor.grad.numpy() for name, tensor in tensors.items()} | {"y": y.detach().numpy(), "d_y": d_y}


def alpha_dropout(rng: np.random.Generator) -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    x = rng.normal(size=(N_ROWS, N))
    y = f.alpha_dropout(torch.tensor(x), RATE, training=True).numpy()
    return {"x": x, "y": y, "is_dropped": dropped(y)}


def dropped(y: np.ndarray) -> np.ndarray:
    """Places of the only value that occurs more than once."""
    values, counts = np.unique(y.round(12), return_counts=True)
    return y.round(12) == values[counts.argmax()]


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    results = {name: recorded(*case, rng) for name, case in CASES.items()} | {"alpha_dropout": alpha_dropout(rng)}
    arrays = {f"{case}/{what}": values for case, values_of in results.items() for what, values in values_of.items()}
    np.savez_compressed(Path(__file__).with_name("torch_values.npz"), **arrays)
