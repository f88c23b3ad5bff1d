"""The best network of a fit, kept while the fit goes on."""

from __future__ import annotations

from typing import Any

import numpy as np


class Snapshot:
    """A copy of a network's parameters and buffers, to go back to.

    Parameters
    ----------
    network : Sequential
        Built.
    """

    def __init__(self, network: Any) -> None:
        self._parameters: np.ndarray = network.parameters.copy()
        self._buffers: dict[str, np.ndarray] = {name: view.copy() for name, view in network.named_buffers().items()}

    def update(self, network: Any) -> None:
        """Copy those of now, into the same memory.

        Parameters
        ----------
        network : Sequential
            The same one.
        """
        np.copyto(self._parameters, network.parameters)
        for name, view in network.named_buffers().items():
            np.copyto(self._buffers[name], view)

    def restore(self, network: Any) -> None:
        """Put them back.

        Parameters
        ----------
        network : Sequential
            The same one.
        """
        np.copyto(network.parameters, self._parameters)
        for name, view in network.named_buffers().items():
            np.copyto(view, self._buffers[name])
