"""Many networks in one file: a list or a dict of them, each as `load` gives one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.files import X, assert_equal, built, load_bytes, network_in, parts, tampered, trained
from network.years import plugin, trained as trained_with_plugin

import nncore as nn
from nncore.errors import FileFormatError, MissingPluginError, NotBuiltError, ParameterError, PluginWarning


def several() -> list[nn.Sequential]:
    """Of different layers, dtypes and stages of training."""
    average = nn.Sequential(nn.Dense(2)).build(3, loss="softmax_cross_entropy", optimizer="sgd", rng=1)
    average.fit(X, (X[:, 0] > 0).astype(int), epochs=2, callbacks=[nn.EMA(0.5)], progress=False)
    average.metadata = {"fold": 2}
    return [trained(), built("float64", optimizer=None, loss=None), nn.Sequential(nn.Flatten()).build((2, 2), rng=0), average]


def test_a_list_comes_back_as_a_list(tmp_path: Path) -> None:
    nn.save_many(several(), tmp_path / "folds.nncore")
    again = nn.load_many(tmp_path / "folds.nncore")
    assert isinstance(again, list)
    for one, other in zip(several(), again, strict=True):
        assert_equal(one, other)
    assert again[3].trajectory is not None


def test_a_dict_comes_back_as_a_dict_in_its_order(tmp_path: Path) -> None:
    names = ["z", "fold 1/start 2", "", "ö"]
    nn.save_many(dict(zip(names, several(), strict=True)), tmp_path / "folds.nncore")
    again = nn.load_many(tmp_path / "folds.nncore")
    assert list(again) == names
    assert_equal(again[""], several()[2])


def test_more_than_ten(tmp_path: Path) -> None:
    networks = [nn.Sequential(nn.Dense(1)).build(2, rng=seed) for seed in range(12)]
    nn.save_many(networks, tmp_path / "many.nncore")
    for one, other in zip(networks, nn.load_many(tmp_path / "many.nncore"), strict=True):
        np.testing.assert_array_equal(one.parameters, other.parameters)


def test_training_goes_on_in_each(tmp_path: Path) -> None:
    networks = [trained(), trained()]
    nn.save_many(networks, tmp_path / "two.nncore")
    for one, other in zip(networks, nn.load_many(tmp_path / "two.nncore"), strict=True):
        for net in (one, other):
            net.fit(X, (X.sum(axis=1) > 0).astype(np.int64), epochs=1, batch_size=16, progress=False)
        assert_equal(one, other)


def test_each_function_says_which_file_it_reads(tmp_path: Path) -> None:
    nn.save_many([trained()], tmp_path / "one.nncore")
    with pytest.raises(
        FileFormatError, match=r"one\.nncore cannot be loaded: it holds 1 network that save_many wrote: use nncore\.load_many"
    ):
        nn.load(tmp_path / "one.nncore")
    trained().save(tmp_path / "single.nncore")
    [again] = nn.load_many(tmp_path / "single.nncore")
    assert_equal(again, trained())


@pytest.mark.parametrize(
    "networks",
    [[], {}, None, built(), [None], "ab", {1: built()}, iter([built()])],
    ids=["list", "dict", "none", "network", "nones", "text", "number", "iterator"],
)
def test_what_is_no_list_of_networks(tmp_path: Path, networks: Any) -> None:
    with pytest.raises(ParameterError, match="networks must"):
        nn.save_many(networks, tmp_path / "many.nncore")
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(NotBuiltError):
        nn.save_many([built(), nn.Sequential(nn.Dense(1))], tmp_path / "many.nncore")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["2/parameters/dense_1.weight", "01/x", "x", "-1/x", "+1/x", "\u00b2/x", "1" * 5000 + "/x", "/x", "0"])
def test_a_tensor_of_no_network(tmp_path: Path, name: str) -> None:
    nn.save_many([trained(), trained()], tmp_path / "two.nncore")

    def rename(header: dict[str, Any]) -> None:
        header[name] = header.pop("1/parameters/dense_1.weight")

    file = tampered((tmp_path / "two.nncore").read_bytes(), rename)
    with pytest.raises(FileFormatError, match=r"does not belong to one of its 2 networks|is missing|belongs to no layer"):
        load_many_bytes(file, tmp_path)


@pytest.mark.parametrize("networks", [None, [], {}, 3, "ab", [None], {"a": 3}], ids=repr)
def test_descriptions_of_nothing(tmp_path: Path, networks: Any) -> None:
    nn.save_many([trained(), trained()], tmp_path / "two.nncore")
    file = tampered((tmp_path / "two.nncore").read_bytes(), lambda header: header["__metadata__"]["description"].update(networks=networks))
    with pytest.raises(FileFormatError):
        load_many_bytes(file, tmp_path)


@pytest.mark.parametrize("extra", [{"networks": []}, {"other": 1}, {"nncore_version": 1}])
def test_other_fields_of_the_file(tmp_path: Path, whole: bytes, extra: dict[str, Any]) -> None:
    file = tampered(whole, lambda header: header["__metadata__"]["description"].update(extra))
    with pytest.raises(FileFormatError, match="the description must have"):
        load_bytes(file, tmp_path)
    assert network_in(parts(whole)[0])["dtype"] == "float32"


def load_many_bytes(file: bytes, folder: Path) -> Any:
    path = folder / "damaged.nncore"
    path.write_bytes(file)
    return nn.load_many(path)


def test_absent_parts_are_told_once(tmp_path: Path) -> None:
    with plugin(tmp_path / "site", "1.0"):
        networks = [trained_with_plugin(optimizer="old") for _ in range(2)]
        nn.save_many(networks, tmp_path / "two.nncore")
    with pytest.warns(PluginWarning, match="loaded for prediction.*nncore-years") as told:
        again = nn.load_many(tmp_path / "two.nncore")
    assert len({str(warning.message) for warning in told}) == len(told) == 3  # one each for loss, optimizer and schedule, for both networks
    assert told[0].filename == __file__
    for net in again:
        with pytest.raises(MissingPluginError):
            net.fit(X, X[:, 0] > 0, progress=False)
    nn.save_many(again, tmp_path / "again.nncore")  # missing components are preserved
    assert (tmp_path / "again.nncore").read_bytes() == (tmp_path / "two.nncore").read_bytes()


def test_classes_for_one_load(tmp_path: Path) -> None:
    class Twice(nn.plugin.Activation):
        """Twice its input."""

        needs_input = True

        def forward(self, z: np.ndarray) -> np.ndarray:
            return 2 * z

        def backward(self, z: np.ndarray, a: np.ndarray, d_a: np.ndarray) -> np.ndarray:
            return 2 * d_a

    nn.register("activations", Twice, "twice")
    try:
        net = nn.Sequential(nn.Dense(2, activation="twice")).build(3, rng=0)
        nn.save_many({"a": net, "b": net}, tmp_path / "two.nncore")
    finally:
        nn.unregister("activations", "twice")
    again = nn.load_many(tmp_path / "two.nncore", components={"twice": Twice})
    nn.save_many(again, tmp_path / "again.nncore")
    np.testing.assert_array_equal(nn.load_many(tmp_path / "again.nncore", components={"twice": Twice})["b"].predict(X), net.predict(X))
