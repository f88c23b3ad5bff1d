"""The McCulloch-Pitts neuron with weights set by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nncore.arguments import shown
from nncore.contract import Activation
from nncore.data import as_numbers, check_finite
from nncore.errors import NNCoreError, ParameterError, ShapeError
from nncore.registry import resolve
from nncore.words import ListsPublicNames, explains_calls


@explains_calls
class MPNeuron(ListsPublicNames):
    """McCulloch-Pitts neuron y = φ(w·x + b) with weights that you set. Nothing is trained.

    Parameters
    ----------
    weight : array-like of n_inputs numbers, of any shape
        Weights w. Flattened in C order, as the samples are: weights of shape (28, 28, 3) suit images of that shape.
    bias : float, default 0.0
        Bias b.
    activation : Activation, str or dict, default "step"
        Activation φ: any of the registry. The step returns 1 where w·x + b > 0, else 0.

    Attributes
    ----------
    weight : ndarray of shape (n_inputs,), float64
    bias : float
    activation : Activation

    Raises
    ------
    ParameterError
        Weights or bias are not finite numbers.
    UnknownComponentError
        No activation has this name.

    References
    ----------
    McCulloch & Pitts, "A logical calculus of the ideas immanent in nervous activity", Bulletin of Mathematical
    Biophysics 5, 1943.

    Examples
    --------
    >>> from nncore.estimators import MPNeuron
    >>> both = MPNeuron([1, 1], bias=-1.5)
    >>> both.predict([[0, 0], [0, 1], [1, 0], [1, 1]])
    array([0., 0., 0., 1.])
    """

    def __init__(self, weight: ArrayLike, bias: float = 0.0, activation: Activation | str | dict[str, Any] = "step") -> None:
        self.weight = _numbers(weight, "weight").ravel()
        if self.weight.size == 0:
            raise ParameterError("MPNeuron: weight is empty; give one number for each input")
        self.bias = _numbers(bias, "bias").item()
        self.activation: Activation = resolve("activations", activation)

    def decision(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return w·x + b of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Each sample is flattened to n_inputs numbers, so images may come as (n_samples, height, width, channels).

        Returns
        -------
        ndarray of shape (n_samples,), float64

        Raises
        ------
        ShapeError
            A sample does not have n_inputs numbers.
        DtypeError, DataError
            `X` holds something that is not a number, or NaN or infinity.
        """
        samples, n_inputs = as_numbers(X, "X"), self.weight.size
        if samples.ndim < 2 or math.prod(samples.shape[1:]) != n_inputs:
            raise ShapeError(f"MPNeuron: X must have shape (n_samples, ...) with {n_inputs} numbers a sample, got {samples.shape}")
        check_finite(samples, "X", np.dtype(np.float64))
        decision: NDArray[np.float64] = samples.reshape(len(samples), n_inputs) @ self.weight + self.bias
        return decision

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return φ(w·x + b) of each sample. Errors are those of `decision`.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples, as for `decision`.

        Returns
        -------
        ndarray of shape (n_samples,)
            Output of the neuron for each sample.
        """
        return self.activation.forward(self.decision(X)[:, np.newaxis])[:, 0]

    def predict_one(self, x: ArrayLike) -> float:
        """Return φ(w·x + b) of a single sample. Errors are those of `decision`.

        Parameters
        ----------
        x : array-like of n_inputs numbers, of any shape
            The sample.

        Returns
        -------
        float
            The output that `predict` returns for it.
        """
        return float(self.predict(as_numbers(x, "x")[np.newaxis])[0])

    def __repr__(self) -> str:
        return f"MPNeuron(weight={self.weight.tolist()}, bias={self.bias}, activation={self.activation})"


def _numbers(value: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        numbers = as_numbers(value, name).astype(np.float64)
    except NNCoreError as error:
        raise ParameterError(f"MPNeuron: {name} must be numeric, got {shown(value)}") from error
    if not np.isfinite(numbers).all() or (name == "bias" and numbers.ndim):
        raise ParameterError(f"MPNeuron: {name} must be {'a finite number' if name == 'bias' else 'finite numbers'}, got {shown(value)}")
    return numbers
