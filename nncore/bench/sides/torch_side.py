"""PyTorch: eager with fused Adam; ``torch-compile``: the forward pass and loss compiled; ``torch-script``: frozen, for prediction."""

# mypy: disable-error-code="import-not-found, import-untyped"
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from . import data

#: Steps timed together at most; no step of PyTorch's is short enough to need more.
N_STEPS = 256

_ACTIVATIONS = {
    "relu": torch.nn.ReLU,
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
    "gelu": torch.nn.GELU,
    "mish": torch.nn.Mish,
    "selu": torch.nn.SELU,
    "silu": torch.nn.SiLU,
    "elu": torch.nn.ELU,
}
_LOSSES = {"softmax_cross_entropy": torch.nn.functional.cross_entropy, "mse": torch.nn.functional.mse_loss}


class Side:
    def __init__(self, n_threads: int, flavour: str) -> None:
        torch.set_num_threads(n_threads)
        self.flavour = flavour
        self.versions = {"torch": torch.__version__}

    def training(self, task: dict[str, Any]) -> Callable[[], float]:
        X, y = map(torch.from_numpy, data.samples(task))
        model, loss, batch = _model(task), _LOSSES[task["loss"]], task["batch"]
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        n_steps = min(len(X) // batch, N_STEPS)

        def value(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return loss(model(inputs), targets)

        if self.flavour == "compile":
            value = torch.compile(value, dynamic=False)

        def run() -> float:
            order = torch.randperm(len(X))
            start = time.perf_counter()
            for i in range(0, n_steps * batch, batch):
                rows = order[i : i + batch]
                optimizer.zero_grad(set_to_none=True)
                value(X[rows], y[rows]).backward()
                optimizer.step()
            return (time.perf_counter() - start) / n_steps

        return run

    def prediction(self, task: dict[str, Any]) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
        X = torch.from_numpy(data.samples(task)[0])
        model = _model(task).eval()
        if self.flavour == "script":
            model = torch.jit.freeze(torch.jit.script(model))
        torch.inference_mode(True).__enter__()  # for good: a worker that predicts does nothing else
        return model, X

    def call(self, task: dict[str, Any]) -> tuple[Callable[[Any], object], Any]:
        X, y = map(torch.from_numpy, data.samples(task))
        predicts = task["call"].startswith("predict")
        torch.inference_mode(predicts).__enter__()  # until another call
        model = _model(task)
        if predicts:
            return model, X[:1]
        optimizer = torch.optim.Adam(model.parameters(), fused=True)

        def step(batch: tuple[torch.Tensor, torch.Tensor]) -> float:
            optimizer.zero_grad(set_to_none=True)
            loss = _LOSSES[task["loss"]](model(batch[0]), batch[1])
            loss.backward()
            optimizer.step()
            return float(loss)

        return step, (X, y)

    def product(self, task: dict[str, Any]) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
        weight, bias = map(torch.from_numpy, data.parameters(task)[0])
        return lambda x: torch.addmm(bias, x, weight), torch.from_numpy(data.samples(task)[0])


def _model(task: dict[str, Any]) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for weight, bias in data.parameters(task):
        linear = torch.nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, _ACTIVATIONS[task["activation"]]()]
    return torch.nn.Sequential(*layers[:-1])
