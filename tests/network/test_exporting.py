"""Exported networks predict like the originals: every component, random networks, and errors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import components
import numpy as np
import pytest
from differential.random_networks import random_case
from exported import module_of, predictions
from plugin_fixtures.fake_site import open_site

import nncore as nn
from nncore import registry
from nncore.contract import activation_for
from nncore.errors import ExportError, MissingExtraError, NoFormulaError, NotBuiltError, ParameterError
from nncore.inspection import NumPyBuilder, formula
from nncore.network import graph_of_network
from nncore.plugin import Activation, Exporter, Layer, Loss
from nncore.testing.widths import outputs_for

SUFFIXES = [".py", ".onnx", ".h"]
#: Tolerance relative to the largest output.
TOLERANCE = 1e-5
N_RANDOM = 300


@pytest.fixture(params=SUFFIXES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == ".onnx":
        pytest.importorskip("onnxruntime")
    return tmp_path / f"network{request.param}"


def trained(layers: list[Layer], X: np.ndarray, seed: int = 0) -> nn.Sequential:
    """A network in float32, with parameters and buffers after a few steps."""
    net = nn.Sequential(*layers).build(X.shape[1:], rng=seed, dtype="float32")
    if net.n_parameters:
        y = np.random.default_rng(seed).normal(size=(len(X), *net.output_shape))
        net.fit(X, y.reshape(len(X), -1), loss="mse", epochs=2, batch_size=16, rng=0, progress=False)
    return net


def check(net: nn.Sequential, X: np.ndarray, path: Path) -> None:
    X = X.astype(net.dtype)
    found = predictions(net, X, {"X": X}, path)
    assert found.keys() == ({"predict"} if net.link is None else {"predict", "predict_proba"})
    for name, outputs in found.items():
        expected = getattr(net, name)(X)
        assert outputs.dtype == net.dtype
        assert outputs.shape == expected.shape
        # Layer normalisation of nearly equal numbers leaves few digits in float32 in any implementation.
        exact, narrow = (formula(net, NumPyBuilder(dtype), X.astype(dtype), link=name != "predict") for dtype in ("float64", "float32"))
        is_finite = np.isfinite(expected)
        lost = np.abs(narrow - exact)[is_finite].max(initial=0)
        allowed = TOLERANCE * np.abs(expected[is_finite]).max(initial=1) + (3 * lost if lost > TOLERANCE else 0)
        np.testing.assert_allclose(outputs, expected, rtol=TOLERANCE, atol=allowed, err_msg=f"{name} of {net}")


@pytest.mark.parametrize("layer", components.layers(), ids=repr)
def test_every_layer(layer: Layer, path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(40, *components.N_INPUTS))
    X[:, 0] = np.random.default_rng(1).integers(-1, 3, 40)  # for layers that take codes
    check(trained([layer, nn.Flatten(), nn.Dense(2)], X), X, path)


@pytest.mark.parametrize("activation", components.activations(), ids=repr)
def test_every_activation(activation: Activation, path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(40, 4)) * 3
    check(trained([nn.ActivationLayer(activation), nn.Dense(3), nn.ActivationLayer("tanh")], X), X, path)


@pytest.mark.parametrize("loss", components.losses(), ids=repr)
def test_every_link(loss: Loss, path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(9, 4))
    n_outputs = outputs_for(loss, 3)
    last = nn.Dense(n_outputs, activation=activation_for(loss, n_outputs))
    check(nn.Sequential(last).build(4, loss=loss, rng=0), X, path)


@pytest.mark.parametrize("seed", range(20))
def test_random_networks(seed: int, path: Path) -> None:
    check_random(seed, path)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(20, N_RANDOM, 20))
def test_more_random_networks(first: int, path: Path) -> None:
    for seed in range(first, first + 20):
        check_random(seed, path)


def check_random(seed: int, path: Path) -> None:
    case = random_case(seed)
    net = case.network().build(case.X.shape[1:], loss=case.fit["loss"], rng=seed, dtype="float32")
    check(net, case.X, path)


def test_tensors_keep_their_names_and_are_copies(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Dense(3, name="first"), nn.Dense(2)).build(4, rng=0)
    graph = graph_of_network(net)
    names = {node.name for node in graph.nodes if node.operation == "constant"}
    assert names >= {"first.weight", "dense_1.weight"}
    before = net.predict(np.ones((1, 4), "float32"))
    net.export(tmp_path / "network.py")
    net.parameters[:] = 0
    np.testing.assert_allclose(module_of((tmp_path / "network.py").read_bytes()).predict(np.ones((1, 4))), before, rtol=1e-5)


def test_large_arrays_and_special_numbers_keep_their_bits(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Dense(9), nn.Dense(1)).build(30, rng=0, dtype="float64")
    net.parameters[:3] = [5e-324, -0.0, 1.7976931348623157e308]
    net.export(tmp_path / "network.py")
    module = module_of((tmp_path / "network.py").read_bytes())
    for name, view in net.named_parameters().items():
        np.testing.assert_array_equal(getattr(module, name.replace(".", "_")), view)
        assert getattr(module, name.replace(".", "_")).tobytes() == view.tobytes()


def test_the_module_says_what_is_wrong_with_its_input(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Dense(2)).build(4, rng=0)
    net.export(tmp_path / "network.py")
    with pytest.raises(ValueError, match=r"X has shape \(1, 3\), \(n_samples, 4\) is needed"):
        module_of((tmp_path / "network.py").read_bytes()).predict([[1, 2, 3]])


# ---- errors -----------------------------------------------------------------------------------------------------------------


def test_a_component_without_a_formula_is_named_before_anything_is_written(path: Path) -> None:
    path.write_text("older")
    net = nn.Sequential(nn.Dense(2), nn.Dense(2, name="odd", activation=type("Cube", (Activation,), {}))).build(4, rng=0)
    with pytest.raises(NoFormulaError, match="odd, activation Cube: Cube has no formula"):
        net.export(path)
    assert path.read_text() == "older"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(("name", "says"), [("net.xyz", r"the suffix '\.xyz'.*one of .*\.py"), ("net", "a name without a suffix")])
def test_an_unknown_suffix_is_refused(name: str, says: str, tmp_path: Path) -> None:
    net = nn.Sequential(nn.Dense(2)).build(4, rng=0)
    with pytest.raises(ParameterError, match=says):
        net.export(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_a_network_must_be_built(path: Path) -> None:
    with pytest.raises(NotBuiltError):
        nn.Sequential(nn.Dense(2)).export(path)


def test_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"nncore-ml\[onnx\]"):
        nn.Sequential(nn.Dense(2)).build(4, rng=0).export(tmp_path / "network.onnx")
    assert os.listdir(tmp_path) == []


def test_what_a_target_cannot_hold_leaves_an_older_file(tmp_path: Path) -> None:
    class Picky(Exporter):
        suffixes = (".picky",)

        def export(self, graph):
            raise ExportError("there are networks in it: leave them out")

    path = tmp_path / "network.picky"
    path.write_text("older")
    nn.register("exporters", Picky)
    try:
        with pytest.raises(ExportError, match="leave them out"):
            nn.Sequential(nn.Dense(2)).build(4, rng=0).export(path)
    finally:
        nn.unregister("exporters", "picky")
    assert path.read_text() == "older"


def test_a_third_party_adds_a_target(tmp_path: Path) -> None:
    with open_site(tmp_path / "site") as site:
        site.install("nncore-good")
        registry.reload()
        nn.Sequential(nn.Dense(2)).build(4, rng=0).export(tmp_path / "network.listing")
    assert (tmp_path / "network.listing").read_text().split() == ["input", "constant", "matmul", "constant", "add"]
