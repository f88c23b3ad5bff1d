"""The wing loss in NumPy."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nncore.plugin import Loss


class WingNumPy(Loss):
    """E = Σ width·log(1 + |e|/curvature) where |e| < width, else |e| − C, e = y − Y; C makes it continuous.

    ∂E/∂y = sign(e)·width/(curvature + |e|) where |e| < width, else sign(e); 0 where e = 0. Small errors count more than in squared or
    absolute errors, so that points are located precisely, such as facial landmarks.

    Parameters
    ----------
    width : float, default 10.0
        Errors below this are small ones, in the unit of the targets.
    curvature : float, default 2.0
        Smaller values make the loss steeper near 0.

    Raises
    ------
    ParameterError
        For a number outside its range.

    References
    ----------
    Feng et al., "Wing loss for robust facial landmark localisation with convolutional neural networks", CVPR 2018, equation 5.
    """

    ranges: ClassVar[dict[str, str]] = {"width": "(0, inf)", "curvature": "(0, inf)"}

    def __init__(self, width: float = 10.0, curvature: float = 2.0) -> None:
        self.width = width
        self.curvature = curvature

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        size = np.abs(output - target)
        offset = self.width - self.width * np.log1p(self.width / self.curvature)
        small = self.width * np.log1p(np.minimum(size, self.width) / self.curvature)
        return np.where(size < self.width, small, size - offset).sum(axis=1)

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        error = output - target
        size = np.abs(error)
        return np.sign(error) * np.where(size < self.width, self.width / (self.curvature + size), 1)
