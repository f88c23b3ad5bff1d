"""``nncore bench``: nncore beside its peers and beside the physical limit of the machine.

`grid` and `sections` say what is timed, `limit` and `yardsticks` how fast it should be; `sides` are programs, one a library, that `workers`
runs; `run` goes through a selection, beside a `neighbour` if it should, and fills `results`, which `summary`, `tables`, `lines`, `page` and
`picture` present.
"""

from __future__ import annotations

from nncore.bench import grid, lines, page, picture, summary, tables
from nncore.bench.peers import parse_peers
from nncore.bench.results import Results
from nncore.bench.run import GRID, SECTIONS, Selection, measure

__all__ = ["GRID", "SECTIONS", "Results", "Selection", "grid", "lines", "measure", "page", "parse_peers", "picture", "summary", "tables"]


def __dir__() -> list[str]:
    return sorted(__all__)
