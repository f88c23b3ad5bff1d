"""plugins/nncore-muon and plugins/nncore-focal: their NumPy rung in the source tree; slow: built and installed, with their tests."""

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
from plugin_fixtures.fake_site import open_site

import nncore as nn
from nncore.plugin import Loss, TensorSpan
from nncore.registry import Registry
from nncore.testing import numpy_twin
from nncore.testing.stepping import numpy_step, zeros

PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = ["nncore-muon", "nncore-focal"]
SOURCES_ONLY = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "*.so")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Both packages, not compiled, in a folder that looks like site-packages."""
    with open_site(tmp_path) as site:
        for name in NAMES:
            package = name.replace("-", "_")
            shutil.copytree(PLUGINS / name / package, tmp_path / package, ignore=SOURCES_ONLY)
            site.write_metadata(name, {"plugin": f"{package}.manifest"})
        yield site.registry()


def test_muon_steps_along_an_orthogonal_matrix(registry: Registry) -> None:
    muon = registry.resolve("optimizers", {"name": "nncore-muon/muon", "lr": 1.0})
    spans = [
        TensorSpan("dense_1.weight", "weight", 0, 0, 9, 5),
        TensorSpan("dense_2.weight", "weight", 1, 45, 5, 2),
        TensorSpan("dense_2.bias", "bias", 1, 55, 1, 2),
    ]
    g = np.random.default_rng(0).normal(size=57)
    w, state = np.zeros(57), zeros(muon, 57, np.float64, spans)
    numpy_step(muon, w, g, state, 1, spans)
    singular_values = np.linalg.svd(w[:45].reshape(9, 5), compute_uv=False)
    assert 0.68 < singular_values.min() <= singular_values.max() < 1.21
    assert w[45:].all()


def test_muon_trains_a_network_in_numpy(registry: Registry) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    net = nn.Sequential(nn.Dense(16, activation="tanh"), nn.Dense(16, activation="tanh"), nn.Dense(2))
    muon = numpy_twin(registry.get("optimizers", "nncore-muon/muon")())
    history = net.fit(X, y, loss="softmax_cross_entropy", optimizer=muon, epochs=60, batch_size=32, rng=0, progress=False)
    assert history["loss"][-1] < 0.5 * history["loss"][0]


@pytest.mark.parametrize(("name", "argument"), [("focal", "gamma"), ("label_smoothing", "smoothing")])
def test_a_loss_without_its_point_is_cross_entropy(registry: Registry, name: str, argument: str) -> None:
    loss, cross_entropy = (
        registry.resolve("losses", {"name": f"nncore-focal/{name}", argument: 0.0}),
        nn.get("losses", "softmax_cross_entropy")(),
    )
    z, labels = logits_and_labels()
    np.testing.assert_allclose(loss.forward(z, labels), cross_entropy.forward(z, labels), rtol=1e-13)
    np.testing.assert_allclose(loss.backward(z, labels), cross_entropy.backward(z, labels), atol=1e-15)


@pytest.mark.parametrize("name", ["focal", "label_smoothing"])
def test_the_gradient_of_a_loss(registry: Registry, name: str) -> None:
    loss: Loss = registry.resolve("losses", {"name": f"nncore-focal/{name}", "class_weights": [0.5, 2.0, 1.0]})
    z, labels = logits_and_labels()
    gradient, h = loss.backward(z, labels), 1e-5
    for j in range(3):
        step = h * np.eye(3)[j]
        difference = (loss.forward(z + step, labels) - loss.forward(z - step, labels)) / (2 * h)
        np.testing.assert_allclose(gradient[:, j], difference, rtol=0, atol=1e-8)


def logits_and_labels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.normal(scale=2, size=(20, 3)), rng.integers(3, size=20)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_source_distributions_build_and_pass_their_own_tests(tmp_path: Path) -> None:
    """Source distributions contain all sources: they build and pass their tests in a new environment that sees this one's packages."""
    pytest.importorskip("Cython")
    python = fresh_environment(tmp_path / "environment")
    for name in NAMES:
        source = tmp_path / name
        shutil.copytree(PLUGINS / name, source, ignore=SOURCES_ONLY)
        build = f"from setuptools import build_meta; print(build_meta.build_sdist({str(tmp_path)!r}))"
        archive = tmp_path / run([sys.executable, "-c", build], source).splitlines()[-1]
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-build-isolation", "--no-deps"]
        run([*pip, "--quiet", str(archive)], tmp_path)
        run([str(python), "-m", "pytest", "-q", "--import-mode=importlib", "-W", "error", str(source / "tests")], tmp_path)
        assert "ok" in run([str(python), "-m", "nncore", "plugins", "--verify", name], tmp_path)


def fresh_environment(folder: Path) -> Path:
    """A virtual environment's interpreter; nncore and the build tools are those of the running one."""
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder.parent)
    python = folder / "bin" / "python"
    purelib = run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip()
    outer = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    lines = [f"import site; site.addsitedir({path!r})" for path in sorted(outer)]
    (Path(purelib) / "outer.pth").write_text("\n".join([*lines, str(Path(nn.__file__).parents[1])]), encoding="utf-8")
    return python


def run(command: list[str], folder: Path) -> str:
    """Standard output of a command that must succeed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NNCORE_DISABLE_PLUGINS")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
