"""Embedding: the vector of each code, and training that changes only vectors of codes in the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.errors import NNCoreError, ParameterError, ShapeError
from nncore.testing import numpy_twin, team_of
from nncore.testing.expectations import expect_same_bits
from nncore.testing.layer_calls import Call

UNKNOWN = [-1, 3, 3.5, 0.5, 2.9999998, -0.25, 1e30, -1e30, np.nan]
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def only_embedding(n_inputs: int, dtype: Any = "float64", **arguments: Any) -> nn.Sequential:
    return nn.Sequential(nn.Embedding(**arguments)).build(n_inputs, loss="half_mse", optimizer="sgd", rng=0, dtype=dtype)


@every_dtype
def test_columns_without_codes_come_first_then_the_vectors_in_the_order_of_columns(dtype: type) -> None:
    net = only_embedding(5, dtype, n_categories=[3, 4], n_outputs=[2, 1], columns=[3, 0])
    weight_3, weight_0 = net.named_parameters().values()
    assert list(net.named_parameters()) == ["embedding_1.weight_3", "embedding_1.weight_0"]
    assert (weight_3.shape, weight_0.shape) == ((4, 2), (5, 1))
    X = np.array([[0, 0.5, -7, 2, 9], [3, 1.5, 8, 0, 1e-3]], dtype)
    expected = [[0.5, -7, 9, *weight_3[2], *weight_0[0]], [1.5, 8, X[1, 4], *weight_3[0], *weight_0[3]]]
    np.testing.assert_array_equal(net.predict(X), np.array(expected, dtype))


@every_dtype
@pytest.mark.parametrize("training", [False, True])
def test_whatever_is_not_a_code_is_unknown(dtype: type, training: bool) -> None:
    net = only_embedding(1, dtype, n_categories=3, n_outputs=2)
    table = net.named_parameters()["embedding_1.weight_0"]
    table[...] = np.arange(8).reshape(4, 2)
    codes = np.array([[0], [1], [2], [-0.0], *([code] for code in UNKNOWN)], dtype)
    np.testing.assert_array_equal(net.forward(codes, training)[:, 0], [0, 2, 4, 0] + [6] * len(UNKNOWN))


def test_first_vectors_are_small_and_unknown_is_zero() -> None:
    for width in (1, 4, 32):
        table = next(iter(only_embedding(1, n_categories=2000, n_outputs=width).named_parameters().values()))
        assert not table[-1].any()
        assert abs(table[:-1].std() - 0.1) < 0.01
        assert abs(table[:-1].mean()) < 0.01


def test_width_by_the_number_of_categories() -> None:
    counts = [1, 2, 4, 5, 9, 10, 49, 50, 64, 65, 1000, 2**24]
    plan = nn.Embedding(counts).plan((len(counts),))
    assert [tensor.shape for tensor in plan.tensors] == [
        (n + 1, w) for n, w in zip(counts, [1, 2, 2, 3, 3, 4, 7, 8, 8, 8, 8, 8], strict=True)
    ]
    assert plan.output_shape == (62,)
    assert [tensor.role for tensor in plan.tensors] == ["weight"] * len(counts)


@every_dtype
def test_gradient_is_the_sum_over_the_samples_of_a_code(dtype: type) -> None:
    """The gradient is the sum over the samples of a code; the test's numbers have exact sums."""
    net = only_embedding(3, dtype, n_categories=[4, 3], n_outputs=[2, 20], columns=[2, 0])
    rng = np.random.default_rng(0)
    X = np.stack([rng.integers(-1, 4, 64), rng.integers(-3, 4, 64), rng.integers(0, 5, 64)], axis=1).astype(dtype)
    for table in net.named_parameters().values():
        table[...] = rng.integers(-4, 5, table.shape)
    target = rng.integers(-8, 9, (64, 23)).astype(dtype)
    d_y = (net.forward(X, training=True) - target) / 64
    net.backward(target)
    for column, n, begin, width in ((2, 4, 1, 2), (0, 3, 3, 20)):
        rows = np.where((X[:, column] >= 0) & (X[:, column] < n), X[:, column], n)
        expected = np.array([d_y[rows == row, begin : begin + width].sum(axis=0) for row in range(n + 1)])
        np.testing.assert_array_equal(net.named_gradients()[f"embedding_1.weight_{column}"], expected)


