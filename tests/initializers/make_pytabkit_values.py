"""Records pytabkit's initial values «std» and «he+5» for test_data_hull.py; run with a Python that has pytabkit 1.8.0.

Samples and Gaussian numbers for a weight go through its `WeightFitter` and `BiasFitter`; the rows and shares that those draw are caught.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from pytabkit.models.data.data import DictDataset, TensorInfo
from pytabkit.models.nn_models.nn import BiasFitter, WeightFitter

N_ROWS, N_INPUTS, N_OUTPUTS = 40, 6, 8


def main() -> None:
    torch.manual_seed(0)
    x = torch.randn(N_ROWS, N_INPUTS) * torch.tensor([1.0, 2.0, 0.1, 5.0, 1.0, 1.0]) + torch.tensor([0.0, 1.0, -3.0, 0.0, 2.0, 0.0])
    data = DictDataset({"x_cont": x}, {"x_cont": TensorInfo(feat_shape=[N_INPUTS])})
    torch.manual_seed(1)
    sample = torch.randn(N_INPUTS, N_OUTPUTS)  # what the fitter draws first
    torch.manual_seed(1)
    layer, data = WeightFitter(N_OUTPUTS, weight_param="ntk", weight_init_mode="std").fit_transform(data)
    state = torch.get_rng_state()
    rows = torch.randint(0, N_ROWS, size=(N_OUTPUTS, 5))  # what the other one draws
    shares = torch.distributions.Exponential(1.0).sample((N_OUTPUTS, 5))
    torch.set_rng_state(state)
    bias, _ = BiasFitter(bias_init_mode="he+5").fit_transform(data)
    arrays = {
        "x": x, "sample": sample, "weight": layer.weight, "bias": bias.bias[0], "rows": rows, "shares": shares / shares.sum(dim=1)[:, None],
    }  # fmt: skip
    found = {name: tensor.detach().numpy() for name, tensor in arrays.items()}
    np.savez_compressed(Path(__file__).with_name("pytabkit_values.npz"), pytabkit_version=np.array(version("pytabkit")), **found)


if __name__ == "__main__":
    main()
