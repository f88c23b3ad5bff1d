"""``nncore quantize``: models of files with 8-bit products."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nncore as nn
from nncore.cli import main

QUICK = ["--target", "species", "--epochs", "5", "--no-baselines", "--quiet", "--seed", "0"]


@pytest.mark.parametrize("model", [["mlp"], ["realmlp", "--n-cv", "2"]], ids=str)
def test_models_of_files(model: list[str], tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    floats, small, exported = tmp_path / "model.nncore", tmp_path / "small.nncore", tmp_path / "small.py"
    assert main(["train", str(data), "--hidden", "100", "--model", *model, *QUICK, "--out", str(floats)]) == 0
    capsys.readouterr()
    assert main(["quantize", str(floats), str(data), "--out", str(small), "--all-layers"]) == 0
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
    assert main(["train", str(data), "--hidden", "40", *QUICK, "--out", str(model)]) == 0
    assert main(["quantize", str(model), str(data), "--out", str(tmp_path / "small.nncore")]) == 2
    assert "--all-layers at the command line, quantizes such layers too" in capsys.readouterr().err
    assert main(["quantize", str(model), str(data), "--out", str(model)]) == 2
    assert "is also an input file" in capsys.readouterr().err


def test_networks_that_python_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    X = np.random.default_rng(0).normal(size=(60, 5, 8)).astype(np.float32)
    net = nn.Sequential(nn.Flatten(), nn.Dense(40, "relu"), nn.Dense(3)).build((5, 8), rng=0)
    model, small = tmp_path / "net.nncore", tmp_path / "small.nncore"
    net.save(model)
    expected = net.quantize(X).predict(X)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "flat.npy", X.reshape(60, 40))
    np.savez(tmp_path / "X.npz", samples=X)
    lines = [",".join(f"{number:.9g}" for number in row) for row in X.reshape(60, 40)]
    (tmp_path / "X.csv").write_text("\n".join([",".join(f"x{i}" for i in range(40)), *lines]))
    for name in ("X.npy", "flat.npy", "X.npz", "X.csv"):
        assert main(["quantize", str(model), str(tmp_path / name), "--out", str(small)]) == 0
        np.testing.assert_array_equal(nn.load(small).predict(X), expected)
    assert main(["quantize", str(model), str(tmp_path / "X.npy"), "--out", str(small), "--all-layers"]) == 0
    assert nn.load(small).layer_names == ["flatten_1", "quantized_dense_1", "quantized_dense_2"]
    assert "kB instead of" in capsys.readouterr().err


def test_networks_and_samples_that_do_not_fit(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from nncore.estimators import RealMLPClassifier

    X = np.random.default_rng(0).normal(size=(60, 40))
    net = nn.Sequential(nn.Dense(40), nn.Dense(40)).build(40, rng=0)
    net.save(tmp_path / "net.nncore")
    nn.save_many([net, net], tmp_path / "two.nncore")
    RealMLPClassifier(max_iter=1, n_ens=1).fit(X, X[:, 0] > 0).save(tmp_path / "estimator.nncore")
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "narrow.npy", X[:, :7])
    np.savez(tmp_path / "two.npz", a=X, b=X)
    np.savez_compressed(tmp_path / "packed.npz", a=X)
    (tmp_path / "broken.npy").write_bytes(b"nothing")
    for model, samples, said in (
        ("net", "narrow.npy", "has samples of shape (7,), this network takes (40,)"),
        ("net", "two.npz", "holds the arrays a, b, but samples are one array"),
        ("net", "packed.npz", "is compressed"),
        ("net", "broken.npy", "cannot be read as a .npy file"),
        ("net", str(data), "is not a finite number"),
        ("two", "X.npy", "holds 2 networks, but quantize takes one"),
        ("estimator", "X.npy", "holds an estimator, whose samples this command cannot read"),
    ):
        assert main(["quantize", str(tmp_path / f"{model}.nncore"), str(tmp_path / samples), "--out", str(tmp_path / "new.nncore")]) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "new.nncore").exists()
