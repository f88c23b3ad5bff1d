"""Runs in separate processes, and the file of their results."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn  # noqa: F401  # the learners' module needs it
from tabular_bench import runs
from tabular_bench.methods import METHODS, Method
from tabular_bench.tables import Data

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command."""
    command = [sys.executable, "-m", "tabular_bench", "run", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tools")}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=ROOT, env=environment)


@pytest.fixture
def data() -> Data:
    return Data("two", "binary", pd.DataFrame({"a": np.arange(60.0), "c": pd.Categorical(list("pq") * 30)}), np.arange(60) % 2)


@pytest.mark.slow
def test_what_is_missing_is_run_and_nothing_else(tmp_path: Path) -> None:
    """Only missing runs are done: a table of classes with a category and missing numbers, then one of numbers in a second call."""
    rng = np.random.default_rng(0)
    penguins = pd.DataFrame({"species": list("ABC") * 20, "island": list("pq") * 30, "mass": rng.normal(size=60)})
    penguins.loc[3, "mass"] = np.nan
    homes = pd.DataFrame({"age": rng.normal(size=60), "median_house_value": rng.normal(size=60)})
    for folder, file, frame in (("penguins", "penguins.csv", penguins), ("california_housing", "housing.csv", homes)):
        (tmp_path / folder).mkdir()
        frame.to_csv(tmp_path / folder / file, index=False)
    file = tmp_path / "results.jsonl"
    common = ["--data", tmp_path, "--out", file, "--splits", "1", "--methods", "hgb", "sklearn-mlp", "nncore-64", "--tables", "penguins"]
    done = run(*common)
    assert done.returncode == 0, done.stderr
    first = runs.read(file)
    assert [run.key for run in first] == [("penguins", 0, method) for method in ("hgb", "sklearn-mlp", "nncore-64")]
    assert not any(run.problem for run in first)
    assert all(run.fit > 0 and run.predict > 0 for run in first)
    done = run(*common, "california_housing")
    assert done.returncode == 0, done.stderr
    both = runs.read(file)
    assert both[:3] == first
    assert [(run.table, set(run.scores)) for run in both[3:]] == [("california_housing", {"R²", "RMSE"})] * 3


def test_a_run_that_takes_too_long_has_no_score(data: Data) -> None:
    run = runs.alone(data, 0, "hgb", 0.0)
    assert run.scores == {}
    assert run.problem == "took more than 0 s"


def test_a_run_that_fails_says_why(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(runs.METHODS, "linear", Method("linear", "sklearn.linear_model", "RidgeClassifier", "Ridge"))  # no categories
    run = runs.alone(data, 0, "linear", 60)
    assert run.scores == {}
    assert run.problem.startswith("ValueError")


def test_what_is_not_installed_is_left_out(
    data: Data, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(runs.METHODS, "absent", Method("absent", "no_such_library", "A", "B"))
    monkeypatch.setattr(runs, "load", lambda name, folder: data)
    runs.complete(tmp_path / "results.jsonl", ["two"], ["absent"], 1, None, 60)
    assert runs.read(tmp_path / "results.jsonl") == []
    assert "no_such_library" in capsys.readouterr().err


def test_all_learners_get_the_same_rows(data: Data) -> None:
    train, test = runs.rows(data, 1)
    assert sorted([*train, *test]) == list(range(60))
    assert np.array_equal(train, runs.rows(data, 1)[0])
    assert not np.array_equal(train, runs.rows(data, 2)[0])


def test_labels_tell_learners_apart() -> None:
    labels = [method.label for method in METHODS.values()]
    assert len(set(labels)) == len(labels)
