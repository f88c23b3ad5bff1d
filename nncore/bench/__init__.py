"""``nncore bench``: nncore beside its peers and beside the physical limit of the machine.

`grid` says what is timed, `limit` how fast it could be; `sides` are programs, one a library, that `workers` runs; `run` goes through a
selection and fills `results`, which `summary`, `tables`, `page` and `picture` present.
"""

from __future__ import annotations

from nncore.bench import grid, page, picture, summary, tables
from nncore.bench.peers import parse_peers
from nncore.bench.results import Results
from nncore.bench.run import SECTIONS, Selection, measure

__all__ = ["SECTIONS", "Results", "Selection", "grid", "measure", "page", "parse_peers", "picture", "summary", "tables"]
