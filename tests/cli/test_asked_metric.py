"""``--metric`` by any name: nncore's metrics, its scores, and scikit-learn's scorers."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore.cli import main
from nncore.cli.answers import true_values
from nncore.cli.asked_metric import AskedMetric, find_metric
from nncore.cli.bagging import fit_model
from nncore.cli.evaluation import evaluate
from nncore.cli.experiment import divide, fit
from nncore.cli.settings import Settings
from nncore.cli.task import find_task
from nncore.ensembles import NetworkModel
from nncore.errors import ParameterError, UnknownComponentError

QUICK = ["--hidden", "8", "--epochs", "4", "--lr", "0.02", "--no-baselines"]


def result(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """The output of --json."""
    capsys.readouterr()
    assert main(["train", *map(str, arguments), "--json", *QUICK]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_metric_of_the_registry_judges_and_is_shown(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, prices, "--target", "price", "--metric", "d2_pinball:quantiles=0.9")
    assert "d2_pinball" in found["score"]["mean"]
    assert main(["train", str(prices), "--target", "price", "--metric", "d2_absolute_error", *QUICK, "--epochs", "300"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "score d2_absolute_error 0.9" in shown
    assert "val_d2_absolute_error did not improve" in shown


def test_a_metric_of_numbers_is_one_in_the_unit_of_the_file(prices: Path) -> None:
    settings = Settings(data=prices, target="price", metric="d2_absolute_error", epochs=3, hidden=(4,))
    task = find_task(settings)
    evaluation = evaluate(fit(settings, task, divide(task, settings)), task)
    metrics = pytest.importorskip("sklearn.metrics")
    expected = metrics.d2_absolute_error_score(evaluation.true, evaluation.predicted)
    assert evaluation.scores["d2_absolute_error"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["neg_log_loss", "jaccard", "matthews_corrcoef", "roc_auc_ovr"])
def test_scorers_of_scikit_learn(name: str, weighted: bool, data: Path, tmp_path: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    path = tmp_path / "weighted.csv"
    lines = data.read_text().splitlines()
    path.write_text("".join(f"{line},{1 + i % 3 if i else 'w'}\n" for i, line in enumerate(lines)))
    settings = Settings(data=path, target="species", metric=name, epochs=2, hidden=(4,), weight_column="w" if weighted else None)
    task = find_task(settings)
    fitted = fit(settings, task, divide(task, settings))
    assert f"val_{name}" not in fitted.history
    rows = fitted.parts.test
    evaluation = evaluate(fitted, task)
    X, _ = fitted.encoder.transform(task.table)
    proba = fitted.model.outputs(X[rows])
    weight = task.row_values.weight_of(rows)
    of_labels = {"jaccard": "jaccard_score", "matthews_corrcoef": "matthews_corrcoef"}
    if name in of_labels:
        expected = getattr(metrics, of_labels[name])(evaluation.true, evaluation.predicted, sample_weight=weight)
    elif name == "neg_log_loss":
        expected = -metrics.log_loss(evaluation.true, proba, sample_weight=weight)
    else:
        expected = metrics.roc_auc_score(evaluation.true, proba[:, 1], sample_weight=weight)
    assert evaluation.scores[name] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["f1", "average_precision", "roc_auc", "balanced_accuracy", "log_loss", "brier"])
def test_own_metrics_of_classes_judge_epochs_and_are_shown_as_scikit_learn_computes_them(name: str, data: Path, tmp_path: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    path = tmp_path / "weighted.csv"
    lines = data.read_text().splitlines()
    path.write_text("".join(f"{line},{1 + i % 3 if i else 'w'}\n" for i, line in enumerate(lines)))
    settings = Settings(data=path, target="species", metric=name, epochs=2, hidden=(4,), weight_column="w")
    task = find_task(settings)
    fitted = fit(settings, task, divide(task, settings))
    assert f"val_{name}" in fitted.history
    evaluation = evaluate(fitted, task)
    X, _ = fitted.encoder.transform(task.table)
    rows = fitted.parts.test
    proba = fitted.model.outputs(X[rows])
    score = {
        "f1": metrics.f1_score, "average_precision": metrics.average_precision_score, "roc_auc": metrics.roc_auc_score,
        "balanced_accuracy": metrics.balanced_accuracy_score, "log_loss": metrics.log_loss, "brier": metrics.brier_score_loss,
    }[name]  # fmt: skip
    of_answers = evaluation.predicted if name in ("f1", "balanced_accuracy") else proba if name == "log_loss" else proba[:, 1]
    expected = score(evaluation.true, of_answers, sample_weight=task.row_values.weight_of(rows))
    assert evaluation.scores[name] == pytest.approx(expected, rel=1e-5)
    assert name in evaluation.baseline


@pytest.mark.parametrize("name", ["roc_auc", "f1", "log_loss"])
def test_a_metric_of_classes_is_refused_for_numbers_before_training(name: str, prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(prices), "--target", "price", "--metric", name, *QUICK]) == 2
    assert "scores classes" in capsys.readouterr().err


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", ["jaccard", "matthews_corrcoef"])
@pytest.mark.parametrize("model", ["mlp", "realmlp"])
def test_a_score_that_is_asked_in_python_chooses_the_epoch(
    model: str, name: str, sign: int, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    settings = Settings(data=data, target="species", metric=name, epochs=4, hidden=(4,), lr=0.01, model=model, seed=3)
    settings = settings if model == "mlp" else replace(settings, n_cv=2)
    task = find_task(settings)
    asked: list[int] = []
    of_epoch = AskedMetric.of_epoch

    def scored(self: AskedMetric, true: np.ndarray, *answers: Any) -> float:
        assert -1 <= of_epoch(self, true, *answers) <= 1
        asked.append(len(true))
        return float(sign * len(asked))

    monkeypatch.setattr(AskedMetric, "of_epoch", scored)
    fitted = fit_model(replace(settings, threads=1), task, divide(task, settings))
    assert list(fitted.best_epochs) == [4 if sign > 0 else 1] * len(fitted.model.networks)
    assert len(asked) == 4 * len(fitted.model.networks)


def test_the_score_of_the_kept_epoch_is_that_of_its_network(data: Path) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    settings = Settings(data=data, target="species", metric="neg_brier_score", epochs=30, hidden=(4,), lr=0.1, patience=30)
    task = find_task(settings)
    parts = divide(task, settings)
    fitted = fit(settings, task, parts)
    inputs, _ = fitted.model.inputs(task.table.select_rows(parts.validation))

    def score(network: NetworkModel) -> float:
        return float(-metrics.brier_score_loss(true_values(task)[parts.validation], network.outputs(inputs)[:, 1]))

    assert isinstance(fitted.model, NetworkModel)
    last = fit(replace(settings, patience=0, epochs=30), task, replace(parts))
    assert isinstance(last.model, NetworkModel)
    assert fitted.best_epoch < 30
    assert score(fitted.model) > score(last.model)


def test_without_rows_held_out_a_score_still_chooses(prices: Path) -> None:
    pytest.importorskip("sklearn")
    assert main(["train", str(prices), "--target", "price", "--metric", "neg_max_error", "--test-fraction", "0", *QUICK]) == 0


def test_what_is_shown_without_being_asked_for_is_a_metric_of_the_registry() -> None:
    for name in ("accuracy", "balanced_accuracy", "log_loss", "roc_auc", "r2", "rmse", "mae"):
        asked = find_metric(name)
        assert asked.judge is not None
        assert asked.scorer is None


def test_scorers_of_numbers(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    found = result(capsys, prices, "--target", "price", "--metric", "neg_root_mean_squared_error", "--cv", "3")
    score = found["score"]["mean"]
    assert score["neg_root_mean_squared_error"] == pytest.approx(-score["rmse"])
    assert "neg_root_mean_squared_error" in found["score"]["baseline"]


def test_own_scores_need_no_scikit_learn(data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    for name in ("roc_auc", "balanced_accuracy", "log_loss", "f1"):
        assert name in result(capsys, data, "--target", "species", "--metric", name)["score"]["mean"]
    assert main(["train", str(data), "--target", "species", "--metric", "balanced_accuracy", "--quiet", *QUICK]) == 0
    assert capsys.readouterr().out.startswith("score       balanced accuracy")
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(UnknownComponentError, match=r'not a metric of nncore, needs sklearn: pip install "nncore-ml\[sklearn\]"'):
        find_metric("jaccard")


@pytest.mark.parametrize("name", ["nope", "jaccard:average=macro"])
def test_an_unknown_metric_is_told_with_the_names_there_are(name: str) -> None:
    pytest.importorskip("sklearn")
    with pytest.raises(UnknownComponentError, match=r"the names are accuracy, .*scikit-learn's scorers are .*neg_log_loss"):
        find_metric(name)


@pytest.mark.parametrize(
    ("target", "name", "options", "message"),
    [
        ("price", "jaccard", [], "--metric jaccard: "),
        ("price", "roc_auc", [], "ROCAUC scores classes"),
        ("garden", "neg_max_error", ["--weight-column", "price"], "--metric neg_max_error: "),
        ("price", "jaccard", ["--test-fraction", "0"], "--metric jaccard: "),
        ("garden", "rmse", [], "RMSE needs one target for each output"),
    ],
)
def test_a_score_that_cannot_be_is_refused_before_training(
    target: str,
    name: str,
    options: list[str],
    message: str,
    prices: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("sklearn")
    assert main(["train", str(prices), "--target", target, "--metric", name, *options, *QUICK]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "trained" not in captured.out


def test_a_score_that_is_no_number_is_refused() -> None:
    pytest.importorskip("sklearn")
    metric = find_metric("roc_auc")
    answers = np.zeros(4, np.int64), np.full((4, 2), 0.5), np.zeros(4, np.int64), None
    assert metric.of_answers(*answers) == {}  # NaN: there is no curve of one class
    with pytest.raises(ParameterError, match=r"cannot be computed on the 4 rows held out|[Oo]nly one class"):
        find_metric("roc_auc_ovr").of_answers(*answers)
