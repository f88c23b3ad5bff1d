"""NaN in the inputs is refused, unless the network's first layer accepts it; infinity is always refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore.errors import DataError, NonFiniteError
from nncore.plugin import Layer, LayerCall, Plan
from nncore.testing import team_of


class ZeroForMissing(Layer):
    """0 in place of NaN, in the first `n` columns."""

    def __init__(self, n: int) -> None:
        self.n = n

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, accepts_nan=True)

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x
        call.y[:, : self.n] = np.nan_to_num(call.x[:, : self.n])

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            call.d_x[...] = call.d_y


def network(*first: Layer, dtype: str = "float32") -> nn.Sequential:
    layers = *first, nn.Dense(5, activation="tanh"), nn.Dense(1)
    return nn.Sequential(*layers).build(3, loss="mse", optimizer="adam", rng=0, dtype=dtype)


def inputs(value: float = np.nan, row: int = 4, column: int = 1, dtype: type = np.float32) -> np.ndarray:
    X = np.random.default_rng(0).normal(size=(12, 3)).astype(dtype)
    X[row, column] = value
    return X


y = np.arange(12.0)

#: Every call that takes samples.
USES: dict[str, Callable[[nn.Sequential, np.ndarray], object]] = {
    "fit": lambda net, X: net.fit(X, y, epochs=1, batch_size=4, progress=False),
    "validation": lambda net, X: net.fit(np.zeros((12, 3)), y, epochs=1, validation=(X, y), progress=False),
    "predict": lambda net, X: net.predict(X),
    "predict_one": lambda net, X: net.predict_one(X[4]),
    "predict_one again": lambda net, X: (net.predict(np.zeros((1, 3))), net.predict_one(X[4])),
    "evaluate": lambda net, X: net.evaluate(X, y),
    "forward": lambda net, X: net.forward(X),
    "train_on_batch": lambda net, X: net.train_on_batch(X, y),
    "build": lambda net, X: net.build(3, batch=X),
}
every_use = pytest.mark.parametrize("use", USES.values(), ids=USES)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@every_use
@every_dtype
def test_goes_to_a_first_layer_that_takes_it(use: Callable[[nn.Sequential, np.ndarray], object], dtype: type) -> None:
    use(network(ZeroForMissing(3)), inputs(dtype=dtype))
    use(network(nn.Flatten(), ZeroForMissing(3)), inputs(dtype=dtype))


@every_use
@every_dtype
def test_is_refused_by_others(use: Callable[[nn.Sequential, np.ndarray], object], dtype: type) -> None:
    for refusing in (network(), network(nn.ActivationLayer("tanh"), ZeroForMissing(3))):
        before = refusing.parameters.copy()
        with pytest.raises(DataError, match=r"NaN at row \d, column 1: impute or drop it first"):
            use(refusing, inputs(dtype=dtype))
        np.testing.assert_array_equal(refusing.parameters, before)


@every_use
@every_dtype
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused_by_all(use: Callable[[nn.Sequential, np.ndarray], object], dtype: type, value: float) -> None:
    X = inputs(value, dtype=dtype)
    X[4, 0] = np.nan
    with pytest.raises(DataError, match=rf"contains {value} at row \d, column 1: impute or drop it first"):
        use(network(ZeroForMissing(3)), X)


def test_too_large_after_conversion_is_told_from_infinity() -> None:
    X = inputs(1e300, dtype=np.float64)
    X[0, 0] = np.nan
    for use in USES.values():
        with pytest.raises(DataError, match=r"column 1, too large for float32"):
            use(network(ZeroForMissing(3)), X)


@pytest.mark.parametrize("name", ["predict", "predict_one", "predict_one again", "evaluate", "validation"])
def test_an_output_that_is_nan_for_want_of_a_value_is_refused(name: str) -> None:
    where = "the output for row [04] is NaN: X contains NaN there .column 1., and no layer replaces it; .* nn.FillMissing"
    with pytest.raises(DataError, match=where):
        USES[name](network(ZeroForMissing(1)), inputs())


def test_training_names_the_layer_that_nan_reaches() -> None:
    net = network(ZeroForMissing(1))
    before = net.parameters.copy()
    with pytest.raises(NonFiniteError, match=r"at step 1: NaN in the inputs reaches dense_1\. .* nn\.FillMissing\(\) before") as caught:
        net.fit(inputs(), y, epochs=1, progress=False)
    assert caught.value.layer == "dense_1"
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize("row", [0, 1500, 2999])
def test_every_member_of_a_team_looks_at_its_rows(row: int) -> None:
    X = np.zeros((3000, 3), np.float32)
    X[row, 2] = np.inf
    X[(row + 1) % 3000, 0] = np.nan
    with team_of(3), pytest.raises(DataError, match=rf"contains inf at row {row}, column 2"):
        network(ZeroForMissing(3)).predict(X)


def table(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples whose class depends on a category and on whether a number is missing; the number and another one have no effect."""
    rng = np.random.default_rng(seed)
    category, number, other = rng.integers(0, 12, n), rng.normal(size=n), rng.normal(size=n)
    is_missing = rng.random(n) < 0.4
    labels = (np.isin(category, [0, 3, 4, 7, 10, 11]) ^ is_missing).astype(int)
    return np.stack([np.where(is_missing, np.nan, number), category, other], axis=1), labels


