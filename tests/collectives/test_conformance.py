"""Conformance checks of the built-in collectives, and of the threads of `nncore.testing`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance import built_in

from nncore.plugin import Collective
from nncore.testing import CollectiveConformance, on_ranks

globals().update(built_in(CollectiveConformance, {}))


class TestThreads(CollectiveConformance):
    name = "single"  # what is checked beside its functions; these are those of threads

    def together(self, check: Callable[[Collective], Any]) -> list[Any]:
        return on_ranks(3, check)
