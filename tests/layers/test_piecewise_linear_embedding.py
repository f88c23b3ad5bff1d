"""Piecewise linear embeddings, against rtdl_num_embeddings 0.0.12 (version "B")."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.inspection import NumPyBuilder, formula
from nncore.testing import LayerConformance, numpy_twin, team_of

DATA = np.load(Path(__file__).with_name("tabm_values.npz"))
BINS = [DATA[f"ple/bins/{k}"].tolist() for k in range(3)]  # six bins, four, and one


class TestSomeColumns(LayerConformance):
    name = "piecewise_linear_embedding"
    arguments: ClassVar = [
        {"bins": [[-0.5, 0.1, 0.2, 1.0], [0.0, 1.0]], "n_outputs": 3, "columns": [2, 0]},
        {"bins": [[-1.0, 0.0, 0.5], [-2, 2], [0, 1.0], [0.0, 1, 2, 3]], "columns": [0, 1, 3, 2]},
    ]
    input_shapes = ((4,), (7,), (9,))


class TestAllColumns(LayerConformance):
    name = "piecewise_linear_embedding"
    arguments: ClassVar = [{"bins": [[-1.0, 0.0, 0.5], [-2, 2], [0.0, 1, 2, 3]]}]
    input_shapes = ((3,),)


def as_here(V: np.ndarray) -> np.ndarray:
    """V with the last bin of a column behind its other bins; there it is the last of all rows."""
    found = np.zeros_like(V)
    for k, edges in enumerate(BINS):
        n_bins = len(edges) - 1
        found[k, : n_bins - 1], found[k, n_bins - 1] = V[k, : n_bins - 1], V[k, -1]
    return found


@pytest.mark.parametrize("is_native", [False, True], ids=["numpy", "native"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rtdl(dtype: str, is_native: bool) -> None:
    layer = nn.PiecewiseLinearEmbedding(BINS, 4)
    net = nn.Sequential(layer if is_native else numpy_twin(layer)).build(3, loss="mse", optimizer="sgd", rng=0, dtype=dtype)
    theirs = {"weight": "linear0.weight", "bias": "linear0.bias", "bin_weight": "linear.weight"}
    values = {name: DATA[f"ple/parameter/{other}"] for name, other in theirs.items()}
    gradients = {name: DATA[f"ple/gradient/{other}"] for name, other in theirs.items()}
    for name, view in net.named_parameters().items():
        tensor = name.rpartition(".")[2]
        view[...] = as_here(values[tensor]) if tensor == "bin_weight" else values[tensor]
    x, tolerance = DATA["ple/x"], {"rtol": 0, "atol": 200 * np.finfo(dtype).eps}
    expected = DATA["ple/output"].reshape(16, 12)
    np.testing.assert_allclose(net.forward(x, training=True), expected, **tolerance)
    np.testing.assert_allclose(formula(net, NumPyBuilder(dtype), x), expected, **tolerance)
    net.backward(d_output=DATA["ple/d_output"].reshape(16, 12))
    for name, gradient in net.named_gradients().items():
        tensor = name.rpartition(".")[2]
        wanted = as_here(gradients[tensor]) if tensor == "bin_weight" else gradients[tensor]
        np.testing.assert_allclose(gradient, wanted, **tolerance, err_msg=name)
    np.testing.assert_allclose(net.d_input[8:], DATA["ple/d_x"][8:], **tolerance)  # before that are edges, where there is no derivative


def test_first_it_is_a_line_for_each_column() -> None:
    net = nn.Sequential(nn.PiecewiseLinearEmbedding([[0.0, 0.5, 1.0]], 16, columns=[1])).build(3, rng=0)
    values = net.named_parameters()
    assert not values["piecewise_linear_embedding_1.bin_weight"].any()
    for name in ("weight", "bias"):
        largest = np.abs(values[f"piecewise_linear_embedding_1.{name}"]).max()
        assert 0.15 < largest <= 0.25
    x = np.array([[3.0, 0.2, 4.0]])
    np.testing.assert_array_equal(net.predict(x)[0, :2], [3, 4])
    assert net.output_shape == (18,)


def test_training_bends_it_alike_on_any_number_of_threads(tmp_path: Path) -> None:
    rng, ends = np.random.default_rng(0), []
    X = rng.normal(size=(300, 2)).astype(np.float32)
    y = np.abs(X[:, :1]) + X[:, 1:] ** 2
    bins = [np.unique(np.quantile(x, np.linspace(0, 1, 13))).tolist() for x in X.T]
    for n_parts in (1, 2, 3):
        net = nn.Sequential(nn.PiecewiseLinearEmbedding(bins, 4), nn.Dense(1))
        with team_of(n_parts):
            net.fit(X, y, loss="mse", optimizer=nn.Adam(lr=0.03), epochs=30, batch_size=50, rng=0, progress=False)
        ends.append(net.parameters.tobytes())
    assert len(set(ends)) == 1
    assert net.evaluate(X, y)["loss"] < 0.05 * y.var(), "a line would leave nearly all of it"
    net.save(tmp_path / "net.nncore")
    np.testing.assert_array_equal(nn.load(tmp_path / "net.nncore").predict(X), net.predict(X))


@pytest.mark.parametrize("bins", [[], None, [[1.0]], [[1.0, 1.0]], [[2, 1]], [[0, np.inf]], [0, 1], ["ab"], [[0, None]]], ids=str)
def test_bins_that_do_not_ascend_are_refused(bins: Any) -> None:
    with pytest.raises(ParameterError, match="ascending, finite edges"):
        nn.PiecewiseLinearEmbedding(bins)


def test_other_columns_are_refused() -> None:
    with pytest.raises(ParameterError, match="bins for 1 columns, and columns"):
        nn.PiecewiseLinearEmbedding([[0, 1]], columns=[0, 1])
    with pytest.raises(ShapeError, match="bins for 1 columns, each sample has 3"):
        nn.PiecewiseLinearEmbedding([[0, 1]]).plan((3,))
