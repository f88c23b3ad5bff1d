"""A program frozen by PyInstaller finds the modules that nncore imports by name, and plugins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAM = """
import sys
import numpy as np
import nncore as nn

X = np.random.default_rng(0).normal(size=(50, 2)).astype("float32")
net = nn.Sequential(nn.Dense(4, activation="relu"), nn.BatchNorm(), nn.Dense(2))
net.fit(X, X[:, 0] > 0, loss="softmax_cross_entropy", optimizer="nncore-lion/lion", schedule="cosine", epochs=3, rng=0, progress=False)
net.save("net.nncore")
assert np.array_equal(nn.load("net.nncore").predict(X), net.predict(X))
print("frozen", sys.frozen)
"""


@pytest.mark.slow
def test_a_frozen_program_trains_saves_and_loads(tmp_path: Path) -> None:
    """A frozen program trains, saves and loads with built-ins by name and an installed plugin, in an empty environment."""

    def run(*command: str | Path, **environment: dict[str, str]) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False, **environment)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "wheels", ROOT, ROOT / "plugins" / "nncore-lion")
    run(sys.executable, "-m", "venv", "home")
    python = tmp_path / "home" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "pyinstaller", *(tmp_path / "wheels").glob("*.whl"))
    run(python, "-m", "PyInstaller", "--noconfirm", "program.py")
    assert run(tmp_path / "dist" / "program" / "program", env={}) == "frozen True\n"
