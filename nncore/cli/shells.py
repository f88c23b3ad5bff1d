"""Completion scripts for `nncore.cli.completion`, one for each shell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from shlex import quote

from nncore.cli.command_tree import Argument, Command

#: Largest length of a help text next to a word.
_LONGEST = 60


def _short(text: str) -> str:
    """The beginning of a help text, cut at a word."""
    text = text.partition(";")[0].partition(" (")[0]
    return text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(" ")[0] + " …"


# ---- bash -------------------------------------------------------------------------------------------------------------------

_BASH = """\
# Completion of nncore for bash, made by `nncore completion bash`.
_nncore() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words= files=
    if [ "$COMP_CWORD" -eq 1 ]; then
        words={first}
    else
        case "${{COMP_WORDS[1]}} $before" in
{after}
        *)
            case "${{COMP_WORDS[1]}}" in
{of}
            esac
            ;;
        esac
    fi
    local IFS=$' \\t\\n'
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    if [ -n "$files" ] && [ "${{word#-}}" = "$word" ]; then
        local IFS=$'\\n'
        compopt -o filenames 2>/dev/null
        COMPREPLY+=($(compgen -f -- "$word"))
    fi
}}
complete -F _nncore nncore
"""


def bash(commands: Sequence[Command]) -> str:
    """A script with two tables: values of options, and words for all other positions."""
    top, *others = commands
    after, of = [], []
    for command in others:
        for option in command.options:
            if option.has_value:
                patterns = "|".join(quote(f"{command.name} {name}") for name in option.names)
                after.append(f"        {patterns}) words={quote(' '.join(option.values))}{_bash_files([option])} ;;")
        words = [name for option in command.options for name in option.names]
        words += [value for argument in command.arguments for value in argument.values]
        of.append(f"            {command.name}) words={quote(' '.join(words))}{_bash_files(command.arguments)} ;;")
    first = [*(command.name for command in others), *(name for option in top.options for name in option.names)]
    return _BASH.format(first=quote(" ".join(first)), after="\n".join(after), of="\n".join(of))


def _bash_files(arguments: Sequence[Argument]) -> str:
    return " files=1" if any(argument.is_file for argument in arguments) else ""


# ---- zsh --------------------------------------------------------------------------------------------------------------------

_ZSH = """\
#compdef nncore
# Completion of nncore for zsh, made by `nncore completion zsh`.
_nncore() {{
    local curcontext=$curcontext state line
    local -a commands
    commands=(
{commands}
    )
    _arguments -C {options} '1:command:->command' '*::argument:->arguments'
    case $state in
    command)
        _describe command commands
        ;;
    arguments)
        case $line[1] in
{cases}
        esac
        ;;
    esac
}}
if [ "$funcstack[1]" = _nncore ]; then
    _nncore "$@"
else
    compdef _nncore nncore
fi
"""


def zsh(commands: Sequence[Command]) -> str:
    """A script with ``_arguments`` for each command."""
    top, *others = commands
    names = "\n".join(f"        {quote(f'{command.name}:{_short(command.help)}')}" for command in others)
    cases = [f"        {c.name}) _arguments {' '.join([*_zsh_options(c), *map(_zsh_argument, c.arguments)])} ;;" for c in others]
    return _ZSH.format(commands=names, options=" ".join(_zsh_options(top)), cases="\n".join(cases))


def _zsh_options(command: Command) -> list[str]:
    return [
        quote(
            f"{'*' if option.is_repeated else ''}{name}[{_zsh_text(_short(option.help))}]"
            + (_zsh_value(option) if option.has_value else "")
        )
        for option in command.options
        for name in option.names
    ]


def _zsh_argument(argument: Argument) -> str:
    return quote(_zsh_value(argument))


def _zsh_value(argument: Argument) -> str:
    what = "_files" if argument.is_file else f"({' '.join(argument.values)})" if argument.values else " "
    return f":{'file' if argument.is_file else 'value'}:{what}"


def _zsh_text(text: str) -> str:
    for special in "\\[]:":
        text = text.replace(special, f"\\{special}")
    return text


# ---- fish -------------------------------------------------------------------------------------------------------------------


def fish(commands: Sequence[Command]) -> str:
    """A script with a line for each possible word."""
    top, *others = commands
    lines = ["# Completion of nncore for fish, made by `nncore completion fish`.", "complete -c nncore -f"]
    lines += [_fish("__fish_use_subcommand", option) for option in top.options]
    for command in others:
        lines.append(f"complete -c nncore -n __fish_use_subcommand -a {command.name} -d {_fish_quote(_short(command.help))}")
        here = f"__fish_seen_subcommand_from {command.name}"
        lines += [_fish(here, option) for option in command.options]
        for argument in command.arguments:
            if argument.is_file:
                lines.append(f"complete -c nncore -n {_fish_quote(here)} -F")
            elif argument.values:
                lines.append(f"complete -c nncore -n {_fish_quote(here)} -a {_fish_quote(' '.join(argument.values))}")
    return "\n".join(lines) + "\n"


def _fish(condition: str, option: Argument) -> str:
    words = ["complete", "-c", "nncore", "-n", _fish_quote(condition)]
    for name in option.names:
        words += ["-l", name[2:]] if name.startswith("--") else ["-s", name[1:]]
    if option.is_file:
        words += ["-r", "-F"]
    elif option.has_value:
        words += ["-x", *(["-a", _fish_quote(" ".join(option.values))] if option.values else [])]
    return " ".join([*words, "-d", _fish_quote(_short(option.help))])


def _fish_quote(text: str) -> str:
    """Quote text with single quotes, in which fish has two escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


#: The function that writes the script of each shell.
SCRIPTS: Mapping[str, Callable[[Sequence[Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
