"""Imports manifests in this process, for `nncore.testing.apart`: ``python -m nncore.testing.manifests DISTRIBUTION:ENTRY ...``."""

from __future__ import annotations

import contextlib
import sys

from nncore.registry import Rejected, entries_of_plugins, isolated
from nncore.testing.telling import telling


def main(*names: str) -> None:
    """Tell of each manifest when its import begins, and of the end. One that raises is left to who reads it afterwards."""
    entries = {str(entry): entry for entry in entries_of_plugins()}
    with telling() as tell:
        for name in names:
            tell("begins", name)
            with contextlib.suppress(Rejected):
                isolated("import", entries[name].entry_point.load)
        tell("end", True)


if __name__ == "__main__":
    main(*sys.argv[1:])
