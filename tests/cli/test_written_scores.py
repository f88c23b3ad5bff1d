"""The predictions that `nncore predict` writes have the score that it prints."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from nncore.cli import main
from nncore.cli.scores import class_scores, in_words, regression_scores
from nncore.tabular import read_table

N = 150
X = np.linspace(-1, 1, N)
NOISY = X + 0.001 * np.random.default_rng(0).normal(size=N)


def predicted(tmp_path: Path, data: Path, options: list[str], *more: str) -> list[dict[str, str]]:
    model, out = tmp_path / "m.nncore", tmp_path / "answers.csv"
    train = ["train", str(data), "--target", "y", "--out", str(model), "--quiet", "--hidden", "none", "--epochs", "60", "--lr", "0.05"]
    assert main([*train, *options]) == 0
    assert main(["predict", str(model), str(data), "--out", str(out), *more]) == 0
    with out.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("size", "offset"),
    [(1e-9, 0), (1e-9, 1e-3), (1.0, 0), (1.0, -1e6), (2000, 1.5e9), (1e6, 1e12), (1e12, 0), (1e12, 1e12)],
    ids=lambda value: f"{value:g}",
)
def test_numbers(size: float, offset: float, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, y = tmp_path / f"data.{suffix}", offset + size * NOISY
    if suffix == "csv":
        data.write_text("x,y\n" + "".join(f"{x!r},{number!r}\n" for x, number in zip(X.tolist(), y.tolist(), strict=True)))
    else:
        arrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(arrow.table({"x": X, "y": y}), data)
    rows = predicted(tmp_path, data, [])
    true = np.array([float(value) for value in read_table(data).column("y") if value is not None])
    scores = regression_scores(true, np.array([float(row["y"]) for row in rows]))
    assert f"the file also has 'y': {in_words(scores)} on {N} rows" in capsys.readouterr().err
    assert scores["r2"] > 0.99


def test_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data.csv"
    counts = np.random.default_rng(1).poisson(np.exp(2 + X))
    data.write_text("x,y\n" + "".join(f"{x},{count}\n" for x, count in zip(X, counts, strict=True)))
    rows = predicted(tmp_path, data, ["--loss", "poisson"])
    scores = regression_scores(counts.astype(float), np.array([float(row["y"]) for row in rows]))
    assert in_words(scores) in capsys.readouterr().err


def test_probabilities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data.csv"
    is_high = X > 0
    data.write_text("x,y\n" + "".join(f"{1000 * x},{['low', 'high'][int(h)]}\n" for x, h in zip(X, is_high, strict=True)))
    rows = predicted(tmp_path, data, ["--lr", "3"], "--proba")
    probabilities = np.array([[float(row["P(high)"]), float(row["P(low)"])] for row in rows])
    assert 0 < probabilities.min() < 5e-7  # six decimals would be 0, and the log loss infinite
    assert np.allclose(probabilities.sum(axis=1), 1, rtol=0, atol=1e-6)
    scores = class_scores((~is_high).astype(int), probabilities, probabilities.argmax(axis=1))
    assert in_words({"accuracy": scores["accuracy"]}) in capsys.readouterr().err


@pytest.mark.parametrize("suffix", [".parquet", ".gz", ".zip", ".xlsx", ".json", ".feather"])
def test_a_name_that_promises_another_kind_of_file_is_refused(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "none.nncore", "none.csv", "--out", str(tmp_path / f"answers.csv{suffix}")]) == 2
    assert "the output is CSV, but the name has another suffix; call it answers.csv" in capsys.readouterr().err
