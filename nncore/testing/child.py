"""Runs the checks of one component in this process, for `nncore.testing.apart`: ``python -m nncore.testing.child KIND NAME``.

Each line of standard output is a JSON object. What the component prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Any

from nncore.registry import rung_of
from nncore.testing.report import verify


def main(kind: str, name: str) -> None:
    """Report what runs for the component, then each check when it begins and when it is done, and the end."""
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(what: str, value: Any) -> None:
        report.write(json.dumps({what: value}) + "\n")
        report.flush()

    tell("rung", rung_of(kind, name)[0])
    for outcome in verify(kind, name, begins=lambda check: tell("begins", check)):
        tell("outcome", asdict(outcome))
    tell("end", True)


if __name__ == "__main__":
    main(*sys.argv[1:])
