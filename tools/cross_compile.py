"""Compiles the C core for other systems, links two programs of it, and runs them where possible.

usage: python tools/cross_compile.py [target ...]

It compiles the kernels at all CPU levels of the target, the runner, the pool and tests/_core/*_program.c. That is all C code but the
extension modules, which need the target's Python. The compiler is Clang as `zig cc`, which brings the headers and libraries of many
systems (pip install --group cross). Programs for Windows are run by Wine and those for 64-bit ARM by QEMU, where these are installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import setup  # noqa: E402

#: Target, as Zig names it: the platform as Python names it, and what runs its programs here, if anything does.
TARGETS: dict[str, tuple[str, list[str] | None]] = {
    "x86_64-windows-gnu": ("win-amd64", ["wine"]),
    "x86_64-linux-musl": ("linux-x86_64", []),
    "aarch64-linux-musl": ("linux-aarch64", ["qemu-aarch64-static"]),
    "x86_64-macos": ("macosx-10.13-x86_64", None),
    "aarch64-macos": ("macosx-11.0-arm64", None),
}
PROGRAMS = ("threads", "crew", "kernels")
ZIG = [sys.executable, "-m", "ziglang", "cc"]
FLAGS = [*setup.compile_flags(), *setup.KERNEL_FLAGS, "-Werror", "-Inncore/include", "-Inncore/_core"]


def compile_all(target: str, platform: str, build: Path) -> dict[str, Path]:
    """Programs by their names."""
    levels = setup.cpu_levels(platform)
    (build / "native_list.h").write_text(setup.native_list(setup.component_sources(), levels), encoding="utf-8")

    def compile_one(source: str, level: str | None = None) -> str:
        output = build / f"{source.replace('/', '_')}-{level}.o"
        of_level = []
        if level is not None:
            of_level = [f"-DNNC_LEVEL={level}", *setup.for_clang(setup.kernel_flags(source, level, levels))]
        of_level = [flag.replace("x86-64-", "x86_64_") for flag in of_level]  # as Zig spells it
        run([*ZIG, "-target", target, *FLAGS, *of_level, f"-I{build}", "-c", source, "-o", str(output)])
        return str(output)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        kernels = [pool.submit(compile_one, source, level) for level in levels for source in setup.kernel_sources()]
        core = [pool.submit(compile_one, source) for source in setup.CORE_SOURCES]
        mains = {name: pool.submit(compile_one, f"tests/_core/{name}_program.c") for name in PROGRAMS}
        objects = [future.result() for future in (*kernels, *core)]
    print(f"{target}: {len(objects)} files compiled, levels {', '.join(levels)}", flush=True)
    programs = {name: build / f"{name}.exe" for name in PROGRAMS}
    for name, program in programs.items():
        run([*ZIG, "-target", target, mains[name].result(), *objects, "-o", str(program)])
    return programs


def run(command: list[str]) -> str:
    variables = os.environ | {"WINEDEBUG": "-all"}  # or Wine tells about itself
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", env=variables)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nended with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="*", default=list(TARGETS), help=f"of {', '.join(TARGETS)}; all unless said")
    for target in parser.parse_args().target:
        platform, runner = TARGETS[target]
        with tempfile.TemporaryDirectory() as build:
            for name, program in compile_all(target, platform, Path(build)).items():
                if runner is None or not all(map(shutil.which, runner)):
                    print(f"{target}: {name}: linked, not run, for want of an emulator", flush=True)
                else:
                    printed = run([*runner, str(program)]).split("\n")
                    print(f"{target}: {name}: linked and run", *filter(None, printed), sep="\n    ", flush=True)


if __name__ == "__main__":
    main()
