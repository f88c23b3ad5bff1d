"""Tied tensors: one copy for several layers, and the sum of their gradients, compiled and in NumPy."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import components
import numpy as np
import pytest

import nncore as nn
from nncore.errors import ParameterError, PluginError, ShapeError
from nncore.inspection import activations
from nncore.plugin import Layer, LayerCall, Plan, Tensor
from nncore.testing import numpy_twin, team_of

X = np.random.default_rng(0).normal(size=(70, 37))
LAYERS = components.layers()


def tensors_of(layer: Layer) -> tuple[Tensor, ...]:
    return layer.plan((4,)).tensors


WITH_TENSORS = [layer for layer in LAYERS if tensors_of(layer)]
WITHOUT = [layer for layer in LAYERS if not tensors_of(layer)]

every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_rung = pytest.mark.parametrize("twin", [False, True], ids=["native", "numpy"])


def autoencoder(**tie: Any) -> nn.Sequential:
    """37-29-13-29-37; with ties, its second half uses the weights of the first, transposed."""
    return nn.Sequential(
        nn.Dense(29, activation="tanh", name="first"),
        nn.Dense(13, activation="tanh", name="second"),
        nn.Dense(29, activation="tanh", name="third", **{name: value.format("second") for name, value in tie.items()}),
        nn.Dense(37, name="fourth", **{name: value.format("first") for name, value in tie.items()}),
    )


def tied(dtype: str = "float64", **build: Any) -> nn.Sequential:
    build = {"loss": "mse", "optimizer": "adam", "rng": 0, **build}
    return autoencoder(tied_to="{}").build(37, dtype=dtype, **build)


def untied(net: nn.Sequential) -> nn.Sequential:
    """A network with the same layers, without ties."""
    other = autoencoder().build(37, loss=net.loss, optimizer="sgd", rng=1, dtype=net.dtype)
    views, values = other.named_parameters(), net.named_parameters()
    for name, view in views.items():
        view[...] = values[name] if name in values else values[{"third": "second", "fourth": "first"}[name.split(".")[0]] + ".weight"].T
    return other


def backward(net: nn.Sequential, inputs: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    net.forward(inputs, training=True)
    net.backward(y)
    return net.named_gradients()


# ---- gradients ---------------------------------------------------------------------------------------------------------------


@every_rung
@every_dtype
@pytest.mark.parametrize("layer", WITH_TENSORS, ids=repr)
def test_every_layer_shares_its_tensors(layer: Layer, dtype: str, twin: bool) -> None:
    """The gradient of branches that share tensors is, bit for bit, the sum of the gradients of branches with separate ones."""
    layer = numpy_twin(layer) if twin else layer
    nets = []
    for second in (layer.named("second").tied("first", transposed=False), layer.named("second")):
        branches = nn.Concat([[nn.Dense(4), layer.named("first")], [nn.Dense(4, activation="tanh"), second]])
        nets.append(nn.Sequential(branches, nn.Dense(2)).build(3, loss="half_mse", rng=5, dtype=dtype))
    one, two = nets
    rng = np.random.default_rng(1)
    one.parameters[:] += rng.normal(0, 0.1, one.n_parameters).astype(one.dtype)
    values = one.named_parameters()
    for name, view in two.named_parameters().items():
        view[...] = values[name.replace("second", "first")]
    assert one.n_parameters == two.n_parameters - sum(tensor.size for tensor in tensors_of(layer))
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    np.testing.assert_array_equal(one.predict(x), two.predict(x))
    found, parts = backward(one, x, y), backward(two, x, y)
    for tensor in tensors_of(layer):
        sum_of_both = parts[f"concat_1.first.{tensor.name}"] + parts[f"concat_1.second.{tensor.name}"]
        np.testing.assert_array_equal(found[f"concat_1.first.{tensor.name}"], sum_of_both)
    for name in found.keys() & {"concat_1.dense_1.weight", "concat_1.dense_2.weight", "dense_1.weight"}:
        np.testing.assert_array_equal(found[name], parts[name])


@pytest.mark.parametrize("layer", WITHOUT, ids=repr)
def test_a_layer_without_tensors_has_nothing_to_tie(layer: Layer) -> None:
    with pytest.raises(ParameterError, match="no tensors of its own to tie"):
        nn.Sequential(nn.Dense(4, name="first"), layer.tied("first")).build(3)


@pytest.mark.parametrize("n_parts", [1, 2, 3, 5, 8])
@every_dtype
def test_a_transposed_weight_gets_the_sum_of_both_gradients(dtype: str, n_parts: int) -> None:
    """A weight used transposed gets the sum of both gradients, also on teams whose ranges begin within rows."""
    net = tied(dtype)
    net.parameters[:] = np.random.default_rng(3).normal(0, 0.3, net.n_parameters)
    other = untied(net)
    np.testing.assert_array_equal(net.predict(X), other.predict(X))
    parts = backward(other, X, X)
    with team_of(n_parts):
        found = backward(net, X, X)
    assert list(found) == ["first.weight", "first.bias", "second.weight", "second.bias", "third.bias", "fourth.bias"]
    np.testing.assert_array_equal(found["first.weight"], parts["first.weight"] + parts["fourth.weight"].T)
    np.testing.assert_array_equal(found["second.weight"], parts["second.weight"] + parts["third.weight"].T)
    for name in ("first.bias", "second.bias", "third.bias", "fourth.bias"):
        np.testing.assert_array_equal(found[name], parts[name])


@every_rung
def test_gradients_are_those_of_central_differences(twin: bool) -> None:
    make = numpy_twin if twin else copy.deepcopy
    layers = [nn.Dense(3, activation="tanh", name="a"), nn.Dense(3, activation="tanh", tied_to="a", transposed=True, use_bias=False)]
    layers.append(nn.Dense(3, activation="tanh", tied_to="a", transposed=False))
    net = nn.Sequential(*map(make, layers)).build(3, loss="half_mse", rng=0, dtype="float64", optimizer="sgd")
    net.weight_decay = 0.2
    x, y = X[:9, :3], X[:9, 3:6]
    backward(net, x, y)
    analytic, numeric = net.gradients.copy(), np.empty(net.n_parameters)

    def value() -> float:
        net.forward(x, training=True)
        return net.backward(y)

    for i, before in enumerate(net.parameters.copy()):
        net.parameters[i] = before + 1e-6
        above = value()
        net.parameters[i] = before - 1e-6
        numeric[i] = (above - value()) / 2e-6
        net.parameters[i] = before
    np.testing.assert_allclose(analytic, numeric, rtol=2e-6, atol=2e-8)
    assert net.n_parameters == 12  # a weight and a bias, which three layers use


# ---- training ----------------------------------------------------------------------------------------------------------------

FITS: dict[str, dict[str, Any]] = {
    "plain": {},
    "batches of 7": {"batch_size": 7},
    "accumulate": {"batch_size": 8, "accumulate": 3},
    "penalty": {"weight_decay": 0.01, "optimizer": "momentum"},
    "clip_norm": {"clip_norm": 0.1},
    "clip_value": {"clip_value": 0.01},
    "frozen source": {"groups": {"first.weight": {"frozen": True}}},
    "frozen bias of a tied layer": {"groups": {"fourth.bias": {"frozen": True}}},
    "groups": {"groups": {"second.*": {"lr_factor": 0.1, "weight_decay": 0.1}}},
    "several optimizers": {"groups": {"first.*": {"optimizer": "momentum", "lr": 0.02}}},
    "block_coordinate": {"optimizer": "block_coordinate"},
    "python optimizer": {"optimizer": numpy_twin(nn.Adam())},
    "average": {"callbacks": [nn.EMA(0.9)]},
}
every_fit = pytest.mark.parametrize("fit", FITS.values(), ids=FITS)


def fitted(net: nn.Sequential, epochs: int = 3, **fit: Any) -> nn.Sequential:
    net.fit(X, X, **{"loss": "mse", "optimizer": "adam", "epochs": epochs, "batch_size": 33, "progress": False, **fit})
    return net


@every_dtype
@every_fit
def test_the_bits_do_not_depend_on_threads(fit: dict[str, Any], dtype: str) -> None:
    ends = []
    for n_parts in (1, 3):
        with team_of(n_parts):
            net = fitted(tied(dtype), **copy.deepcopy(fit))
            ends.append(
                [
                    net.parameters.tobytes(),
                    {name: kept.tobytes() for name, kept in net.optimizer_state.items()},
                    net.predict(X).tobytes(),
                    net.evaluate(X, X),
                ]
            )
    assert ends[0] == ends[1]
    assert fitted(tied(dtype), epochs=1, **copy.deepcopy(fit)).parameters.tobytes() != ends[0][0]


SAVED = {name: fit for name, fit in FITS.items() if name != "python optimizer"}  # no file can contain these


@pytest.mark.parametrize("fit", SAVED.values(), ids=SAVED)
def test_a_fit_goes_on_after_saving_as_if_it_had_not_stopped(fit: dict[str, Any], tmp_path: Path) -> None:
    whole, part = (tied("float32") for _ in range(2))
    fitted(whole, epochs=4, **copy.deepcopy(fit))
    fitted(part, epochs=2, **copy.deepcopy(fit)).save(tmp_path / "net.nncore")
    again = nn.load(tmp_path / "net.nncore")
    fitted(again, epochs=2, **copy.deepcopy(fit))
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    np.testing.assert_equal(again.optimizer_state, whole.optimizer_state)


@every_fit
def test_rungs_agree(fit: dict[str, Any]) -> None:
    native, numpy = (tied(rng=2) for _ in range(2))
    numpy = nn.Sequential(*(numpy_twin(layer) for layer in numpy.layers)).build(37, loss="mse", optimizer="adam", rng=2, dtype="float64")
    np.testing.assert_array_equal(native.parameters, numpy.parameters)
    fitted(native, **copy.deepcopy(fit))
    fitted(numpy, **copy.deepcopy(fit))
    np.testing.assert_allclose(native.parameters, numpy.parameters, rtol=1e-8, atol=1e-10)


def test_an_autoencoder_trains_as_its_formulas_say() -> None:
    """An autoencoder trains as its formulas: Momentum on W, b and c of ŷ = tanh(x·W + b)·Wᵀ + c."""
    net = nn.Sequential(nn.Dense(5, activation="tanh", name="encoder"), nn.Dense(37, tied_to="encoder"))
    net.build(37, loss="mse", optimizer=nn.Momentum(lr=0.1, momentum=0.9), rng=0, dtype="float64")
    W, b, c = (view.copy() for view in net.named_parameters().values())
    velocity = [np.zeros_like(part) for part in (W, b, c)]
    for _ in range(20):
        hidden = np.tanh(X @ W + b)
        error = hidden @ W.T + c - X
        d_output = 2 * error / error.size
        d_hidden = d_output @ W * (1 - hidden**2)
        gradients = X.T @ d_hidden + d_output.T @ hidden, d_hidden.sum(axis=0), d_output.sum(axis=0)
        assert net.train_on_batch(X, X) == pytest.approx((error**2).mean(), rel=1e-12)
        for part, v, g in zip((W, b, c), velocity, gradients, strict=True):
            v *= 0.9
            v -= 0.1 * g
            part += v
    for view, part in zip(net.named_parameters().values(), (W, b, c), strict=True):
        np.testing.assert_allclose(view, part, rtol=1e-9, atol=1e-12)


def test_what_is_frozen_stays_and_is_not_written() -> None:
    net = tied()
    before = net.parameters.copy()
    fitted(net, groups={"first.weight": {"frozen": True}, "third.bias": {"frozen": True}})
    views, kept = net.named_parameters(), net._built.parameter_views(before)
    for name in views:
        assert np.array_equal(views[name], kept[name]) == (name in ("first.weight", "third.bias")), name
    assert not net.named_gradients()["third.bias"].any()


def test_a_penalty_counts_a_shared_weight_once() -> None:
    net = tied()
    net.forward(X, training=True)
    plain = net.backward(X)
    net.weight_decay = 0.5
    views = net.named_parameters()
    penalty = 0.25 * sum((views[name] ** 2).sum() for name in ("first.weight", "second.weight"))
    net.forward(X, training=True)
    assert net.backward(X) - plain == pytest.approx(penalty, rel=1e-12)


def test_a_network_too_large_for_the_cache_adds_up_all_gradients() -> None:
    """A network too large for the cache adds up all gradients of tied tensors, although others are used up tile by tile."""
    net = nn.Sequential(nn.Dense(700, name="a", activation="tanh"), nn.Dense(600, tied_to="a")).build(
        600, loss="mse", optimizer="sgd", rng=0
    )
    x = np.random.default_rng(0).normal(size=(3, 600)).astype(np.float32)
    by_hand = copy.deepcopy(net)
    by_hand.train_on_batch(x, x)
    net.fit(x, x, epochs=1, batch_size=3, shuffle=False, progress=False)
    np.testing.assert_array_equal(net.parameters, by_hand.parameters)
    assert net.program_for_training(3).spec.tiles is None


# ---- one tensor --------------------------------------------------------------------------------------------------------------


def test_a_shared_tensor_is_there_once(tmp_path: Path) -> None:
    net = tied("float32")
    assert net.n_parameters == 37 * 29 + 29 + 29 * 13 + 13 + 29 + 37 == sum(view.size for view in net.named_parameters().values())
    assert "weight tied to first.weight" in net.summary()
    assert net.describe()["ties"] == {"third.weight": "second.weight", "fourth.weight": "first.weight"}
    fitted(net).save(tmp_path / "net.nncore")
    again = nn.load(tmp_path / "net.nncore")
    for copied in (again, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(copied.predict(X), net.predict(X))
        assert copied.describe()["ties"] == net.describe()["ties"]


def test_every_use_sees_a_value_that_is_written() -> None:
    net = tied()
    net.predict(X), net.predict_one(X[0])
    net.named_parameters()["first.weight"][...] *= 2
    other = untied(net)
    np.testing.assert_array_equal(net.predict(X), other.predict(X))
    np.testing.assert_array_equal(net.predict_one(X[0]), other.predict_one(X[0]))
    np.testing.assert_array_equal(net.forward(X, training=True), other.forward(X, training=True))
    np.testing.assert_array_equal(net.input_gradients(X[:5], output=3), other.input_gradients(X[:5], output=3))
    np.testing.assert_array_equal(net.evaluate(X, X)["loss"], other.evaluate(X, X)["loss"])
    np.testing.assert_allclose(activations(net, X)["fourth"], net.predict(X), rtol=1e-12, atol=1e-12)


def test_a_network_without_ties_has_none() -> None:
    assert autoencoder().build(37, rng=0).program_for_prediction().spec.ties == []


def test_tensors_that_lie_as_they_are_used_are_not_copied() -> None:
    net = nn.Sequential(nn.Dense(4, name="a"), nn.Dense(4, tied_to="a", transposed=False)).build(4, loss="mse", optimizer="sgd", rng=0)
    assert [tie.is_copied for tie in net.program_for_training(3).spec.ties] == [False, False]
    assert np.shares_memory(net.program_for_training(3).spec.ops[1].parameters, net.parameters)


def test_initializers_that_look_at_data_leave_tied_tensors_alone() -> None:
    net = nn.Sequential(
        nn.Dense(5, weight_initializer="lsuv", name="a"), nn.Dense(37, weight_initializer="lsuv", tied_to="a"), nn.Dense(2)
    ).build(37, rng=0, batch=X)
    alone = nn.Sequential(nn.Dense(5, weight_initializer="lsuv", name="a"), nn.Dense(2)).build(37, rng=0, batch=X)
    np.testing.assert_array_equal(net.named_parameters()["a.weight"], alone.named_parameters()["a.weight"])


# ---- parts of a network ------------------------------------------------------------------------------------------------------


def test_a_slice_without_the_source_has_tensors_of_its_own() -> None:
    net = fitted(tied())
    decoder, encoder = net[2:], net[:2]
    assert decoder.describe()["ties"] == {}
    assert list(decoder.named_parameters()) == ["third.weight", "third.bias", "fourth.weight", "fourth.bias"]
    np.testing.assert_array_equal(decoder.predict(encoder.predict(X)), net.predict(X))
    middle = net[1:]
    assert middle.describe()["ties"] == {"third.weight": "second.weight"}
    assert net[:].describe()["ties"] == net.describe()["ties"]
    np.testing.assert_array_equal(net[:].predict(X), net.predict(X))
    again = nn.Sequential(nn.Dense(13, name="new"), decoder).build(37, rng=0, dtype="float64")
    np.testing.assert_array_equal(again.named_parameters()["fourth.weight"], net.named_parameters()["first.weight"].T)


def test_a_slice_of_branches_keeps_ties_inside_and_cuts_those_outside() -> None:
    net = nn.Sequential(
        nn.Dense(4, name="a"),
        nn.Concat([nn.Dense(4, name="b"), nn.Dense(4, tied_to="b", transposed=False), nn.Dense(4, tied_to="a", transposed=True)]),
    ).build(4, rng=0, dtype="float64")
    part = net[1:]
    assert part.describe()["ties"] == {"concat_1.dense_1.weight": "concat_1.b.weight", "concat_1.dense_1.bias": "concat_1.b.bias"}
    np.testing.assert_array_equal(part.predict(net[:1].predict(X[:, :4])), net.predict(X[:, :4]))


def test_trained_layers_take_their_ties_along() -> None:
    net = fitted(tied())
    longer = nn.Sequential(net, nn.Dense(2)).build(37, rng=0, dtype="float64")
    assert longer.describe()["ties"] == net.describe()["ties"]
    np.testing.assert_array_equal(longer[:4].predict(X), net.predict(X))


def test_a_tie_decides_what_a_network_consists_of() -> None:
    net = tied()
    for name, value in (("tied_to", None), ("tied_to", "second"), ("name", "other")):
        with pytest.raises(ParameterError):
            setattr(net[3], name, value)
    np.testing.assert_array_equal(untied(net).predict(X), net.predict(X))


# ---- names and errors --------------------------------------------------------------------------------------------------------


class Halves(Layer):
    """A layer of two sublayers, the second one tied to the first."""

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        n = input_shape[0]
        return Plan(input_shape, branches=((nn.Dense(n, name="one"),), (nn.Dense(n, tied_to="one", transposed=True),)), merge="sum")


class Scores(Layer):
    """y = x·Eᵀ with the embedding of a layer called words, like the output layer of language models."""

    def __init__(self, source: str = "words.vectors_0", transposed: bool = True, n: int = 6) -> None:
        self.source, self.transposed_source, self.n = source, transposed, n

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        shape = (input_shape[0], self.n)
        tensor = Tensor("weight", shape, "weight", None, *shape, tied_to=self.source, transposed=self.transposed_source)
        return Plan((self.n,), (tensor,))

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x @ call.parameters["weight"]

    def backward(self, call: LayerCall) -> None:
        call.d_parameters["weight"][...] = call.x.T @ call.d_y
        if call.d_x is not None:
            call.d_x[...] = call.d_y @ call.parameters["weight"].T


def table_name() -> str:
    return nn.Embedding(5, 3).plan((1,)).tensors[0].name


def test_a_layer_may_tie_what_its_plan_asks_for() -> None:
    source = f"words.{table_name()}"
    codes, y = np.array([[0.0], [3.0], [1.0], [3.0]]), np.random.default_rng(2).normal(size=(4, 6))
    net = nn.Sequential(nn.Embedding(5, 3, name="words"), Scores(source)).build(1, loss="half_mse", rng=0, dtype="float64")
    twin = nn.Sequential(nn.Embedding(5, 3, name="words"), nn.Dense(6, use_bias=False, tied_to=source)).build(
        1, loss="half_mse", rng=0, dtype="float64"
    )
    assert net.n_parameters == twin.n_parameters == 18
    np.testing.assert_allclose(backward(net, codes, y)[source], backward(twin, codes, y)[source], rtol=1e-12)


def test_names_are_looked_up_in_the_same_layer_first() -> None:
    inner = nn.Residual([nn.Dense(4, name="a"), nn.Dense(4, tied_to="a", transposed=True), nn.Dense(4, tied_to="b", transposed=True)])
    net = nn.Sequential(nn.Dense(4, name="a"), nn.Dense(4, name="b"), inner, Halves(name="box"), nn.Dense(4, tied_to="box.one.weight",
        transposed=False)).build(4, rng=0)  # fmt: skip
    assert net._built.ties == {
        "residual_1.dense_1.weight": "residual_1.a.weight",
        "residual_1.dense_2.weight": "b.weight",
        "box.dense_1.weight": "box.one.weight",
        "dense_1.weight": "box.one.weight",
    }


A = nn.Dense(4, name="a")
REFUSED: dict[str, tuple[type[Exception], str, Callable[[], list[Layer]]]] = {
    "unknown": (ParameterError, r"dense_1: tied_to='x' is no layer before it .*\(a\)", lambda: [A, nn.Dense(4, tied_to="x")]),
    "itself": (ParameterError, "no layer before it", lambda: [A, nn.Dense(4, name="b", tied_to="b")]),
    "a later one": (ParameterError, "no layer before it", lambda: [nn.Dense(4, tied_to="a"), A]),
    "a number that may change": (ParameterError, "was given a name", lambda: [nn.Dense(4), nn.Dense(3, tied_to="dense_1")]),
    "inside a layer without name": (
        ParameterError, "was given a name", lambda: [nn.Residual([nn.Dense(3, name="x")]), nn.Dense(3, tied_to="residual_1.x")],
    ),
    "tied already": (
        ParameterError, "itself tied to a.weight: tie both to a.weight",
        lambda: [A, nn.Dense(3, tied_to="a", name="b"), nn.Dense(4, tied_to="b")],
    ),
    "shapes": (ShapeError, r"weight has shape \(4, 7\) and cannot be a.weight of shape \(3, 4\)", lambda: [A, nn.Dense(7, tied_to="a")]),
    "transposed shapes": (
        ShapeError, r"cannot be the transpose of a.weight", lambda: [A, nn.Dense(7, tied_to="a", transposed=True)],
    ),
    "a square weight": (ParameterError, "can mean two things", lambda: [nn.Dense(3, name="a"), nn.Dense(3, tied_to="a")]),
    "no tensor of that name": (
        ParameterError, "no tensor called 'x' to tie to; it has weight, bias", lambda: [A, nn.Dense(3, tied_to="a.x")],
    ),
    "nothing in common": (ParameterError, "has no tensor called gamma, beta", lambda: [A, nn.BatchNorm().tied("a")]),
    "no matrix": (
        ParameterError, "needs a weight with rows", lambda: [nn.BatchNorm(name="n"), nn.BatchNorm().tied("n", transposed=True)],
    ),
    "several tensors": (
        ParameterError, "could stand for", lambda: [A, nn.Embedding([2, 2], [1, 1], columns=[0, 1]).tied("a.weight")],
    ),
    "transposed alone": (ParameterError, "pass tied_to= too", lambda: [nn.Dense(3, transposed=True)]),
    "a plan's unknown source": (ParameterError, "tied_to='words'", lambda: [A, Scores()]),
    "a plan's unknown tensor": (ParameterError, "no tensor called", lambda: [A, Scores("a.x")]),
    "a plan's tie without a tensor": (PluginError, "tied_to of weight", lambda: [A, Scores("a")]),
    "a plan's shape": (ShapeError, "cannot be the transpose", lambda: [A, Scores("a.weight")]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "match"),
    [
        ("fourth.weight", r"'fourth.weight' matches only tied tensors \(fourth.weight is tied to first.weight\).*: write 'first.weight'$"),
        ("[tf]?*[dh].weight", r"third.weight is tied to second.weight, fourth.weight is .*: write 'second.weight' or 'first.weight'$"),
        (
            "fourth.*",
            r"'fourth\.\*' matches 'fourth\.bias', and a tied tensor \(fourth\.weight is tied to first\.weight\).*: write 'fourth\.bias'",
        ),
        ("fith.weight", r"no tensor is called 'fith.weight'; there are first.weight, first.bias"),
    ],
)
def test_a_group_for_a_tied_tensor_says_which_one_it_shares(pattern: str, match: str) -> None:
    options = {pattern: {"lr_factor": 0.1}}
    net = tied()
    before = net.parameters.copy()
    with pytest.raises(ParameterError, match=match):
        net.groups = options
    with pytest.raises(ParameterError, match=match):
        net.fit(X, X, groups=options, progress=False)
    with pytest.raises(ParameterError, match=match):
        autoencoder(tied_to="{}").fit(X, X, loss="mse", groups=options, progress=False)
    assert net.groups == {}
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize(("error", "match", "layers"), REFUSED.values(), ids=REFUSED)
def test_refused(error: type[Exception], match: str, layers: Callable[[], list[Layer]]) -> None:
    net = nn.Sequential(*layers())
    with pytest.raises(error, match=match):
        net.build(3)
    assert not net.is_built


@pytest.mark.parametrize(("arguments", "match"), [({"tied_to": "a b"}, "name of a layer"), ({"tied_to": 3}, "name of a layer"),
    ({"tied_to": "a", "transposed": 1}, "True or False")], ids=["words", "number", "transposed"])  # fmt: skip
def test_arguments_are_checked(arguments: dict[str, Any], match: str) -> None:
    for make in (lambda **given: nn.Dense(3, **given), lambda **given: nn.BatchNorm(**given)):
        with pytest.raises(ParameterError, match=match):
            make(**arguments)


def test_what_layers_have_in_common_is_no_number_of_the_kernel() -> None:
    for layer in WITH_TENSORS:
        assert layer.tied("a", transposed=True).hyper() == layer.hyper()
