"""setup.py: sources and compiler flags for each platform, including clang-cl."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from nncore.plugin import setup_arguments

pytest.importorskip("Cython")


@pytest.fixture(scope="module")
def setup() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nncore_setup", Path(__file__).parents[1] / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("platform", ["linux-x86_64", "win-amd64", "macosx-10.13-x86_64", "mingw_x86_64"])
def test_x86_64_has_three_levels(setup: ModuleType, platform: str) -> None:
    assert list(setup.cpu_levels(platform)) == ["portable", "v3", "v4"]


@pytest.mark.parametrize("platform", ["linux-aarch64", "macosx-11.0-arm64", "macosx-10.13-universal2", "win-arm64", "win32", "linux-i686"])
def test_other_platforms_have_the_portable_one(setup: ModuleType, platform: str) -> None:
    assert setup.cpu_levels(platform) == {"portable": []}


def microsofts() -> SimpleNamespace:
    """The parts of setuptools' compiler for Windows that are used."""
    compiler = SimpleNamespace(initialized=False, cc=None, compile_options=None)

    def initialize() -> None:
        compiler.initialized, compiler.cc, compiler.compile_options = True, "cl.exe", ["/nologo", "/O2", "/W3", "/GL", "/DNDEBUG", "/MD"]

    compiler.initialize = initialize
    return compiler


def test_windows_takes_the_compiler_of_cc(setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler, clang = microsofts(), tmp_path / "clang-cl"
    clang.touch(mode=0o755)
    monkeypatch.setenv("CC", str(clang))
    setup.use_clang_cl(compiler)
    assert compiler.cc == str(clang)
    assert "/GL" not in compiler.compile_options


def test_windows_without_clang_says_what_to_install(setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(SystemExit, match="no clang-cl on the PATH: install LLVM"):
        setup.use_clang_cl(microsofts())


def test_clang_takes_the_flags_as_clang_cl(setup: ModuleType, tmp_path: Path) -> None:
    """clang accepts the flags as clang-cl for Windows, for a file without headers, which are Microsoft's."""
    clang = shutil.which("clang")
    if clang is None:
        pytest.skip("there is no clang")
    source, compiler = tmp_path / "nothing.c", microsofts()
    source.write_text("int nothing(int x) { return x; }\n")
    compiler.initialize()
    levels = setup.cpu_levels("win-amd64")
    for level, flags in levels.items():
        own = setup.optimizations("softmax.c", level, levels)
        options = setup.for_clang_cl([*setup.compile_flags(), *setup.KERNEL_FLAGS, *own, *flags])
        command = [clang, "--driver-mode=cl", "--target=x86_64-pc-windows-msvc", "/nologo", "/O2", "/W3", "/DNDEBUG", "/MD", *options]
        done = subprocess.run([*command, "-Werror", "/c", f"/Tc{source}", f"/Fo{tmp_path / level}.obj"], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), level


def test_every_kernel_with_flags_of_its_own_is_there(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    assert set(setup.LOOPS) <= {Path(source).stem for source in setup.kernel_sources()}
    assert setup.optimizations("nncore/_core/kernels/gemm.c", "portable", ["portable", "v3"])[-1] == "-O3"
    assert setup.for_clang(setup.optimizations("nncore/layers/layer_norm.c", "v3", ["portable", "v3"])) == ["-ftree-vectorize"]


def test_the_plainest_of_several_levels_is_small(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    assert set(setup.FAST_EVERYWHERE) <= {Path(source).stem for source in setup.kernel_sources()}
    assert setup.optimizations("nncore/losses/mse.c", "portable", ["portable", "v3"]) == [setup.SMALL]
    assert setup.optimizations("nncore/losses/mse.c", "portable", ["portable"]) != [setup.SMALL]  # such as Neon
    assert setup.optimizations("nncore/losses/mse.c", "v3", ["portable", "v3"]) != [setup.SMALL]


def test_the_widest_level_has_what_gains_by_it(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[1])
    folders = {Path(source).parent.name for source in setup.kernel_sources()}
    stems = {Path(source).stem for source in setup.kernel_sources()}
    assert set(setup.NARROW_FOLDERS) <= folders
    assert {*setup.NARROW, *setup.WIDE} <= stems
    levels = ["portable", "v3", "v4"]
    assert setup.compiled_at("nncore/losses/mse.c", "v4", levels) == "v3"
    assert setup.compiled_at("nncore/losses/mse.c", "v4", ["portable", "v4"]) == "v4"
    assert setup.compiled_at("nncore/_core/kernels/gemm.c", "v4", levels) == "v4"
    header = setup.native_list([("loss", "mse", "nncore/losses/mse.c"), ("layer", "dense", "nncore/layers/dense.c")], levels)
    assert header.splitlines()[-4:-1] == ["    COMPONENT(loss, mse, v3) \\", "    COMPONENT(layer, dense, v4) \\", ""]


def test_no_compiler_of_kernels_fuses_by_itself(setup: ModuleType) -> None:
    """No compiler of kernels fuses operations on its own: in nncore, in the plugins here, and in new plugins."""
    root = Path(__file__).parents[1]
    in_c = [script for script in root.glob("plugins/*/setup.py") if not (script.parent / "Cargo.toml").exists()]  # Rust never fuses
    scripts = [*in_c, root / "nncore" / "scaffold" / "setup.py.template"]
    assert "-ffp-contract=off" in setup.KERNEL_FLAGS
    assert [script for script in scripts if "**setup_arguments(" not in script.read_text(encoding="utf-8")] == []
    assert len(scripts) > 5
    (module,) = setup_arguments("nncore_x.kernel", ["nncore_x/kernel.c"])["ext_modules"]
    if sys.platform != "win32":
        assert set(setup.KERNEL_FLAGS) <= set(module.extra_compile_args)


def test_a_sanitizer_is_one_of_two(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, flag in (("address", "-fsanitize=address,undefined"), ("thread", "-fsanitize=thread")):
        monkeypatch.setenv("NNCORE_SANITIZE", name)
        assert flag in setup.compile_flags()
        assert flag in setup.link_flags()
    monkeypatch.setenv("NNCORE_SANITIZE", "1")
    with pytest.raises(SystemExit, match="must be address or thread, got '1'"):
        setup.compile_flags()


def test_levels_can_be_chosen(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NNCORE_LEVELS", "portable v3")
    assert list(setup.cpu_levels("linux-x86_64")) == ["portable", "v3"]
    with pytest.raises(SystemExit, match="must be of portable, got 'portable v3'"):
        setup.cpu_levels("linux-aarch64")
