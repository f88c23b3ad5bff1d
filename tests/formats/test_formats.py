"""File formats: chosen by suffix, including third-party ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from plugin_fixtures.fake_site import open_site

import nncore as nn
from nncore import registry
from nncore.cli import main
from nncore.errors import FileFormatError, PluginWarning
from nncore.network.document import format_for


def trained() -> nn.Sequential:
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Dense(4, activation="relu"), nn.BatchNorm(), nn.Dense(2))
    net.fit(rng.normal(size=(40, 3)), rng.integers(2, size=40), loss="softmax_cross_entropy", epochs=2, rng=0, progress=False)
    return net


@pytest.mark.parametrize("name", ["m.nncore", "m.safetensors", "m.SAFETENSORS", "m", "m.bin"])
def test_the_built_in_format_takes_what_nobody_claims(name: str) -> None:
    assert registry.qualified_name("formats", type(format_for(Path(name)))) == "safetensors"


@pytest.fixture
def with_npz(tmp_path: Path):
    """The installed fixture plugin nncore-good, with its format ``npz``."""
    with open_site(tmp_path / "site") as site:
        site.install("nncore-good")
        registry.reload()
        yield


def test_a_third_partys_format_is_used_by_its_suffix(with_npz: None, tmp_path: Path) -> None:
    net = trained()
    net.save(tmp_path / "m.npz")
    assert set(np.load(tmp_path / "m.npz")) > {"document", "parameters|dense_1.weight", "optimizer|dense_1.weight|slot_0"}
    loaded = nn.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded.parameters, net.parameters)
    np.testing.assert_equal(loaded.optimizer_state, net.optimizer_state)
    assert loaded.n_steps == net.n_steps


def test_a_damaged_file_of_a_third_partys_format(with_npz: None, tmp_path: Path) -> None:
    (tmp_path / "m.npz").write_bytes(b"PK not an archive")
    with pytest.raises(FileFormatError, match=r"m\.npz cannot be loaded: it is not an archive of a network"):
        nn.load(tmp_path / "m.npz")


# ---- formats that are broken, or claim suffixes of others --------------------------------------------------------------------

#: Sources of component modules that do not define a format correctly.
BROKEN = {
    "library": "import a_library_that_is_not_there",
    "extra": "from nncore.errors import MissingExtraError\nraise MissingExtraError('pip install something')",
    "exit": "import sys\nsys.exit('usage: ...')",
    "no format": "class Odd: pass",
    "suffixes": "from nncore.plugin import Format\nclass Odd(Format): suffixes = '.odd'",
    "capitals": "from nncore.plugin import Format\nclass Odd(Format): suffixes = ('.ODD',)",
}
MANIFEST = "NNCORE_API = (1, 0)\n@hookimpl\ndef nncore_formats(api): return [Component('odd', 'nncore_odd_component:Odd')]"


@pytest.fixture
def with_odd(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A plugin whose format has the source that the test passes."""
    (tmp_path / "site").mkdir()
    with open_site(tmp_path / "site") as site:
        site.write("nncore-odd", MANIFEST)
        (site.folder / "nncore_odd_component.py").write_text(request.param, encoding="utf-8")
        registry.reload()
        yield tmp_path


@pytest.mark.parametrize("with_odd", BROKEN.values(), ids=BROKEN.keys(), indirect=True)
@pytest.mark.parametrize("name", ["m.nncore", "m.safetensors", "m"])
def test_a_broken_format_does_not_break_the_others(with_odd: Path, name: str) -> None:
    net = trained()
    net.save(with_odd / name)
    np.testing.assert_array_equal(nn.load(with_odd / name).parameters, net.parameters)
    assert "nncore_odd_component" not in sys.modules  # it is not imported


@pytest.mark.parametrize("with_odd", BROKEN.values(), ids=BROKEN.keys(), indirect=True)
def test_where_a_broken_format_may_be_meant_it_is_told(with_odd: Path) -> None:
    with pytest.warns(PluginWarning, match=r"m\.odd: a format of a plugin, which may claim this suffix, cannot be used:"):
        trained().save(with_odd / "m.odd")
    with pytest.warns(PluginWarning, match=r"m\.odd: a format of a plugin, which may claim this suffix, cannot be used:"):
        assert nn.load(with_odd / "m.odd").n_steps


CLAIMING = """
from nncore.plugin import Format

class Odd(Format):
    suffixes = (".nncore", ".odd")

    def encode(self, document, tensors):
        self.given = document, tensors
        return b"taken over"

    def decode(self, data):
        return self.given
"""


@pytest.mark.parametrize("with_odd", [CLAIMING], ids=["claiming"], indirect=True)
def test_a_built_in_suffix_cannot_be_taken_over(with_odd: Path) -> None:
    trained().save(with_odd / "m.nncore")
    assert nn.load(with_odd / "m.nncore").n_steps
    [problem] = [found for found in registry.problems() if found.distribution == "nncore-odd"]
    assert problem.stage == "names"
    assert "the format 'odd' claims .nncore, which is built in and cannot be replaced" in problem.error
    trained().save(with_odd / "m.odd")
    assert (with_odd / "m.odd").read_bytes() == b"taken over"


@pytest.mark.parametrize("with_odd", [CLAIMING], ids=["claiming"], indirect=True)
def test_the_command_tells_of_the_claim(with_odd: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    assert "the format 'odd' claims .nncore" in capsys.readouterr().err


@pytest.mark.parametrize("suffix", sorted(registry.get("formats", "safetensors").suffixes))
def test_every_built_in_suffix_belongs_to_a_built_in_format(suffix: str) -> None:
    assert registry.qualified_name("formats", type(format_for(Path(f"m{suffix}")))) == "safetensors"
