"""`tools/leaks.py`: networks and estimators do not leak memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "leaks.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")
def test_many_lives_leave_no_memory_behind() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--fits", "1600"], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "+0 open files, +0 threads" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")
def test_a_leak_is_found() -> None:
    """A leak of 20 kB in each life is found."""
    code = "import runpy, sys; sys.argv = ['leaks', '--fits', '1600']; import nncore as nn; kept = []; real = nn.Sequential.predict\n"
    code += "nn.Sequential.predict = lambda self, X: (kept.append(bytearray(20_000)), real(self, X))[1]\n"
    code += f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
