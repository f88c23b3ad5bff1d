"""Quantile regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from nncore.arguments import is_number, numbers, shown
from nncore.errors import ParameterError, ShapeError
from nncore.plugin import Graph, Kernel, Loss, Value


class Quantile(Loss):
    """Quantile (pinball) loss: predict quantiles, such as a median with a 90 % interval.

    E = 1/(mK) Σₜ Σₖ max(qₖ d, (qₖ − 1) d) with d = Yₜ − yₜₖ, for m targets and K quantiles at once.

    The network has m·K outputs, those of the first target first: ``output[:, t * K + k]`` is quantile ``k`` of target ``t``, and
    ``net.predict(X).reshape(len(X), m, K)`` separates them. ∂E/∂yₜₖ is (1 − qₖ)/(mK) above the target, −qₖ/(mK) below it and 0 at it.
    For the median alone, E is half of ``mae``. Predicted quantiles may cross. `decide` sorts those of each target, which never makes them
    worse; estimators and exported models do so.

    Parameters
    ----------
    quantiles : float or sequence of float, default (0.5,)
        q, each in (0, 1): ``(0.05, 0.5, 0.95)`` gives a median with a 90 % interval.

    Raises
    ------
    ParameterError
        If a quantile is outside (0, 1), or there is none.
    ShapeError
        When training begins, if the outputs are not a multiple of K.

    References
    ----------
    Koenker & Bassett, "Regression quantiles", 1978. On sorting: Chernozhukov et al., "Quantile and probability curves without
    crossing", 2010.
    """

    examples: ClassVar[Sequence[dict[str, Any]]] = ({}, {"quantiles": (0.1, 0.5, 0.75)})
    kernel = Kernel("nncore._core.native:loss_quantile")

    def __init__(self, quantiles: float | Sequence[float] = (0.5,)) -> None:
        found = numbers([quantiles] if is_number(quantiles) else quantiles)
        if not found or not all(0 < q < 1 for q in found):
            raise ParameterError(f"Quantile: quantiles must be numbers in (0, 1), at least one, got {shown(quantiles)}")
        self.quantiles = tuple(found)

    @property
    def judge(self) -> dict[str, Any]:  # type: ignore[override]  # as the arguments are
        return {"name": "d2_pinball", "quantiles": self.quantiles}

    @property
    def has_own_decision(self) -> bool:
        return len(self.quantiles) > 1

    def decide(self, output: np.ndarray) -> np.ndarray:
        if not self.has_own_decision:
            return output
        each = output.reshape(len(output), -1, len(self.quantiles))
        in_order = np.empty_like(each)
        in_order[:, :, np.argsort(self.quantiles, kind="stable")] = np.sort(each, axis=2)
        return in_order.reshape(output.shape)

    def formula(self, g: Graph, output: Value) -> Value:
        n, width = len(self.quantiles), output.sample_shape[0]
        if not self.has_own_decision:
            return output
        rising = np.argsort(self.quantiles, kind="stable").tolist()
        places = [first + k for first in range(0, width, n) for k in rising]
        values = g.columns(output, places)
        for turn in range(n):  # odd-even sort: swap neighbours in the wrong order, even pairs, then odd pairs, and so on
            left = [i for i in range(width) if i % n % 2 == turn % 2 and i % n + 1 < n]
            if left:
                low, high = g.columns(values, left), g.columns(values, [i + 1 for i in left])
                found = {i: width + k for k, i in enumerate(left)} | {i + 1: width + len(left) + k for k, i in enumerate(left)}
                both = g.concat([values, g.minimum(low, high), g.maximum(low, high)])
                values = g.columns(both, [found.get(i, i) for i in range(width)])
        return g.columns(values, np.argsort(places).tolist())

    def hyper(self) -> list[float]:
        return list(self.quantiles)

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs % len(self.quantiles):
            n = len(self.quantiles)
            raise ShapeError(f"Quantile: {n} quantiles need {n} outputs for each target, the network has {n_outputs}")
        return n_outputs // len(self.quantiles)

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        above, below, d = self._differences(output, target)
        return np.maximum(above * d, -below * d).mean(axis=(1, 2))

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        above, below, d = self._differences(output, target)
        slope = np.where(d > 0, -above, np.where(d < 0, below, d))  # 0, or NaN, which passes
        return slope.reshape(output.shape) * output.dtype.type(1 / output.shape[1])

    def _differences(self, output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """q and 1 − q, whose digits are lost in a rounded q, and d = Y − y of shape (n_rows, m, K)."""
        q = np.array(self.quantiles)
        d = target[:, :, None] - output.reshape(*target.shape, len(q))
        return q.astype(output.dtype), (1 - q).astype(output.dtype), d
