"""Command line; see the package."""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read once, when NumPy is loaded
    os.environ[variable] = "1"

import argparse  # noqa: E402
from pathlib import Path  # noqa: E402

from scaling import results  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scaling", description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    for name, text in (
        ("measure", "measure steps of one process of up to 1,024"),
        ("check", "add what processes that are there take; under mpiexec"),
        ("page", "write the page and its picture beside the file of results"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("--out", type=Path, required=True, help="file of results, JSON")
    arguments = parser.parse_args()
    if arguments.action == "measure":
        results.measure(arguments.out)
    elif arguments.action == "check":
        results.check(arguments.out)
    else:
        from scaling.page import write

        print(write(arguments.out))


if __name__ == "__main__":
    main()
