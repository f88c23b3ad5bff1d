"""The best network of a fit, kept while the fit goes on."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.errors import ParameterError


class Snapshot:
    """A copy of a network's parameters and buffers, to go back to.

    Parameters
    ----------
    network : Sequential
        Built.
    """

    def __init__(self, network: Any) -> None:
        self._parameters: np.ndarray = network.copy_parameters()
        self._buffers: dict[str, np.ndarray] = {name: view.copy() for name, view in network.named_buffers().items()}

    def update(self, network: Any) -> None:
        """Copy those of now, into the same memory.

        Parameters
        ----------
        network : Sequential
            The same one.
        """
        network.copy_parameters(self._parameters)
        if self._buffers:
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

    def arrays(self) -> dict[str, np.ndarray]:
        """The copy, for `Callback.state`.

        Returns
        -------
        dict of str to ndarray
            ``"parameters"``, and ``"buffers/<name>"``.
        """
        return {"parameters": self._parameters, **{f"buffers/{name}": array for name, array in self._buffers.items()}}

    def take(self, arrays: dict[str, Any]) -> None:
        """Let it be a copy of what `arrays` returned.

        Parameters
        ----------
        arrays : dict of str to ndarray

        Raises
        ------
        ParameterError
            If they are those of another network.
        """
        own = self.arrays()
        if own.keys() != arrays.keys() or any(np.shape(arrays[name]) != array.shape for name, array in own.items()):
            raise ParameterError("the best parameters that a callback remembers are not those of this network")
        for name, array in own.items():
            np.copyto(array, arrays[name])
