"""Muon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, State, TensorSpan

#: a, b, c: what the iteration does to every singular value, x ← a·x + b·x³ + c·x⁵, is steep at 0 and then wanders about 1.
COEFFICIENTS = 3.4445, -4.7750, 2.0315
#: Against division by zero; a gradient much smaller than this no longer gets a full step.
SMALLEST_NORM = 1e-7


class Muon(Optimizer):
    """Momentum, orthogonalised, for weight matrices.

    For the weight W of shape (n_in, n_out) with gradient G:

    M ← β·M + (1 − β)·G; U = β·M + (1 − β)·G with `nesterov`, else M;
    O = the orthogonal factor of U, that is U with its singular values replaced by about 1;
    W ← (1 − lr·λ)·W − lr·√max(1, n_out / n_in)·O.

    O is found by `n_iterations` Newton-Schulz iterations X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ, from X = U / ‖U‖_F (transposed
    if U has more rows than columns), a, b, c = 3.4445, −4.7750, 2.0315. Five of them bring every singular
    value above 0.002·‖U‖_F to somewhere between 0.68 and 1.21, and further ones hardly closer, by design.

    The factor √max(1, n_out / n_in) is that of the reference implementation, ``max(1, rows / columns) ** 0.5``, whose weights are
    (n_out, n_in).

    Use it only for the weights of hidden layers, and another optimizer for the rest. A bias is a matrix of one row here, with an orthogonal
    factor of about U / ‖U‖: a step of fixed length, which is rarely useful.

    Parameters
    ----------
    lr : float, default 0.02
        Learning rate: the spectral norm of a step.
    momentum : float, default 0.95
        β.
    nesterov : bool, default True
        Look one step ahead.
    n_iterations : int, default 5
        Newton-Schulz iterations, 1 to 20.
    weight_decay : float, default 0.0
        λ, decoupled.

    Raises
    ------
    ParameterError
        For a number outside its range, an `n_iterations` that is not whole, or a `nesterov` that is not a bool.

    References
    ----------
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, https://kellerjordan.github.io/posts/muon/;
    reference implementation https://github.com/KellerJordan/Muon.

    Examples
    --------
    >>> groups = {"dense_[12].weight": {"optimizer": {"name": "muon", "lr": 0.02}}}
    >>> net.fit(X, y, optimizer="adamw", groups=groups)  # doctest: +SKIP
    """

    ranges: ClassVar[dict[str, str]] = {
        "lr": "[0, inf)", "momentum": "[0, 1)", "n_iterations": "[1, 20]", "weight_decay": "[0, inf)",
    }  # fmt: skip
    whole = ("n_iterations",)
    flags = ("nesterov",)
    needs_tensors = True
    kernel = Kernel("nncore_muon.kernel:muon", never_fails=True)

    def __init__(
        self, lr: float = 0.02, *, momentum: float = 0.95, nesterov: bool = True, n_iterations: int = 5, weight_decay: float = 0.0
    ) -> None:
        self.lr = lr
        self.momentum = momentum
        self.nesterov = nesterov
        self.n_iterations = n_iterations
        self.weight_decay = weight_decay

    def state(self, tensors: Sequence[TensorSpan]) -> list[list[State]]:
        return [[State("momentum", tensor.shape)] for tensor in tensors]

    def work(self, tensors: Sequence[TensorSpan]) -> int:
        """Three matrices as large as the largest: X; A and then the next X; the polynomial of A."""
        return 3 * max((tensor.size for tensor in tensors), default=0)

    def step(
        self,
        w: Sequence[np.ndarray],
        g: Sequence[np.ndarray],
        state: Sequence[dict[str, np.ndarray]],
        t: int,
        *tensors: Sequence[TensorSpan],
    ) -> None:
        for weight, gradient, kept in zip(w, g, state, strict=True):
            m = kept["momentum"]
            m *= self.momentum
            m += (1 - self.momentum) * gradient
            update = self.momentum * m + (1 - self.momentum) * gradient if self.nesterov else m
            n_in, n_out = weight.shape
            weight *= 1 - self.lr * self.weight_decay
            weight -= self.lr * max(1.0, n_out / n_in) ** 0.5 * orthogonal_factor(update, self.n_iterations)


def orthogonal_factor(matrix: np.ndarray, n_iterations: int = 5) -> np.ndarray:
    """U·S·Vᵀ → about U·Vᵀ, by Newton-Schulz iterations; in the dtype of `matrix`, of its shape."""
    a, b, c = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (float(np.linalg.norm(x.astype(np.float64))) + SMALLEST_NORM)  # squares of float32 overflow where it does not
    for _ in range(n_iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if is_tall else x
