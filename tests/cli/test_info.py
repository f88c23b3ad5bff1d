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
    made_with = native.bfloat16_instructions()
    assert f"bfloat16    {f'yes, with {made_with}: matrix products are' if made_with else 'no: this needs AVX512_BF16'} " in shown


def test_bfloat16_is_told_with_its_speed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(native, "HAS_BFLOAT16", True)
    monkeypatch.setattr(native, "bfloat16_instructions", lambda: "AVX512_BF16")
    monkeypatch.setattr("nncore.program.bfloat16_speed", lambda: 0.5)
    monkeypatch.setattr("nncore.program.is_worth_rounding", lambda: False)
    main(["info"])
    assert " ".join(capsys.readouterr().out.split()).count(
        "yes, with AVX512_BF16: matrix products are 0.50 times as fast in it as in float32, so precision='auto' does not use it"
    )
    monkeypatch.setattr(native, "HAS_BFLOAT16", False)
    main(["info"])
    assert "bfloat16    no: this needs AVX512_BF16" in capsys.readouterr().out


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
