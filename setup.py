"""Builds the extensions; everything else is in pyproject.toml.

The kernels use vector extensions of GCC and Clang, which Microsoft's compiler does not have. On Windows they are compiled by clang-cl:
the compiler that CC names, or one on the PATH.

Environment switches: NNCORE_DEBUG=1 (no optimisation, asserts), NNCORE_SANITIZE=address (with UBSan) or thread,
NNCORE_COVERAGE=1 (gcov), NNCORE_LEVELS="portable v3" (CPU levels to compile for, all by default).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

# setup.py runs in the project's root; setuptools wants the sources relative to it.
PACKAGE = Path("nncore")
#: Folders whose C files are components, and the kind of table such a file defines.
COMPONENT_FOLDERS = {
    "activations": "activation", "layers": "layer", "losses": "loss", "optimizers": "optimizer", "regularizers": "regularizer",
    "constraints": "constraint", "transforms": "transform", "metrics": "metric",
}  # fmt: skip


def switch(name: str) -> bool:
    return os.environ.get(f"NNCORE_{name}", "0") not in ("", "0")


#: What NNCORE_SANITIZE may say, and the flags for compiling and linking.
SANITIZERS = {
    "address": ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
    "thread": ["-fsanitize=thread"],
}


def sanitizer_flags() -> list[str]:
    name = os.environ.get("NNCORE_SANITIZE", "")
    if name and name not in SANITIZERS:
        raise SystemExit(f"NNCORE_SANITIZE must be {' or '.join(SANITIZERS)}, got {name!r}")
    return SANITIZERS.get(name, [])


#: Lets GCC use vectors in loops of any length at -O2, and unroll short loops: Clang does both unasked, and knows neither flag.
VECTORIZES, UNROLLS = "-fvect-cost-model=dynamic", "-fpeel-loops"

#: For losses of few outputs, whose loop would become four times as large as vectors and take no less time.
SCALAR = "-fno-tree-vectorize"

#: Kernels that need another flag to be as fast as at -O3; the others are half as large again at -O3, and no faster.
LOOPS = {
    "crps": SCALAR, "log_cosh": SCALAR,
    "gemm": "-O3", "runner": "-O3", "layer_norm": UNROLLS, "periodic_embedding": UNROLLS, "scale": UNROLLS, "softmax": UNROLLS,
    "softmax_cross_entropy": UNROLLS, "softmax_heads": UNROLLS,
}  # fmt: skip


#: Instructions beyond those of a CPU level, of kernels that are called only where the processor has them (cpu.c). Compilers that know
#: the level know them too.
MORE_INSTRUCTIONS = {
    ("gemm_bf16", "v4"): ["-mavx512bf16"],
    ("gemm_bf16_pack", "v4"): ["-mavx512bf16"],
    ("gemm_amx", "v4"): ["-mamx-tile", "-mamx-bf16"],
}

#: For extensions without a loop over data: two thirds of the size of -O2.
SMALL = "-Os"

#: Kernels that are compiled for speed also at the level that no processor since 2013 uses: products, and what most networks have.
FAST_EVERYWHERE = ("gemm", "relu", "tanh", "sigmoid", "sgd", "momentum", "adam", "adamw")


#: Vectors of 512 bits instead of 256 changed no measured time in these folders, apart from `WIDE`, and in these kernels. There v4 uses the
#: code of v3, which makes the wheel a tenth smaller.
NARROW_FOLDERS = ("constraints", "losses", "metrics", "regularizers", "transforms")
NARROW = (
    "adadelta", "adafactor", "adagrad", "batch_norm", "block_coordinate", "embedding", "fill_missing", "lamb", "lookahead", "maxout",
    "mean_members", "muon", "nadam", "piecewise_linear_embedding", "radam", "repeat_members", "rmsprop", "sam",
)  # fmt: skip
WIDE = ("binary_cross_entropy", "softmax_cross_entropy")


def compiled_at(source: str, level: str, levels: Collection[str]) -> str:
    """The one of `levels` for which a kernel's file is compiled where `level` runs."""
    path = Path(source)
    is_narrow = path.stem in NARROW or (path.parent.name in NARROW_FOLDERS and path.stem not in WIDE)
    return "v3" if level == "v4" and is_narrow and "v3" in levels else level


def optimizations(source: str, level: str, levels: Collection[str]) -> list[str]:
    """Flags that a kernel's file takes beside -O2 at a CPU level, the plainest of `levels` or a later one."""
    if not is_optimized():
        return []
    if level == "portable" and len(levels) > 1 and Path(source).stem not in FAST_EVERYWHERE:
        return [SMALL]
    more = LOOPS.get(Path(source).stem)
    return ["-ftree-vectorize", VECTORIZES, *([] if more is None else [more])]


