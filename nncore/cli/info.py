"""``nncore info``: show the installation and the machine; with MODEL, the content of a model file."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import sys
from pathlib import Path

from nncore.cli.terminal import labelled, notice, say
from nncore.errors import ParameterError

#: Extras: name, distribution that it installs, and purpose.
EXTRAS = (
    ("plot", "matplotlib", "pictures"),
    ("progress", "rich", "the progress bar"),
    ("pandas", "pandas", "data frames"),
    ("sklearn", "scikit-learn", "pipelines and grid search"),
    ("onnx", "onnx", "ONNX files"),
    ("parquet", "pyarrow", "Parquet and Feather files, zstd and lz4 at the command line"),
)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "info", help="show versions, CPU level and optional libraries, or the content of a model file", description=__doc__
    )
    parser.add_argument(
        "model", type=Path, nargs="?", metavar="MODEL",
        help="show the content of this model file, without loading the network; exit code 1 if it is damaged",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="with MODEL: print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.model is not None:
        from nncore.cli.model_info import show

        return show(arguments.model, as_json=arguments.json)
    if arguments.json:
        raise ParameterError("--json needs MODEL: nncore info MODEL --json")

    import numpy as np

    import nncore
    from nncore._core import native
    from nncore.configuration import get_include

    say(labelled("nncore", nncore.__version__))
    say(labelled("Python", f"{platform.python_version()} ({platform.python_implementation()}), {sys.executable}"))
    say(labelled("NumPy", np.__version__))
    say(labelled("system", f"{platform.system()} {platform.release()}, {platform.machine()}"))
    say(labelled("CPU level", f"{native.LEVEL}, {native.INSTRUCTIONS} (this build has {', '.join(native.LEVELS)}; NNCORE_CPU chooses)"))
    say(labelled("bfloat16", _bfloat16()))
    for extra, distribution, purpose in EXTRAS:
        say(labelled(extra, f"{_found(distribution, extra)}: {purpose}"))
    say(labelled("package", str(Path(nncore.__file__).parent)))
    say(labelled("kernels", str(native.__file__)))
    say(labelled("headers", get_include()))
    problem = _install_problem()
    say(labelled("install", "sound" if problem is None else "see the error"))
    if problem is not None:
        notice(f"error: {problem}")
        return 2
    return 0


def _bfloat16() -> str:
    """Whether bfloat16 products are available, what they are made with, and their speed-up."""
    from nncore._core import native
    from nncore.program import bfloat16_speed, has_bfloat16, is_worth_rounding

    if not has_bfloat16():
        return "no: this needs AVX512_BF16 (AMD from Zen 4 on, Intel Xeon from Sapphire Rapids on) and CPU level v4"
    left = "" if is_worth_rounding() else ", so precision='auto' does not use it"
    return f"yes, with {native.bfloat16_instructions()}: matrix products are {bfloat16_speed():.2f} times as fast in it as in float32{left}"


def _found(distribution: str, extra: str) -> str:
    try:
        return f"{distribution} {importlib.metadata.version(distribution)}"
    except importlib.metadata.PackageNotFoundError:
        return f'no {distribution} (pip install "nncore-ml[{extra}]")'


def _install_problem() -> str | None:
    """A problem of this installation, such as another project's package over nncore; None if there is none."""
    from nncore.errors import PluginError
    from nncore.registry import DISTRIBUTION, check_install, installed_entry_points

    own = [
        entry_point for entry_point in installed_entry_points()[0] if entry_point.dist is not None and entry_point.dist.name == DISTRIBUTION
    ]
    try:
        check_install(own)
    except PluginError as error:
        return str(error)
    return None
