"""Records outputs of the layers of pytabkit's RealMLP, as data for test_pytabkit.py; run with a Python that has pytabkit 1.8.0 and PyTorch.

Inputs and outputs of 9 samples in float64, parameters, and the gradients of Σ y ⊙ d_y by torch's autograd, go to pytabkit_values.npz under
``"case/what"``. pytabkit keeps the parameters of n columns as (n, 1, k), and puts what PBLD makes of all columns before the columns.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pytabkit.models.nn_models.activations import ParametricActivationLayer, mish
from pytabkit.models.nn_models.base import ScaleLayer, Variable
from pytabkit.models.nn_models.nn import PLREmbeddingsLayerCosBias

N_ROWS, N_COLUMNS, N_FREQUENCIES, N_OUTPUTS = 9, 4, 16, 3
rng = np.random.default_rng(15)


def variable(values: np.ndarray) -> Variable:
    return Variable(torch.tensor(values), trainable=True)


def normal(*shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def recorded(layer: torch.nn.Module, x: np.ndarray, parameters: dict[str, torch.Tensor], results: dict[str, np.ndarray]) -> None:
    """Inputs, outputs and gradients of one call by names, gradients as ``d_<name>``."""
    inputs = torch.tensor(x, requires_grad=True)
    y = layer.forward_cont(inputs)
    d_y = normal(*y.shape)
    y.backward(torch.tensor(d_y))
    results |= {"x": x, "y": y.detach().numpy(), "d_y": d_y, "d_x": inputs.grad.numpy()}
    for name, parameter in parameters.items():
        results |= {name: parameter.detach().numpy(), f"d_{name}": parameter.grad.numpy()}


def pbld(results: dict[str, np.ndarray]) -> None:
    frequency, phase = variable(normal(N_COLUMNS, 1, N_FREQUENCIES)), variable(normal(N_COLUMNS, 1, N_FREQUENCIES))
    weight, bias = variable(normal(N_COLUMNS, N_FREQUENCIES, N_OUTPUTS)), variable(normal(N_COLUMNS, 1, N_OUTPUTS))
    layer = PLREmbeddingsLayerCosBias(None, frequency, phase, weight, bias, plr_act_name="linear", plr_use_densenet=True)
    parameters = {"frequency": frequency, "phase": phase, "weight": weight, "bias": bias}
    recorded(layer, normal(N_ROWS, N_COLUMNS), parameters, results)


def scale(results: dict[str, np.ndarray]) -> None:
    factors = variable(normal(1, N_COLUMNS))
    recorded(ScaleLayer(factors), normal(N_ROWS, N_COLUMNS), {"scale": factors}, results)


def parametric(f: object, results: dict[str, np.ndarray]) -> None:
    alpha = variable(normal(1, N_COLUMNS))
    recorded(ParametricActivationLayer(f, alpha), normal(N_ROWS, N_COLUMNS), {"alpha": alpha}, results)


if __name__ == "__main__":
    cases: dict[str, dict[str, np.ndarray]] = {"pbld": {}, "scale": {}, "selu": {}, "mish": {}}
    pbld(cases["pbld"])
    scale(cases["scale"])
    parametric(torch.selu, cases["selu"])
    parametric(mish, cases["mish"])
    arrays = {f"{case}/{what}": values for case, results in cases.items() for what, values in results.items()}
    np.savez_compressed(Path(__file__).with_name("pytabkit_values.npz"), **arrays)
