"""Muon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.optimizers.adamw import AdamW
from nncore.plugin import Kernel, Optimizer, State, TensorSpan

#: a, b, c: what the iteration does to every singular value, x ← a·x + b·x³ + c·x⁵, is steep at 0 and then wanders about 1.
COEFFICIENTS = 3.4445, -4.7750, 2.0315
#: Against division by zero; a gradient smaller than this no longer gets a full step.
SMALLEST_NORM = 1e-7


class Muon(Optimizer):
    """Orthogonalised momentum for weight matrices, AdamW for all else.

    For a weight W of shape (n_in, n_out) with gradient G:

    M ← β·M + (1 − β)·G; U = β·M + (1 − β)·G with `nesterov`, else M;
    O = the orthogonal factor of U, that is U with its singular values replaced by about 1;
    W ← (1 − lr·λ)·W − lr·s·O with s = √max(1, n_out / n_in), or s = 0.2·√max(n_in, n_out) with `match_adamw`.

    O is found by `n_iterations` Newton-Schulz iterations X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ, from X = U / ‖U‖_F (transposed
    if U has more rows than columns), a, b, c = 3.4445, −4.7750, 2.0315. Five of them bring every singular
    value above 0.002·‖U‖_F to somewhere between 0.68 and 1.21, and further ones hardly closer, by design.

    Biases, scales, and weights with one row or column take steps of `AdamW` with the learning rate lr·`adamw_ratio`. The authors train
    embeddings and the last layer with AdamW too: ``groups={"dense_3.weight": {"optimizer": "adamw"}}``.

    Parameters
    ----------
    lr : float, default 0.02
        Learning rate: the spectral norm of a step of a square matrix. With `match_adamw` that of AdamW suits.
    momentum : float, default 0.95
        β.
    nesterov : bool, default True
        Look one step ahead.
    n_iterations : int, default 5
        Newton-Schulz iterations, 1 to 20.
    weight_decay : float, default 0.0
        λ, decoupled; of AdamW, too.
    match_adamw : bool, default False
        Make steps as long as those of AdamW usually are; then say ``adamw_ratio=1.0``.
    adamw_ratio : float, default 0.05
        Learning rate of AdamW, relative to `lr`, so that a schedule moves both.
    beta1, beta2, epsilon : float, default 0.9, 0.999, 1e-8
        Of AdamW.

    Raises
    ------
    ParameterError
        For a number outside its range, an `n_iterations` that is not whole, or a `nesterov` or `match_adamw` that is not a bool.

    Notes
    -----
    State: one number for each of a matrix, half of AdamW's. On matrices as ``torch.optim.Muon``, whose weights are (n_out, n_in) and which
    rounds O to bfloat16.

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
