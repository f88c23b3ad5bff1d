"""Data that a network keeps between steps."""

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
    state: NetworkState | None = None  # state of the optimizers
    shadow: np.ndarray | None = None  # (n_parameters,) the second set of parameters, either the average or the trained ones: averaging.py
    average_rest: np.ndarray | None = None  # (n_parameters,) rounding errors of an average over steps
