"""The comparison on tables runs and writes its page, here on a table made up on the spot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TOOL = Path(__file__).parents[2] / "tools" / "compare_on_data.py"


@pytest.mark.slow
def test_page(tmp_path):
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    lines = ["species,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex"]
    for i in range(200):
        numbers = ",".join(f"{value:.1f}" for value in rng.normal([40, 17, 200, 4200], [5, 2, 14, 800]) + 5 * (i % 3))
        lines.append(f"{'ABC'[i % 3]},{rng.choice(['Biscoe', 'Dream'])},{numbers},{rng.choice(['MALE', 'FEMALE', ''])}")
    lines[5] = lines[5].replace(lines[5].split(",")[2], "")
    (tmp_path / "penguins").mkdir()
    (tmp_path / "penguins" / "penguins.csv").write_text("\n".join(lines))
    page = tmp_path / "page.md"
    command = [sys.executable, "-W", "error", TOOL, tmp_path, "--datasets", "penguins", "--folds", "2", "--max-iter", "2", "--out", page]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("\n| ") >= 6
    text = page.read_text(encoding="utf-8")
    for words in ("200 rows, 6 columns", "nncore MLP, frame in", "| CPU |", "at most 2 epochs", "HistGradientBoosting", "scikit-learn"):
        assert words in text
