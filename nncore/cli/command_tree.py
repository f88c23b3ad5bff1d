"""Commands and options of ``nncore``, from the parsers of the command line, for shell completion."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nncore.cli.settings import OPTIONS


@dataclass(frozen=True)
class Argument:
    """An argument of a command.

    Attributes
    ----------
    names : tuple of str
        ``("--out",)``; empty for an argument without a name.
    help : str
    has_value : bool
        Whether a value follows the name.
    values : tuple of str
        All values, or the best-known ones.
    is_file : bool
    is_repeated : bool
        Whether it may occur more than once.
    """

    names: tuple[str, ...]
    help: str
    has_value: bool
    values: tuple[str, ...]
    is_file: bool
    is_repeated: bool


@dataclass(frozen=True)
class Command:
    """One subcommand."""

    name: str
    help: str
    options: tuple[Argument, ...]
    arguments: tuple[Argument, ...]


def describe(parser: argparse.ArgumentParser) -> Iterator[Command]:
    """The subcommands of a parser; the first, called "", is the parser itself."""
    yield _command("", "", parser)
    for action in parser._actions:  # argparse has no public way to them
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            yield from (_command(name, helps[name], subparser) for name, subparser in action.choices.items())


def _command(name: str, text: str, parser: argparse.ArgumentParser) -> Command:
    found = [_argument(action, parser) for action in parser._actions if not isinstance(action, argparse._SubParsersAction)]
    return Command(name, text, tuple(one for one in found if one.names), tuple(one for one in found if not one.names))


def _argument(action: argparse.Action, parser: argparse.ArgumentParser) -> Argument:
    text = "" if action.help is None else argparse.HelpFormatter(parser.prog)._expand_help(action)
    return Argument(
        tuple(action.option_strings),
        " ".join(text.split()),
        action.nargs != 0,
        tuple(map(str, action.choices)) if action.choices is not None else _names(action),
        action.type is Path,
        isinstance(action, argparse._AppendAction) or (action.dest in OPTIONS and bool(OPTIONS[action.dest].keyed)),
    )


def _names(action: argparse.Action) -> tuple[str, ...]:
    """The components that an option of ``nncore train`` takes by name."""
    from nncore import registry

    option = OPTIONS.get(action.dest)
    if option is None or not option.kind or action.type is not option.parse:
        return ()
    return tuple(registry.names(option.kind))
