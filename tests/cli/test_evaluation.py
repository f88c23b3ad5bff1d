from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nncore.cli import evaluation
from nncore.cli.evaluation import as_probabilities, evaluate, importances
from nncore.cli.experiment import Fitted, divide, fit
from nncore.cli.settings import Settings
from nncore.cli.task import Task, find_task


@pytest.fixture
def fitted(prices: Path) -> tuple[Fitted, Task]:
    settings = Settings(data=prices, target="price", hidden=(), epochs=60, lr=0.05)
    task = find_task(settings)
    return fit(settings, task, divide(task, settings)), task


def test_evaluation_of_numbers_is_in_the_unit_of_the_file(fitted: tuple[Fitted, Task]) -> None:
    found = evaluate(*fitted)
    true = np.array([float(fitted[1].table.column("price")[row] or 0) for row in found.rows])
    assert np.array_equal(found.true, true)
    assert np.abs(found.predicted - true).mean() == pytest.approx(found.scores["mae"])
    assert found.scores["r2"] > 0.99
    learnt = np.array([float(fitted[1].table.column("price")[row] or 0) for row in fitted[0].parts.training])
    assert found.baseline["mae"] == pytest.approx(np.abs(true - learnt.mean()).mean())


def test_importance_is_twice_the_share_of_variance_for_a_sum(fitted: tuple[Fitted, Task]) -> None:
    """For a linear sum, permuting a column costs twice the column's share of the variance."""
    found = {importance.column: importance for importance in importances([fitted[0]], fitted[1], seed=0)}
    assert list(found) == ["area", "garden"]
    area = 50**2 * (180**2 / 12)
    total = area + 300**2 / 4
    assert found["area"].mean == pytest.approx(2 * area / total, rel=0.2)
    assert found["garden"].mean == pytest.approx(2 * (1 - area / total), rel=0.5)
    assert 0 < found["area"].std < 0.5


def test_of_many_columns_those_are_shuffled_that_move_with_the_outputs(
    fitted: tuple[Fitted, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = importances([fitted[0]], fitted[1], seed=0)
    monkeypatch.setattr(evaluation, "IMPORTANCE_COLUMNS", 1)
    (only,) = importances([fitted[0]], fitted[1], seed=0)
    assert only.column == everything[0].column


def test_importance_changes_nothing(fitted: tuple[Fitted, Task]) -> None:
    before = evaluate(*fitted)
    first, second = importances([fitted[0]], fitted[1], seed=0), importances([fitted[0]], fitted[1], seed=0)
    assert first == second
    assert evaluate(*fitted).scores == before.scores


def test_probabilities_of_separate_sigmoids_sum_to_one() -> None:
    assert np.allclose(as_probabilities(np.array([[0.2, 0.2], [0.0, 0.9], [0.0, 0.0]])), [[0.5, 0.5], [0, 1], [0, 0]])


def test_counts_are_predicted_as_rates(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 600)
    y = rng.poisson(np.exp(1 + x))
    data = tmp_path / "counts.csv"
    data.write_text("x,n\n" + "".join(f"{a:.4f},{b}\n" for a, b in zip(x, y, strict=True)))
    settings = Settings(data=data, target="n", task="regression", loss="poisson", hidden=(), epochs=60, lr=0.03)
    task = find_task(settings)
    evaluation = evaluate(fit(settings, task, divide(task, settings)), task)
    rate = np.exp(1 + np.array([float(task.table.column("x")[row] or 0) for row in evaluation.rows]))
    assert evaluation.predicted.min() > 0
    assert np.abs(evaluation.predicted / rate - 1).mean() < 0.15
