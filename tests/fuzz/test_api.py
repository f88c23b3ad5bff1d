"""No public function raises an error that its documentation does not name, for any arguments."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

#: A long run is ``NNCORE_FUZZ_CALLS=100000``, each with other arguments.
CALLS = os.environ.get("NNCORE_FUZZ_CALLS", "")


def test_calls_with_hostile_arguments(tmp_path: Path) -> None:
    log, seed = tmp_path / "log", str(int.from_bytes(os.urandom(4), "big")) if CALLS else "0"
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", Path(__file__).with_name("api.py"), CALLS or "150", seed, log],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    last = log.read_text(encoding="utf-8", errors="replace")[-2500:].rpartition("\n>")[2] if log.exists() else ""
    died = "" if "calls of" in done.stdout else f"it died in {last}\n{done.stderr[-2000:]}"
    print(done.stdout)
    assert not died, f"seed {seed}: {died}"
    assert done.returncode == 0, f"seed {seed}: {done.stdout}"
