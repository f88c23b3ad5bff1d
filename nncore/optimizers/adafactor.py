"""Adafactor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, State, TensorSpan


class Adafactor(Optimizer):
    """Adafactor: Adam's scaling with little memory.

    Of the squared gradients of a matrix, it stores only the means over rows and over columns.

    For a matrix W of shape (n, m) with gradient G, at step t with β = 1 − t^(−`beta2_decay`)::

        rᵢ ← β·rᵢ + (1 − β)·meanⱼ(Gᵢⱼ² + ε);  cⱼ ← β·cⱼ + (1 − β)·meanᵢ(Gᵢⱼ² + ε);  Vᵢⱼ = rᵢ·cⱼ / mean(r)
        U = G / √V;  U ← U / max(1, RMS(U) / clip)
        W ← (1 − lr·λ)·W − α·U

    V of a vector, or of a matrix with one row or column, is stored whole: V ← β·V + (1 − β)·(G² + ε). Steps are relative to the size of the
    parameters: α = ρ·max(`scale_floor`, RMS(W)). If `scale_parameter` is False, α = ρ. The rate ρ is `lr`, or with `relative_step`
    min(lr, 1/√t).

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate, relative to the root mean square of a tensor.
    beta2_decay : float, default 0.8
        How fast β goes to 1.
    epsilon : float, default 1e-30
        ε, added to squared gradients.
    scale_floor : float, default 1e-3
        Smallest size that a tensor is treated as having, so that a tensor of zeros can move.
    clip : float, default 1.0
        Largest root mean square of an update before it is scaled by α.
    weight_decay : float, default 0.0
        λ, decoupled.
    scale_parameter : bool, default True
        Make steps relative to the size of the parameters.
    relative_step : bool, default False
        Let the learning rate fall as 1/√t once that is less than `lr`. For training without a schedule.

    Raises
    ------
    ParameterError
        If a number is outside its range, or `scale_parameter` or `relative_step` is not a bool.

    Notes
    -----
    State: n + m numbers for a matrix, instead of Adam's 2·n·m. With `relative_step` it is ``torch.optim.Adafactor``, but for ε.

    References
    ----------
    Shazeer & Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.
    """

    ranges: ClassVar[dict[str, str]] = {
        "lr": "[0, inf)", "beta2_decay": "(0, 1]", "epsilon": "[1e-30, inf)", "scale_floor": "[0, inf)", "clip": "(0, inf)",
        "weight_decay": "[0, inf)",
    }  # fmt: skip
    flags = ("scale_parameter", "relative_step")
    needs_tensors = True
    kernel = Kernel("nncore._core.native:optimizer_adafactor", never_fails=True)

    def __init__(
        self,
        lr: float = 0.01,
        *,
        beta2_decay: float = 0.8,
        epsilon: float = 1e-30,
        scale_floor: float = 1e-3,
        clip: float = 1.0,
        weight_decay: float = 0.0,
        scale_parameter: bool = True,
        relative_step: bool = False,
    ) -> None:
        self.lr = lr
        self.beta2_decay = beta2_decay
        self.epsilon = epsilon
        self.scale_floor = scale_floor
        self.clip = clip
        self.weight_decay = weight_decay
        self.scale_parameter = scale_parameter
        self.relative_step = relative_step

    def state(self, tensors: Sequence[TensorSpan]) -> list[list[State]]:
        return [_state_of(tensor) for tensor in tensors]

    def work(self, tensors: Sequence[TensorSpan]) -> int:
        """Two numbers for each column: sums of squares, and what a column's gradients are multiplied by."""
        return 2 * max((tensor.columns for tensor in tensors if _is_factored(tensor)), default=0)

    def step(
        self,
        w: Sequence[np.ndarray],
        g: Sequence[np.ndarray],
        state: Sequence[dict[str, np.ndarray]],
        t: int,
        *tensors: Sequence[TensorSpan],
    ) -> None:
        newest = float(t) ** -self.beta2_decay
        rate = min(self.lr, t**-0.5) if self.relative_step else self.lr
        for weight, gradient, kept in zip(w, g, state, strict=True):
            squares = gradient * gradient + self.epsilon
            if "row" in kept:
                row, column = kept["row"], kept["column"]
                row[...] = (1 - newest) * row + newest * squares.mean(axis=1)
                column[...] = (1 - newest) * column + newest * squares.mean(axis=0)
                update = gradient / np.sqrt(row / row.mean())[:, None] / np.sqrt(column)
            else:
                variance = kept["variance"]
                variance[...] = (1 - newest) * variance + newest * squares
                update = gradient / np.sqrt(variance)
            size = max(self.scale_floor, _root_mean_square(weight)) if self.scale_parameter else 1.0
            step = rate * size / max(1.0, _root_mean_square(update) / self.clip)
            weight *= 1 - self.lr * self.weight_decay
            weight -= step * update


def _state_of(tensor: TensorSpan) -> list[State]:
    if _is_factored(tensor):
        return [State("row", (tensor.rows,)), State("column", (tensor.columns,))]
    return [State("variance", tensor.shape)]


def _is_factored(tensor: TensorSpan) -> bool:
    return min(tensor.shape) > 1


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values * values, dtype=np.float64)))
