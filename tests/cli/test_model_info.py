"""``nncore info MODEL``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from network.everything import cut_short
from network.files import trained, with_field

import nncore as nn
from nncore.cli import main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    network = cut_short()
    network.save(tmp_path / "net.nncore")
    return tmp_path / "net.nncore"


def test_what_it_says(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in (
        f"{path}, {path.stat().st_size:,} bytes", "safetensors 2, written by nncore", "sound", "input 6 numbers for each sample",
        "parameters 46, float32", "dense_1 dense(n_outputs=4", "loss softmax_cross_entropy(", "optimizer adam(lr=0.001",
        "with its state, with an average of the parameters, with the last and the best parameters",
        "lr: cosine(", "trained 1 epochs, 4 steps", "interrupted after 4 of the 12 samples of epoch 2", "EarlyStopping(",
        'metadata {"names": ["a"], "n": 3', f"plugin nncore-ml {nn.__version__} (adam, batch_norm",
    ):  # fmt: skip
        assert text in shown


def test_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["problem"] is None
    assert told["networks"][0]["layers"][0] == {"name": "dense_1", "kind": "dense", "n_parameters": 28} | {
        "arguments": told["networks"][0]["layers"][0]["arguments"]
    }


@pytest.mark.parametrize("as_json", [[], ["--json"]], ids=["text", "json"])
def test_a_bad_file(path: Path, as_json: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["info", str(path), *as_json]) == 1
    shown = capsys.readouterr()
    assert "net.nncore cannot be loaded: it is damaged or cut short" in shown.err
    assert (json.loads(shown.out)["problem"] if as_json else shown.err.partition("error: ")[2].strip()) in shown.err
    assert main(["info", str(path.parent / "none.nncore")]) == 2
    assert main(["info", "--json"]) == 2


def test_many_networks_and_missing_plugins(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "many.nncore"
    nn.save_many({"first": trained(), "second": trained()}, path)
    assert main(["info", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "networks    2: load them with nncore.load_many" in shown
    assert "network     second" in shown
    trained().save(path)
    table = {"layers": {"nncore-gone/b": {"plugin": "nncore-gone", "version": "3.0"}}, "losses": {"mine": {"registered": "at run time"}}}
    path.write_bytes(with_field(path.read_bytes(), "components", table))
    assert main(["info", str(path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "nncore-gone 3.0, which is not installed: pip install nncore-gone==3.0 (nncore-gone/b)" in shown
    assert "registered at run time: pass their classes to nncore.load" in shown


def test_columns_and_labels_of_a_table_cannot_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "net.nncore"
    labels = "no\x1b[2J", "yes"
    lines = [f"{x:.3f},{y:.3f},{labels[int(x > y)]}" for x, y in rng.normal(size=(60, 2))]
    (tmp_path / "table.csv").write_text("\n".join(["a\x1b[31m,b,answer", *lines, ""]), encoding="utf-8")
    assert main(["train", str(tmp_path / "table.csv"), "--target", "answer", "--epochs", "2", "--out", str(path)]) == 0
    capsys.readouterr()
    assert main(["info", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert r"columns     2: a\x1b[31m, b" in shown
    assert r"2 classes" in shown
