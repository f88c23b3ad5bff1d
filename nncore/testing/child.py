"""Run the checks of one component in this process, for `nncore.testing.apart`: ``python -m nncore.testing.child KIND NAME``."""

from __future__ import annotations

import sys
from dataclasses import asdict

from nncore.registry import rung_of
from nncore.testing.report import verify
from nncore.testing.telling import telling


def main(kind: str, name: str) -> None:
    """Report how the component runs, the begin and end of each check, and the end of all."""
    with telling() as tell:
        tell("rung", rung_of(kind, name)[0])
        for outcome in verify(kind, name, begins=lambda check: tell("begins", check)):
            tell("outcome", asdict(outcome))
        tell("end", True)


if __name__ == "__main__":
    main(*sys.argv[1:])
