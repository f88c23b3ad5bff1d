"""The weights and biases of an estimator's network, by scikit-learn's names."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import numpy as np
from sklearn.exceptions import NotFittedError

from nncore.estimators.architecture import dense_parameters
from nncore.network import Sequential


class LiveParameters:
    """``coefs_`` and ``intercepts_`` of what has a `network_`; assigned before there is one, they wait for it.

    Attributes
    ----------
    network_ : Sequential
        The trained network.
    """

    network_: Sequential

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Live weights of the dense layers, ``(n_in, n_out)`` each: writing into them, or assigning arrays, changes the network."""
        return self._dense_parameters(0, "_coefs")

    @coefs_.setter
    def coefs_(self, arrays: list[np.ndarray]) -> None:
        self._set_dense_parameters(0, "_coefs", arrays)

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Live biases of the dense layers, ``(n_out,)`` each."""
        return self._dense_parameters(1, "_intercepts")

    @intercepts_.setter
    def intercepts_(self, arrays: list[np.ndarray]) -> None:
        self._set_dense_parameters(1, "_intercepts", arrays)

    def _dense_parameters(self, which: int, given: str) -> list[np.ndarray]:
        if "network_" in self.__dict__:
            return dense_parameters(self.network_)[which]
        try:
            arrays: list[np.ndarray] = self.__dict__[given]
        except KeyError:
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first") from None
        return arrays

    def _set_dense_parameters(self, which: int, given: str, arrays: list[np.ndarray]) -> None:
        if "network_" in self.__dict__:
            dense_parameters(self.network_)[which][:] = arrays
        else:  # waits for a partial_fit to begin from there
            self.__dict__[given] = arrays
