"""Records what the preprocessing of RealMLP and TabM does, as data for test_pytabkit.py; run with a Python that has pytabkit and
rtdl_num_embeddings when a case is added.

Every case is a chain of encodings of nncore, columns to learn from, columns to encode, and the outputs of the original packages.
"""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from typing import Any

import numpy as np
import rtdl_num_embeddings
import torch
from pytabkit.models.data.data import DictDataset, TensorInfo
from pytabkit.models.nn_models.categorical import EncodingFactory, SingleOneHotFactory
from pytabkit.models.nn_models.models import smooth_clip_func
from pytabkit.models.nn_models.pipeline import MedianCenterFactory, RobustScaleFactory
from pytabkit.models.utils import TabrQuantileTransformer


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


def quantile_normal(x: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers with the noise of TabM's transformer, and its output for other numbers after learning from them."""
    transformer = TabrQuantileTransformer(random_state=0)
    return transformer._add_noise(x), transformer.fit(x).transform(others)


def piecewise_linear(x: np.ndarray, others: np.ndarray, n_bins: int) -> list[list[float]]:
    """The authors' code puts the last bin of every column at the end, after zeros."""
    bins = rtdl_num_embeddings.compute_bins(torch.as_tensor(x), n_bins)
    encoded = rtdl_num_embeddings._PiecewiseLinearEncodingImpl(bins)(torch.as_tensor(others))
    counts = [len(edges) - 1 for edges in bins]
    return torch.cat([part for k, n in enumerate(counts) for part in (encoded[:, k, : n - 1], encoded[:, k, -1:])], 1).tolist()


def case(
    chain: list[Any], columns: np.ndarray, encoded: Any, n_levels: list[int] | None = None, others: np.ndarray | None = None
) -> dict[str, Any]:
    others = columns if others is None else others
    return {"chain": chain, "columns": columns.tolist(), "others": others.tolist(), "n_levels": n_levels, "encoded": encoded}


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    x, levels = numbers(), [2, 3, 7]
    codes = np.random.default_rng(1).integers(-1, levels, (41, 3))
    steps, columns = scaled(torch.as_tensor(x)), one_hot(codes, levels)
    cases = [
        case(["robust"], x, steps["robust"]),
        case(["robust", "smooth_clip"], x, steps["smooth_clip"]),
        case(["one_hot"], codes, columns.tolist(), levels),
        case(["one_hot", "robust", "smooth_clip"], codes, scaled(columns)["smooth_clip"], levels),
    ]
    varied = x[:, [0, 1, 3, 4]]
    others = np.random.default_rng(2).normal(varied.mean(axis=0), 2 * varied.std(axis=0), (9, 4)).round(3)
    for columns in (varied, np.random.default_rng(3).gamma(1, 100, (700, 2)).round(1)):
        some = others[:, : columns.shape[1]]
        noisy, encoded = quantile_normal(columns, some)
        cases.append(case([{"name": "quantile_normal", "noise": 0}], noisy, encoded.tolist(), others=some))
    for n in (2, 8, 40):
        cases.append(case([{"name": "piecewise_linear", "n_bins": n}], varied, piecewise_linear(varied, others, n), others=others))
    text = json.dumps({name: importlib.metadata.version(name) for name in ("pytabkit", "rtdl_num_embeddings")} | {"cases": cases})
    Path(__file__).with_name("pytabkit.json").write_text(text.replace('{"chain"', '\n{"chain"') + "\n")
