"""``nncore plugins --verify``: run the conformance checks of `nncore.testing` on installed components."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from nncore.cli.terminal import json_text, notice, say, table
from nncore.errors import UnknownComponentError

if TYPE_CHECKING:
    from nncore.cli.listing import Row
    from nncore.testing import Outcome


@dataclass(frozen=True)
class Verdict:
    """Result of the checks of one component.

    Attributes
    ----------
    status : {"ok", "failed", "untried"}
    message : str
        The first failed check and why; or why checks could not be run.
    passed, skipped : int
        How many checks passed, and how many could not be run here.
    """

    kind: str
    name: str
    distribution: str
    version: str
    rung: str
    status: str
    message: str
    passed: int
    skipped: int


def blocked_where_harmful(seconds: float) -> list[str]:
    """Block plugins whose manifest ends its process or hangs, before this process imports them. Returns the problems."""
    from nncore import registry
    from nncore.testing import harmful_manifests

    harmful = harmful_manifests(seconds)
    if harmful:
        registry.reload(disabled=[*registry.Policy.from_environment().disabled, *(problem.distribution for problem in harmful)])
    return list(map(str, harmful))


def verify(rows: Collection[Row], problems: Collection[str], name: str, *, everything: bool, as_json: bool, seconds: float) -> int:
    """Check the components that `name` selects (by default all of plugins; with `everything` also the built-ins), and print the results.

    Each component is checked in its own process, and each check may take `seconds`.

    Returns
    -------
    int
        The exit code: 1 if a check failed, or if a plugin could not be loaded and no name was given.
    """
    from nncore.registry import DISTRIBUTION

    chosen = [row for row in rows if (_means(row, name) if name else everything or row.distribution != DISTRIBUTION)]
    if name and not chosen:
        about = [problem for problem in problems if problem.startswith(f"plugin {name} ")]
        raise UnknownComponentError("; ".join(about) or f"there is no component or plugin {name!r}; nncore plugins lists them")
    verdicts = [_verdict(row, seconds) for row in chosen]
    broken = [] if name else problems
    if as_json:
        say(json_text({"components": [asdict(verdict) for verdict in verdicts], "problems": list(broken)}, indent=2))
    else:
        _print(verdicts)
    for problem in broken:
        notice(problem)
    return int(bool(broken) or any(verdict.status == "failed" for verdict in verdicts))


def _means(row: Row, name: str) -> bool:
    """Whether `name` is the bare or qualified name of the component, or its distribution."""
    return name in (row.name, row.name.rpartition("/")[2], row.distribution, f"{row.distribution}/{row.name}")


def _verdict(row: Row, seconds: float) -> Verdict:
    from nncore.testing import verify_apart

    seen = verify_apart(row.kind, row.name, seconds)
    outcomes = seen.outcomes
    count: Callable[[str], int] = [outcome.status for outcome in outcomes].count
    # Checks that need an instance cannot run without arguments. Report that instead of the checks that did run.
    decisive = _first(outcomes, "failed") or _first(outcomes, "untried")
    verdict = Verdict(
        row.kind, row.name, row.distribution, row.version, seen.rung, "ok", "", count("ok"), count("skipped") + count("untried")
    )
    if decisive is not None:
        message = f"{decisive.check}: {decisive.message}" if decisive.status == "failed" else decisive.message
        return replace(verdict, status=decisive.status, message=message)
    skipped = _first(outcomes, "skipped")
    return (
        verdict
        if skipped is None
        else replace(verdict, message=f"{verdict.skipped} check{'s' * (verdict.skipped > 1)} skipped: {skipped.message}")
    )


def _first(outcomes: Collection[Outcome], status: str) -> Outcome | None:
    return next((outcome for outcome in outcomes if outcome.status == status), None)


def _print(verdicts: Collection[Verdict]) -> None:
    if not verdicts:
        say("no plugins with components are installed; --all verifies the built-in components")
        return
    header = ["name", "kind", "plugin", "runs", "checks", "result"]
    cells = [
        [
            v.name,
            v.kind,
            f"{v.distribution} {v.version}",
            v.rung,
            str(v.passed),
            f"{v.status}: {_line(v.message)}" if v.message else v.status,
        ]
        for v in verdicts
    ]
    say(table([header, *cells]))


def _line(message: str) -> str:
    """A message in one line of a table."""
    return " ".join(message.split())
