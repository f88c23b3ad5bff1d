"""Which tables may be tuned on. The others are only reported: nobody looks at their scores before the recipes are fixed."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

#: Written before anything was tuned. A table that comes later is added to "report".
FILE = Path(__file__).with_name("division.json")
PART_TO_TUNE = 0.4


def divide(kinds: Mapping[str, str]) -> dict[str, list[str]]:
    """By chance that anybody can repeat: of each kind of task, the 40 % whose names have the smallest SHA-256 are to tune.

    Parameters
    ----------
    kinds : mapping
        Kind of task of each table by name.
    """
    strata = defaultdict(list)
    for name in sorted(kinds, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        strata[kinds[name]].append(name)
    division: dict[str, list[str]] = {"tune": [], "report": []}
    for names in strata.values():
        n = round(PART_TO_TUNE * len(names))
        division["tune"] += names[:n]
        division["report"] += names[n:]
    return {part: sorted(names) for part, names in division.items()}


def read() -> dict[str, list[str]]:
    """The division in force."""
    return json.loads(FILE.read_text(encoding="utf-8"))
