"""Every file of examples/ runs as a user would start it, and prints the expected output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
#: Text that each example prints.
SAYS = {
    "optuna_pruning": r"16 trials, ([1-9]|1[01]) of them pruned\nbest validation loss 0\.[0-3]\d+ with \{'lr': .*, 'n_units': \d+\}\n",
}


def run(path: Path, folder: Path) -> str:
    """The output of an example, which may write only into `folder`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::UserWarning", "MPLBACKEND": "agg"}
    process = subprocess.run(
        [sys.executable, str(path)], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    if missing := re.search(r"^ModuleNotFoundError: No module named '(?!nncore)(\w+)'$", process.stderr, re.MULTILINE):
        pytest.skip(f"{missing[1]} is not installed")
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path: Path, tmp_path: Path):
    assert re.fullmatch(SAYS[path.stem], run(path, tmp_path))