def kernel_flags(source: str, level: str, levels: dict[str, list[str]]) -> list[str]:
    """All flags of a kernel's file at one of the CPU `levels`, beside those of every file."""
    return [*KERNEL_FLAGS, *optimizations(source, level, levels), *levels[level], *MORE_INSTRUCTIONS.get((Path(source).stem, level), [])]


def cpu_levels(platform: str | None = None) -> dict[str, list[str]]:
    """Name of each CPU level to compile the kernels for, from the plainest, and the compiler flags that select it.

    "portable" is what every machine of the architecture has: SSE2 on x86-64, Neon on aarch64. A level added here is also one for cpu.c.
    """
    levels = {"portable": []}
    platform = platform or sysconfig.get_platform()  # what is compiled for, not on; a universal build for macOS is for two at once
    if platform.endswith(("x86_64", "amd64")):
        levels["v3"] = ["-march=x86-64-v3"]
        levels["v4"] = ["-march=x86-64-v4", "-mprefer-vector-width=512"]
    wanted = os.environ.get("NNCORE_LEVELS", "").split() or list(levels)
    if not set(wanted) <= set(levels):
        raise SystemExit(f"NNCORE_LEVELS must be of {' '.join(levels)}, got {' '.join(wanted)!r}")
    return {name: levels[name] for name in wanted}


def is_optimized() -> bool:
    return not (switch("DEBUG") or sanitizer_flags() or switch("COVERAGE"))


def compile_flags(optimization: str = "-O2") -> list[str]:
    flags = ["-std=c11", "-Wall", "-Wextra"]
    if not is_optimized():
        flags += ["-O1", "-g", "-fno-omit-frame-pointer", "-UNDEBUG"]
    else:
        # Two thirds of the wheel would be line numbers, a twentieth tables to unwind the stack by, which C never does.
        flags += [optimization, "-g0", "-fno-asynchronous-unwind-tables"]
    flags += sanitizer_flags()
    if switch("COVERAGE"):
        flags += ["--coverage"]
    return flags


def link_flags() -> list[str]:
    flags = sanitizer_flags() + (["--coverage"] if switch("COVERAGE") else [])
    if not flags and not switch("DEBUG") and sysconfig.get_platform().startswith("linux"):
        flags += ["-Wl,-s"]  # names of functions, which debuggers and profilers alone read, are 30 kB of a wheel
    return flags


#: Kernels may neither reassociate nor fuse (results must not depend on the compiler's mood) but need not keep errno or traps.
KERNEL_FLAGS = ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fvisibility=hidden"]


def component_sources() -> list[tuple[str, str, str]]:
    """(kind, name, source) of every component written in C."""
    return [
        (kind, source.stem, source.as_posix())
        for folder, kind in COMPONENT_FOLDERS.items()
        for source in sorted((PACKAGE / folder).glob("*.c"))
    ]  # fmt: skip


def native_list(components: list[tuple[str, str, str]], levels: Collection[str]) -> str:
    """The header that tells native.c which tables there are, at which levels."""
    lines = ["/* Written by setup.py. */", "#define COMPONENTS(level) COMPONENTS_##level"]
    for level in levels:
        lines += [f"#define COMPONENTS_{level} \\"]
        lines += [f"    COMPONENT({kind}, {name}, {compiled_at(source, level, levels)}) \\" for kind, name, source in components]
        lines += [""]
    lines += ["#define LEVELS " + " ".join(f"LEVEL({level})" for level in levels), ""]
    return "\n".join(lines)


def use_clang_cl(compiler: Any) -> None:
    """Let setuptools' compiler for Windows call clang-cl, which takes the same options, and Microsoft's linker."""
    name = os.environ.get("CC", "clang-cl")
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"nncore is compiled by clang-cl on Windows, and there is no {name} on the PATH: install LLVM, or say where in CC")
    if not compiler.initialized:
        compiler.initialize()
    compiler.cc = found
    compiler.compile_options.remove("/GL")  # Microsoft's optimisation at link time


def is_clang(compiler: Any) -> bool:
    """Whether setuptools' compiler is Clang, by whatever name: gcc on macOS is."""
    return "clang" in subprocess.run([*compiler.compiler_so, "--version"], capture_output=True, text=True).stdout


def for_clang(flags: list[str]) -> list[str]:
    """Flags without those that GCC alone knows."""
    return [flag for flag in flags if flag not in (VECTORIZES, UNROLLS)]


def for_clang_cl(flags: list[str]) -> list[str]:
    """Flags of Clang as clang-cl takes them; it has position-independent code and hidden symbols anyway."""
    return [f"/clang:{flag}" for flag in for_clang(flags)]


