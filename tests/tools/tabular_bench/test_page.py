"""The page of a made-up file of results."""

from __future__ import annotations

from pathlib import Path

import matplotlib  # noqa: F401  # the page has pictures
import numpy as np
import pandas as pd
import pytest
import sklearn  # noqa: F401  # the learners' module needs it
from tabular_bench import division, page, runs
from tabular_bench.tables import TABLES, Data


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two learners on six reported tables and one to tune on; a third learner that failed."""
    data = Data("any", "binary", pd.DataFrame({"a": [1.0, np.nan]}), np.arange(2))
    monkeypatch.setattr(page, "load", lambda name, folder: data)
    parts = division.read()
    file = tmp_path / "tabular.jsonl"
    for table in [*parts["report"][:6], parts["tune"][0]]:
        for method, score in (("hgb", 0.5), ("nncore-64", 0.75)):
            classes = TABLES[table].kind != "regression"
            scores = {"accuracy": score, "log loss": 1.0, "Brier": 0.5, "ECE": 0.1} if classes else {"R²": score, "RMSE": 1.0}
            runs.write(file, runs.Run(table, 0, method, 0.25, 0.01, scores, "", f"{method} 1.0", "a CPU", "2026-01-01"))
    runs.write(file, runs.Run(parts["report"][0], 0, "catboost", 0.0, 0.0, {}, "took more than 9 s", "catboost 1", "a CPU", "2026-01-01"))
    return file


def test_page(file: Path) -> None:
    text = page.write(file, None).read_text(encoding="utf-8")
    assert (file.parent / "tabular-1.png").read_bytes().startswith(b"\x89PNG")
    assert "![Ranks, and score against processor time](tabular-1.png)" in text
    assert "2 learners on 6 tables: nncore MLP 64-64 leads with a mean rank of 1.0." in text
    assert "a fit takes 0.25 s, 1 times HistGradientBoosting's" in text
    assert "| **nncore MLP 64-64** | 6 | +0.2500 ± 0.0000 | 100% | 1 |" in text
    assert "CatBoost: took more than 9 s" in text
    assert "TabPFN" in text
    results = text.partition("## The tables")[0]
    assert division.read()["tune"][0] not in results  # their scores are not reported
    assert all(f"| {name} | " in text for name in TABLES)


def test_few_tables_are_not_compared(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:4]), encoding="utf-8")
    assert "Too few tables" in page.write(file, None).read_text(encoding="utf-8")
