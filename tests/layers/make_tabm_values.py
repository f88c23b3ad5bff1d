"""Records what tabm 0.0.3 and rtdl_num_embeddings 0.0.12 compute in float64; run with a Python that has them and PyTorch.

All parameters are random, including those initialised with zeros and ones.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import rtdl_num_embeddings
import tabm
import torch

ROWS, INPUTS, MEMBERS, CLASSES = 6, 5, 3, 4


def network(kind: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The backbone of TabM, followed by an output layer for each member."""
    backbone = tabm.make_tabm_backbone(
        d_in=INPUTS, n_blocks=2, d_block=7, dropout=0.0, activation="ReLU", k=MEMBERS, arch_type=kind,
        start_scaling_init="random-signs", start_scaling_init_chunks=[1, 2, 2],
    )  # fmt: skip
    return backbone, tabm.LinearEnsemble(7, CLASSES, k=MEMBERS)


def randomize(module: torch.nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()


def record() -> dict[str, np.ndarray]:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    values: dict[str, np.ndarray] = {}
    x, y = torch.randn(ROWS, INPUTS), torch.randint(CLASSES, (ROWS,))
    values["x"], values["y"] = x.numpy(), y.numpy()
    for kind in ("tabm", "tabm-mini"):
        model = torch.nn.Sequential(tabm.EnsembleView(k=MEMBERS), *network(kind))
        randomize(model)
        output = model(x)  # (rows, members, classes)
        loss = torch.nn.functional.cross_entropy(output.flatten(0, 1), y.repeat_interleave(MEMBERS))
        loss.backward()
        values[f"{kind}/output"], values[f"{kind}/loss"] = output.detach().numpy(), loss.detach().numpy()
        values[f"{kind}/probabilities"] = output.softmax(-1).mean(1).detach().numpy()
        for name, parameter in model.named_parameters():
            values[f"{kind}/parameter/{name}"], values[f"{kind}/gradient/{name}"] = parameter.detach().numpy(), parameter.grad.numpy()
    data = torch.randn(40, 3)
    data[:, 1] = data[:, 1].round()  # few different values: fewer bins
    data[:, 2] = (data[:, 2] > 0).to(data)  # one bin
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bins = rtdl_num_embeddings.compute_bins(data, n_bins=6)
        embeddings = rtdl_num_embeddings.PiecewiseLinearEmbeddings(bins, 4, activation=False, version="B")
    randomize(embeddings)
    x = torch.cat([data[:8], 3 * torch.randn(8, 3)]).requires_grad_()  # also outside of all bins
    output, d_output = embeddings(x), torch.randn(16, 3, 4)
    output.backward(d_output)
    values |= {
        "ple/data": data.numpy(),
        "ple/x": x.detach().numpy(),
        "ple/output": output.detach().numpy(),
        "ple/d_output": d_output.numpy(),
    }
    values |= {f"ple/bins/{i}": edges.numpy() for i, edges in enumerate(bins)}
    for name, parameter in embeddings.named_parameters():
        values[f"ple/parameter/{name}"], values[f"ple/gradient/{name}"] = parameter.detach().numpy(), parameter.grad.numpy()
    values["ple/d_x"] = x.grad.numpy()
    return values


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_name("tabm_values.npz"), **record())