def translation(compiler: Any) -> Callable[[list[str]], list[str]]:
    """From GCC's flags to those of setuptools' compiler."""
    if compiler.compiler_type == "msvc":
        return for_clang_cl
    return for_clang if is_clang(compiler) else list


class BuildExtensions(build_ext):
    """Compiles the kernels of ``nncore._core.native`` once per CPU level, on all cores."""

    def build_extensions(self) -> None:
        if self.compiler.compiler_type == "msvc":
            use_clang_cl(self.compiler)
            for extension in self.extensions:
                extension.extra_compile_args = for_clang_cl(extension.extra_compile_args)
        super().build_extensions()

    def build_extension(self, extension: Extension) -> None:
        if extension.name == "nncore._core.native":
            self.add_kernels(extension)
        super().build_extension(extension)

    def add_kernels(self, extension: Extension) -> None:
        build = Path(self.build_temp) / "native"
        build.mkdir(parents=True, exist_ok=True)
        header, levels = build / "native_list.h", cpu_levels()
        text = native_list(component_sources(), levels)
        if not header.exists() or header.read_text() != text:
            header.write_text(text)
        extension.include_dirs.append(str(build))

        headers = [path.as_posix() for path in PACKAGE.rglob("*.h")]
        translate = translation(self.compiler)

        def compile_one(task: tuple[str, str]) -> list[str]:
            source, level = task
            flags = kernel_flags(source, level, levels)
            objects = self.compiler.object_filenames([source], output_dir=str(build / level))
            if not self.force and not newer_group([source, *headers], objects[0]):
                return objects
            return self.compiler.compile(
                [source],
                output_dir=str(build / level),
                macros=[("NNC_LEVEL", level)],
                include_dirs=extension.include_dirs,
                extra_postargs=extension.extra_compile_args + translate(flags),
                depends=extension.depends,
            )

        # The levels of a kernel side by side: what they have in common is compressed once.
        tasks = [(source, level) for source in kernel_sources() for level in levels if compiled_at(source, level, levels) == level]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for objects in pool.map(compile_one, tasks):
                extension.extra_objects += objects


def extension(name: str, sources: list[str], *optimization: str) -> Extension:
    headers = [path.as_posix() for path in PACKAGE.rglob("*.h")]
    return Extension(
        name,
        sources,
        include_dirs=["nncore/include", "nncore/_core"],
        depends=headers,
        extra_compile_args=compile_flags(*optimization),
        extra_link_args=link_flags(),
    )


#: What ``nncore._core.native`` compiles once, besides the module itself: plain C.
CORE_SOURCES = [f"nncore/_core/{name}.c" for name in ("clock", "cpu", "crew", "measurement", "ranks", "rooms", "threads")]


def kernel_sources() -> list[str]:
    """What ``nncore._core.native`` compiles once per CPU level."""
    components = [source for _, _, source in component_sources()]
    return [*components, "nncore/_core/runner.c", *(source.as_posix() for source in sorted((PACKAGE / "_core/kernels").glob("*.c")))]


#: Code of Cython's own, for views of memory above all, which would stand in each extension: a twelfth of the wheel.
SHARED = "nncore._core._cyutility"


def extensions() -> list[Extension]:
    cython = [
        extension("nncore._core.texts", ["nncore/_core/texts.pyx", "nncore/_core/cells.c"]),
        extension("nncore._core.crew", ["nncore/_core/crew.pyx"], SMALL),
        extension("nncore._core.compiled", ["nncore/_core/compiled.pyx"], SMALL),
        extension("nncore._core.lbfgs", ["nncore/_core/lbfgs.pyx"], SMALL),
        extension("nncore._core.ranks", ["nncore/_core/ranks.pyx"], SMALL),
        extension("nncore._core.program", ["nncore/_core/program.pyx", "nncore/_core/clock.c"], SMALL),
        extension("nncore._core.scorer", ["nncore/_core/scorer.pyx", "nncore/_core/waiting.c"], SMALL),
        extension("nncore._core.perceptron", ["nncore/_core/perceptron.pyx"]),
        extension("nncore._core.turns", ["nncore/_core/turns.pyx", "nncore/_core/waiting.c"], SMALL),
        extension(SHARED, [], SMALL),
    ]
    directives = {"language_level": 3, "boundscheck": False, "wraparound": False, "cdivision": True, "freethreading_compatible": True}
    built = cythonize(cython, compiler_directives=directives, build_dir="build/cython", shared_utility_qualified_name=SHARED)
    native = extension("nncore._core.native", ["nncore/_core/native.c", *CORE_SOURCES])
    native.depends += kernel_sources()
    return [*built, native]


if __name__ == "__main__":
    setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExtensions})
