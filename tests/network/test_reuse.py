"""Layers that were trained already in a new network, networks as layers, and one object at two places."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from network.fitting import X, Y, fit, network

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Layer, LayerCall, Plan
from nncore.testing import team_of


def trained(**build: object) -> nn.Sequential:
    net = network(**build)
    fit(net)
    return net


def values(net: nn.Sequential) -> dict[str, bytes]:
    return {name: view.tobytes() for name, view in (net.named_parameters() | net.named_buffers()).items()}


def test_one_list_of_layers_is_a_network() -> None:
    layers = [nn.Dense(3, activation="tanh"), "dropout", nn.Dense(2)]
    assert repr(nn.Sequential(layers)) == repr(nn.Sequential(*layers))
    assert len(nn.Sequential(tuple(layers))) == 3
    with pytest.raises(ParameterError, match="at least one layer"):
        nn.Sequential([])


def test_a_trained_part_keeps_its_values_and_statistics() -> None:
    old = trained()
    new = nn.Sequential(old[:2], nn.ActivationLayer("tanh"), nn.Dense(3))
    assert not new.is_built
    assert new.layer_names == ["dense_1", "batch_norm_1", "activation_1", "dense_2"]
    new.build(6, rng=3)
    kept = values(old)
    for name, value in values(new).items():
        assert not name.startswith(("dense_1", "batch_norm_1")) or value == kept[name], name
    other = nn.Sequential(old[:2], nn.ActivationLayer("tanh"), nn.Dense(3)).build(6, rng=4)
    assert values(other)["dense_2.weight"] != values(new)["dense_2.weight"]
    before = values(old)
    new.fit(X, Y, loss="softmax_cross_entropy", epochs=1, progress=False)
    assert values(old) == before
    assert values(new)["dense_1.weight"] != before["dense_1.weight"]


def test_layers_taken_out_of_a_trained_network_come_with_their_values() -> None:
    old = trained()
    new = nn.Sequential(*old.layers[:2], nn.Dense(2)).build(6, rng=0)
    assert values(new)["dense_1.weight"] == values(old)["dense_1.weight"]
    gone = nn.Sequential(*trained()[:2], nn.Dense(2)).build(6, rng=0)  # a layer can be reused after its network is deleted
    assert values(gone)["dense_1.weight"] == values(old)["dense_1.weight"]
    fresh = nn.Sequential(copy.deepcopy(old[0]), nn.Dense(2)).build(6, rng=0)
    assert values(fresh)["dense_1.weight"] != values(old)["dense_1.weight"]


def test_a_slice_of_a_built_network_is_built() -> None:
    old = trained()
    first, rest = old[:2], old[2:]
    assert (first.is_built, rest.is_built, rest.input_shape, rest.dtype) == (True, True, (12,), old.dtype)
    np.testing.assert_array_equal(rest.predict(first.predict(X)), old.predict(X))
    np.testing.assert_array_equal(old[:].predict(X), old.predict(X))
    before = values(old)
    first.parameters[:] = 0
    assert values(old) == before
    assert old[-1] is old.layers[-1]
    assert [*old] == old.layers
    assert not nn.Sequential(nn.Dense(3), nn.Dense(2))[:1].is_built
    with pytest.raises(ParameterError, match="at least one layer"):
        old[2:2]
    with pytest.raises(ShapeError, match=r"dense_2: .* of shape \(6, 5\), but here .* \(3, 5\)"):
        nn.Sequential(nn.Dense(3), nn.Dense(6, activation="tanh"), nn.Dense(5)).build(3)[::2]


def test_shapes_that_do_not_fit_are_told_with_the_layer() -> None:
    new = nn.Sequential(nn.Dense(7), trained()[:2], nn.Dense(2))
    with pytest.raises(ShapeError, match=r"dense_2: it comes from a trained network with 'weight' of shape \(6, 12\), but .* \(7, 12\)"):
        new.build(6)
    assert not new.is_built


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_of_the_new_network_counts(dtype: str) -> None:
    old = trained(dtype="float64")
    new = nn.Sequential(old[:2], nn.Dense(2)).build(6, dtype=dtype, rng=0)
    np.testing.assert_array_equal(new.named_parameters()["dense_1.weight"], old.named_parameters()["dense_1.weight"].astype(dtype))


@pytest.mark.parametrize("n_parts", [2, 3])
def test_the_bits_do_not_depend_on_threads(n_parts: int) -> None:
    ends = []
    for n in (1, n_parts):
        new = nn.Sequential(trained()[:2], nn.Dense(2, weight_initializer="lsuv"))
        with team_of(n):
            new.fit(X, Y, loss="softmax_cross_entropy", epochs=2, rng=5, progress=False)
        ends.append(values(new))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))], ids=["copy", "deepcopy", "pickle"])
def test_a_copy_that_is_not_built_yet_brings_the_values_too(how) -> None:
    old = trained()
    new = nn.Sequential(old[:1], nn.Dense(2))
    again = nn.Sequential(new, nn.Dense(2))
    assert values(how(new).build(6, rng=0)) == values(new.build(6, rng=0))
    assert values(again.build(6))["dense_1.weight"] == values(old)["dense_1.weight"]


def test_values_inside_of_layers_come_along() -> None:
    block = nn.Residual([nn.BatchNorm(), nn.Dense(6, activation="relu", name="inner")])
    old = nn.Sequential(block, nn.Dense(2)).build(6, loss="softmax_cross_entropy", rng=0)
    old.fit(X, Y, epochs=1, progress=False)
    new = nn.Sequential(nn.Dense(6), nn.Residual([nn.Dense(6)]), old[:1], nn.Dense(3)).build(6, rng=1)
    for name in ("inner.weight", "inner.bias", "batch_norm_1.gamma", "batch_norm_1.variance"):
        assert values(new)[f"residual_2.{name}"] == values(old)[f"residual_1.{name}"]


def test_trained_layers_inside_a_new_layer_bring_their_values() -> None:
    old = nn.Sequential(nn.Dense(6), nn.Dense(6), nn.Dense(2)).build(6, rng=0)
    net = nn.Sequential(nn.Residual([nn.BatchNorm(), *old[1:2]]), nn.Concat([[], old[2]]), nn.Dense(3))
    net.layers[0].activation = "tanh"  # not built yet
    net.build(6, rng=1)
    assert values(net)["residual_1.dense_1.weight"] == values(old)["dense_2.weight"]
    assert values(net)["concat_1.dense_1.bias"] == values(old)["dense_3.bias"]
    assert values(net)["dense_1.weight"] != values(old)["dense_1.weight"]
    carried = values(net)["residual_1.dense_1.weight"]
    assert values(net.build(6, rng=1))["residual_1.dense_1.weight"] != carried  # after a new build it starts like any new network


def test_layers_of_a_network_that_is_not_built_may_change_in_any_way() -> None:
    net, fresh = nn.Sequential(nn.Dense(3), nn.Dense(2)), nn.Sequential(nn.Dense(5, activation="relu", use_bias=False), nn.Dense(2))
    first = net.layers[0]
    first.n_outputs, first.activation, first.use_bias = 5, "relu", False
    with pytest.raises(ParameterError, match="n_outputs must be"):
        first.n_outputs = 0
    assert values(net.build(4, rng=0)) == values(fresh.build(4, rng=0))
    assert net.describe() == fresh.describe()


def test_one_object_at_two_places_is_refused() -> None:
    layer = nn.Dense(4)
    for wrong in (
        lambda: nn.Sequential(layer, layer, nn.Dense(2)),
        lambda: nn.Sequential(layer, nn.Residual([layer]), nn.Dense(2)),
        lambda: nn.Sequential(nn.Concat([[layer], [nn.Dense(2), layer]])),
        lambda: nn.Sequential(nn.Residual([nn.Residual([layer])]), layer),
    ):
        with pytest.raises(ParameterError, match=r"the same object Dense\(n_outputs=4.*make two layers, or pass copy.deepcopy\(layer\)"):
            wrong()
    net = nn.Sequential(layer, copy.deepcopy(layer))
    assert net[0] is not net[1]
    assert nn.Sequential("dropout", "dropout").layer_names == ["dropout_1", "dropout_2"]
    built = net.build(4)
    assert len(nn.Sequential(built[:1], built[:1])) == 2
    with pytest.raises(ParameterError, match="same object"):
        nn.Sequential(built, built)


class Scaled(Layer):
    """Stores its plan on itself, as a layer should not."""

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        self.weights = np.arange(1.0, input_shape[0] + 1)
        return Plan(input_shape)

    def forward(self, call: LayerCall) -> None:
        call.y[...] = call.x * self.weights

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            call.d_x[...] = call.d_y * self.weights


def test_a_layer_that_keeps_its_shape_on_itself_may_be_given_to_two_networks() -> None:
    layer = Scaled()
    narrow = nn.Sequential(layer, nn.Dense(1)).build(2, rng=0)
    wide = nn.Sequential(layer, nn.Dense(1)).build(5, rng=0)
    for net, n in ((narrow, 2), (wide, 5)):
        net.fit(np.ones((8, n)), np.ones(8), loss="mse", epochs=1, progress=False)
        expected = np.arange(1.0, n + 1) @ net.named_parameters()["dense_1.weight"] + net.named_parameters()["dense_1.bias"]
        np.testing.assert_allclose(net.predict(np.ones((1, n)))[0], expected, rtol=1e-5)
