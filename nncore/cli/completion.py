"""``nncore completion``: print a script for a shell that completes commands, options, names of components and files."""

from __future__ import annotations

import argparse

from nncore.cli.command_tree import describe
from nncore.cli.shells import SCRIPTS
from nncore.cli.terminal import say

EPILOG = """\
examples:
  source <(nncore completion bash)                                         # in ~/.bashrc
  source <(nncore completion zsh)                                          # in ~/.zshrc, after compinit
  nncore completion fish > ~/.config/fish/completions/nncore.fish

The names of components are those installed now; run it again after adding a plugin."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "completion",
        help="print a script for shell completion",
        description="Print a script for bash, zsh or fish that completes commands, options, names of components, and files.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("shell", choices=tuple(SCRIPTS), metavar="SHELL", help=", ".join(SCRIPTS))
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    say(SCRIPTS[arguments.shell](tuple(describe(arguments.root))).rstrip("\n"))
    return 0
