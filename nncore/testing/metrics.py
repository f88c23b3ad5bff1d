"""What every metric is checked for."""

from __future__ import annotations

import math
import unittest
from typing import Any, ClassVar

import numpy as np

from nncore import registry
from nncore.contract import Metric
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.testing import networks
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect
from nncore.testing.setting import setting

#: Outputs, which a metric sees after the loss's link, and targets.
Example = tuple[np.ndarray, np.ndarray]

N_ROWS = 32


class MetricConformance(Conformance):
    """Checks of a metric.

    >>> class TestR2(MetricConformance):
    ...     name = "r2"

    Attributes
    ----------
    weighted : bool
        False if it takes no notice of sample weights by design. The metric's class may say so instead.
    """

    kind = "metrics"
    weighted: ClassVar[bool] = setting(True)

    def test_score(self) -> None:
        self.each(check_score)

    def test_perfect_predictions_score_best(self) -> None:
        self.each(check_direction)

    def test_order_of_rows_does_not_matter(self) -> None:
        self.each(check_order)

    def test_weights(self) -> None:
        if self.weighted:
            self.each(check_weights)

    def test_is_recorded_by_a_fit(self) -> None:
        self.each(check_fit)


def example(metric: Metric) -> Example:
    """Outputs and targets that the metric takes: its own, or probabilities and classes, or numbers, several or one."""
    rng = np.random.default_rng(7)
    own = metric.example(rng, N_ROWS)
    if own is not None:
        return own
    tried = []
    for output, target in candidates(rng):
        try:
            metric.check_shapes(output.shape, target.shape)
            metric.score(output, target)
        except Exception as error:  # it takes something else, and says so in a way of its own
            tried.append(f"outputs {output.shape} with targets {target.shape}: {type(error).__name__}: {error}")
        else:
            return output, target
    raise AssertionError(
        f"it takes none of what is tried ({'; '.join(tried)}): let its method `example` give outputs and targets that it takes"
    )


def candidates(rng: np.random.Generator) -> list[Example]:
    scores = rng.dirichlet(np.ones(3), N_ROWS)
    return [
        (scores, rng.integers(3, size=N_ROWS)),
        (rng.normal(size=(N_ROWS, 3)), rng.normal(size=(N_ROWS, 3))),
        (rng.normal(size=(N_ROWS, 1)), rng.normal(size=(N_ROWS, 1))),
        (rng.uniform(size=(N_ROWS, 1)), rng.integers(2, size=N_ROWS)),
    ]


def check_score(metric: Metric) -> None:
    """A finite number, the same for the same arrays, which stay as they are, in float32 too."""
    output, target = example(metric)
    for dtype in (np.float32, np.float64):
        typed = output.astype(dtype), target.astype(dtype) if target.dtype.kind == "f" else target
        weights = np.ones(N_ROWS, dtype)
        for array in (*typed, weights):
            array.flags.writeable = False
        for arguments in (typed, (*typed, None), (*typed, weights)):
            first, second = metric.score(*arguments), metric.score(*arguments)
            expect(isinstance(first, (int, float)) and math.isfinite(first), f"score is {first!r}, a finite number is expected")
            expect(first == second, f"score of the same arrays is {first!r}, then {second!r}")


def check_direction(metric: Metric) -> None:
    """The metric says which way it improves, and predictions that equal the targets score no worse than others, as it says."""
    says = metric.higher_is_better
    expect(isinstance(says, bool), f"higher_is_better is {says!r}; it must be True or False, so that nobody has to guess what is better")
    output, target = example(metric)
    if target.ndim == 1:
        perfect = np.eye(output.shape[1])[target] if output.shape[1] > 1 else target[:, None].astype(output.dtype)
    elif target.shape == output.shape:
        perfect = target
    else:
        raise unittest.SkipTest("what a perfect prediction would be is not known")
    best, other = metric.score(perfect, target), metric.score(output, target)
    is_right = best >= other if metric.higher_is_better else best <= other
    expect(is_right, f"perfect predictions score {best!r}, others {other!r}, and higher_is_better is {metric.higher_is_better}")


def check_order(metric: Metric) -> None:
    output, target = example(metric)
    order, weights = np.random.default_rng(1).permutation(N_ROWS), np.random.default_rng(2).uniform(0.5, 2, N_ROWS)
    _expect_equal(
        metric.score(output[order], target[order], weights[order]), metric.score(output, target, weights), "rows in another order"
    )


def check_weights(metric: Metric) -> None:
    """A weight is how often a row counts: 1 for none, 2 for a row that is there twice, 0 for one that is not there."""
    output, target = example(metric)
    _expect_equal(metric.score(output, target, np.ones(N_ROWS)), metric.score(output, target), "weights of 1")
    weights = np.random.default_rng(3).integers(0, 4, N_ROWS)
    repeated = np.repeat(np.arange(N_ROWS), weights)
    whole = metric.score(output[repeated], target[repeated])
    _expect_equal(
        metric.score(output, target, weights.astype(np.float64)), whole, "weights of 0 to 3, against rows that are there as often"
    )


def check_fit(metric: Metric) -> None:
    """Found by name, it has a column of the history with what `score` gives."""
    output, target = example(metric)
    if target.ndim == 2 and target.shape != output.shape:
        raise unittest.SkipTest("which loss goes with it is not known")
    n_outputs, inputs = output.shape[1], networks.inputs()[:N_ROWS]
    loss = "mse" if target.ndim == 2 else "binary_cross_entropy" if n_outputs == 1 else "softmax_cross_entropy"
    described: Metric = registry.resolve("metrics", registry.config_of("metrics", metric))
    network = Sequential(Dense(n_outputs)).build(inputs.shape[1], rng=5)
    fitted: dict[str, Any] = {"loss": loss, "optimizer": "sgd", "epochs": 2, "progress": False}
    history = network.fit(inputs, target, **fitted, metrics=[described], validation=(inputs, target))
    name = described.label or registry.qualified_name("metrics", type(described))
    expected = metric.score(network.predict_proba(inputs), target.astype(np.float32) if target.ndim == 2 else target)
    _expect_equal(history[f"val_{name}"][-1], expected, f"the history's val_{name}", 1e-5)


def _expect_equal(actual: float, expected: float, what: str, tolerance: float = 1e-9) -> None:
    expect(math.isclose(actual, expected, rel_tol=tolerance, abs_tol=tolerance), f"{what}: score is {actual!r}, expected {expected!r}")
