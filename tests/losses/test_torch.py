"""Values and gradients of torch's losses in float64, recorded by make_torch_values.py."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from manifest import classes

from nncore.plugin import Loss
from nncore.testing import numpy_twin
from nncore.testing.losses import Rung

DATA = np.load(Path(__file__).with_name("torch_values.npz"))
CASES = [key.removesuffix("/loss") for key in DATA if key.endswith("/loss")]


def made(case: str) -> Loss:
    described = json.loads(str(DATA[f"{case}/loss"]))
    return classes("losses")[described.pop("name")](**described)


@pytest.mark.parametrize("native", [False, True], ids=["numpy", "native"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_value_and_gradient(case: str, dtype: type, native: bool) -> None:
    loss, target = made(case), DATA[f"{case}/target"]
    rung = Rung(loss if native else numpy_twin(loss))
    output = DATA[f"{case}/output"].astype(dtype)
    weight = np.ones(len(output), dtype) / (len(output) if loss.needs_batch else 1)
    value, d_output = rung(output, target.astype(dtype) if target.dtype.kind == "f" else target, weight)
    d_output /= weight[:, None]
    # A few roundings of terms as large as the largest.
    for ours, theirs in ((value, DATA[f"{case}/value"]), (d_output, DATA[f"{case}/d_output"])):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=16 * np.finfo(dtype).eps * max(1, np.abs(theirs).max()))
    assert np.abs(d_output).max() > 0.01, "a gradient of zero would prove nothing"