def tabular_network() -> nn.Sequential:
    return nn.Sequential(nn.Embedding(12, columns=[1]), nn.FillMissing(), nn.Dense(32, activation="relu"), nn.Dense(2))


def fitted(n_parts: int = 1, epochs: int = 25) -> nn.Sequential:
    net = tabular_network()
    with team_of(n_parts):
        net.fit(
            *table(2000, seed=0), loss="softmax_cross_entropy", optimizer=nn.Adam(lr=0.01), epochs=epochs, batch_size=128,
            validation=table(500, seed=1), rng=0, progress=False,
        )  # fmt: skip
    return net


def test_category_and_missingness_are_learned(tmp_path: Path) -> None:
    net = fitted()
    assert net.evaluate(*table(500, seed=2))["accuracy"] > 0.97
    unseen = np.array([[np.nan, 99, 0.5], [0.1, np.nan, -0.5], [np.nan, -1, 1.0]])
    outputs = net.predict(unseen)
    assert np.isfinite(outputs).all()
    np.testing.assert_array_equal(np.stack([net.predict_one(row.astype(np.float32)) for row in unseen]), outputs)
    net.save(tmp_path / "table.nncore")
    again = nn.load(tmp_path / "table.nncore")
    np.testing.assert_array_equal(again.predict(unseen), outputs)
    for network in (net, again):
        network.fit(*table(2000, seed=0), epochs=1, progress=False)
    np.testing.assert_array_equal(again.parameters, net.parameters)


def test_same_bits_on_any_number_of_threads() -> None:
    one, two, three = (fitted(n_parts, epochs=2) for n_parts in (1, 2, 3))
    np.testing.assert_array_equal(two.parameters, one.parameters)
    np.testing.assert_array_equal(three.parameters, one.parameters)


def test_a_number_that_nothing_fills_is_refused_at_prediction() -> None:
    net = nn.Sequential(nn.Embedding(12, columns=[1]), nn.Dense(2)).build(3, loss="softmax_cross_entropy", optimizer="adam", rng=0)
    X, labels = table(50, seed=0)
    assert np.isfinite(net.predict(np.nan_to_num(X) + np.array([0, np.nan, 0]))).all()
    with pytest.raises(DataError, match=r"NaN there \(column 0\)"):
        net.predict(X)
    with pytest.raises(NonFiniteError, match=r"NaN in the inputs reaches dense_1"):
        net.fit(X, labels, epochs=1, progress=False)


def test_nan_goes_through_branches_that_all_take_it() -> None:
    X, labels = table(60, seed=0)
    branches = nn.Concat([[nn.Embedding(12, columns=[1]), nn.FillMissing()], [nn.FillMissing(indicator=False), nn.Dense(4)]])
    net = nn.Sequential(branches, nn.Dense(2))
    net.fit(X, labels, loss="softmax_cross_entropy", epochs=1, progress=False)
    assert np.isfinite(net.predict(X)).all()
    with pytest.raises(DataError, match="contains NaN"):
        nn.Sequential(nn.Concat([[nn.FillMissing()], []]), nn.Dense(2)).fit(X, labels, loss="softmax_cross_entropy", progress=False)
    past = nn.Sequential(nn.Embedding(12, columns=[1]), nn.Residual([nn.FillMissing(indicator=False)]), nn.Dense(2))
    with pytest.raises(NonFiniteError, match="NaN in the inputs reaches residual_1"):
        past.fit(X, labels, loss="softmax_cross_entropy", epochs=1, progress=False)
