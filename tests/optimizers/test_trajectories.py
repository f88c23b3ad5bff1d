"""Trajectories of torch.optim and optax, recorded by make_torch_trajectories.py and make_optax_trajectories.py: 150 steps in float64 on an
ill-conditioned function."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from manifest import classes

from nncore.plugin import Optimizer, TensorSpan
from nncore.testing.stepping import native_step, numpy_step, zeros

DATA = {
    key: array for library in ("torch", "optax") for key, array in np.load(Path(__file__).with_name(f"{library}_trajectories.npz")).items()
}
CASES = [key.removesuffix("/optimizer") for key in DATA if key.endswith("/optimizer")]
OPTIMIZERS = classes("optimizers")


def made(case: str) -> Optimizer:
    described = json.loads(str(DATA[f"{case}/optimizer"]))
    return OPTIMIZERS[described.pop("name")](**described)


def test_every_optimizer_that_they_have_is_recorded() -> None:
    recorded = {type(made(case)) for case in CASES}
    assert recorded == {cls for name, cls in OPTIMIZERS.items() if name not in ("block_coordinate", "lookahead", "sam")}


@pytest.mark.parametrize("native", [False, True], ids=["numpy", "native"])
@pytest.mark.parametrize("case", CASES)
def test_trajectory(case: str, native: bool) -> None:
    optimizer, path, gradients = made(case), DATA[f"{case}/w"], DATA[f"{case}/g"]
    assert len(gradients) >= 100
    w = path[0].copy()
    rows, columns = np.atleast_2d(w).shape
    tensors = [TensorSpan("dense_1.weight", "weight", 0, 0, rows, columns)]
    state = zeros(optimizer, w.size, np.float64, tensors)
    ours, evaluated = [w.copy()], []
    for t, g in enumerate(gradients, start=1):
        (native_step if native else numpy_step)(optimizer, w.reshape(-1), g.reshape(-1), state, t, tensors)
        ours.append(w.copy())
        if optimizer.has_evaluation:
            evaluated.append(np.empty_like(w))
            optimizer.evaluation(w, state[0], evaluated[-1])
    # One rounding of w, at most 4 in size, and a few of the step in every one of the 150 steps.
    np.testing.assert_allclose(ours, path, rtol=0, atol=150 * 4 * 4 * np.finfo(np.float64).eps)
    if optimizer.has_evaluation:
        np.testing.assert_allclose(evaluated, DATA[f"{case}/x"], rtol=0, atol=150 * 4 * 4 * np.finfo(np.float64).eps)
    moved = np.abs(np.diff(path, axis=0)).reshape(len(gradients), -1).max(axis=1)
    assert (moved > 1e-9).all(), "the trajectory must move"
