"""``nncore bench``: measure how fast this machine trains and predicts, compared with hardware limits and other libraries."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from nncore.cli.arguments import number
from nncore.cli.output import check_output, save_figure
from nncore.cli.terminal import changing_line, labelled, say
from nncore.errors import ParameterError
from nncore.files import write

if TYPE_CHECKING:
    from nncore.bench import Results

_T = TypeVar("_T")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure speed against the limit of this machine and other libraries",
        description="Measure the time of training and prediction on this machine. Compare it with the limits of its arithmetic and "
        "memory, and with other libraries. Each library runs in its own process, pinned to its cores. Without --peers it takes about three "
        "minutes.",
        epilog="examples: nncore bench --nets 784-128-10 --batches 32,128 --threads 1; nncore bench --peers torch,jax --only training",
        allow_abbrev=False,
    )
    what = parser.add_argument_group("what")
    what.add_argument(
        "--only",
        metavar="PART,…",
        help="parts to measure: training, prediction, simplechains (the grid), calls, estimators, epochs, fits, many, products, bfloat16, "
        "int8, activations, memory, linearity, import, wheel (default: all)",
    )
    what.add_argument("--nets", metavar="NET,…", help="networks, such as 784-128-10,4-16-16-3 (default: 6 for training, 5 for prediction)")
    what.add_argument("--batches", metavar="N,…", help="batch sizes (default 1,8,32,128,512,2048 for training, 1,32,1024 for prediction)")
    what.add_argument("--threads", default="1,2", metavar="N,…", help="numbers of threads for training (default 1,2)")
    what.add_argument("--seconds", type=number, default=0.5, metavar="S", help="seconds for each library in each case (default 0.5)")
    what.add_argument("--wheel", type=Path, metavar="FILE.whl", help="report the size of this wheel")
    what.add_argument(
        "--busy",
        action="store_true",
        help="measure while another process keeps one core and the memory busy: the grid, or the parts of --only",
    )
    peers = parser.add_argument_group("peers")
    peers.add_argument(
        "--peers",
        metavar="NAME,…",
        help="libraries to compare with: torch, torch-compile, torch-script, jax, sklearn, onnxruntime; all: without torch-compile",
    )
    peers.add_argument(
        "--peers-python",
        default=os.environ.get("NNCORE_PEERS_PYTHON", sys.executable),
        metavar="PATH",
        help="Python that has the peers installed; it does not need nncore (default: NNCORE_PEERS_PYTHON, else this Python)",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--output", type=Path, metavar="FILE.json", help="write all measurements as JSON")
    output.add_argument("--markdown", type=Path, metavar="FILE.md", help="write a page with the results")
    output.add_argument("--picture", type=Path, metavar="FILE.png", help='write heat maps; needs pip install "nncore-ml[plot]"')
    output.add_argument("--read", type=Path, metavar="FILE.json", help="show the measurements that --output wrote, without measuring")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.wheel is not None:
        arguments.wheel.stat()
    for option in ("output", "markdown", "picture"):
        if (path := getattr(arguments, option)) is not None:
            check_output(path, option=f"--{option}")  # before minutes of measuring
    if arguments.picture is not None:
        from nncore.configuration import require

        require("matplotlib.figure", extra="plot", purpose="the picture")  # before minutes of measuring
    results = _measured(arguments)
    _show(results)
    _write(results, arguments)
    return 0


def _measured(arguments: argparse.Namespace) -> Results:
    from nncore.bench import Results

    if arguments.read is not None:
        return Results.from_json(arguments.read.read_text(encoding="utf-8"))

    from nncore.bench import GRID, SECTIONS, Selection, grid, measure, parse_peers

    if arguments.seconds <= 0:
        raise ParameterError(f"--seconds must be more than 0, got {arguments.seconds:g}")
    sections = tuple(arguments.only.split(",")) if arguments.only else GRID if arguments.busy else SECTIONS
    if unknown := sorted(set(sections) - set(SECTIONS)):
        raise ParameterError(f"--only {','.join(unknown)}: the parts are {', '.join(SECTIONS)}")
    if arguments.peers and shutil.which(arguments.peers_python) is None:
        raise ParameterError(f"--peers-python {arguments.peers_python}: there is no such program")
    selection = Selection(
        sections=sections,
        peers=_optional(parse_peers, arguments.peers) or (),
        peers_python=arguments.peers_python,
        nets=_optional(grid.parse_nets, arguments.nets),
        batches=_optional(grid.parse_numbers, arguments.batches),
        threads=grid.parse_numbers(arguments.threads),
        seconds=arguments.seconds,
        rate_seconds=min(1.0, 2 * arguments.seconds),
        wheel=arguments.wheel,
        busy=arguments.busy,
    )
    with changing_line() as report:
        results = measure(selection, report)
    results.command = _command(arguments)
    return results


def _command(arguments: argparse.Namespace) -> str:
    """The command that repeats the measurement."""
    names = ("only", "nets", "batches", "threads", "seconds", "peers")
    options = [(f"--{name}", str(getattr(arguments, name))) for name in names if getattr(arguments, name) is not None]
    return shlex.join(["nncore", "bench", *(part for option in options for part in option), *["--busy"] * arguments.busy])


def _optional(parse: Callable[[str], _T], text: str | None) -> _T | None:
    return None if text is None else parse(text)


def _show(results: Results) -> None:
    from nncore.bench import lines, tables

    rates = results.rates
    say(labelled("machine", f"{results.machine['CPU']}, {results.machine['cores']} cores, CPU level {results.machine['CPU level']}"))
    say(labelled("one core", f"{rates.flops / 1e9:.1f} GFLOP/s in float32, {rates.bandwidth / 1e9:.1f} GB/s, both measured"))
    if results.busy:
        say(labelled("neighbour", "another process keeps one of the cores and the memory busy"))
    say(labelled("libraries", ", ".join(f"{name} {version}" for name, version in results.versions.items())))
    for title, cells in (
        ("training: µs a step", results.training),
        ("prediction: µs a call", results.prediction),
        ("SimpleChains.jl's case: µs an epoch", results.simplechains),
    ):
        if cells:
            tables.show(title, tables.entries(cells, judged=cells is results.training))
    for _, section, measured in lines.measured(results):
        tables.show(section.title, lines.entries(section, measured))
    say()
    for finding in lines.findings(results):
        say(labelled(finding.label, str(finding)))
    for remark in results.remarks:
        say(labelled("remark", remark))


def _write(results: Results, arguments: argparse.Namespace) -> None:
    if arguments.output is not None:
        write(arguments.output, results.to_json(), may_be_stream=True)
    if arguments.picture is not None:
        from nncore.bench import picture

        save_figure(picture.draw(results), arguments.picture)
    if arguments.markdown is not None:
        from nncore.bench import page

        drawn = arguments.picture
        if drawn is not None:
            drawn = Path(os.path.relpath(drawn, arguments.markdown.parent))
        write(arguments.markdown, page.write(results, drawn), may_be_stream=True)
