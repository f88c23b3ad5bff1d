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
    """V with the last bin of each column behind the column's other bins; recorded values have it last of all rows."""
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
    np.testing.assert_allclose(net.d_input[8:], DATA["ple/d_x"][8:], **tolerance)  # in front of it are edges, without a derivative


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
    assert net.evaluate(X, y)["loss"] < 0.05 * y.var(), "a straight line would leave nearly all of the error"
    net.save(tmp_path / "net.nncore")
    np.testing.assert_array_equal(nn.load(tmp_path / "net.nncore").predict(X), net.predict(X))


@pytest.mark.parametrize("bins", [[], None, [[1.0]], [[1.0, 1.0]], [[2, 1]], [[0, np.inf]], [0, 1], ["ab"], [[0, None]]], ids=str)
def test_bins_that_do_not_ascend_are_refused(bins: Any) -> None:
    with pytest.raises(ParameterError, match="ascending, finite edges"):
        nn.PiecewiseLinearEmbedding(bins)


def test_other_columns_are_refused() -> None:
    with pytest.raises(ParameterError, match="bins are for 1 columns, but columns"):
        nn.PiecewiseLinearEmbedding([[0, 1]], columns=[0, 1])
    with pytest.raises(ShapeError, match="bins are for 1 columns, and samples have 3"):
        nn.PiecewiseLinearEmbedding([[0, 1]]).plan((3,))


class Oracle:
    """The definition in float64, bin by bin, with sums of absolute values for the tolerance."""

    def __init__(self, bins: list[list[float]], values: dict[str, np.ndarray], x: np.ndarray, d_y: np.ndarray) -> None:
        v, c, V = (values[name].astype(np.float64) for name in ("weight", "bias", "bin_weight"))
        d_y = d_y.reshape(len(x), *v.shape).astype(np.float64)
        self.y, self.size = np.zeros((2, len(x), *v.shape))
        self.d_x, self.d_size = np.zeros((2, *x.shape))
        self.gradient, self.gradient_size = np.zeros((2, *V.shape))
        for k, edges in enumerate(bins):
            number, e = x[:, k].astype(np.float64), np.asarray(edges, x.dtype).astype(np.float64)
            u = (number[:, None] - e[:-1]) / np.diff(e)
            bin_of = np.clip(np.searchsorted(e, number, "right") - 1, 0, len(e) - 2)
            t = np.arange(len(e) - 1)
            u = np.where(t < bin_of[:, None], 1, np.where(t > bin_of[:, None], 0, u))
            own = V[k, bin_of] / np.diff(e)[bin_of, None]
            self.y[:, k] = number[:, None] * v[k] + c[k] + u @ V[k, : len(t)]
            self.size[:, k] = abs(number[:, None] * v[k]) + abs(c[k]) + abs(u) @ abs(V[k, : len(t)])
            self.d_x[:, k], self.d_size[:, k] = (d_y[:, k] * (v[k] + own)).sum(1), (abs(d_y[:, k]) * (abs(v[k]) + abs(own))).sum(1)
            self.gradient[k, : len(t)], self.gradient_size[k, : len(t)] = u.T @ d_y[:, k], abs(u).T @ abs(d_y[:, k])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("n_bins", "width"), [(48, 16), (1500, 3), (9, 300), (1, 1)])
def test_sums_of_bins_keep_their_digits(n_bins: int, width: int, dtype: str) -> None:
    """Sums over more bins and outputs than fit into a table keep their digits, within the error of the longest chain of sums."""
    rng = np.random.default_rng(n_bins)
    bins = [np.sort(rng.normal(size=n_bins + 1)).astype(np.float32).tolist(), [-1.0, 0.0, 1.0]]
    x = rng.normal(size=(700, 2)).astype(dtype)
    x[:4, 0] = bins[0][0], bins[0][-1], -9, 9
    x[4:7, 1] = -1, 0, 1
    net = nn.Sequential(nn.PiecewiseLinearEmbedding(bins, width)).build(2, loss="mse", rng=0, dtype=dtype)
    values = {name.rpartition(".")[2]: view for name, view in net.named_parameters().items()}
    values["bin_weight"][...] = rng.normal(size=values["bin_weight"].shape)
    d_y = rng.normal(size=(700, 2 * width)).astype(dtype)
    oracle, eps = Oracle(bins, values, x, d_y), np.finfo(dtype).eps
    outputs = net.forward(x, training=True).reshape(oracle.y.shape)
    assert (abs(outputs - oracle.y) <= (n_bins + 8) * eps * oracle.size).all()
    np.testing.assert_array_equal(net.predict(x[::-1]).reshape(oracle.y.shape)[::-1], outputs)
    found = set()
    for n_parts in (2, 3, 1):
        with team_of(n_parts):
            assert net.forward(x, training=True).tobytes() == outputs.tobytes()
            net.backward(d_output=d_y)
            found.add(net.gradients.tobytes() + net.d_input.tobytes())
    assert len(found) == 1, "wherever a column is cut"
    assert (abs(net.d_input - oracle.d_x) <= (width + 8) * eps * oracle.d_size).all()
    gradient = net.named_gradients()["piecewise_linear_embedding_1.bin_weight"]
    assert (abs(gradient - oracle.gradient) <= (128 + n_bins + 16) * eps * oracle.gradient_size).all()
    assert not gradient[1, 2:].any()
