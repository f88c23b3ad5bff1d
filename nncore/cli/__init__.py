"""The command ``nncore``.

Results go to standard output; notices, progress and errors to standard error. ``NNCORE_TRACEBACK=1`` shows the traceback of an error.

Exit codes: 0 success, 1 a component fails verification, 2 an error that the message explains. 130 means interrupted by Ctrl-C, 141 that the
reader of the output closed the pipe, and 143 terminated by SIGTERM.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn, TextIO

from nncore.cli.interruptions import INTERRUPTED, end_at_once_from_now_on, ending_at_once, ending_tidily, ignore_from_now_on
from nncore.cli.terminal import notice, printable, say
from nncore.errors import NNCoreError

#: Error numbers of a full disk or an exceeded quota.
NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

#: Modules of this package, in the order in which a newcomer meets them.
COMMANDS = ("demo", "train", "predict", "quantize", "export", "info", "plugins", "new_plugin", "bench", "completion")


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line. argparse would print all options before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {printable(message)} (see {self.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the whole command line. Each command adds its own parser."""
    parser = Parser(
        prog="nncore",
        description="Train, evaluate and use dense neural networks on CPUs.",
        epilog="exit codes: 0 success, 1 a component fails verification or a model file is damaged, 2 an error that the message explains, "
        "130 interrupted by Ctrl-C, 141 the reader of the output closed the pipe, 143 terminated by SIGTERM",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in COMMANDS:
        importlib.import_module(f"nncore.cli.{command}").add_parser(commands)
    parser.set_defaults(root=parser)  # for the command that describes all of them
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default: those of the process.

    Returns
    -------
    int
        The exit code. Wrong usage raises `SystemExit` with code 2, as argparse does.
    """
    if argv is not None:
        return _main(argv)
    end_at_once_from_now_on()
    try:
        return _main(None)
    finally:
        ignore_from_now_on()


def _main(argv: Sequence[str] | None) -> int:
    try:
        with ending_at_once():
            parser = make_parser()  # imports NumPy, which takes long enough to be interrupted by Ctrl-C
        with ending_tidily(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = _run(parser, parser.parse_args(argv))
            sys.stdout.flush()  # notice here that the reader has closed the pipe
        return code
    except BrokenPipeError:
        # The interpreter flushes standard output again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        notice("interrupted")
        return INTERRUPTED
    except (NNCoreError, OSError, ImportError) as error:
        if os.environ.get("NNCORE_TRACEBACK", "0") not in ("", "0"):
            raise
        notice(f"error: {_sentence(error)}")
        return 2


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if arguments.version:
        from nncore import __version__

        say(f"nncore {__version__}")
        return 0
    if arguments.command is None:
        parser.print_help()
        return 0
    code: int = arguments.run(arguments)
    return code


def _sentence(error: Exception) -> str:
    """The text to print for an error; a system error is shown without its number."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    remedy = "; free some space or write to another disk" if error.errno in NO_ROOM else ""
    return ("" if error.filename is None else f"{error.filename}: ") + error.strerror + remedy


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None, line: str | None = None
) -> None:
    """Show a warning in one line, without its position in the code."""
    notice(f"warning: {message}")
