"""Command line; see the package."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read once, when the libraries are loaded
    os.environ[variable] = "1"

import argparse  # noqa: E402
from pathlib import Path  # noqa: E402

from tabular_bench import division, runs  # noqa: E402
from tabular_bench.methods import METHODS  # noqa: E402
from tabular_bench.tables import TABLES  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tabular_bench", description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="run what the file of results has not yet, one thread, one process at a time")
    run.add_argument("--part", choices=("tune", "report"), default="report", help="tables to tune on, or only to report (default)")
    run.add_argument("--tables", nargs="+", choices=TABLES, metavar="TABLE", help="only these, of whatever part")
    run.add_argument("--methods", nargs="+", choices=METHODS, metavar="METHOD", default=list(METHODS), help=f"of {', '.join(METHODS)}")
    run.add_argument("--splits", type=int, default=runs.N_SPLITS)
    run.add_argument("--limit", type=float, default=600, help="seconds that a run may take (default: 600)")
    page = actions.add_parser("page", help="write the page and its pictures beside the file of results")
    for action in (run, page):
        action.add_argument("--data", type=Path, help="folder with a folder for each table that is in no package")
        action.add_argument("--out", type=Path, required=True, help="file of results, JSON lines")
    arguments = parser.parse_args()
    if arguments.action == "run":
        names = arguments.tables or division.read()[arguments.part]
        runs.complete(arguments.out, names, arguments.methods, arguments.splits, arguments.data, arguments.limit)
    else:
        from tabular_bench.page import write

        print(write(arguments.out, arguments.data))


if __name__ == "__main__":
    main()
