"""Plugins without C (lion, lecun, survival) in the source tree: found, used by name, and passing their own tests."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import blocks, check_output
from plugins.own_tests import environment_with, run_own_tests

PLUGINS = Path(__file__).parents[2] / "plugins"
PROJECTS = [PLUGINS / "nncore-lion", PLUGINS / "nncore-lecun", PLUGINS / "nncore-survival"]
#: Modules that plugins may import.
PUBLIC = {"nncore", "nncore.errors", "nncore.plugin", "nncore.testing", "nncore.testing.tables"}

every_project = pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)


@pytest.mark.slow
def test_their_own_tests_pass(tmp_path: Path) -> None:
    passed = re.search(r"(\d+) passed", run_own_tests(PROJECTS, tmp_path))
    assert passed is not None
    assert int(passed[1]) >= 70


def test_they_are_listed_with_their_rungs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nncore", "plugins", "--json"], env=environment_with(PROJECTS, tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["components"]}
    assert rows["nncore-lion/lion"]["rung"] == "numpy"
    assert {name for name in rows if name.startswith("nncore-lecun/")} == {
        "nncore-lecun/lecun_normal",
        "nncore-lecun/lecun_uniform",
        "nncore-lecun/sparse",
    }
    survival = {name: row["rung"] for name, row in rows.items() if name.startswith("nncore-survival/")}
    assert survival == {
        "nncore-survival/cox": "numpy",
        "nncore-survival/logistic_hazard": "numpy",
        "nncore-survival/concordance": "numpy",
    }


def test_they_work_together_and_survive_a_file(tmp_path: Path) -> None:
    code = """
import sys
import numpy as np
import nncore as nn

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4)).astype(np.float32)
y = (X[:, 0] * X[:, 1] > 0).astype(int)
layers = nn.Dense(16, activation="tanh", weight_initializer="lecun_normal"), nn.Dense(2, weight_initializer="sparse")
net = nn.Sequential(*layers)
net.fit(X, y, loss="softmax_cross_entropy", optimizer={"name": "nncore-lion/lion", "lr": 0.003}, epochs=2, rng=0, progress=False)
net.save(sys.argv[1])
again = nn.load(sys.argv[1])
for network in (net, again):
    network.fit(X, y, epochs=2, progress=False)
assert repr(again.optimizer) == repr(net.optimizer)
assert np.array_equal(net.parameters, again.parameters)
"""
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "network.nncore")]
    done = subprocess.run(command, env=environment_with(PROJECTS, tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_survival_losses_work_in_files_and_estimators(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    code = """
import sys
import numpy as np
import nncore as nn
from nncore.estimators import MLPClassifier, MLPRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4))
time, censored = rng.exponential(np.exp(-X[:, 0])), rng.exponential(2, 300)
y = np.column_stack([np.minimum(time, censored), time <= censored]).astype(float)
hazards = {"name": "logistic_hazard", "cuts": [0.25, 0.5, 1.0, 2.0]}
for loss, sign in (("cox", 1), (hazards, -1)):
    net = nn.Sequential(nn.Dense(8, activation="tanh"), nn.Dense(1 if loss == "cox" else 4))
    net.fit(X, y, loss=loss, optimizer=nn.Adam(lr=0.02), epochs=40, batch_size=300, rng=0, progress=False)
    net.save(sys.argv[1])
    again = nn.load(sys.argv[1])
    for network in (net, again):
        network.fit(X, y, epochs=2, batch_size=100, progress=False)
    assert np.array_equal(net.parameters, again.parameters)
    assert net.evaluate(X, y)["nncore-survival/concordance"] > 0.55
    options = {"solver": "adam", "learning_rate_init": 0.01, "max_iter": 40, "batch_size": 100, "tol": 0.0, "random_state": 0}
    model = MLPRegressor(loss, (8,), **options, n_iter_no_change=100)
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    assert model.predict(X).shape == (300,)
    assert sign * np.corrcoef(model.predict(X), X[:, 0])[0, 1] > 0.7
    loss_value = model.network_.evaluate(X, y, metrics=[])["loss"]
    assert np.isclose(model.score(X, y), -loss_value)
    try:
        MLPClassifier(loss=loss).fit(X, y[:, 1])
    except nn.errors.NNCoreError as error:
        print(error)
    else:
        raise AssertionError("a classifier takes no survival loss")
"""
    command = [sys.executable, "-W", "error", "-c", code, str(tmp_path / "network.nncore")]
    done = subprocess.run(command, env=environment_with(PROJECTS, tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_the_example_of_survival_prints_what_its_read_me_says(tmp_path: Path) -> None:
    found = blocks((PLUGINS / "nncore-survival" / "README.md").read_text(encoding="utf-8"))
    code = "\n".join(block.text for block in found if block.language == "python")
    done = subprocess.run([sys.executable, "-c", code], env=environment_with(PROJECTS, tmp_path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_output(done.stdout, "\n".join(block.text for block in found if block.language == "text"), "README.md")


def test_they_work_by_name_at_the_command_line(tmp_path: Path) -> None:
    rows = [f"{i % 7},{i % 5},{'high' if i % 7 > 3 else 'low'}" for i in range(120)]
    (tmp_path / "data.csv").write_text("\n".join(["a,b,class", *rows]), encoding="utf-8")
    train = [
        "train",
        "data.csv",
        "--target",
        "class",
        "--optimizer",
        "nncore-lion/lion",
        "--lr",
        "0.003",
        "--epochs",
        "3",
        "--out",
        "net.nncore",
    ]
    environment = environment_with(PROJECTS, tmp_path)
    for arguments in (train, ["predict", "net.nncore", "data.csv"]):
        command = [sys.executable, "-m", "nncore", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert {"low", "high"} & set(done.stdout.split())


@every_project
def test_nothing_private_of_nncore_is_imported(project: Path) -> None:
    sources = sorted(project.rglob("*.py"))
    assert len(sources) >= 4
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            private = [module for module in modules if module.partition(".")[0] == "nncore" and module not in PUBLIC]
            assert not private, f"{source}: {private}"


@every_project
def test_the_read_me_tells_every_name(project: Path) -> None:
    manifest = next(project.glob("*/manifest.py")).read_text(encoding="utf-8")
    names = re.findall(r'Component\("(\w+)"', manifest)
    assert names
    read_me = (project / "README.md").read_text(encoding="utf-8")
    assert [name for name in names if name not in read_me] == []
