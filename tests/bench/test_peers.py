from __future__ import annotations

from pathlib import Path

import pytest

import nncore.bench
from nncore.bench.peers import ALL, NNCORE, PEERS, parse_peers
from nncore.errors import ParameterError


def test_selection() -> None:
    assert [peer.name for peer in parse_peers("jax, torch")] == ["torch", "jax"]
    assert [peer.name for peer in parse_peers("all")] == list(ALL)
    assert "torch-compile" not in ALL
    assert [peer.name for peer in parse_peers("all,torch-compile")] == list(PEERS)
    with pytest.raises(ParameterError, match="unknown peer keras: there are torch, "):
        parse_peers("torch,keras")


def test_flavours_share_a_side() -> None:
    assert (PEERS["torch-script"].side, PEERS["torch-script"].flavour) == ("torch", "script")
    assert (PEERS["torch"].side, PEERS["torch"].flavour) == ("torch", "")


def test_every_peer_has_a_side_and_every_side_a_peer() -> None:
    folder = Path(nncore.bench.__file__).parent / "sides"
    assert {path.stem for path in folder.glob("*_side.py")} == {f"{peer.side}_side" for peer in (NNCORE, *PEERS.values())}


def test_a_peers_interpreter_need_not_have_nncore() -> None:
    folder = Path(nncore.bench.__file__).parent / "sides"
    for path in folder.glob("*.py"):
        imports = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(("import nncore", "from nncore"))]
        assert bool(imports) == (path.stem == "nncore_side"), path
