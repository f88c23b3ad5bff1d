"""Files of older versions: components upgrade their arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from network.files import built, load_bytes, network_in, tampered
from network.years import SOURCE, X, Y, plugin, trained
from plugin_fixtures.fake_site import open_site

import nncore as nn
from nncore import registry
from nncore.errors import FileFormatError, PluginError
from nncore.optimizers.adam import Adam


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A file of nncore-years 1.0, with nested components."""
    with plugin(tmp_path / "old", "1.0"):
        inner = registry.resolve("layers", {"name": "same", "speed": 0.25})
        network = trained(
            optimizer={"name": "old", "speed": 0.75}, schedule={"name": "slow", "speed": 0.125, "inner": [inner, {"deep": inner}]}
        )
        network.save(tmp_path / "net.nncore")
    return tmp_path / "net.nncore"


def test_arguments_of_an_older_version_are_mended(old_file: Path, tmp_path: Path) -> None:
    with plugin(tmp_path / "new", "2.0"):
        net = nn.load(old_file)
        assert net.optimizer.config() == {"lr": 0.1, "rate": 0.75, "inner": None}
        assert net.schedule.rate == 0.125
        assert net.schedule.inner[0].rate == 0.25
        net.fit(X, Y, epochs=1, progress=False)
        net.save(tmp_path / "again.nncore")
        assert nn.load(tmp_path / "again.nncore").optimizer.rate == 0.75  # its upgrade, which is for 1.0, is not called


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "1.0+cpu"])
def test_the_same_version_is_not_mended(old_file: Path, tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_site(tmp_path / "site") as site:
        site.folder.mkdir()
        site.write("nncore-years", SOURCE.format(name="speed"), version=version)
        registry.reload()
        try:
            monkeypatch.setattr(registry.get("optimizers", "old"), "upgrade", None)
            assert nn.load(old_file).optimizer.speed == 0.75
        finally:
            registry.registry._default = None


def older(header: dict[str, Any]) -> None:
    network_in(header)["components"]["optimizers"]["adam"]["version"] = "0.0.1"


def test_built_in_components_are_mended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def upgrade(cls: type[Adam], config: dict[str, Any], version: str) -> dict[str, Any]:
        asked.append((config, version))
        return config | {"lr": 0.5}

    built().save(tmp_path / "net.nncore")
    monkeypatch.setattr(Adam, "upgrade", classmethod(upgrade))
    file = tampered((tmp_path / "net.nncore").read_bytes(), older)
    assert load_bytes(file, tmp_path).optimizer.lr == 0.5
    assert asked == [(Adam().config(), "0.0.1")]


def test_by_default_nothing_is_mended(tmp_path: Path) -> None:
    built().save(tmp_path / "net.nncore")
    net = load_bytes(tampered((tmp_path / "net.nncore").read_bytes(), older), tmp_path)
    assert net.optimizer.config() == Adam().config()
    np.testing.assert_array_equal(net.parameters, built().parameters)


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (None, PluginError, "must return arguments by name"),
        ({3: 4}, PluginError, "must return arguments by name"),
        ({"name": "sgd"}, PluginError, "must return arguments by name"),
        ({"beta9": 1}, FileFormatError, "unexpected keyword argument 'beta9'"),
        (
            ZeroDivisionError("oops"),
            PluginError,
            r"Adam\.upgrade of nncore-ml .* fails for a file of version 0\.0\.1: ZeroDivisionError: oops",
        ),
    ],
    ids=["none", "keys", "another", "unknown", "raises"],
)
def test_an_upgrade_that_fails_says_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, returned: Any, error: type[Exception], words: str
) -> None:
    def upgrade(cls: type[Adam], config: dict[str, Any], version: str) -> Any:
        if isinstance(returned, Exception):
            raise returned
        return returned

    built().save(tmp_path / "net.nncore")
    monkeypatch.setattr(Adam, "upgrade", classmethod(upgrade))
    with pytest.raises(error, match=words):
        load_bytes(tampered((tmp_path / "net.nncore").read_bytes(), older), tmp_path)
