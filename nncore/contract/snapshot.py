"""A copy of the best network during a fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from nncore.errors import ParameterError


class Snapshot:
    """A copy of a network's parameters and buffers, to restore later.

    Parameters
    ----------
    network : Sequential
        Built.
    """

    def __init__(self, network: Any) -> None:
        self._parameters: np.ndarray = network.copy_parameters()
        self._buffers: dict[str, np.ndarray] = {name: view.copy() for name, view in network.named_buffers().items()}

    def update(self, network: Any) -> None:
        """Copy the current parameters and buffers, into the same memory.

        Parameters
        ----------
        network : Sequential
            The same network.
        """
        network.copy_parameters(self._parameters)
        if self._buffers:
            for name, view in network.named_buffers().items():
                np.copyto(self._buffers[name], view)

    def restore(self, network: Any) -> None:
        """Restore the copied parameters and buffers.

        Parameters
        ----------
        network : Sequential
            The same network.
        """
        np.copyto(network.parameters, self._parameters)
        for name, view in network.named_buffers().items():
            np.copyto(view, self._buffers[name])

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the copy, for `Callback.state`.

        Returns
        -------
        dict of str to ndarray
            ``"parameters"``, and ``"buffers/<name>"``.
        """
        return {"parameters": self._parameters, **{f"buffers/{name}": array for name, array in self._buffers.items()}}

    def take(self, arrays: dict[str, Any]) -> None:
        """Restore this copy from the result of `arrays`.

        Parameters
        ----------
        arrays : dict of str to ndarray
            The result of `arrays`.

        Raises
        ------
        ParameterError
            If it is from another network.
        """
        own = self.arrays()
        if own.keys() != arrays.keys() or any(np.shape(arrays[name]) != array.shape for name, array in own.items()):
            raise ParameterError("the best parameters in a callback's state are from another network: call net.forget_fit() first")
        for name, array in own.items():
            np.copyto(array, arrays[name])
