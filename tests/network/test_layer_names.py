"""Names that users give to layers: in tensors, tables, errors, groups, files and copies."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore import registry
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Layer, Plan

LAYERS = [
    (name, arguments)
    for name in registry.names("layers")
    for arguments in registry.get("layers", name).examples or ({},)
]  # fmt: skip


class Mine(Layer):
    """A layer whose author did nothing about names."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, is_view=True)


class Own(Layer):
    """A layer whose author takes the name as an argument."""

    def __init__(self, scale: float = 1.0, name: str | None = None) -> None:
        self.scale, self.name = scale, name

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        return Plan(input_shape, is_view=True)


def network() -> nn.Sequential:
    block = nn.Residual([nn.Dense(4, activation="tanh", name="inner"), nn.Dense(4)], name="block")
    return nn.Sequential(nn.Dense(4, name="encoder"), block, nn.Dense(4), nn.Dense(2, name="head")).build(
        3, rng=0, loss="softmax_cross_entropy", optimizer="adam"
    )


@pytest.mark.parametrize(("kind", "arguments"), LAYERS, ids=[f"{name}{i}" for i, (name, _) in enumerate(LAYERS)])
def test_every_layer_takes_a_name(kind: str, arguments: dict[str, object]) -> None:
    layer = registry.get("layers", kind)(**arguments, name="mine")
    assert layer.name == "mine"
    assert "name='mine'" in repr(layer)
    description = registry.config_of("layers", layer)
    assert (description["name"], description["layer_name"]) == (kind, "mine")
    assert registry.resolve("layers", description).name == "mine"
    assert nn.Sequential(layer).layer_names == ["mine"]
    unnamed = registry.get("layers", kind)(**arguments)
    assert unnamed.name is None
    assert "layer_name" not in registry.config_of("layers", unnamed)
    assert registry.config_of("layers", unnamed.named("mine")) == description
    assert layer.hyper() == unnamed.hyper()


@pytest.mark.parametrize("cls", [Mine, Own])
def test_a_layer_of_ones_own_takes_a_name(cls: type[Layer]) -> None:
    layer = cls(2.0, name="mine")
    assert (layer.name, cls().name) == ("mine", None)
    assert layer.config() == {"scale": 2.0, "name": "mine"}
    for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), type(layer)(**layer.config())):
        assert repr(again) == repr(layer)
    assert nn.Sequential(layer, cls()).layer_names == ["mine", f"{cls.__name__.lower()}_1"]


@pytest.mark.parametrize("name", ["", "a.b", "two words", "1st", 3, "*"])
def test_a_name_is_one_word(name: object) -> None:
    with pytest.raises(ParameterError, match="Dense: name must be letters, digits and underscores"):
        nn.Dense(2, name=name)


def test_names_are_those_of_tensors_groups_tables_and_errors() -> None:
    net = network()
    assert list(net.named_parameters()) == [
        "encoder.weight", "encoder.bias", "block.inner.weight", "block.inner.bias", "block.dense_1.weight", "block.dense_1.bias",
        "dense_1.weight", "dense_1.bias", "head.weight", "head.bias",
    ]  # fmt: skip
    lines = net.summary().splitlines()
    assert any(line.split()[0] == "encoder" for line in lines if line.strip())
    assert "name=" not in net.summary()
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    before = {name: view.copy() for name, view in net.named_parameters().items()}
    net.fit(X, y, epochs=1, groups={"encoder.*": {"frozen": True}}, progress=False)
    np.testing.assert_array_equal(net.named_parameters()["encoder.weight"], before["encoder.weight"])
    assert not np.array_equal(net.named_parameters()["head.weight"], before["head.weight"])
    with pytest.raises(ShapeError, match=r"^picky: "):
        nn.Sequential(nn.Dense(4, name="picky")).build((2, 2))


def test_a_name_is_given_once() -> None:
    with pytest.raises(ParameterError, match="two layers have the name 'a'"):
        nn.Sequential(nn.Dense(2, name="a"), nn.Dense(2, name="a"))
    with pytest.raises(ParameterError, match="two layers have the name 'dense_1'"):
        nn.Sequential(nn.Dense(2), nn.Dense(2, name="dense_1"))
    with pytest.raises(ParameterError, match="two layers have the name 'a'"):
        nn.Sequential(nn.Concat([[nn.Dense(2, name="a")], [nn.Dense(2, name="a")]])).build(2)


def test_names_are_kept_by_files_copies_and_slices(tmp_path: Path) -> None:
    net = network()
    net.save(tmp_path / "net.nncore")
    for again in (nn.load(tmp_path / "net.nncore"), copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net[:]):
        assert list(again.named_parameters()) == list(net.named_parameters())
        assert again.parameters.tobytes() == net.parameters.tobytes()
        assert again.layers[1].layers[0].name == "inner"
    assert net[3:].layer_names == ["head"]
    assert net.describe()["layers"][0]["layer_name"] == "encoder"


def test_a_name_may_change_until_the_network_is_built() -> None:
    net = nn.Sequential(nn.Dense(3), nn.Dense(2))
    net.layers[1].name = "head"
    assert net.layer_names == ["dense_1", "head"]
    with pytest.raises(ParameterError, match="two layers have the name"):
        net.layers[0].name = "head"
    net.build(2)
    with pytest.raises(ParameterError, match="structure or state depends on it"):
        net.layers[0].name = "other"
    assert list(net.named_parameters()) == ["dense_1.weight", "dense_1.bias", "head.weight", "head.bias"]
