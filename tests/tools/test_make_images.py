"""All pictures of the documentation are made by the script, and are small."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from drawing import overlapping_texts

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tools" / "make_images.py"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="a source tree")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_images", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_there_are_those_of_the_script(script: ModuleType):
    files = {path.stem: path for path in script.IMAGES.iterdir()}
    assert sorted(files) == sorted(script.PICTURES)
    for path in files.values():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size <= script.LARGEST


@pytest.mark.parametrize("name", ["gradients-sigmoid", "learning-rate"])
def test_a_picture_is_drawn(script: ModuleType, name: str):
    figure = script.PICTURES[name]()
    assert overlapping_texts(figure) == []
    assert len(script.as_png(figure)) <= script.LARGEST


@pytest.mark.slow
def test_the_script_draws_all_pictures(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(script, "IMAGES", tmp_path)
    script.main()
    assert len(list(tmp_path.glob("*.png"))) == len(script.PICTURES)
