"""Commands started by an MPI launcher."""

from __future__ import annotations

from pathlib import Path

import pytest

from nncore import registry
from nncore.cli import launcher, main


def start(monkeypatch: pytest.MonkeyPatch, rank: int, size: int, names: tuple[str, str] = ("PMI_RANK", "PMI_SIZE")) -> None:
    monkeypatch.setenv(names[0], str(rank))
    monkeypatch.setenv(names[1], str(size))


@pytest.mark.parametrize(
    "names", [("PMI_RANK", "PMI_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMIX_RANK", "SLURM_NTASKS")]
)
def test_launchers_are_known_by_their_variables(names: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert launcher.launched() is None
    start(monkeypatch, 2, 4, names)
    assert launcher.launched() == (2, 4)
    start(monkeypatch, 0, 1, names)
    assert launcher.launched() is None


def test_without_the_plugin_it_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    if "mpi" in registry.names("collectives"):
        pytest.skip("nncore-mpi is installed")
    start(monkeypatch, 1, 4)
    (tmp_path / "a.csv").write_text("x,y\n1,a\n2,b\n", encoding="utf-8")
    assert main(["train", str(tmp_path / "a.csv"), "--target", "y"]) == 2
    said = capsys.readouterr().err
    assert "this is process 1 of 4" in said
    assert "pip install nncore-mpi" in said
