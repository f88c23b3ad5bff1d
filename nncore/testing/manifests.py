"""Import manifests in this process, for `nncore.testing.apart`: ``python -m nncore.testing.manifests DISTRIBUTION:ENTRY ...``."""

from __future__ import annotations

import contextlib
import sys

from nncore.registry import Rejected, entries_of_plugins, isolated
from nncore.testing.telling import telling


def main(*names: str) -> None:
    """Report the begin of each import, and the end of all. Errors of a manifest are ignored here; its reader reports them later."""
    entries = {str(entry): entry for entry in entries_of_plugins()}
    with telling() as tell:
        for name in names:
            tell("begins", name)
            with contextlib.suppress(Rejected):
                isolated("import", entries[name].entry_point.load)
        tell("end", True)


if __name__ == "__main__":
    main(*sys.argv[1:])