@every_dtype
@pytest.mark.parametrize(
    ("n_inputs", "arguments"),
    [
        (6, {"n_categories": 50, "n_outputs": 33}),
        (6, {"n_categories": [2, 700, 30], "columns": [5, 0, 1]}),
        (20, {"n_categories": 9, "n_outputs": [16, 1, 70], "columns": [9, 8, 10]}),
        (1, {"n_categories": [3]}),
    ],
)
def test_kernel_gives_the_bits_of_numpy(n_inputs: int, arguments: dict[str, Any], dtype: type) -> None:
    """The kernel gives NumPy's bits, except for sums, which NumPy takes in float64."""
    layer, rng = nn.Embedding(**arguments), np.random.default_rng(1)
    plan = layer.plan((n_inputs,))
    parameters = rng.normal(size=sum(tensor.size for tensor in plan.tensors)).astype(dtype)
    X = rng.integers(-2, 60, (90, n_inputs)).astype(dtype)
    X[::5] += 0.25
    d_y = rng.normal(size=(90, *plan.output_shape)).astype(dtype)
    results = []
    for rung in (layer, numpy_twin(layer)):
        call = Call(rung, X, parameters, np.zeros(0, dtype))
        results.append((call.forward().copy(), *call.backward(d_y)))
    for name, ours, theirs in zip(("y", "d_x"), *(result[:2] for result in results), strict=True):
        expect_same_bits(ours, theirs, name)
    np.testing.assert_allclose(results[0][2], results[1][2], rtol=20 * np.finfo(dtype).eps, atol=20 * np.finfo(dtype).eps)


def test_vectors_of_codes_that_do_not_occur_stay() -> None:
    net = nn.Sequential(nn.Embedding(6, 4, columns=[1]), nn.Dense(3))
    net.build(2, loss="softmax_cross_entropy", optimizer="sgd", rng=0)
    before = net.named_parameters()["embedding_1.weight_1"].copy()
    X = np.stack([np.linspace(-1, 1, 40), np.arange(40) % 3 * 2], axis=1)
    net.fit(X, np.arange(40) % 3, epochs=2, batch_size=8, progress=False)
    changed = (net.named_parameters()["embedding_1.weight_1"] != before).any(axis=1)
    np.testing.assert_array_equal(changed, [True, False, True, False, True, False, False])


def test_unknown_learns_if_training_has_it_and_stays_zero_if_not() -> None:
    for n_codes, stays_zero in ((3, True), (4, False)):
        net = nn.Sequential(nn.Embedding(3), nn.Dense(4))
        codes = (np.arange(60) % n_codes)[:, None]
        net.fit(
            codes,
            codes[:, 0],
            loss="softmax_cross_entropy",
            optimizer=nn.Adam(lr=0.05),
            epochs=30,
            weight_decay=1e-4,
            rng=0,
            progress=False,
        )
        assert (net.named_parameters()["embedding_1.weight_0"][3] == 0).all() == stays_zero
        assert np.isfinite(net.predict([[99.0], [np.nan]])).all()
        assert (net.predict(codes).argmax(axis=1) == codes[:, 0]).all()


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_large_tables_end_with_the_same_bits_on_any_number_of_threads(weight_decay: float) -> None:
    """Tables larger than a cache train to the same bits with any number of threads; tiles of gradients begin anywhere in a row."""
    rng = np.random.default_rng(0)
    X = np.stack([rng.integers(0, 30_000, 96), rng.integers(0, 20_000, 96), rng.normal(size=96)], axis=1)
    y = rng.integers(0, 3, 96)
    ends = []
    for n_parts in (1, 2, 3):
        net = nn.Sequential(nn.Embedding([30_000, 20_000], [8, 7], columns=[0, 1]), nn.Dense(16, activation="relu"), nn.Dense(3))
        with team_of(n_parts):
            net.fit(X, y, loss="softmax_cross_entropy", epochs=2, batch_size=48, weight_decay=weight_decay, rng=0, progress=False)
        ends.append(net.parameters.copy())
    expect_same_bits(ends[1], ends[0], "parameters on two threads")
    expect_same_bits(ends[2], ends[0], "parameters on three threads")


