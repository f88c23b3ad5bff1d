"""Writes graphs of ONNX, with samples and the predictions of their source, for test_onnx.py.

Run with a Python that has torch 2.13, skl2onnx 1.20, onnxscript and what tests need; the files are the exporters' own.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn as T

ACTIVATIONS = [T.ReLU(), T.LeakyReLU(0.2), T.ELU(0.7), T.SELU(), T.GELU(), T.Sigmoid(), T.SiLU(), T.Mish(), T.Softplus(), T.PReLU(6)]


class Blocks(T.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = T.Linear(4, 4), T.LayerNorm(8), T.Linear(8, 2)
        self.block = T.Sequential(T.Linear(4, 4), T.ReLU(), T.BatchNorm1d(4))

    def forward(self, x: Any) -> Any:
        x = F.relu(self.first(x))
        x = x + self.block(x)
        x = F.gelu(self.norm(torch.cat([x, torch.tanh(self.first(x))], dim=1)))
        return F.softmax(self.last(x.view(x.size(0), -1)), dim=1)


def modules() -> dict[str, tuple[Any, tuple[int, ...]]]:
    chain = [layer for activation in ACTIVATIONS for layer in (T.Linear(6, 6), activation)]
    return {
        "blocks": (Blocks(), (4,)),
        "activations": (T.Sequential(T.Flatten(), T.Linear(12, 6), *chain, T.BatchNorm1d(6), T.Dropout(0.4), T.Linear(6, 3)), (3, 4)),
        "embedding": (T.Sequential(T.Embedding(5, 3), T.Flatten(), T.Linear(6, 2)), (2,)),
    }


def of_torch(name: str, module: Any, shape: tuple[int, ...], version: str, dtype: Any) -> dict[str, Any]:
    module = module.to(dtype).eval()
    X = torch.randint(0, 5, (9, *shape)) if name == "embedding" else torch.randn((9, *shape), dtype=dtype)
    stream = io.BytesIO()
    if version == "scripted":
        how: dict[str, Any] = {"dynamo": False, "input_names": ["x"], "dynamic_axes": {"x": {0: "n"}}}
    else:
        how = {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("n")},), "verbose": False}
    torch.onnx.export(module, (X,), stream, **how)
    return {"model": stream.getvalue(), "X": X.numpy(), "y": module(X).detach().numpy()}


def of_scikit_learn() -> dict[str, dict[str, Any]]:
    rng, made = np.random.default_rng(0), {}
    X = rng.normal(size=(60, 4)).astype("float32")
    targets = {"classes": rng.integers(0, 3, 60), "two classes": X[:, 0] > 0}
    how: dict[str, Any] = {"max_iter": 5, "random_state": 0}
    for name, y in targets.items():
        model = make_pipeline(StandardScaler(), MLPClassifier((5,), "tanh", **how)).fit(X, y)
        made[f"skl2onnx, {name}"] = {"model": to_onnx(model, X[:1]).SerializeToString(), "X": X, "y": model.predict_proba(X)}
    for name, target in {"a target": X[:, 0]}.items():
        model = MLPRegressor(hidden_layer_sizes=(5,), activation="logistic", **how).fit(X, target)
        made[f"skl2onnx, {name}"] = {"model": to_onnx(model, X[:1]).SerializeToString(), "X": X, "y": model.predict(X).reshape(len(X), -1)}
    return made


def main() -> None:
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    made = of_scikit_learn()
    for name, (module, shape) in modules().items():
        for part in module.modules():
            if isinstance(part, T.BatchNorm1d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
        for version in ("scripted", "exported"):
            made[f"torch {version}, {name}"] = of_torch(name, module, shape, version, torch.float32)
    made["torch scripted, float64"] = of_torch("blocks", Blocks(), (4,), "scripted", torch.float64)
    arrays = {
        f"{name}/{key}": np.frombuffer(value, np.uint8) if key == "model" else value
        for name, case in made.items()
        for key, value in case.items()
    }
    np.savez_compressed(Path(__file__).parent / "onnx_models.npz", **arrays)


if __name__ == "__main__":
    main()
