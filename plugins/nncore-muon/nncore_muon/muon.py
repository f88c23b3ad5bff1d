"""Muon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.errors import ParameterError
from nncore.plugin import Kernel, Optimizer, TensorSpan

#: a, b, c: what the iteration does to every singular value, x ← a·x + b·x³ + c·x⁵, is steep at 0 and then wanders about 1.
COEFFICIENTS = 3.4445, -4.7750, 2.0315
#: Against division by zero; a gradient much smaller than this no longer gets a full step.
SMALLEST_NORM = 1e-7
#: Choices of `Muon.matrices`; the kernel gets the position.
MATRICES = "hidden", "all_but_last", "all"


class Muon(Optimizer):
    """Momentum, orthogonalised, for weight matrices; `AdamW <https://arxiv.org/abs/1711.05101>`_ for every other tensor.

    For the weight W of shape (n_in, n_out) with gradient G:

    M ← β·M + (1 − β)·G; U = β·M + (1 − β)·G with `nesterov`, else M;
    O = the orthogonal factor of U, that is U with its singular values replaced by about 1;
    W ← (1 − lr·λ)·W − lr·√max(1, n_out / n_in)·O.

    O is found by `n_iterations` Newton-Schulz iterations X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ, from X = U / ‖U‖_F (transposed
    if U has more rows than columns), a, b, c = 3.4445, −4.7750, 2.0315. Five of them bring every singular
    value above 0.002·‖U‖_F to somewhere between 0.68 and 1.21, and further ones hardly closer, by design.

    The factor √max(1, n_out / n_in) is that of the reference implementation, ``max(1, rows / columns) ** 0.5``, whose weights are
    (n_out, n_in).

    All others (biases, scales, weights with one row or column, and by default the last weight) take a step of AdamW with learning
    rate `lr` · `adam_lr_ratio`, so that a schedule of `lr` moves both.

    Parameters
    ----------
    lr : float, default 0.02
        Learning rate of the matrices: the spectral norm of a step.
    momentum : float, default 0.95
        β.
    nesterov : bool, default True
        Look one step ahead.
    n_iterations : int, default 5
        Newton-Schulz iterations, 1 to 20.
    weight_decay : float, default 0.0
        λ, decoupled, for all parameters.
    matrices : {"hidden", "all_but_last", "all"}, default "all_but_last"
        Which weight matrices are orthogonalised: neither the first nor the last of the network, as the reference recommends where
        the first is an embedding; all except the last; or all.
    adam_lr_ratio : float, default 0.05
        AdamW's learning rate divided by `lr`; 0.05 makes it Adam's usual 0.001.
    beta1, beta2 : float, default 0.9, 0.95
        Of AdamW, as in the reference.
    epsilon : float, default 1e-10
        Of AdamW, outside the root. The least value keeps it above zero in float32 too.

    Raises
    ------
    ParameterError
        For a number outside its range, an `n_iterations` that is not whole, a `nesterov` that is not a bool, or unknown `matrices`.

    Notes
    -----
    Memory: four vectors as long as the parameters, of which three are working room of the kernel (see `n_slots`).

    References
    ----------
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, https://kellerjordan.github.io/posts/muon/;
    reference implementation https://github.com/KellerJordan/Muon (``SingleDeviceMuonWithAuxAdam``).
    """

    ranges: ClassVar[dict[str, str]] = {
        "lr": "[0, inf)", "momentum": "[0, 1)", "n_iterations": "[1, 20]", "weight_decay": "[0, inf)",
        "adam_lr_ratio": "[0, inf)", "beta1": "[0, 1)", "beta2": "[0, 1)", "epsilon": "[1e-30, inf)",
    }  # fmt: skip
    # A kernel may not allocate, so its working room is asked for as state. A tensor owns the same span in every slot:
    # slot 0: M, or AdamW's m; slot 1: X, or AdamW's v; slots 2 and 3: A and A's polynomial, then the next X, or nothing.
    # X is oriented with rows <= columns, so that A, rows * rows, fits into a span of rows * columns.
    # Both step functions leave slots 1 to 3 of an orthogonalised matrix zero: saved files compress and do not depend on the rung.
    n_slots = 4
    needs_tensors = True
    kernel = Kernel("nncore_muon.kernel:muon", never_fails=True)

    def __init__(
        self,
        lr: float = 0.02,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        n_iterations: int = 5,
        weight_decay: float = 0.0,
        matrices: str = "all_but_last",
        adam_lr_ratio: float = 0.05,
        beta1: float = 0.9,
        beta2: float = 0.95,
        epsilon: float = 1e-10,
    ) -> None:
        self.lr = lr
        self.momentum = momentum
        self.nesterov = nesterov
        self.n_iterations = n_iterations
        self.weight_decay = weight_decay
        self.matrices = matrices
        self.adam_lr_ratio = adam_lr_ratio
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon

    def validate(self) -> None:
        super().validate()
        if not isinstance(self.n_iterations, (int, np.integer)):
            raise ParameterError(f"{type(self).__name__}: n_iterations must be a whole number, got {self.n_iterations!r}")
        if not isinstance(self.nesterov, bool):
            raise ParameterError(f"{type(self).__name__}: nesterov must be True or False, got {self.nesterov!r}")
        if self.matrices not in MATRICES:
            raise ParameterError(f"{type(self).__name__}: matrices must be one of {', '.join(MATRICES)}, got {self.matrices!r}")

    def hyper(self) -> list[float]:
        """As `config`, with `matrices` as its position in `MATRICES`."""
        numbers = self.config() | {"matrices": MATRICES.index(self.matrices)}
        return [float(number) for number in numbers.values()]

    def orthogonalised(self, spans: Sequence[TensorSpan]) -> list[TensorSpan]:
        """The tensors that Muon updates; AdamW has the others."""
        weights = [span for span in spans if span.role == "weight"]
        left_out = {"hidden": [*weights[:1], *weights[-1:]], "all_but_last": weights[-1:], "all": []}[self.matrices]
        return [span for span in weights if span not in left_out and min(span.rows, span.columns) > 1]

    def step(self, w: np.ndarray, g: np.ndarray, state: np.ndarray, t: int, *tensors: Sequence[TensorSpan]) -> None:
        (spans,) = tensors
        orthogonalised = self.orthogonalised(spans)
        for span in spans:
            part = slice(span.offset, span.offset + span.rows * span.columns)
            if span in orthogonalised:
                shape = span.rows, span.columns
                self._muon_step(w[part].reshape(shape), g[part].reshape(shape), state[0, part].reshape(shape))
            else:
                self._adamw_step(w[part], g[part], state[0, part], state[1, part], t)

    def _muon_step(self, w: np.ndarray, g: np.ndarray, m: np.ndarray) -> None:
        m *= self.momentum
        m += (1 - self.momentum) * g
        update = self.momentum * m + (1 - self.momentum) * g if self.nesterov else m
        n_in, n_out = w.shape
        w *= 1 - self.lr * self.weight_decay
        w -= self.lr * max(1.0, n_out / n_in) ** 0.5 * orthogonal_factor(update, self.n_iterations)

    def _adamw_step(self, w: np.ndarray, g: np.ndarray, m: np.ndarray, v: np.ndarray, t: int) -> None:
        lr = self.lr * self.adam_lr_ratio
        m *= self.beta1
        m += (1 - self.beta1) * g
        v *= self.beta2
        v += (1 - self.beta2) * g * g
        m_hat, v_hat = m / (1 - self.beta1**t), v / (1 - self.beta2**t)
        w *= 1 - lr * self.weight_decay
        w -= lr * m_hat / (np.sqrt(v_hat) + self.epsilon)


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
