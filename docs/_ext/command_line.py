"""The page of the command line, from the parsers of ``nncore``: every subcommand, argument and option."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from markup import heading, prose

from nncore.cli import make_parser


def commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The subcommands by name."""
    for action in parser._actions:  # argparse has no public way to them
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def paragraph(text: str | None) -> str:
    """A help text on one line."""
    return prose(" ".join((text or "").split()))


def usage(parser: argparse.ArgumentParser) -> str:
    formatter = argparse.HelpFormatter(parser.prog, width=76)  # what fits beside two sidebars
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return formatter.format_help().rstrip()


def argument(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    """One argument or option, as the help of the command shows it."""
    formatter = argparse.HelpFormatter(parser.prog)
    text = paragraph(formatter._expand_help(action) if action.help else "")
    choices = "" if action.choices is None or action.metavar is None else f" One of {', '.join(map(str, action.choices))}."
    if not action.option_strings:
        names = formatter._metavar_formatter(action, action.dest)(1)[0]
    else:
        value = "" if action.nargs == 0 else " " + formatter._format_args(action, action.dest.upper())
        names = ", ".join(name + value for name in action.option_strings)
    return f".. option:: {names}\n\n   {text}{choices}\n\n"


def command(name: str, parser: argparse.ArgumentParser) -> str:
    """A section: what the command is for, its usage, its groups of options, its examples."""
    page = heading(f"nncore {name}", "-") + f".. program:: {parser.prog}\n\n{paragraph(parser.description)}\n\n" + block(usage(parser))
    groups = [group for group in parser._action_groups if group._group_actions]
    for group in groups:
        shown = [action for action in group._group_actions if action.dest != "help" and action.help != argparse.SUPPRESS]
        if shown:
            title = {"positional arguments": "Arguments", "options": "Options"}.get(group.title or "", (group.title or "").capitalize())
            page += f".. rubric:: {title}\n\n" + (f"{paragraph(group.description)}\n\n" if group.description else "")
            page += "".join(argument(action, parser) for action in shown)
    return page + (block(parser.epilog) if parser.epilog else "")


def block(text: str) -> str:
    return ".. code-block:: text\n\n" + "".join(f"   {line}\n" if line else "\n" for line in text.splitlines()) + "\n"


def page() -> str:
    parser = make_parser()
    body = heading("Command line", "=")
    body += "Results go to standard output; notices, progress and errors to standard error. E" + paragraph(parser.epilog)[1:] + ".\n\n"
    body += ".. program:: nncore\n\n" + "".join(argument(action, parser) for action in parser._actions if action.dest == "version")
    return body + "".join(command(name, subparser) for name, subparser in commands(parser))
