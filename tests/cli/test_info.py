from __future__ import annotations

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

import nncore
from nncore import registry
from nncore._core import native
from nncore.cli import main
from nncore.errors import ShadowedInstallError


def test_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    shown = capsys.readouterr().out
    assert nncore.__version__ in shown
    assert np.__version__ in shown
    assert f"CPU level   {native.LEVEL}, {native.INSTRUCTIONS} (" in shown
    assert str(Path(nncore.__file__).parent) in shown
    assert "install     sound" in shown


def test_absent_libraries_are_named_with_their_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    version = importlib.metadata.version

    def absent(distribution: str) -> str:
        if distribution == "rich":
            raise importlib.metadata.PackageNotFoundError(distribution)
        return version(distribution)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    main(["info"])
    assert 'no rich (pip install "nncore-ml[progress]")' in capsys.readouterr().out


def test_a_shadowed_install_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def shadowed(*details: object) -> None:
        raise ShadowedInstallError("another distribution owns the name")

    monkeypatch.setattr(registry, "check_install", shadowed)
    assert main(["info"]) == 2
    captured = capsys.readouterr()
    assert "sound" not in captured.out
    assert captured.err == "nncore: error: another distribution owns the name\n"
