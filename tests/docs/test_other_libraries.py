"""Blocks for libraries that the tests do without: each ``{code-block} python`` of a page is run by a test where its library is there.

.ci/run installs Dask, SHAP and mpi4py. Ray takes minutes more: ``pip install "ray[data]"``, then ``pytest tests/docs -k ray`` by hand.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import RECORDS, blocks, check_output, directives, run_python
from plugins.own_tests import environment_with
from registering import forgetting

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
#: The first lines of blocks that tests in this file run; `test_migrate.py` runs those of its pages.
HERE = {
    "more-machines.md": ["import nncore as nn", "from dask.distributed import Client", "import ray"],
    "explaining.md": ["import shap"],
}

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries


def test_every_block_is_run() -> None:
    found: dict[str, list[str]] = {}
    for path in (ROOT / "docs").rglob("*.md"):
        folder = path.relative_to(ROOT / "docs").parts[0]
        if folder != "migrate" and not folder.startswith((*RECORDS, "_")):
            lines = [block.text.splitlines()[0] for block in directives(path.read_text(encoding="utf-8"))]
            found |= {path.name: lines} if lines else {}
    assert found == HERE


def block_of(page: str, first_line: str) -> str:
    """The block of a page that begins so."""
    (block,) = (block for block in directives((GUIDE / page).read_text(encoding="utf-8")) if block.text.startswith(first_line))
    return block.text


def replaced(text: str, there: str, here: str) -> str:
    """A block with the address of a cluster replaced by a cluster of this machine."""
    assert text.count(there) == 1
    return text.replace(there, here)


def names_before(page: str, first_line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the page has when a reader comes to a block: those of the blocks before it."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    before = text[: text.index("{code-block} python\n" + first_line)]
    names: dict[str, Any] = {"__name__": "page"}
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MPLBACKEND", "agg")
    with forgetting():
        for block in blocks(before):
            if block.language == "python":
                run_python(GUIDE / page, block, names)
    return names


def test_processes_of_mpi(tmp_path: Path) -> None:
    pytest.importorskip("mpi4py", reason="pip install mpi4py mpich")
    mpiexec = shutil.which("mpiexec", path=os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]))
    if mpiexec is None:
        pytest.skip("there is no mpiexec: pip install mpich")
    (tmp_path / "train.py").write_text(block_of("more-machines.md", "import nncore as nn"), encoding="utf-8")
    (tmp_path / "site").mkdir()
    environment = environment_with([ROOT / "plugins" / "nncore-mpi"], tmp_path / "site")
    environment |= {"NNCORE_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""}  # buffered, so that each process writes its line at once
    command = [mpiexec, "-n", "2", sys.executable, "train.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    check_output(done.stdout, "accuracy 0.942\naccuracy 0.942\n", "train.py")
    assert (tmp_path / "digits.nncore").exists()


def test_search_on_dask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask.distributed")
    first_line = "from dask.distributed import Client"
    names = names_before("more-machines.md", first_line, tmp_path, monkeypatch)
    here = 'n_workers=2, threads_per_worker=1, dashboard_address=":0"'
    exec(replaced(block_of("more-machines.md", first_line), '"scheduler:8786"', here), names)
    names["client"].close()
    check_search(names)


def test_search_on_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    names = names_before("more-machines.md", "import ray", tmp_path, monkeypatch)
    here = "num_cpus=2, include_dashboard=False, log_to_driver=False"
    exec(replaced(block_of("more-machines.md", "import ray"), '"auto"', here), names)
    names["ray"].shutdown()
    check_search(names)


def check_search(names: dict[str, Any]) -> None:
    """Fail unless a search on a cluster found the bits that one finds here."""
    scores = names["search"].cv_results_["mean_test_score"]
    assert scores.min() > 0.5
    assert np.array_equal(names["search"].fit(names["X"], names["y"]).cv_results_["mean_test_score"], scores)


def test_values_of_shap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("shap")
    names = names_before("explaining.md", "import shap", tmp_path, monkeypatch)
    exec(block_of("explaining.md", "import shap"), names)
    explained = names["explained"]
    predicted = names["model"].predict(names["X_test"][:20])
    np.testing.assert_allclose(explained.base_values + explained.values.sum(axis=1), predicted, rtol=1e-4)
