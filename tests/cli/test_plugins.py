from __future__ import annotations

import json

import pytest

from nncore import registry
from nncore.cli import main
from nncore.plugin import Component


def test_every_built_in_is_listed_and_none_is_broken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--json"]) == 0
    listing = json.loads(capsys.readouterr().out)
    built_in = {(row["kind"], row["name"]): row for row in listing["components"] if row["distribution"] == "nncore-ml"}
    assert built_in.keys() == {(kind, name) for kind in registry.KINDS for name in registry.names(kind) if "/" not in name}
    assert {row["rung"] for row in built_in.values()} <= {"native", "numpy", "python", "view"}
    assert built_in["activations", "relu"]["rung"] == "native"
    assert built_in["layers", "flatten"]["rung"] == "view"
    assert built_in["metrics", "accuracy"]["rung"] == "native"
    assert built_in["formats", "safetensors"]["rung"] == "python"
    assert all(row["summary"] for row in built_in.values())


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["kind", "name", "plugin", "runs", "summary"]
    assert any(line.split()[:2] == ["optimizers", "adam"] for line in lines)
    kinds = [line.split()[0] for line in lines[2:]]
    assert kinds == sorted(kinds, key=list(registry.KINDS).index)


def test_problems_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    problem = registry.PluginProblem("nncore-odd", "1.0", "odd", "import", "No module named 'odd'")
    blocked = registry.PluginInfo("nncore-blocked", "2.0", "blocked", "blocked", blocked=True)
    broken = registry.PluginInfo(
        "nncore-ml",
        "0.1.0",
        "builtin",
        "nncore.registry.builtin",
        (("optimizers", Component("gone", "nncore.gone:Gone", "nothing")),),
        built_in=True,
    )
    slow = registry.PluginInfo("nncore-slow", "3.0", "slow", "slow", seconds=0.5)
    monkeypatch.setattr(registry, "plugins", lambda: [broken, blocked, slow])
    monkeypatch.setattr(registry, "problems", lambda: [problem])
    assert main(["plugins"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].split() == ["optimizers", "gone", "nncore-ml", "0.1.0", "broken", "nothing"]
    assert "plugin nncore-odd 1.0 (odd), import: No module named 'odd'" in captured.err
    assert "plugin nncore-blocked 2.0: blocked" in captured.err
    assert "plugin nncore-slow 3.0: its manifest took 0.50 s to import" in captured.err
