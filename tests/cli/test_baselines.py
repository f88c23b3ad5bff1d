"""Baselines on the same rows, and outliers that dominate a score."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from nncore.cli import main
from nncore.cli.baselines import baselines
from nncore.cli.evaluation import Evaluation
from nncore.cli.experiment import Fitted, divide, divide_in_folds, fit
from nncore.cli.far_off import FarOff, far_off
from nncore.cli.settings import Settings
from nncore.cli.task import Task, find_task

QUICK = ["--hidden", "8", "--epochs", "4", "--lr", "0.02"]


def scored(settings: Settings) -> tuple[Task, list[Fitted]]:
    task = find_task(settings)
    divided = [divide(task, settings)] if settings.cv is None else divide_in_folds(task, settings)
    return task, [fit(settings, task, parts) for parts in divided]


def test_the_linear_model_is_a_logistic_regression(data: Path) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    settings = Settings(data=data, target="species", epochs=1, hidden=(4,))
    task, (fitted,) = scored(settings)
    assert task.classes is not None
    X, _ = fitted.encoder.transform(task.table)
    rows = np.r_[fitted.parts.training, fitted.parts.validation]
    model = linear_model.LogisticRegression(C=1e4 / len(rows)).fit(X[rows], task.classes[rows])
    expected = model.predict_proba(X[fitted.parts.test])[np.arange(len(fitted.parts.test)), task.classes[fitted.parts.test]]
    (scores,) = baselines(settings, task, [fitted])["linear"]
    assert scores["log_loss"] == pytest.approx(-np.log(expected).mean(), abs=0.02)


def test_the_linear_model_is_a_linear_regression(prices: Path) -> None:
    settings = Settings(data=prices, target="price", epochs=1, hidden=(4,), cv=3)
    task, fitted = scored(settings)
    found = baselines(settings, task, fitted)["linear"]
    assert len(found) == 3
    assert max(scores["rmse"] for scores in found) < 25  # the noise has a standard deviation of 20


def test_boosting_gets_weights_exposures_and_the_loss(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    rng, n = np.random.default_rng(0), 600
    x, years = rng.uniform(-1, 1, n), rng.uniform(0.1, 10, n)
    counts = rng.poisson(np.exp(np.where(np.abs(x) < 0.5, 1.0, -1.0)) * years)
    path = tmp_path / "counts.csv"
    path.write_text("x,years,n\n" + "".join(f"{a:.4f},{b:.4f},{c}\n" for a, b, c in zip(x, years, counts, strict=True)))
    settings = Settings(data=path, target="n", exposure_column="years", epochs=1, hidden=(4,))
    found = baselines(settings, *(lambda task, fitted: (task, fitted))(*scored(settings)))
    assert found["boosting"][0]["r2"] > 0.8
    assert found["boosting"][0]["r2"] > found["linear"][0]["r2"]
    for loss in ("quantile:quantiles=0.9", "mae", "huber"):
        other = Settings(data=path, target="n", loss=loss, epochs=1, hidden=(4,))
        assert "boosting" in baselines(other, *scored(other))


def test_what_is_shown(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    report = tmp_path / "report.html"
    arguments = ["train", str(data), "--target", "species", "--metric", "balanced_accuracy", *QUICK]
    assert main([*arguments, "--report", str(report)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "baselines a linear model: balanced accuracy 9" in shown
    assert "; HistGradientBoosting: balanced accuracy 9" in shown
    assert "<th" in report.read_text()
    assert "a linear model" in report.read_text()
    assert main([*arguments, "--json", "--quiet"]) == 0
    score = json.loads(capsys.readouterr().out)["score"]
    assert score["baselines"].keys() == {"linear", "boosting"}
    assert score["baselines"]["boosting"].keys() == score["mean"].keys()
    assert score["far_off"] is None


def test_what_is_left_out(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def shown(*options: str) -> str:
        assert main(["train", str(data), "--target", "species", *QUICK, *options]) == 0
        return capsys.readouterr().out

    assert "baselines" not in shown("--no-baselines")
    assert "baselines" not in shown("--test-fraction", "0")
    monkeypatch.setattr("nncore.cli.train.baselines", None)  # not called if the output would not show it
    assert "baselines" not in shown("--quiet")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "sklearn", None)
    without = shown()
    assert "a linear model" in without
    assert "HistGradientBoosting" not in without
    assert "baselines" not in shown("--hidden", "none")


def test_boosting_is_left_out_with_many_classes(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("x,y\n" + "".join(f"{i % 7}.5,w{i % 40}\n" for i in range(400)))
    settings = Settings(data=path, target="y", epochs=1, hidden=(4,))
    assert baselines(settings, *scored(settings)).keys() == {"linear"}


def test_what_is_left_out_of_a_large_table_is_told(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nncore.cli.baselines.MOST_NUMBERS", 192 * 5 - 1)
    assert main(["train", str(data), "--target", "species", *QUICK]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "baselines a linear model: accuracy" in shown
    assert "HistGradientBoosting is left out of the baselines: 192 rows of 5 inputs would take minutes" in shown
    monkeypatch.undo()
    assert main(["train", str(data), "--target", "species", *QUICK]) == 0
    assert "left out of" not in capsys.readouterr().out


def test_a_baseline_that_fails_leaves_the_network(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*arguments: object) -> None:
        raise ValueError("no sum of weights\nmore")

    monkeypatch.setattr("nncore.cli.baselines._linear", failing)
    model = tmp_path / "m.nncore"
    assert main(["train", str(data), "--target", "species", "--out", str(model), *QUICK]) == 0
    captured = capsys.readouterr()
    assert "nncore: a linear model is left out of the baselines: no sum of weights\n" in captured.err
    assert "baselines   a linear" not in captured.out
    assert model.exists()


def test_an_interruption_leaves_the_network(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nncore.cli.train.baselines", interrupted)
    model = tmp_path / "m.nncore"
    assert main(["train", str(data), "--target", "species", "--out", str(model), *QUICK]) == 130
    captured = capsys.readouterr()
    assert "interrupted while baselines were trained; the network is complete" in captured.err
    assert "score" in captured.out
    assert model.exists()


# ---- rows that decide a score -----------------------------------------------------------------------------------------------


def looked_at(path: Path, true: Sequence[float], predicted: Sequence[float]) -> FarOff | None:
    path.write_text("x,y\n" + "".join(f"{i % 7},{y}\n" for i, y in enumerate(true)))
    task = find_task(Settings(data=path, target="y", task="regression"))
    rows = np.arange(len(true))
    return far_off(task, [Evaluation({}, {}, "", np.array(true), np.array(predicted), rows)])


def test_rows_that_decide_a_score_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=200)
    predicted = true + 0.1 * rng.normal(size=200)
    assert looked_at(tmp_path / "a.csv", true.tolist(), predicted.tolist()) is None
    true[[17, 60]] = 900.0, -500.0
    found = looked_at(tmp_path / "a.csv", true.tolist(), predicted.tolist())
    assert found is not None
    assert found.places == ["line 19", "line 62"]  # the second has nearly all of the error that remains after the first
    assert found.true == [900.0, -500.0]
    assert found.share > 0.999
    assert found.scores["r2"] < 0.1
    assert found.without["r2"] > 0.9
    assert "2 rows have 100.0 % of the squared errors: R²" in str(found)
    assert "(line 19: 900, predicted" in str(found)
    true[60] = predicted[60]
    one = looked_at(tmp_path / "a.csv", true.tolist(), predicted.tolist())
    assert one is not None
    assert one.places == ["line 19"]
    assert "1 row has 100.0 %" in str(one)


def test_few_rows_are_not_blamed(tmp_path: Path) -> None:
    true = [float(i) for i in range(19)]
    assert looked_at(tmp_path / "a.csv", true, [*true[:-1], 1000.0]) is None


def test_a_wrong_price_is_named_in_the_notes(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = prices.read_text().splitlines()
    settings = Settings(data=prices, target="price")
    row = int(divide(find_task(settings), settings).test[0])
    lines[row + 1] = ";".join([*lines[row + 1].split(";")[:2], "990000"])
    prices.write_text("\n".join(lines) + "\n")
    assert main(["train", str(prices), "--target", "price", "--no-baselines", *QUICK, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["score"]["far_off"]["places"] == [f"line {row + 2}"]
    assert any(f"line {row + 2}: 990000, predicted" in text for text in found["advice"])