def test_tiles_give_the_bits_of_whole_gradients() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.integers(-1, 40_000, (64, 1)), rng.normal(size=64)
    net, by_hand = (nn.Sequential(nn.Embedding(40_000), nn.Dense(1)).build(1, loss="mse", optimizer="adam", rng=3) for _ in range(2))
    net.fit(X, y, epochs=3, batch_size=64, shuffle=False, progress=False)
    for _ in range(3):
        by_hand.train_on_batch(X, y)
    expect_same_bits(net.parameters, by_hand.parameters, "parameters")


def test_a_row_of_a_large_table_is_not_taken_for_much_work() -> None:
    """The estimated work for a row does not depend on the table's size, since it decides how many threads are woken."""
    large, small = (nn.Sequential(nn.Embedding(n, 8), nn.Dense(3)).build(2, rng=0) for n in (100_000, 10))
    seconds = [net.program_for_prediction().spec.forward_seconds(1) for net in (large, small)]
    assert seconds[0] == seconds[1] < 1e-7


def test_arguments_are_kept_as_plain_numbers() -> None:
    layer = nn.Embedding(np.array([3, 4]), n_outputs=np.int64(2), columns=range(1, 3))
    rules = {"weight_regularizer": None, "weight_constraint": None}
    assert layer.config() == {"n_categories": [3, 4], "n_outputs": 2, "columns": [1, 2], **rules}
    assert repr(layer).startswith("Embedding(n_categories=[3, 4], n_outputs=2, columns=[1, 2], ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_categories": 0}, "n_categories must be a whole number from 1 to 16777216, or one for each column, got 0"),
        ({"n_categories": 2**24 + 1}, "n_categories must be a whole number from 1 to 16777216"),
        ({"n_categories": True}, "n_categories must be"),
        ({"n_categories": 2.0}, "n_categories must be"),
        ({"n_categories": "3"}, "n_categories must be"),
        ({"n_categories": []}, "n_categories must be"),
        ({"n_categories": [3, None]}, "n_categories must be"),
        ({"n_categories": 3, "n_outputs": 0}, "n_outputs must be a whole number from 1"),
        ({"n_categories": 3, "n_outputs": [2, -1]}, "n_outputs must be a whole number from 1"),
        ({"n_categories": 3, "columns": []}, "columns must be None or whole numbers of at least 0, one or more, got"),
        ({"n_categories": 3, "columns": [-1]}, "columns must be None or whole numbers"),
        ({"n_categories": 3, "columns": 2}, "columns must be None or whole numbers"),
        ({"n_categories": 3, "columns": "ab"}, "columns must be None or whole numbers"),
        ({"n_categories": 3, "columns": [1, 0, 1]}, "columns names a column twice"),
        ({"n_categories": [3, 4], "columns": [1]}, "needs one number for each column, but n_categories has 2, columns has 1"),
        ({"n_categories": [3, 4], "n_outputs": [1, 1, 1]}, "n_categories has 2, n_outputs has 3"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        nn.Embedding(**arguments)


@pytest.mark.parametrize(
    ("arguments", "n_inputs", "message"),
    [
        ({"n_categories": 3, "columns": [0, 4]}, 4, r"embedding_1: Embedding: there is no column 4, each sample has 4 features"),
        ({"n_categories": [3, 4]}, 3, "is for 2 columns, and samples have 3: choose them with columns="),
        ({"n_categories": 3, "n_outputs": [4]}, 3, "is for 1 columns, and samples have 3"),
        ({"n_categories": 3}, (2, 2), r"takes vectors, but each sample has shape \(2, 2\): put nn.Flatten\(\) before it"),
    ],
)
def test_samples_that_do_not_fit(arguments: dict[str, Any], n_inputs: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message) as caught:
        only_embedding(n_inputs, **arguments)
    assert isinstance(caught.value, NNCoreError)
