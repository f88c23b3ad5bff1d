"""Noise on the inputs."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Kernel, Transform, TransformCall, random_words

#: ±√2·erf⁻¹ of 1 − q by w = −log(q (2 − q)): polynomials of w − 2.5 for w below 5, of √w − 3 above, the highest power first.
_CENTRE = (
    2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
)  # fmt: skip
_TAIL = (
    -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
)  # fmt: skip


class GaussianNoise(Transform):
    """x + σ·N(0, 1): in training, each feature of each sample gets noise of its own, new in every step.

    For features that are standardised, with little data: the network learns that samples nearby have the same target. Small noise acts like
    a penalty on the slope of the outputs with respect to the inputs.

    Parameters
    ----------
    std : float, default 0.1
        σ, on the scale of the features.
    columns : sequence of int, optional
        Features that get noise. None: all that hold no codes of categories.

    Notes
    -----
    One random word of 32 bits makes a number, by the inverse of the normal distribution function. Errors are below 3·10⁻⁶ σ up to 5.5 σ and
    below 0.003 σ beyond; none is larger than 6.34 σ.

    References
    ----------
    Bishop, "Training with noise is equivalent to Tikhonov regularization", Neural Computation, 1995. Giles, "Approximating the erfinv
    function", GPU Computing Gems, 2012.
    """

    ranges = {"std": "[0, inf)"}
    kernel = Kernel("nncore._core.native:transform_gaussian_noise", never_fails=True)

    def __init__(self, std: float = 0.1) -> None:
        self.std = std

    def apply(self, call: TransformCall) -> None:
        words = random_words(call.seed, call.step, call.layer, call.x.size)
        call.x += (self.std * standard_normal(words)).reshape(call.x.shape)


def standard_normal(words: np.ndarray) -> np.ndarray:
    """Numbers from N(0, 1), float64, one for each random word."""
    q = ((words & 0x7FFFFFFF) + 0.5) / 2.0**31  # in (0, 1); the highest bit is the sign
    w = -np.log(q * (2 - q))
    magnitude = np.sqrt(2) * (1 - q) * np.where(w < 5, np.polyval(_CENTRE, w - 2.5), np.polyval(_TAIL, np.sqrt(w) - 3))
    return np.where(words >> 31, -magnitude, magnitude)
