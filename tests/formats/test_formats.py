"""File formats: chosen by suffix, also a third party's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from plugin_fixtures.fake_site import open_site

import nncore as nn
from nncore import registry
from nncore.errors import FileFormatError
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
    """The fixture plugin nncore-good installed, which brings the format ``npz``."""
    with open_site(tmp_path / "site") as site:
        site.install("nncore-good")
        registry.reload()
        yield
    registry.reload()


def test_a_third_partys_format_is_used_by_its_suffix(with_npz: None, tmp_path: Path) -> None:
    net = trained()
    net.save(tmp_path / "m.npz")
    assert set(np.load(tmp_path / "m.npz")) > {"document", "parameters|dense_1.weight", "optimizer|0"}
    loaded = nn.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded.parameters, net.parameters)
    np.testing.assert_array_equal(loaded.optimizer_state, net.optimizer_state)
    assert loaded.n_steps == net.n_steps


def test_a_damaged_file_of_a_third_partys_format(with_npz: None, tmp_path: Path) -> None:
    (tmp_path / "m.npz").write_bytes(b"PK not an archive")
    with pytest.raises(FileFormatError, match=r"m\.npz cannot be loaded: it is not an archive of a network"):
        nn.load(tmp_path / "m.npz")
