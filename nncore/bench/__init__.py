"""``nncore bench``: the speed of nncore, compared with other libraries and with the physical limit of the machine.

`grid` and `sections` say what is timed, `limit` and `yardsticks` how fast it should be. `sides` has one program for each library, which
`workers` runs. `run` measures a selection, next to a `neighbour` if asked, and fills `results`. `summary`, `tables`, `lines`, `page` and
`picture` present them.
"""

from __future__ import annotations

from nncore.bench import grid, lines, page, picture, summary, tables
from nncore.bench.peers import parse_peers
from nncore.bench.results import Results
from nncore.bench.run import GRID, SECTIONS, Selection, measure

__all__ = ["GRID", "SECTIONS", "Results", "Selection", "grid", "lines", "measure", "page", "parse_peers", "picture", "summary", "tables"]


def __dir__() -> list[str]:
    return sorted(__all__)
