"""Noise on the inputs."""

from __future__ import annotations

from nncore.plugin import Kernel, Transform, TransformCall, random_words, standard_normal


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
