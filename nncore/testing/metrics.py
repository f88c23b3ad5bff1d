"""Conformance checks of metrics."""

from __future__ import annotations

import math
import unittest
from typing import Any, ClassVar

import numpy as np

from nncore import registry
from nncore.contract import Metric, goes_by_terms, native_kernel, weighted_sums
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.testing import networks, tables
from nncore.testing.conformance import Conformance
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.guarded import Guarded
from nncore.testing.hyperparameters import unusual
from nncore.testing.setting import setting

#: Outputs after the loss's link, and targets.
Example = tuple[np.ndarray, np.ndarray]

N_ROWS = 32


class MetricConformance(Conformance):
    """Conformance checks of a metric.

    >>> class TestR2(MetricConformance):
    ...     name = "r2"

    Attributes
    ----------
    weighted : bool
        False if it ignores sample weights by design. The metric's class may have this attribute instead.
    """

    kind = "metrics"
    guarded_check = "test_kernel_agrees_with_numpy"
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

    def test_blocks_add_up_to_the_whole(self) -> None:
        self.each(check_blocks)

    def test_kernel_agrees_with_numpy(self) -> None:
        self.each(check_agreement)

    def test_is_recorded_by_a_fit(self) -> None:
        self.each(check_fit)


def example(metric: Metric) -> Example:
    """Outputs and targets for the metric: its own example, or probabilities and classes, or one or several columns of numbers."""
    rng = np.random.default_rng(7)
    own = metric.example(rng, N_ROWS)
    if own is not None:
        return own
    tried = []
    for output, target in candidates(rng):
        try:
            metric.check_shapes(output.shape, target.shape)
            metric.score(output, target)
        except Exception as error:  # it takes something else, and may raise anything
            tried.append(f"outputs {output.shape} with targets {target.shape}: {type(error).__name__}: {error}")
        else:
            return output, target
    raise AssertionError(
        f"it accepts none of the outputs and targets tried ({'; '.join(tried)}): return ones that it accepts from its method `example`"
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
    """Check that the score is finite, the same for the same arrays, also in float32, and does not change them."""
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
    """Check that the metric declares its direction, and that perfect predictions score no worse than others in it."""
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
    """Check weights: 1 equals no weights, 2 a duplicate row, and 0 a removed row."""
    output, target = example(metric)
    _expect_equal(metric.score(output, target, np.ones(N_ROWS)), metric.score(output, target), "weights of 1")
    weights = np.random.default_rng(3).integers(0, 4, N_ROWS)
    repeated = np.repeat(np.arange(N_ROWS), weights)
    whole = metric.score(output[repeated], target[repeated])
    _expect_equal(
        metric.score(output, target, weights.astype(np.float64)), whole, "weights of 0 to 3, against rows that are there as often"
    )


def check_blocks(metric: Metric) -> None:
    """Check that a metric computed from terms gives the same score for outputs in blocks, also after other data."""
    if not goes_by_terms(metric):
        return
    for output, target in (example(metric), [part[::-1] for part in example(metric)]):
        weights = np.random.default_rng(4).uniform(0.5, 2, N_ROWS)
        known, before = metric.for_targets(target, weights), metric.config()
        blocks = [known.terms(output[rows], target[rows]) for rows in (slice(1), slice(1, 20), slice(20, None))]
        for terms in blocks:
            wanted = (len(terms), metric.n_terms(output.shape[1]))
            expect(np.shape(terms) == wanted, f"terms have shape {np.shape(terms)}, {wanted} is expected, as n_terms says")
        means = weighted_sums(np.concatenate(blocks), weights) / weights.sum()
        _expect_equal(known.from_means(means), metric.score(output, target, weights), "from the terms of three blocks")
        expect(metric.config() == before, "for_targets has changed an argument of the metric: let it return a copy")


def check_agreement(metric: Metric) -> None:
    """Check that the kernel computes the same terms as the method, on guarded buffers, for the given arguments and for unusual ones."""
    kernel = native_kernel(metric)
    if kernel is None:
        return
    output, target = example(metric)
    table, stem = tables.metric(kernel.load()), "labels" if target.ndim == 1 else "real"
    for variant in [metric, *unusual(metric)]:
        known = variant.for_targets(target, np.ones(N_ROWS))
        for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
            numbers, truth = output.astype(dtype), target.astype(np.int64 if target.ndim == 1 else dtype)
            expected = known.terms(numbers, truth)
            n_terms = variant.n_terms(output.shape[1])
            for rows in (slice(1), slice(1, 20), slice(20, N_ROWS), slice(0)):
                terms = Guarded(np.full((len(truth[rows]), n_terms), np.nan), "terms")
                inputs = Guarded(numbers[rows], "output"), Guarded(truth[rows], "labels" if target.ndim == 1 else "target")
                getattr(table, f"{stem}_{tables.SUFFIXES[dtype]}").must(
                    output=inputs[0].array, terms=terms.array, n_rows=len(truth[rows]), n_outputs=output.shape[1], n_terms=n_terms,
                    n_targets=1 if target.ndim == 1 else target.shape[1], hyper=np.array(known.hyper(), np.float64),
                    **{inputs[1].name: inputs[1].array},
                )  # fmt: skip
                for part, whole in zip(inputs, (numbers, truth), strict=True):
                    expect_same_bits(part.check(), whole[rows], f"{part.name}, which a kernel must not write")
                close = 4 * float(np.finfo(np.float64).eps) * np.maximum(1, np.abs(expected[rows]))
                expect_close(terms.check(), expected[rows], close, f"{variant!r}, {dtype.name}: the kernel's terms")


def check_fit(metric: Metric) -> None:
    """Check that a fit with the metric by name has a column with the value of `score` in its history."""
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
