"""Periodic embeddings of numeric columns: positions, initial values, large numbers, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.testing import numpy_twin, team_of
from nncore.testing.layer_calls import Call

NO_BUFFERS = np.zeros(0)


def test_inputs_stay_where_they_are_and_waves_follow_in_the_order_of_columns() -> None:
    X = np.random.default_rng(0).normal(size=(20, 4))
    net = nn.Sequential(nn.PeriodicEmbedding(n_frequencies=5, n_outputs=2, columns=[3, 1])).build(4, rng=0, dtype="float64")
    tensors = {name.partition(".")[2]: tensor for name, tensor in net.named_parameters().items()}
    Y = net.predict(X)
    np.testing.assert_array_equal(Y[:, :4], X)
    for place, column in enumerate([3, 1]):
        angles = 2 * np.pi * np.outer(X[:, column], tensors["frequency"][place]) + tensors["phase"][place]
        expected = np.cos(angles) @ tensors["weight"][place] + tensors["bias"][place]
        np.testing.assert_allclose(Y[:, 4 + 2 * place : 6 + 2 * place], expected, rtol=1e-12, atol=1e-13)


def test_first_values() -> None:
    """Initial values are RealMLP's: frequencies from N(0, 0.1²), phases from the whole circle, the rest within 1/√16."""
    net = nn.Sequential(nn.PeriodicEmbedding(n_outputs=20)).build(500, rng=1)
    frequency, phase, weight, bias = net.named_parameters().values()
    assert frequency.std() == pytest.approx(0.1, rel=0.05)
    assert np.abs(phase).max() <= np.pi
    assert phase.std() == pytest.approx(np.pi / np.sqrt(3), rel=0.05)
    for tensor in (weight, bias):
        assert np.abs(tensor).max() <= 0.25
        assert tensor.std() == pytest.approx(0.25 / np.sqrt(3), rel=0.05)
    net = nn.Sequential(nn.PeriodicEmbedding(sigma=3.0)).build(500, rng=1)
    assert net.named_parameters()["periodic_embedding_1.frequency"].std() == pytest.approx(3, rel=0.05)


def test_it_goes_with_embedding_and_fill_missing() -> None:
    """It combines with Embedding and FillMissing, in either order: all three use the same column numbers."""
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.normal(size=300), rng.integers(0, 5, 300), rng.normal(size=300)])
    y = X[:, 0] + (X[:, 1] == 2)
    waves, codes = nn.PeriodicEmbedding(columns=[0, 2]), nn.Embedding(5, 3, columns=[1])
    for layers, n_inputs in (([waves, codes], 3 - 1 + 6 + 3), ([nn.FillMissing([0, 2]), waves, codes], 5 - 1 + 6 + 3)):
        net = nn.Sequential(*layers, nn.Dense(16, activation="selu"), nn.Dense(1))
        history = net.fit(X, y, loss="mse", optimizer="adam", epochs=20, batch_size=32, rng=0, progress=False)
        assert net.named_parameters()["dense_1.weight"].shape == (n_inputs, 16)
        assert history["loss"][-1] < 0.5 * history["loss"][0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [1, 63, 64, 65, 200])
