"""Records what pytabkit's preprocessing does, as data for test_pytabkit.py; run with a Python that has pytabkit when a case is added.

Every case is a chain of encodings of nncore, columns, and what the pieces of pytabkit make of them.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytabkit.models.data.data import DictDataset, TensorInfo
from pytabkit.models.nn_models.categorical import EncodingFactory, SingleOneHotFactory
from pytabkit.models.nn_models.models import smooth_clip_func
from pytabkit.models.nn_models.pipeline import MedianCenterFactory, RobustScaleFactory


def scaled(x: torch.Tensor) -> dict[str, list[list[float]]]:
    """Centred by the median, scaled robustly, and then clipped."""
    x = x.double()
    steps: dict[str, list[list[float]]] = {}
    for factory in (MedianCenterFactory(), RobustScaleFactory()):
        data = DictDataset({"x_cont": x}, {"x_cont": TensorInfo(feat_shape=[x.shape[1]])})
        x = factory.create(data.tensor_infos).fit(data).forward_tensors({"x_cont": x})["x_cont"]
    steps["robust"] = x.tolist()
    steps["smooth_clip"] = smooth_clip_func(x).tolist()
    return steps


def one_hot(codes: np.ndarray, n_levels: list[int]) -> torch.Tensor:
    """pytabkit's codes are ours plus 1: its 0 is a missing level."""
    x = torch.as_tensor(codes + 1)
    data = DictDataset(
        {"x_cat": x, "y": x[:, :1]}, {"x_cat": TensorInfo(cat_sizes=[count + 1 for count in n_levels]), "y": TensorInfo(cat_sizes=[0])}
    )
    layer = EncodingFactory(SingleOneHotFactory()).create(data.tensor_infos).fit(data)
    return layer.forward_tensors({"x_cat": x})["x_cont"]


def numbers() -> np.ndarray:
    rng = np.random.default_rng(0)
    n = 41
    return np.stack(
        [rng.normal(1e3, 2, n), rng.standard_cauchy(n), np.full(n, 3.5), (rng.random(n) < 0.1) * 4.0, rng.poisson(2, n) * 1.0], axis=1
    ).round(6)


def case(chain: list[Any], columns: np.ndarray, encoded: Any, n_levels: list[int] | None = None) -> dict[str, Any]:
    return {"chain": chain, "columns": columns.tolist(), "n_levels": n_levels, "encoded": encoded}


if __name__ == "__main__":
    x, levels = numbers(), [2, 3, 7]
    codes = np.random.default_rng(1).integers(-1, levels, (41, 3))
    steps, columns = scaled(torch.as_tensor(x)), one_hot(codes, levels)
    cases = [
        case(["robust"], x, steps["robust"]),
        case(["robust", "smooth_clip"], x, steps["smooth_clip"]),
        case(["one_hot"], codes, columns.tolist(), levels),
        case(["one_hot", "robust", "smooth_clip"], codes, scaled(columns)["smooth_clip"], levels),
    ]
    text = json.dumps({"pytabkit": importlib.metadata.version("pytabkit"), "cases": cases})
    Path(__file__).with_name("pytabkit.json").write_text(text.replace('{"chain"', '\n{"chain"') + "\n")
