"""``nncore export``: models of all kinds of files, and errors."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exported import RUNNERS, module_of

import nncore as nn
from nncore.cli import main

QUICK = ["--hidden", "8", "--epochs", "3", "--no-baselines", "--quiet"]
ENSEMBLE = ["--model", "realmlp", "--n-cv", "2"]
#: Targets and arguments of training.
MODELS: dict[str, list[str]] = {
    "classes": ["--target", "species", "--model", "mlp"],
    "two classes of their own": ["--target", "species", "--loss", "binary_cross_entropy", "--model", "mlp"],
    "numbers": ["--target", "length", "--model", "mlp"],
    "rates": ["--target", "price", "--loss", "poisson", "--model", "mlp"],
    "ensemble of classes": ["--target", "species", *ENSEMBLE],
    "ensemble of numbers": ["--target", "price", *ENSEMBLE],
    "ensemble of rates": ["--target", "price", "--loss", "poisson", *ENSEMBLE],
    "tabm": ["--target", "species", "--model", "tabm"],
}


@pytest.fixture(params=[".py", ".onnx", ".h"])
def suffix(request: pytest.FixtureRequest) -> str:
    if request.param == ".onnx":
        pytest.importorskip("onnxruntime")
    return str(request.param)


def table(rows: list[dict[str, str]], name: str, dtype: str) -> np.ndarray:
    """A column of a file as an exported model takes it."""
    cells = [[row[name]] for row in rows]
    return np.array(cells, object) if dtype == "text" else np.array([[cell.replace("NA", "nan") for cell in row] for row in cells], float)


@pytest.mark.parametrize("name", MODELS)
def test_models_of_files(name: str, suffix: str, tmp_path: Path, data: Path, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = prices if "price" in MODELS[name] else data
    model, path = tmp_path / "model.nncore", tmp_path / f"model{suffix}"
    assert main(["train", str(data), *MODELS[name], *QUICK, "--out", str(model)]) == 0
    proba = ["--proba"] if "species" in MODELS[name] else []
    capsys.readouterr()
    assert main(["predict", str(model), str(data), *proba]) == 0
    expected = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["export", str(model), "--to", str(path)]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"written to {path}: it takes '" in said.replace("\n", " ")
    from nncore.ensembles import graph_of_table_model, load_table_model

    graph = graph_of_table_model(load_table_model(path.with_suffix(".nncore"))[0])
    with data.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";" if data == prices else ","))
    inputs = {node.name: table(rows, node.name, node.dtype) for node in graph.inputs}
    found = RUNNERS[suffix](path.read_bytes(), inputs)
    target = MODELS[name][1]
    if proba:
        assert found["predict"].tolist() == [row[target] for row in expected]
        probabilities = np.array([[float(text) for key, text in row.items() if key.startswith("P(")] for row in expected])
        np.testing.assert_allclose(found["predict_proba"], probabilities, rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_allclose(found["predict"], [float(row[target]) for row in expected], rtol=2e-5)


@pytest.mark.parametrize("options", [["--model", "mlp"], ENSEMBLE, ["--model", "tabm"]], ids=lambda options: options[1])
def test_dates(options: list[str], suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dates are exported in three forms: ISO 8601, day first with gaps, and times of day."""
    rng = np.random.default_rng(0)
    seen = np.datetime64("1969-01-01T00:00:00") + rng.integers(0, 3 * 365 * 86_400, 150)
    born = np.datetime64("1898-01-01") + rng.integers(0, 80_000, 150)
    born[::7] = np.datetime64("NaT")
    opens = rng.integers(0, 1440, 150)
    days = ["" if np.isnat(day) else "{2}.{1}.{0}".format(*str(day).split("-")) for day in born]
    hours = [f"{minute // 60:02}:{minute % 60:02}" for minute in opens]
    price = 1000 + 50 * (seen.astype("datetime64[M]").astype(int) % 12) + opens
    rows = zip(seen, days, hours, price, strict=True)
    data, model, path = tmp_path / "dates.csv", tmp_path / "model.nncore", tmp_path / f"model{suffix}"
    data.write_text("seen;born;opens;price\n" + "".join(";".join(map(str, row)) + "\n" for row in rows))
    assert main(["train", str(data), "--target", "price", *options, *QUICK, "--out", str(model)]) == 0
    capsys.readouterr()
    assert main(["predict", str(model), str(data)]) == 0
    expected = [float(row["price"]) for row in csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert main(["export", str(model), "--to", str(path)]) == 0
    from nncore.ensembles import graph_of_table_model, load_table_model

    assert {node.name for node in graph_of_table_model(load_table_model(model)[0]).inputs if node.is_time} == {"seen", "born", "opens"}
    moments = {"seen": seen.astype("datetime64[us]"), "born": born.astype("datetime64[us]"), "opens": opens.astype("datetime64[m]")}
    inputs = {name: ((own - np.datetime64(0, "us")) / np.timedelta64(1, "s"))[:, None] for name, own in moments.items()}
    np.testing.assert_allclose(RUNNERS[suffix](path.read_bytes(), inputs)["predict"], expected, rtol=2e-5)
    if suffix == ".py":
        given = {"seen": seen.astype(str).tolist(), "born": born, "opens": hours}
        np.testing.assert_allclose(module_of(path.read_bytes()).predict(given), expected, rtol=2e-5)


def test_a_network(suffix: str, tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    net = nn.Sequential(nn.Dense(2, activation="tanh")).build(3, rng=0)
    net.save(tmp_path / "net.nncore")
    path = tmp_path / f"net{suffix}"
    assert main(["export", str(tmp_path / "net.nncore"), "--to", str(path)]) == 0
    np.testing.assert_allclose(RUNNERS[suffix](path.read_bytes(), {"X": X})["predict"], net.predict(X), rtol=1e-5, atol=1e-6)


def test_an_estimator(tmp_path: Path) -> None:
    estimators = pytest.importorskip("nncore.estimators", reason="scikit-learn is not installed")
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = estimators.RealMLPRegressor(hidden_layer_sizes=(4,), max_iter=2, random_state=0).fit(X, X[:, 0])
    model.save(tmp_path / "model.nncore")
    assert main(["export", str(tmp_path / "model.nncore"), "--to", str(tmp_path / "model.py")]) == 0
    found = module_of((tmp_path / "model.py").read_bytes()).predict(X)
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("net.xyz", "no exporter writes the suffix '.xyz'"),
        ("net.nncore", "is also an input file"),
        ("no/net.py", "does not exist; create it first"),
    ],
)
def test_what_is_refused(to: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nn.Sequential(nn.Dense(2)).build(3, rng=0).save(tmp_path / "net.nncore")
    before = os.listdir(tmp_path)
    assert main(["export", str(tmp_path / "net.nncore"), "--to", str(tmp_path / to)]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert os.listdir(tmp_path) == before


def test_several_networks_and_damaged_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net: Any = nn.Sequential(nn.Dense(2)).build(3, rng=0)
    nn.save_many([net, net], tmp_path / "two.nncore")
    assert main(["export", str(tmp_path / "two.nncore"), "--to", str(tmp_path / "net.py")]) == 2
    assert "holds 2 networks" in " ".join(capsys.readouterr().err.split())
    (tmp_path / "odd.nncore").write_bytes(b"odd")
    assert main(["export", str(tmp_path / "odd.nncore"), "--to", str(tmp_path / "net.py")]) == 2
    assert not (tmp_path / "net.py").exists()
