"""``nncore plugins``: list all components, and plugins that could not be loaded."""

from __future__ import annotations

import argparse

from nncore.arguments import number
from nncore.cli.listing import collect
from nncore.cli.terminal import json_text, notice, say, table
from nncore.cli.verification import blocked_where_harmful, verify


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("plugins", help="list all components and their plugins, or verify them", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--verify", nargs="?", const="", metavar="NAME",
        help="run the checks of nncore.testing on the components of all plugins, or of one component or plugin; exit code 1 if one fails",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="with --verify: also check the built-in components")
    parser.add_argument(
        "--time-limit", type=float, default=60.0, metavar="SECONDS", help="with --verify: a check that takes longer fails (default 60)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.verify is not None:
        seconds = number("--time-limit", arguments.time_limit, 0.001)
        harmful = blocked_where_harmful(seconds)
        rows, _, problems = collect(examined=False)
        return verify(rows, [*harmful, *problems], arguments.verify, everything=arguments.all, as_json=arguments.json, seconds=seconds)
    rows, remarks, problems = collect()
    if arguments.json:
        say(json_text({"components": [vars(row) for row in rows], "problems": remarks + problems}, indent=2))
        return 0
    header = ["kind", "name", "plugin", "runs", "summary"]
    say(table([header, *([row.kind, row.name, f"{row.distribution} {row.version}", row.rung, row.summary] for row in rows)]))
    for problem in remarks + problems:
        notice(problem)
    return 0
