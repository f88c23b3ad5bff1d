"""Packages with C code in an abi3 wheel: their NumPy rung without installation, and (slow) their own tests with one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore.errors import PluginError
from nncore.inspection import NumPyBuilder, formula
from nncore.registry import Registry
from nncore.testing import numpy_twin

sys.path.insert(0, str(Path(__file__).parents[1] / "plugin_fixtures"))
from fake_site import open_site

PLUGINS = Path(__file__).parents[2] / "plugins"
DISTRIBUTIONS = ("nncore-snake", "nncore-rescale", "nncore-conv", "nncore-sam")
ACTIVATIONS = ["snake", "squareplus"]
LAYERS = ["learnable_snake", "rescale"]
OTHER_LAYERS = ["rescale_numpy", "conv1d", "conv2d", "max_pool2d"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """The built-ins and these plugins from the source tree: without compiled kernels, even if they were built there."""
    with open_site(tmp_path) as site:
        for distribution in DISTRIBUTIONS:
            package = distribution.replace("-", "_")
            shutil.copytree(PLUGINS / distribution / package, tmp_path / package, ignore=shutil.ignore_patterns("*.so", "*.pyd"))
            site.write_metadata(distribution, {package.removeprefix("nncore_"): package})
        yield site.registry()


def test_manifests_are_accepted(registry: Registry) -> None:
    assert registry.problems() == []
    assert {*ACTIVATIONS} <= {*registry.names("activations")}
    assert {*LAYERS, *OTHER_LAYERS} <= {*registry.names("layers")}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("snake", np.pi / 6, np.pi / 6 + 0.25), ("squareplus", -1.5, 0.5)],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_on_numpy(registry: Registry, name: str, value: float, expected: float, dtype: type) -> None:
    phi, z = registry.get("activations", name)(), np.array([[value]], dtype)
    a = phi.forward(z)
    assert a.dtype == dtype
    assert a[0, 0] == pytest.approx(expected, rel=4 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_through_activations_on_numpy(registry: Registry, name: str) -> None:
    phi = numpy_twin(registry.get("activations", name)())
    check_gradients(nn.Sequential(nn.Dense(5, activation=phi), nn.Dense(2)))


@pytest.mark.parametrize("name", LAYERS)
def test_gradient_through_layers_on_numpy(registry: Registry, name: str) -> None:
    layer = numpy_twin(registry.get("layers", name)())
    check_gradients(nn.Sequential(nn.Dense(5), layer, nn.Dense(2)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("kind", "name", "shape", "arguments"),
    [
        *(("activations", name, (4,), {}) for name in ACTIVATIONS),
        *(("layers", name, (3, 2), {}) for name in [*LAYERS, "rescale_numpy"]),
        ("layers", "conv1d", (7, 2), {"n_filters": 3, "activation": "tanh"}),
        ("layers", "conv1d", (7, 2), {"n_filters": 3, "padding": "same", "stride": 2, "use_bias": False}),
        ("layers", "conv2d", (5, 4, 2), {"n_filters": 3}),
        ("layers", "conv2d", (5, 4, 2), {"n_filters": 3, "padding": "same", "stride": 2}),
        ("layers", "max_pool2d", (5, 4, 2), {}),
    ],
)
def test_formulas_give_what_predict_gives(
    registry: Registry, kind: str, name: str, shape: tuple[int, ...], arguments: dict[str, object], dtype: str
) -> None:
    component = numpy_twin(registry.get(kind, name)(**arguments))
    net = nn.Sequential(nn.ActivationLayer(component) if kind == "activations" else component).build(shape, rng=0, dtype=dtype)
    net.parameters[...] = np.random.default_rng(1).normal(size=net.n_parameters)
    X = np.random.default_rng(0).normal(size=(6, *shape)).astype(dtype)
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(formula(net, NumPyBuilder(dtype), X), net.predict(X), rtol=20 * eps, atol=20 * eps)


def check_gradients(net: nn.Sequential) -> None:
    """Check gradients by central differences of the loss with respect to every parameter."""
    rng, h = np.random.default_rng(1), 1e-5
    net.build(3, loss="half_mse", rng=0, dtype="float64")
    X, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    net.forward(X, training=True)
    net.backward(y)
    numeric = np.empty_like(net.parameters)
    for i in range(net.n_parameters):
        kept = net.parameters[i]
        losses = []
        for net.parameters[i] in (kept + h, kept - h):
            losses.append(net.evaluate(X, y, metrics=[])["loss"])
        net.parameters[i] = kept
        numeric[i] = (losses[0] - losses[1]) / (2 * h)
    np.testing.assert_allclose(net.gradients, numeric, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_without_its_kernel_raises_instead_of_falling_back(registry: Registry, name: str) -> None:
    net = nn.Sequential(nn.Dense(5, activation=registry.get("activations", name)())).build(3, rng=0)
    with pytest.raises(PluginError, match=rf"kernel 'nncore_snake\.native:{name}' cannot be loaded: .*nncore_snake\.native"):
        net.predict(np.zeros((1, 3)))


@pytest.mark.parametrize(("name", "package"), [("learnable_snake", "nncore_snake"), ("rescale", "nncore_rescale")])
def test_layer_without_its_kernel_raises_instead_of_falling_back(registry: Registry, name: str, package: str) -> None:
    net = nn.Sequential(registry.get("layers", name)())
    with pytest.raises(PluginError, match=rf"kernel '{package}\.native:{name}' cannot be loaded: .*{package}\.native"):
        net.fit(np.zeros((4, 3)), np.zeros((4, 3)), loss="half_mse", epochs=1, progress=False)


def test_sam_on_numpy_moves_along_the_gradient(registry: Registry) -> None:
    optimizer = registry.resolve("optimizers", {"name": "nncore-sam/sam", "rho": 0.5, "optimizer": {"name": "sgd", "lr": 0.1}})
    w = np.zeros(2)
    optimizer.perturb(w, np.array([3.0, -4.0]), 5.0)
    np.testing.assert_allclose(w, [0.3, -0.4])
    optimizer.step(w, np.array([1.0, 1.0]), np.zeros((0, 2)), 1)
    np.testing.assert_allclose(w, [0.2, -0.5])


def test_rescale_numpy_has_no_kernel_to_miss(registry: Registry) -> None:
    net = nn.Sequential(registry.get("layers", "rescale_numpy")(gain=0.25)).build(3, rng=0)
    np.testing.assert_array_equal(net.predict([[4.0, -8.0, 0.0]]), [[1, -2, 0]])


@pytest.mark.slow
def test_installed_from_the_source_tree_their_own_tests_pass(tmp_path: Path) -> None:
    """Installed in a new environment as the READMEs say, without downloads, the packages pass their own tests."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    scheme = {"base": str(environment), "platbase": str(environment)}
    ours, theirs = sysconfig.get_path("purelib"), Path(sysconfig.get_path("purelib", "venv", scheme))
    (theirs / "packages_of_the_tester.pth").write_text(f"import site; site.addsitedir({ours!r})\n", encoding="utf-8")
    for distribution in DISTRIBUTIONS:
        source = tmp_path / distribution
        shutil.copytree(
            PLUGINS / distribution, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "*.so", "*.pyd", "__pycache__")
        )
        run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-build-isolation", "--no-deps", "--no-index", source)
        shutil.rmtree(source / distribution.replace("-", "_"))  # the installed package is tested
        run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", source)


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
