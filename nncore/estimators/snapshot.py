"""The best network of a fit, kept while the fit goes on."""

from __future__ import annotations

from nncore.model import Sequential


class Snapshot:
    """A copy of a network's parameters and buffers."""

    def __init__(self, network: Sequential) -> None:
        self._parameters = network.parameters.copy()
        self._buffers = {name: view.copy() for name, view in network.named_buffers().items()}

    def restore(self, network: Sequential) -> None:
        """Put them back."""
        network.parameters[...] = self._parameters
        for name, view in network.named_buffers().items():
            view[...] = self._buffers[name]