def test_bits_of_a_row_do_not_depend_on_others(n_rows: int, dtype: type) -> None:
    layer = nn.PeriodicEmbedding(n_frequencies=7, n_outputs=3)
    rng = np.random.default_rng(n_rows)
    x, parameters = rng.normal(size=(n_rows, 3)).astype(dtype), rng.normal(size=3 * (7 + 7 + 21 + 3)).astype(dtype)
    whole = Call(layer, x, parameters, NO_BUFFERS.astype(dtype)).forward()
    for i in {0, n_rows // 2, n_rows - 1}:
        np.testing.assert_array_equal(Call(layer, x[i : i + 1], parameters, NO_BUFFERS.astype(dtype)).forward()[0], whole[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_a_batch_know_nothing_of_the_one_before(dtype: type) -> None:
    """Gradients do not depend on the batch before: sums in parts of 16 rows ignore old numbers behind the last row."""
    layer = nn.PeriodicEmbedding(n_frequencies=7, n_outputs=3)
    rng = np.random.default_rng(3)
    parameters = rng.normal(size=3 * (7 + 7 + 21 + 3)).astype(dtype)
    buffers = NO_BUFFERS.astype(dtype)
    for n_rows in (1, 15, 16, 17, 22, 100, 130, 150):
        x, d_y = rng.normal(size=(n_rows, 3)).astype(dtype), rng.normal(size=(n_rows, 12)).astype(dtype)
        spoilt = np.full((128, 3), np.nan, dtype)
        Call(layer, spoilt, parameters, buffers).backward(np.full((128, 12), np.nan, dtype))
        call, twin = Call(layer, x, parameters, buffers), Call(numpy_twin(layer), x, parameters, buffers)
        call.forward(), twin.forward()
        ours, expected = call.backward(d_y), twin.backward(d_y)
        for one, other in zip(ours, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3 if dtype == np.float32 else 1e-9, atol=1e-4 if dtype == np.float32 else 1e-10)


def test_large_inputs_keep_the_digits_that_their_product_has() -> None:
    """Large inputs keep the digits of their product: whole turns are removed first, and at half a million turns 1/16 turn remains exact."""
    layer, turns = nn.PeriodicEmbedding(n_frequencies=1, n_outputs=1), 2.0**19 + np.arange(16) / 16
    x = turns.astype(np.float32)[:, np.newaxis]
    parameters = np.array([1, 0, 1, 0], np.float32)
    for one in (layer, numpy_twin(layer)):
        waves = Call(one, x, parameters, NO_BUFFERS.astype(np.float32)).forward()[:, 1]
        np.testing.assert_allclose(waves, np.cos(2 * np.pi * np.arange(16) / 16), atol=1e-6)
        huge = Call(one, np.full((3, 1), 1e30, np.float32), parameters, NO_BUFFERS.astype(np.float32)).forward()
        np.testing.assert_array_equal(huge[:, 1], 1)


@pytest.mark.parametrize("first", [nn.PeriodicEmbedding(), nn.Dense(7, activation="tanh")])
def test_training_gives_the_same_bits_on_any_number_of_threads(first: nn.Dense | nn.PeriodicEmbedding) -> None:
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(300, 7)), rng.integers(0, 3, 300)
    outcomes = []
    for n_threads in (1, 2, 3):
        layers = [nn.PeriodicEmbedding(columns=[6, 0, 2]), nn.Scale(), nn.Dense(16), nn.ParametricActivation("mish"), nn.Dense(3)]
        network = nn.Sequential(first, *layers)
        with team_of(n_threads):
            network.fit(X, y, loss="softmax_cross_entropy", optimizer="adam", epochs=2, batch_size=128, rng=0, progress=False)
        outcomes.append(network.parameters.copy())
    assert np.isfinite(outcomes[0]).all()
    np.testing.assert_array_equal(outcomes[1], outcomes[0])
    np.testing.assert_array_equal(outcomes[2], outcomes[0])


@pytest.mark.parametrize(
    "arguments",
    [{"n_frequencies": 0}, {"n_outputs": 0}, {"n_frequencies": 1.5}, {"sigma": 0.0}, {"sigma": np.inf}, {"columns": [-1]}, {"columns": []}],
)
def test_bad_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=f"PeriodicEmbedding: {next(iter(arguments))}"):
        nn.PeriodicEmbedding(**arguments)


def test_samples_it_cannot_take() -> None:
    with pytest.raises(ShapeError, match="PeriodicEmbedding takes vectors"):
        nn.Sequential(nn.PeriodicEmbedding()).build((3, 4))
    with pytest.raises(ShapeError, match="there is no column 4"):
        nn.Sequential(nn.PeriodicEmbedding(columns=[4])).build(4)
