"""Ranks and differences of a made-up file of results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tabular_bench.ranks import blocks, frame, paired, shared
from tabular_bench.runs import Run


def made(table: str, split: int, method: str, accuracy: float, *, fit: float = 1.0, cpu: str = "cpu") -> Run:
    loss = {"accuracy": accuracy, "log loss": 1 - accuracy, "Brier": 0.1, "ECE": 0.1}
    return Run(table, split, method, fit, 0.1, loss, "", "1", cpu, "2026-01-01")


@pytest.fixture
def data() -> pd.DataFrame:
    """Six tables; "slow" is missing on the last, and on the second split of the first."""
    runs = []
    for number in range(6):
        for split in (0, 1):
            runs += [made(f"t{number}", split, "best", 0.9), made(f"t{number}", split, "worse", 0.8, fit=2)]
            if number < 5 and (number, split) != (0, 1):
                runs.append(made(f"t{number}", split, "slow", 0.9, fit=8))
    return frame(runs)


def test_learners_share_tables_and_splits(data: pd.DataFrame) -> None:
    block = shared(data, ["best", "worse", "slow"])
    assert block.tables == ["t0", "t1", "t2", "t3", "t4"]
    assert block.splits == [1, 2, 2, 2, 2]
    assert block.ranks("score").to_dict() == {"best": 1.5, "worse": 3, "slow": 1.5}
    assert block.ranks("loss").to_dict() == {"best": 1.5, "worse": 3, "slow": 1.5}
    assert block.normalised()["best"] == 1
    assert block.seconds("fit").round(9).to_dict() == {"best": 1, "worse": 2, "slow": 8}


def test_from_the_most_tables_to_the_most_learners(data: pd.DataFrame) -> None:
    found = blocks(data, ["best", "slow", "worse", "absent"])
    assert [block.methods for block in found] == [["best", "worse"], ["best", "slow", "worse"]]
    assert [len(block.tables) for block in found] == [6, 5]


def test_the_critical_difference_is_the_published_one() -> None:
    """The critical difference equals that of Demšar 2006, section 3.2.2: 4 classifiers, 14 datasets, 5 %: 1.25."""
    data = frame([made(f"t{number}", 0, method, 0.5) for number in range(14) for method in "abcd"])
    assert shared(data, list("abcd")).critical_difference() == pytest.approx(1.25, abs=0.005)


def test_differences_are_paired(data: pd.DataFrame) -> None:
    n, difference, error, ratio, wins = paired(data, "slow", "worse")
    assert n == 5
    assert difference == pytest.approx(0.1)
    assert error == pytest.approx(0, abs=1e-12)
    assert ratio == pytest.approx(4)
    assert wins == 1


def test_a_hopeless_score_counts_as_minus_one() -> None:
    values = {"good": 0.5, "hopeless": -1e6}
    data = frame([Run("t", 0, name, 1.0, 1.0, {"R²": value, "RMSE": 1.0}, "", "1", "cpu", "date") for name, value in values.items()])
    assert paired(data, "hopeless", "good")[1] == -1.5


def test_regression_has_scores_of_its_own() -> None:
    run = Run("t", 0, "m", 1.0, 1.0, {"R²": 0.5, "RMSE": 2.0}, "", "1", "cpu", "2026-01-01")
    failed = Run("t", 1, "m", 0.0, 0.0, {}, "took more than 1 s", "1", "cpu", "2026-01-01")
    data = frame([run, failed])
    assert len(data) == 1
    assert np.array_equal(data[["score", "loss"]], [[0.5, 2.0]])


def test_seconds_of_a_second_machine_become_those_of_the_first() -> None:
    """Seconds of a second machine are converted to the first one's by their common fits, which took half as long."""
    first = [made(f"t{number}", 0, "a", 0.5, fit=2) for number in range(3)]
    second = [made(f"t{number}", 0, "a", 0.7, fit=1, cpu="faster") for number in range(2)] + [made("t0", 0, "b", 0.6, fit=3, cpu="faster")]
    data = frame(first + second).set_index(["table", "method"])
    assert data["fit"].to_dict() == pytest.approx({("t0", "a"): 2, ("t1", "a"): 2, ("t2", "a"): 2, ("t0", "b"): 6})
    assert data.loc[("t0", "a"), "score"] == 0.5
    with pytest.raises(ValueError, match="has done no fit that cpu has"):
        frame([*first, made("t9", 0, "b", 0.6, cpu="faster")])
