"""Muon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.optimizers.adamw import AdamW
from nncore.plugin import Kernel, Optimizer, State, TensorSpan

#: a, b, c: the iteration maps every singular value x to a·x + b·x³ + c·x⁵, which is steep at 0 and then varies around 1.
COEFFICIENTS = 3.4445, -4.7750, 2.0315
#: Against division by zero; a gradient smaller than this no longer gets a full step.
SMALLEST_NORM = 1e-7


class Muon(Optimizer):
    """Muon: orthogonalised momentum for weight matrices, AdamW for all other parameters.

    For a weight W of shape (n_in, n_out) with gradient G::

        M ← β·M + (1 − β)·G
        U = β·M + (1 − β)·G  with nesterov, else M
        W ← (1 − lr·λ)·W − lr·s·O

    O is the orthogonal factor of U: U with its singular values replaced by about 1. The scale s is √max(1, n_out / n_in), or
    0.2·√max(n_in, n_out) with `match_adamw`.

    O comes from `n_iterations` Newton-Schulz iterations X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ and a, b, c = 3.4445, −4.7750, 2.0315. They
    start at X = U / ‖U‖_F, transposed if U has more rows than columns. Five iterations bring every singular value above 0.002·‖U‖_F to
    between 0.68 and 1.21. By design, more iterations hardly bring them closer to 1.

    Biases, scales, and weights with one row or column take steps of `AdamW` with the learning rate lr·`adamw_ratio`. The authors train
    embeddings and the last layer with AdamW too: ``groups={"dense_3.weight": {"optimizer": "adamw"}}``.

    Parameters
    ----------
    lr : float, default 0.02
        Learning rate: the spectral norm of a step of a square matrix. With `match_adamw`, use AdamW's learning rate.
    momentum : float, default 0.95
        β, decay rate of the momentum.
    nesterov : bool, default True
        Use Nesterov's momentum, which looks one step ahead.
    n_iterations : int, default 5
        Newton-Schulz iterations, 1 to 20.
    weight_decay : float, default 0.0
        λ, decoupled; also for the parameters that AdamW trains.
    match_adamw : bool, default False
        Scale steps to the usual length of AdamW's steps. Then set ``adamw_ratio=1.0``.
    adamw_ratio : float, default 0.05
        Learning rate of AdamW, relative to `lr`, so that a schedule changes both.
    beta1, beta2, epsilon : float, default 0.9, 0.999, 1e-8
        The arguments of AdamW.

    Raises
    ------
    ParameterError
        If a number is outside its range, `n_iterations` is not whole, or `nesterov` or `match_adamw` is not a bool.

    Notes
    -----
    The state has one number for each number of a matrix, half of AdamW's. For matrices this is ``torch.optim.Muon``, whose weights have
    shape (n_out, n_in) and which rounds O to bfloat16.

    References
    ----------
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, https://kellerjordan.github.io/posts/muon/;
    `match_adamw`: Liu et al., "Muon is scalable for LLM training", 2025.
    """

    ranges: ClassVar[dict[str, str]] = {
        "lr": "[0, inf)", "momentum": "[0, 1)", "n_iterations": "[1, 20]", "weight_decay": "[0, inf)", "adamw_ratio": "[0, inf)",
        "beta1": "[0, 1)", "beta2": "[0, 1)", "epsilon": "[1e-30, inf)",
    }  # fmt: skip
    whole = ("n_iterations",)
    flags = ("nesterov", "match_adamw")
    needs_tensors = True
    kernel = Kernel("nncore._core.native:optimizer_muon", never_fails=True)

    def __init__(
        self,
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        n_iterations: int = 5,
        weight_decay: float = 0.0,
        match_adamw: bool = False,
        adamw_ratio: float = 0.05,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
    ) -> None:
        self.lr = lr
        self.momentum = momentum
        self.nesterov = nesterov
        self.n_iterations = n_iterations
        self.weight_decay = weight_decay
        self.match_adamw = match_adamw
        self.adamw_ratio = adamw_ratio
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def state(self, tensors: Sequence[TensorSpan]) -> list[list[State]]:
        return [[State(name, tensor.shape) for name in (("momentum",) if _is_matrix(tensor) else ("m", "v"))] for tensor in tensors]

    def work(self, tensors: Sequence[TensorSpan]) -> int:
        """Three matrices as large as the largest: X; A and then the next X; the polynomial of A."""
        return 3 * max((tensor.size for tensor in tensors if _is_matrix(tensor)), default=0)

    def step(
        self,
        w: Sequence[np.ndarray],
        g: Sequence[np.ndarray],
        state: Sequence[dict[str, np.ndarray]],
        t: int,
        *tensors: Sequence[TensorSpan],
    ) -> None:
        adamw = AdamW(self.lr * self.adamw_ratio, beta1=self.beta1, beta2=self.beta2, epsilon=self.epsilon, weight_decay=self.weight_decay)
        for weight, gradient, kept in zip(w, g, state, strict=True):
            if "m" in kept:
                both: Any = [kept["m"], kept["v"]]  # which AdamW takes apart again
                adamw.step(weight, gradient, both, t)
                continue
            m = kept["momentum"]
            m *= self.momentum
            m += (1 - self.momentum) * gradient
            update = self.momentum * m + (1 - self.momentum) * gradient if self.nesterov else m
            n_in, n_out = weight.shape
            scale = 0.2 * max(n_in, n_out) ** 0.5 if self.match_adamw else max(1.0, n_out / n_in) ** 0.5
            weight *= 1 - self.lr * self.weight_decay
            weight -= self.lr * scale * orthogonal_factor(update, self.n_iterations)


def orthogonal_factor(matrix: np.ndarray, n_iterations: int = 5) -> np.ndarray:
    """U·S·Vᵀ → about U·Vᵀ, by Newton-Schulz iterations; in the dtype of `matrix`, of its shape."""
    a, b, c = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / max(float(np.linalg.norm(x.astype(np.float64))), SMALLEST_NORM)  # squares of float32 overflow where it does not
    for _ in range(n_iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if is_tall else x


def _is_matrix(tensor: TensorSpan) -> bool:
    return tensor.role == "weight" and min(tensor.shape) > 1
