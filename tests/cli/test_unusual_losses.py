"""Losses of plugins at the command line: one with its own decision rule, and one with several target columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from plugin_fixtures.fake_site import open_site

import nncore
from nncore import registry
from nncore.cli import main

MANIFEST = """
NNCORE_API = (1, 0)

@hookimpl
def nncore_losses(api):
    return [Component("cox", "losses.cox:Cox"), Component("ordinal", "losses.ordinal:Ordinal")]
"""


@pytest.fixture(autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with open_site(tmp_path_factory.mktemp("site")) as site:
        site.write("nncore-unusual", MANIFEST)
        registry.reload(only=["nncore-unusual"])
        try:
            yield
        finally:
            registry.registry._default = None


@pytest.fixture
def grades(tmp_path: Path) -> Path:
    """Samples in four grades, and a number."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(240, 2))
    grade = np.array(["1 low", "2 fair", "3 good", "4 high"])[np.digitize(X.sum(axis=1), [-1, 0, 1])]
    path = tmp_path / "grades.csv"
    rows = [f"{a:.4f},{b:.4f},{word},{a - b:.4f}" for (a, b), word in zip(X, grade, strict=True)]
    path.write_text("\n".join(["a,b,grade,number", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_loss_with_fewer_outputs_than_classes(grades: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "grades.nncore"
    train = ["train", str(grades), "--target", "grade", "--drop", "number", "--loss", "nncore-unusual/ordinal"]
    assert main([*train, "--out", str(model), "--quiet"]) == 0
    assert float(capsys.readouterr().out.split("accuracy ")[1].split(" ")[0]) > 80
    assert nncore.load_many(model)[0].output_shape == (3,)
    assert main(["predict", str(model), str(grades)]) == 0
    captured = capsys.readouterr()
    answers = [row["grade"] for row in csv.DictReader(io.StringIO(captured.out))]
    assert set(answers) == {"1 low", "2 fair", "3 good", "4 high"}
    assert float(captured.err.split("accuracy ")[1].split(" ")[0]) > 80
    assert main(["predict", str(model), str(grades), "--proba"]) == 2
    assert "has no probabilities" in capsys.readouterr().err


def test_a_loss_of_two_columns_is_for_python(grades: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(grades), "--target", "number", "--loss", "cox"]) == 2
    assert "--loss cox needs 2 target columns, but nncore train has one; use it in Python" in capsys.readouterr().err
