"""One process."""

from __future__ import annotations

import numpy as np

from nncore.errors import CollectiveError, ParameterError
from nncore.plugin import Collective


class SingleProcess(Collective):
    """One process, which needs nobody: for a program that runs with and without others, and chooses its collective by name."""

    @property
    def rank(self) -> int:
        return 0

    @property
    def size(self) -> int:
        return 1

    def exchange(self, peer: int, sent: np.ndarray, received: np.ndarray) -> None:
        raise ParameterError(f"this is the only process, there is no process {peer}")

    def abort(self, reason: str) -> None:
        raise CollectiveError(reason)
