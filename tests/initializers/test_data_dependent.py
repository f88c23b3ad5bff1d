"""Krähenbühl et al. 2015: every unit of every layer has mean β and variance 1 over the batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, strategies as st

import nncore as nn
from nncore.errors import DataError, ParameterError
from nncore.initializers.data_dependent import DataDependent, output_statistics
from nncore.plugin import Initializer, NetworkView

DTYPES = [np.float32, np.float64]
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}
WIDTHS = (10, *[64] * 20)


def batch(n_rows: int, n_columns: int, dtype: type[np.floating], seed: int = 0) -> np.ndarray:
    """Correlated columns of different means and scales."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(n_columns, n_columns)) * rng.uniform(0.1, 10, n_columns)
    return (rng.normal(size=(n_rows, n_columns)) @ mix + 3 * rng.normal(size=n_columns)).astype(dtype)


def layer(n: int, m: int, dtype: type[np.floating], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return DataDependent().sample(rng, (n, m), n, m).astype(dtype), np.zeros(m, dtype)


def refined_layers(initializer: DataDependent, dtype: type[np.floating], activation: str) -> Iterator[tuple[np.ndarray, ...]]:
    """Inputs, W, b and z of each layer in order."""
    x = batch(2000, WIDTHS[0], dtype)
    for number, (n, m) in enumerate(itertools.pairwise(WIDTHS)):
        weight, bias = layer(n, m, dtype, number)
        initializer.refine(np.random.default_rng(0), x, weight, bias)
        z = x @ weight + bias
        yield x, weight, bias, z
        x = ACTIVATIONS[activation](z)


def tolerance(x: np.ndarray, weight: np.ndarray) -> float:
    """Effect of rounding in x·W + b, W and b on a column of deviation 1."""
    return 4 * math.sqrt(len(weight)) * float(np.finfo(x.dtype).eps) * float((np.abs(x).max(axis=0) @ np.abs(weight)).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_mean_beta_and_variance_one_in_every_unit_of_a_deep_network(dtype: type[np.floating], activation: str, beta: float) -> None:
    for x, weight, _, z in refined_layers(DataDependent(beta), dtype, activation):
        np.testing.assert_allclose(z.mean(axis=0, dtype=np.float64), beta, atol=tolerance(x, weight))
        np.testing.assert_allclose(z.var(axis=0, dtype=np.float64), 1, atol=2 * tolerance(x, weight))
        assert tolerance(x, weight) < 0.01, "the tolerance is too wide to show anything"


@pytest.mark.parametrize("dtype", DTYPES)
def test_formula(dtype: type[np.floating]) -> None:
    x = batch(50, 6, dtype)
    weight, bias = layer(6, 4, dtype)
    before = weight.astype(np.float64)
    z = x.astype(np.float64) @ before
    bias[:] = 7  # is replaced, and has no effect
    DataDependent(0.25).refine(np.random.default_rng(0), x, weight, bias)
    rtol = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(weight, before / z.std(axis=0), rtol=max(rtol, 1e-13))
    np.testing.assert_allclose(bias, 0.25 - z.mean(axis=0) / z.std(axis=0), rtol=max(rtol, 1e-13))


def test_the_scale_of_the_data_and_of_the_sample_make_no_difference() -> None:
    x = batch(50, 6, np.float64)
    results = []
    for x_scale, w_scale in ((1, 1), (1e-20, 1), (1e12, 1e-30)):
        weight, bias = layer(6, 4, np.float64)
        weight *= w_scale
        DataDependent().refine(np.random.default_rng(0), x * x_scale, weight, bias)
        results.append((weight * x_scale, bias))
    for weight, bias in results[1:]:
        np.testing.assert_allclose(weight, results[0][0], rtol=1e-12)
        np.testing.assert_allclose(bias, results[0][1], rtol=1e-12)


def test_without_bias_the_means_stay() -> None:
    x = batch(50, 6, np.float64)
    weight, _ = layer(6, 4, np.float64)
    ratio = (x @ weight).mean(axis=0) / (x @ weight).std(axis=0)
    DataDependent().refine(np.random.default_rng(0), x, weight, None)
    np.testing.assert_allclose((x @ weight).var(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose((x @ weight).mean(axis=0), ratio, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_constant_unit_keeps_its_weights_and_is_centred(dtype: type[np.floating]) -> None:
    x = batch(40, 3, dtype)
    x[:, 2] = 5
    weight, bias = np.array([[1, 0, 0], [2, 0, 0], [3, 4, 0]], dtype), np.zeros(3, dtype)
    DataDependent(0.5).refine(np.random.default_rng(0), x, weight, bias)
    np.testing.assert_array_equal(weight[:, 1:], [[0, 0], [0, 0], [4, 0]])
    np.testing.assert_allclose(bias[1:], [0.5 - 20, 0.5], rtol=8 * np.finfo(dtype).eps)
    assert (x @ weight[:, 0]).var() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_in_place_in_live_views(dtype: type[np.floating]) -> None:
    vector = np.zeros(3 + 24 + 4 + 3, dtype)
    weight, bias = vector[3:27].reshape(6, 4), vector[27:31]
    weight[...] = layer(6, 4, dtype)[0]
    x = batch(50, 6, dtype)
    given_x = x.copy()
    DataDependent().refine(np.random.default_rng(0), x, weight, bias)
    np.testing.assert_allclose((x @ vector[3:27].reshape(6, 4) + vector[27:31]).std(axis=0), 1, rtol=1e-3)
    np.testing.assert_array_equal(vector[[0, 1, 2, 31, 32, 33]], 0)
    np.testing.assert_array_equal(x, given_x)


@pytest.mark.parametrize("n_rows", [2, 7, 1000, 1001, 3005])
@pytest.mark.parametrize("dtype", DTYPES)
def test_statistics_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch, n_rows: int, dtype: type[np.floating]) -> None:
    monkeypatch.setattr("nncore.blocks.BLOCK", 1000 * 8 * (5 + 3))
    x, weight = batch(n_rows, 5, dtype), layer(5, 3, dtype)[0]
    z = x.astype(np.float64) @ weight.astype(np.float64)
    mean, variance = output_statistics(x, weight)
    np.testing.assert_allclose(mean, z.mean(axis=0), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(variance, z.var(axis=0), rtol=1e-11)


@given(offset=st.floats(0, 1e4), seed=st.integers(0, 50))
def test_statistics_survive_a_large_offset(offset: float, seed: int) -> None:
    """Statistics survive a large offset: in float32, Σz² − n·z̄² would lose a deviation of 1 beside a mean of 10 000."""
    x = (np.random.default_rng(seed).normal(size=(64, 3)) + offset).astype(np.float32)
    weight = np.ones((3, 1), np.float32)
    _, variance = output_statistics(x, weight)
    np.testing.assert_allclose(variance, x.astype(np.float64).sum(axis=1).var(), rtol=1e-7)


UNUSABLE: dict[str, np.ndarray] = {
    "no row": np.zeros((0, 3)),
    "one row": np.array([[1.0, 2.0, 3.0]]),
    "constant": np.full((5000, 3), 0.1),
    "zero, as after dead ReLUs": np.zeros((10, 3)),
    "nothing but rounding": np.full((10, 3), 1.0) + np.finfo(np.float64).eps * np.arange(10)[:, None] % 2,
    "NaN": np.array([[1.0, 2.0, np.nan], [0.0, 1.0, 2.0]]),
    "infinity": np.array([[1.0, 2.0, np.inf], [0.0, 1.0, 2.0]]),
}


@pytest.mark.parametrize("x", UNUSABLE.values(), ids=UNUSABLE.keys())
@pytest.mark.parametrize("dtype", DTYPES)
def test_unusable_batches(x: np.ndarray, dtype: type[np.floating]) -> None:
    weight, bias = layer(3, 4, dtype)
    before = weight.copy()
    with pytest.raises(DataError, match=r"pass a few hundred samples|pass a batch of different samples|remove NaN and infinity"):
        DataDependent().refine(np.random.default_rng(0), x.astype(dtype), weight, bias)
    np.testing.assert_array_equal(weight, before)
    np.testing.assert_array_equal(bias, 0)


def test_weights_that_would_overflow() -> None:
    weight, bias = layer(3, 4, np.float32)
    before = weight.copy()
    with pytest.raises(DataError, match="scale the samples to variance 1"):
        DataDependent().refine(np.random.default_rng(0), batch(10, 3, np.float64) * 1e-60, weight, bias)
    np.testing.assert_array_equal(weight, before)


def test_gradients_grow_backwards_through_relu_layers_as_the_docstring_says() -> None:
    """Gradients grow backwards through layers of ReLUs, which the paper's second algorithm corrects."""
    n, depth = 200, 20
    x = np.maximum(np.random.default_rng(0).normal(size=(1000, n)), 0)
    weights, masks = [], []
    for number in range(depth):
        weight, bias = layer(n, n, np.float64, number)
        DataDependent().refine(np.random.default_rng(0), x, weight, bias)
        z = x @ weight + bias
        weights.append(weight)
        masks.append(z > 0)
        x = np.maximum(z, 0)
    d_x = np.random.default_rng(1).normal(size=x.shape)
    start = np.linalg.norm(d_x)
    for weight, mask in zip(reversed(weights), reversed(masks), strict=True):
        d_x = (d_x * mask) @ weight.T
    assert (np.linalg.norm(d_x) / start) ** (1 / depth) == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=0.03)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_in_a_network(dtype: str, activation: str) -> None:
    x = batch(300, 10, np.float64)
    by_units = DataDependent(balance=False)
    layers = [nn.Dense(32, activation, weight_initializer=by_units) for _ in range(8)]
    network = nn.Sequential(*layers, nn.Dense(3, weight_initializer=by_units)).build(10, rng=0, dtype=dtype, batch=x)
    z = x.astype(dtype)
    named = network.named_parameters()
    for number in range(1, 10):
        z = (ACTIVATIONS[activation](z) if number > 1 else z) @ named[f"dense_{number}.weight"] + named[f"dense_{number}.bias"]
        np.testing.assert_allclose(z.mean(axis=0, dtype=np.float64), 0, atol=1e-4 if dtype == "float32" else 1e-12)
        np.testing.assert_allclose(z.var(axis=0, dtype=np.float64), 1, atol=1e-4 if dtype == "float32" else 1e-12)


def test_a_network_needs_the_batch() -> None:
    with pytest.raises(ParameterError, match="batch="):
        nn.Sequential(nn.Dense(3, weight_initializer=DataDependent())).build(4)


@pytest.mark.parametrize("beta", [math.inf, math.nan, "0", None])
def test_beta_is_a_number(beta: object) -> None:
    with pytest.raises(ParameterError, match="beta must be a number"):
        DataDependent(beta)  # type: ignore[arg-type]


# ---- between layers ---------------------------------------------------------------------------------------------------------


def stack(
    n_hidden: int, activation: str | None = "relu", beta: float = 0.1, *, balance: bool, n_outputs: int = 4, **build: object
) -> nn.Sequential:
    chosen = DataDependent(beta, balance=balance)
    layers = [nn.Dense(24 + 8 * (i % 3), activation, weight_initializer=chosen) for i in range(n_hidden)]
    return nn.Sequential(*layers, nn.Dense(n_outputs, weight_initializer=chosen)).build(10, rng=0, batch=BATCH, **build)


BATCH = batch(1500, 10, np.float64)


def rates_of_change(network: nn.Sequential, x: np.ndarray) -> np.ndarray:
    """√(mean over rows of E ‖∂(ηᵀ·output)/∂W‖²) / ‖W‖ of each layer of ReLUs. E ηηᵀ = 1, so it is the sum over single outputs."""
    named = {name: view.astype(np.float64) for name, view in network.named_parameters().items()}
    weights = [view for name, view in named.items() if name.endswith("weight")]
    biases = [view for name, view in named.items() if name.endswith("bias")]
    inputs, masks = [x], []
    for weight, bias in zip(weights, biases, strict=True):
        z = inputs[-1] @ weight + bias
        masks.append(z > 0)
        inputs.append(np.maximum(z, 0))
    squares = np.zeros(len(weights))
    for unit in range(weights[-1].shape[1]):
        d_z = np.zeros((len(x), weights[-1].shape[1]))
        d_z[:, unit] = 1
        for k in reversed(range(len(weights))):
            squares[k] += np.mean(np.square(inputs[k]).sum(axis=1) * np.square(d_z).sum(axis=1))
            d_z = (d_z @ weights[k].T) * masks[k - 1] if k else d_z
    return np.sqrt(squares) / [np.linalg.norm(weight) for weight in weights]


def spread(numbers: np.ndarray) -> float:
    return float(numbers.max() / numbers.min())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_hidden", [1, 3, 20])
def test_all_layers_change_at_one_rate(n_hidden: int, dtype: str) -> None:
    """All layers change at one rate within 10 %, since the random signs are one sample of many losses."""
    before, after = (rates_of_change(stack(n_hidden, balance=balance, dtype=dtype), BATCH) for balance in (False, True))
    assert spread(before) > 1.3
    assert spread(after) < 1.1
    np.testing.assert_allclose(np.exp(np.log(after).mean()), np.exp(np.log(before).mean()), rtol=1e-4)


def test_one_output_leaves_nothing_to_chance() -> None:
    assert spread(rates_of_change(stack(6, balance=True, n_outputs=1, dtype="float64"), BATCH)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-4), ("float64", 1e-12)])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", None])
def test_outputs_stay_and_so_do_the_variances_within_a_layer(activation: str | None, dtype: str, rtol: float) -> None:
    plain, balanced = (stack(6, activation, balance=balance, dtype=dtype) for balance in (False, True))
    out = plain.predict(BATCH)
    np.testing.assert_allclose(balanced.predict(BATCH), out, atol=rtol * np.abs(out).max())
    first = BATCH.astype(dtype) @ balanced.named_parameters()["dense_1.weight"]
    assert spread(first.std(axis=0)) == pytest.approx(1, abs=1e-3)
    assert not np.allclose(first.std(axis=0), 1, rtol=0.02)


def test_the_formula_of_the_second_step() -> None:
    plain, balanced = (stack(4, balance=balance, n_outputs=1, dtype="float64") for balance in (False, True))
    rates = rates_of_change(plain, BATCH)
    factors = np.sqrt(rates / np.exp(np.log(rates).mean()))
    for number, (factor, from_below) in enumerate(zip(factors, np.cumprod(factors), strict=True), 1):
        for name, by in (("weight", factor), ("bias", from_below)):
            old, new = (net.named_parameters()[f"dense_{number}.{name}"] for net in (plain, balanced))
            np.testing.assert_allclose(new, by * old, rtol=1e-9)


def test_the_paper_s_damped_iteration_comes_to_the_same_point() -> None:
    """The paper's damped iteration converges to the same point: r ← (C / C̃)^(α/2), α = ¼, compensated in the layer above."""
    plain, balanced = (stack(4, balance=balance, n_outputs=1, dtype="float64") for balance in (False, True))
    named = plain.named_parameters()
    for _ in range(120):
        rates = rates_of_change(plain, BATCH)
        from_below = 1.0
        for number, factor in enumerate((rates / np.exp(np.log(rates).mean())) ** (0.25 / 2), 1):
            from_below *= factor
            named[f"dense_{number}.weight"][...] *= factor
            named[f"dense_{number}.bias"][...] *= from_below
    for name, view in balanced.named_parameters().items():
        np.testing.assert_allclose(named[name], view, rtol=1e-9, err_msg=name)


def ends(network: nn.Sequential) -> dict[str, np.ndarray]:
    return {name: view.copy() for name, view in (network.named_parameters() | network.named_buffers()).items()}


def layers_between(balance: bool) -> dict[str, list[nn.plugin.Layer]]:
    chosen = {"weight_initializer": DataDependent(0.1, balance=balance)}
    relu = {"activation": "relu"} | chosen
    return {
        "tanh": [nn.Dense(12, activation="tanh", **chosen), nn.Dense(3, **chosen)],
        "gelu": [nn.Dense(12, activation="gelu", **chosen), nn.Dense(3, **chosen)],
        "batch norm": [nn.Dense(12, **chosen), nn.BatchNorm(), nn.Dense(3, **chosen)],
        "layer norm": [nn.Dense(12, **chosen), nn.LayerNorm(), nn.Dense(3, **chosen)],
        "residual": [nn.Dense(12, **relu), nn.Residual([nn.Dense(12, **relu)]), nn.Dense(3, **chosen)],
        "tied": [nn.Dense(12, name="encoder", **relu), nn.Dense(10, tied_to="encoder"), nn.Dense(3, **chosen)],
        "biases of another": [
            nn.Dense(12, **relu),
            nn.Dense(12, activation="relu", bias_initializer="random_signs"),
            nn.Dense(3, **chosen),
        ],
        "step": [nn.Dense(12, activation="relu", **chosen), nn.Dense(12, activation="step", **chosen), nn.Dense(3, **chosen)],
        "alone": [nn.Dense(3, **chosen)],
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", layers_between(True))
def test_what_a_factor_does_not_pass_through_parts_the_network(case: str, dtype: str) -> None:
    plain, balanced = (ends(nn.Sequential(*layers_between(b)[case]).build(10, rng=0, dtype=dtype, batch=BATCH)) for b in (False, True))
    for name, values in plain.items():
        np.testing.assert_array_equal(balanced[name], values, err_msg=name)


def test_parts_are_balanced_each_by_itself() -> None:
    def network(balance: bool) -> nn.Sequential:
        chosen = {"weight_initializer": DataDependent(0.1, balance=balance)}
        layers = [nn.Dense(n, activation=a, **chosen) for n, a in ((30, "relu"), (20, "tanh"), (30, "relu"), (20, "relu"))]
        return nn.Sequential(*layers, nn.Dropout(0.5), nn.Dense(2, **chosen)).build(10, rng=0, dtype="float64", batch=BATCH)

    plain, balanced = network(False), network(True)
    factors = {
        name: (balanced.named_parameters()[name] / view).ravel() for name, view in plain.named_parameters().items() if "weight" in name
    }
    for name, own in factors.items():
        np.testing.assert_allclose(own, own[0], rtol=1e-9, err_msg=name)
        assert own[0] != pytest.approx(1, abs=1e-4), name
    one, two, three, four, five = (own[0] for own in factors.values())
    assert one * two == pytest.approx(1)
    assert three * four * five == pytest.approx(1)
    np.testing.assert_allclose(balanced.predict(BATCH), plain.predict(BATCH), rtol=1e-9, atol=1e-12)


def test_layers_without_bias_and_two_betas() -> None:
    chosen = [DataDependent(beta) for beta in (0.0, 0.5, 0.1)]
    dense = [nn.Dense(n, "relu", use_bias=False, weight_initializer=one) for n, one in zip((30, 20, 5), chosen, strict=True)]
    network = nn.Sequential(*dense).build(10, rng=0, dtype="float64", batch=BATCH)
    named = network.named_parameters()
    weights = [named[f"dense_{k}.weight"] for k in (1, 2, 3)]
    inner = np.maximum(np.maximum(BATCH @ weights[0], 0) @ weights[1], 0)
    assert spread((inner @ weights[2]).std(axis=0)) == pytest.approx(1, abs=1e-9)
    assert (inner @ weights[2]).std() > 0
    by_units = nn.Sequential(*(nn.Dense(n, "relu", use_bias=False, weight_initializer=DataDependent(balance=False)) for n in (30, 20, 5)))
    before = by_units.build(10, rng=0, dtype="float64", batch=BATCH).named_parameters()
    factors = [named[name].flat[0] / before[name].flat[0] for name in named]
    assert np.prod(factors) == pytest.approx(1)
    assert max(factors) > 1.1


def test_a_dead_network_is_left_alone() -> None:
    """A dead network is not changed: its ReLUs pass no gradient, so there are no rates to balance."""
    dead = DataDependent(beta=-100.0)
    network = nn.Sequential(nn.Dense(6, "relu", weight_initializer=DataDependent()), nn.Dense(6, "relu", weight_initializer=dead))
    network.build(10, rng=0, dtype="float64", batch=BATCH)
    z = BATCH @ network.named_parameters()["dense_1.weight"] + network.named_parameters()["dense_1.bias"]
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-9)


def test_balancing_leaves_nothing_behind() -> None:
    network = stack(3, balance=True)
    assert not network.gradients.any()
    assert network.n_steps == network.n_passes == 0
    with_norm = nn.Sequential(nn.Dense(5, weight_initializer=DataDependent()), nn.BatchNorm()).build(10, rng=0, batch=BATCH)
    fresh = nn.Sequential(nn.Dense(5), nn.BatchNorm()).build(10, rng=0)
    for name, view in fresh.named_buffers().items():
        np.testing.assert_array_equal(with_norm.named_buffers()[name], view)


class Halving(Initializer):
    """Records its arguments, and halves weights together."""

    needs_batch = True
    looks_at_network = True
    seen: list[list[str]]

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
        return rng.normal(size=shape)

    def refine(self, rng: np.random.Generator, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> None:
        weight[...] = 1

    def refine_together(self, rng: np.random.Generator, network: NetworkView) -> None:
        type(self).seen.append([layer.name for layer in network.layers])
        output = network.forward()
        network.backward(np.ones_like(output))
        for layer in network.layers:
            if layer.name == "dense_3":
                np.testing.assert_array_equal(layer.d_z, np.ones((len(layer.x), 2)))
                np.testing.assert_array_equal(layer.x @ layer.weight, output)
            layer.weight[...] /= 2


def test_what_an_initializer_is_shown() -> None:
    Halving.seen = []
    layers = [nn.Dense(4, "tanh", weight_initializer=Halving()), nn.Dense(3, weight_initializer=DataDependent())]
    network = nn.Sequential(*layers, nn.Dense(2, use_bias=False, weight_initializer=Halving())).build(
        10, rng=0, dtype="float64", batch=BATCH
    )
    assert Halving.seen == [["dense_1", "dense_3"]]
    np.testing.assert_array_equal(network.named_parameters()["dense_3.weight"], 0.5)


def test_slopes_that_are_learned_are_gone_through() -> None:
    def network(balance: bool) -> nn.Sequential:
        chosen = {"weight_initializer": DataDependent(0.1, balance=balance)}
        return nn.Sequential(nn.Dense(30, **chosen), nn.PReLU(), nn.Dense(2, **chosen)).build(10, rng=0, dtype="float64", batch=BATCH)

    plain, balanced = network(False), network(True)
    np.testing.assert_allclose(balanced.predict(BATCH), plain.predict(BATCH), rtol=1e-9, atol=1e-12)
    factors = [
        balanced[name] / plain[name] for balanced, plain in [(balanced.named_parameters(), plain.named_parameters())] for name in plain
    ]
    one, two = factors[0].flat[0], factors[-2].flat[0]
    assert one * two == pytest.approx(1)
    assert one != pytest.approx(1, abs=0.01)
