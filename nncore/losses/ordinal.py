"""Ordinal regression: classes with an order."""

from __future__ import annotations

import numpy as np

from nncore.plugin import Graph, Kernel, Loss, Value


class Ordinal(Loss):
    """Ordinal regression from cumulative logits: classes in order, where a mistake of two classes costs more than one.

    E = −log P(class), with P(class ≥ k) = sigmoid(gₖ) for k = 1, …, K − 1 of K classes in order, g₁ ≥ g₂ ≥ ….

    The network has K − 1 outputs u and no last activation: g₁ = u₁, and gₖ = gₖ₋₁ − log(1 + exp uₖ). So the logits are always in order, and
    P(class = k) = sigmoid(gₖ) − sigmoid(gₖ₊₁) is positive. For k between the first and the last class, E = log(1 + exp −gₖ)
    + log(1 + exp gₖ₊₁) + log(1 + exp −uₖ₊₁), without cancellation. The first class has only the second term, the last class only the first.
    For two classes it is ``binary_cross_entropy``.

    A target is a class index: 0 is the lowest class, K − 1 the highest. `decide` returns the probabilities of the K classes; the largest is
    the predicted class. In estimators and ``nncore train`` the order is that of ``classes_``: numbers by size, texts by the alphabet.

    Notes
    -----
    All outputs may depend on the sample. McCullagh's proportional odds model has one score for a sample and the same thresholds for all
    samples. To build it, end the network in the score, ``nn.Dense(1, use_bias=False)``, and in a layer of which only the biases, the
    thresholds, are trained: ``nn.Dense(K - 1, weight_initializer={"name": "constant", "value": [[1, 0, …, 0]]})``, with
    ``groups={"dense_2.weight": {"frozen": True}}``. That is statsmodels' ``OrderedModel(distr="logit")``.

    References
    ----------
    McCullagh, "Regression models for ordinal data", 1980.
    """

    targets = "labels"
    output_domain = "logits"
    decides_probabilities = True
    kernel = Kernel("nncore._core.native:loss_ordinal")

    def n_outputs(self, n_classes: int) -> int:
        return max(1, n_classes - 1)

    def decide(self, output: np.ndarray) -> np.ndarray:
        logits = _cumulative(output)
        inner = _sigmoid(logits[:, :-1]) * _sigmoid(-logits[:, 1:]) * _sigmoid(output[:, 1:])
        return np.hstack([_sigmoid(-logits[:, :1]), inner, _sigmoid(logits[:, -1:])])

    def formula(self, g: Graph, output: Value) -> Value:
        first, n = g.columns(output, [0]), output.sample_shape[0]
        if n == 1:
            return g.concat([g.sigmoid(-first), g.sigmoid(first)])
        rest = g.columns(output, range(1, n))
        gaps = g.maximum(rest, 0) + g.log1p(g.exp(-abs(rest)))
        logits = g.concat([first, first - gaps @ g.constant(np.triu(np.ones((n - 1, n - 1))))])
        inner = g.sigmoid(g.columns(logits, range(n - 1))) * g.sigmoid(-g.columns(logits, range(1, n))) * g.sigmoid(rest)
        return g.concat([g.sigmoid(-first), inner, g.sigmoid(g.columns(logits, [n - 1]))])

    def forward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        above, below, gap, has_above, has_below = self._parts(output, target)
        value = np.where(has_above, _softplus(-above), 0) + np.where(has_below, _softplus(below), 0)
        value += np.where(has_above & has_below, _softplus(-gap), 0)
        total = output.sum(axis=1)
        return value + (total - total)  # NaN in any output shows

    def backward(self, output: np.ndarray, target: np.ndarray) -> np.ndarray:
        above, below, _, has_above, has_below = self._parts(output, target)
        of_above = np.where(has_above, -_sigmoid(-above), 0)
        of_below = np.where(has_below, _sigmoid(below), 0)
        d_output = -_sigmoid(output) * (of_above + of_below)[:, None]
        k = np.arange(output.shape[1])
        next_one = k == target[:, None]  # the threshold above the class
        d_output = np.where(next_one, -_sigmoid(output) * of_below[:, None] - _sigmoid(-output), d_output)
        d_output[:, 0] = of_above + of_below
        return np.where(k > target[:, None], 0, d_output) + (output - output)

    def _parts(self, output: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of each row: g of the class and of the one above it, the output between them, and whether there are such."""
        logits, n, rows = _cumulative(output), output.shape[1], np.arange(len(output))
        lower, upper = np.maximum(target - 1, 0), np.minimum(target, n - 1)
        return logits[rows, lower], logits[rows, upper], output[rows, upper], target > 0, target < n


def _cumulative(output: np.ndarray) -> np.ndarray:
    """g, shape (n_rows, K − 1)."""
    logits = np.hstack([output[:, :1], -_softplus(output[:, 1:])])
    return np.cumsum(logits, axis=1, out=logits)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)
