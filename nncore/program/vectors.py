"""All that a network keeps between steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nncore.program.state import NetworkState


@dataclass(frozen=True)
class Vectors:
    """The flat vectors of a network; programs for any batch size share them."""

    parameters: np.ndarray  # (n_parameters,)
    gradients: np.ndarray  # (n_parameters,)
    buffers: np.ndarray  # (n_buffers,)
    state: NetworkState | None = None  # of the optimizers
    shadow: np.ndarray | None = None  # (n_parameters,) the other of two sets of parameters, their average and where they are: averaging.py
    average_rest: np.ndarray | None = None  # (n_parameters,) what an average over steps has no digits for
