"""`StepInParts`: the state of a step that is taken with `forward`, `backward` and `step`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncore._core import SparseRows


@dataclass(slots=True)
class StepInParts:
    """State for the next part.

    Attributes
    ----------
    n_rows : int
        Of the last ``forward(training=True)``; 0 if `backward` needs another one.
    inputs : ndarray of shape (n_rows, n_inputs), SparseRows or None
        Of it: `backward` reads them again.
    has_gradients : bool
        Whether `step` may follow.
    has_stepped : bool
        Whether steps were taken as a whole since the last `backward`.
    d_input : ndarray of shape (n_rows, ...) or None
        Of the last `backward`.
    """

    n_rows: int = 0
    inputs: np.ndarray | SparseRows | None = None
    has_gradients: bool = False
    has_stepped: bool = False
    d_input: np.ndarray | None = None

    def begin(self, n_rows: int, inputs: np.ndarray | SparseRows) -> None:
        """A forward pass has been made."""
        self.n_rows, self.inputs, self.has_gradients, self.d_input = n_rows, inputs, False, None

    def end(self, *, has_stepped: bool) -> None:
        """Reset: no step in parts is open, and whole steps may be taken."""
        self.n_rows, self.inputs, self.has_gradients, self.has_stepped, self.d_input = 0, None, False, has_stepped, None
