"""``nncore quantize``: models of files with products of 8 bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from nncore.cli import main

QUICK = ["--target", "species", "--epochs", "5", "--no-baselines", "--quiet", "--seed", "0"]


@pytest.mark.parametrize("model", [["mlp"], ["realmlp", "--n-cv", "2"]], ids=str)
def test_models_of_files(model: list[str], tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    floats, small, exported = tmp_path / "model.nncore", tmp_path / "small.nncore", tmp_path / "small.py"
    assert main(["train", str(data), "--hidden", "100", "--model", *model, *QUICK, "--out", str(floats)]) == 0
    capsys.readouterr()
    assert main(["quantize", str(floats), str(data), "--out", str(small)]) == 0
    said = capsys.readouterr().err
    assert "before: accuracy" in said
    assert "in 8 bits: accuracy" in said
    assert small.stat().st_size < floats.stat().st_size
    answers = []
    for one in (floats, small):
        assert main(["predict", str(one), str(data)]) == 0
        answers.append(capsys.readouterr().out.split())
    assert sum(a != b for a, b in zip(*answers, strict=True)) <= 2
    assert main(["export", str(small), "--to", str(exported)]) == 0
    assert "int8" in exported.read_text()


def test_what_cannot_be_quantized(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.nncore"
    assert main(["train", str(data), "--model", "tabm", *QUICK, "--out", str(model)]) == 0
    assert main(["quantize", str(model), str(data), "--out", str(tmp_path / "small.nncore")]) == 2
    assert "there is no layer to quantize" in capsys.readouterr().err
    assert main(["quantize", str(model), str(data), "--out", str(model)]) == 2
    assert "is also an input file" in capsys.readouterr().err
