from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nncore.plugin import setup_arguments

setuptools = pytest.importorskip("setuptools")


def test_a_module_in_c_is_for_every_version_from_one_on() -> None:
    arguments = setup_arguments("nncore_x.kernel", ["nncore_x/kernel.c"], depends=["nncore_x/x.h"], extra_compile_args=["-DX"])
    (module,) = arguments["ext_modules"]
    assert isinstance(module, setuptools.Extension)
    assert (module.name, module.sources, module.depends) == ("nncore_x.kernel", ["nncore_x/kernel.c"], ["nncore_x/x.h"])
    assert module.py_limited_api
    assert module.define_macros == [("Py_LIMITED_API", "0x030B0000")]
    assert (Path(module.include_dirs[0]) / "nncore" / "plugin.h").exists()
    assert len(module.extra_compile_args) > 1
    assert module.extra_compile_args[-1] == "-DX"
    assert arguments["options"] == {"bdist_wheel": {"py_limited_api": "cp311"}}


@pytest.mark.parametrize(("platform", "wanted"), [("linux", "-ffp-contract=off"), ("darwin", "-ffp-contract=off"), ("win32", "/O2")])
def test_flags_of_each_system(platform: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    (module,) = setup_arguments("nncore_x.kernel", ["nncore_x/kernel.c"])["ext_modules"]
    assert wanted in module.extra_compile_args
    assert "-ffast-math" not in module.extra_compile_args
    assert bool(module.extra_link_args) == (platform == "linux")
    assert bool(module.libraries) == (platform != "win32")


def test_a_free_threaded_python_has_no_stable_abi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_config_var", lambda name: 1 if name == "Py_GIL_DISABLED" else None)
    arguments = setup_arguments("nncore_x.kernel", ["nncore_x/kernel.c"])
    assert "options" not in arguments
    assert not arguments["ext_modules"][0].py_limited_api
    assert arguments["ext_modules"][0].define_macros == []


def test_cython_finds_the_declarations_of_nncore_and_is_for_one_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("Cython")
    monkeypatch.chdir(tmp_path)
    Path("kernel.pyx").write_text("from nncore.abi cimport nnc_optimizer\ncdef nnc_optimizer table\n", encoding="utf-8")
    arguments = setup_arguments("kernel", ["kernel.pyx"])
    (module,) = arguments["ext_modules"]
    assert "options" not in arguments
    assert [Path(source).suffix for source in module.sources] == [".c"]
    assert "nnc_optimizer" in Path(module.sources[0]).read_text(encoding="utf-8")
    assert module.define_macros == []
