"""Conformance checks of losses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from nncore import registry
from nncore.contract import OUTPUT_DOMAINS, Loss, Metric, activation_for, bounds, native_kernel
from nncore.errors import DataError
from nncore.layers.dense import Dense
from nncore.network import Sequential
from nncore.program import structure_of_loss
from nncore.testing import networks, tables
from nncore.testing.differences import expect_gradient
from nncore.testing.expectations import expect, expect_close, expect_same_bits
from nncore.testing.formulas import decided_by_formula
from nncore.testing.guarded import Guarded
from nncore.testing.hyperparameters import unusual
from nncore.testing.setting import setting
from nncore.testing.twin import numpy_twin
from nncore.testing.widths import outputs_for

ROWS = (0, 1, 7, 8, 9, 1023)  # a loss of whole batches is never called without rows
DTYPES = (np.float32, np.float64)


class LossConformance(networks.NetworkConformance):
    """Conformance checks of a loss.

    >>> class TestHalfMSE(LossConformance):
    ...     name = "half_mse"

    Attributes
    ----------
    columns : sequence of int
        Numbers of outputs to test. If the loss does not accept one, the next larger number is tested.
    exact_gradient : bool
        False if `backward` is by design not the derivative of `forward`. Gradients are then not checked.

    The loss's class may have these attributes instead.
    """

    kind = "losses"
    guarded_check = "test_value_and_gradient"
    columns: ClassVar[Sequence[int]] = setting((3, 1, 7, 8, 9, 1023))
    exact_gradient: ClassVar[bool] = setting(True)

    def test_declarations(self) -> None:
        self.each(check_declarations)

    def test_judge(self) -> None:
        self.each(check_judge)

    def test_value_and_gradient(self) -> None:
        self.each(lambda loss: check_rungs(loss, self.columns_of(loss)))

    def test_kernel_agrees_with_numpy(self) -> None:
        self.each(lambda loss: check_agreement(loss, self.columns_of(loss)))

    def test_gradient(self) -> None:
        if self.exact_gradient:
            self.each(lambda loss: check_gradient(loss, self.columns_of(loss)[:2]))

    def test_rows_are_independent(self) -> None:
        self.each(lambda loss: check_rows(loss, self.columns_of(loss)[0]))

    def test_formula_agrees_with_decide(self) -> None:
        self.each(lambda loss: check_decision(loss, self.columns_of(loss)[0]))

    def test_outputs_stand_for_distributions(self) -> None:
        self.each(lambda loss: check_moments(loss, self.columns_of(loss)[0]))

    def test_rates_have_one_output_a_target(self) -> None:
        self.each(check_rates)

    def test_targets_out_of_range_are_refused(self) -> None:
        self.each(lambda loss: check_refusals(loss, self.columns_of(loss)[0]))

    def columns_of(self, loss: Loss) -> list[int]:
        """`columns`, adapted to the loss."""
        return list(dict.fromkeys(outputs_for(loss, n_outputs) for n_outputs in self.columns))

    def network(self) -> Sequential:
        """A network with the output domain of the loss. If the loss accepts any numbers, outputs are in (0, 1), like the targets."""
        loss = self.components()[0]
        n_outputs = self.columns_of(loss)[0]
        last = activation_for(loss, n_outputs)
        if loss.output_domain_for(n_outputs) == "real":
            last = "sigmoid" if loss.targets_for(n_outputs) == "real" else "softmax"
        return Sequential(Dense(8, activation="tanh"), Dense(n_outputs, activation=last)).build(4, rng=5)

    def train(self, network: Sequential, epochs: int) -> list[float]:
        """Fit with the loss by name, or continue the training of `network`."""
        instance = self.components()[0]
        _, real, labels = example(instance, 60, self.columns_of(instance)[0], np.float32)
        made = self.arguments or self.component_class().examples
        first = {"kind": "losses", **registry.config_of("losses", instance)} if made else self.name
        loss = first if network.loss is None else None
        y = labels if real is None else real
        assert y is not None, "a loss takes reals or labels"
        batch_size = len(y) if instance.needs_batch else 16  # such a loss is another function for other batches
        history = network.fit(networks.inputs(), y, loss=loss, optimizer="adam", epochs=epochs, batch_size=batch_size, progress=False)
        return list(history["loss"])


Target = np.ndarray


def example(loss: Loss, n_rows: int, n_outputs: int, dtype: type) -> tuple[np.ndarray, Target | None, Target | None]:
    """Outputs between 0 and 1 (valid logits and probabilities), real targets, and labels, as the loss takes them."""
    rng = np.random.default_rng([n_rows, n_outputs])
    output = rng.uniform(0.05, 0.95, (n_rows, n_outputs))
    labels = rng.integers(loss.n_labels(n_outputs), size=n_rows)
    real, kind = real_targets(loss, rng, n_rows, n_outputs), loss.targets_for(n_outputs)
    return output.astype(dtype), None if kind == "labels" else real.astype(dtype), None if kind == "real" else labels


def real_targets(loss: Loss, rng: np.random.Generator, n_rows: int, n_outputs: int) -> np.ndarray:
    """Valid real targets of shape (n_rows, n_targets): distributions over the classes if the loss also takes labels."""
    real = loss.example_targets(rng, n_rows, n_outputs)
    if real is None:
        low, high = bounds(loss.target_range) if loss.target_range else (0.0, 1.0)
        real = rng.uniform(max(low, -2.0), min(high, 2.0), (n_rows, loss.n_targets(n_outputs)))
        if loss.targets_for(n_outputs) == "both":
            real /= real.sum(axis=1, keepdims=True)
    return real


def examples(loss: Loss, columns: Sequence[int]) -> Iterator[tuple[np.ndarray, Target, np.ndarray]]:
    """Outputs, targets and weights of every size, dtype and kind of target."""
    shapes = [(n_rows, columns[0]) for n_rows in ROWS if n_rows > 0 or not loss.needs_batch] + [(9, n_outputs) for n_outputs in columns[1:]]
    for n_rows, n_outputs in shapes:
        for dtype in DTYPES:
            output, *targets = example(loss, n_rows, n_outputs, dtype)
            weight = weights_for(loss, np.random.default_rng(n_rows).uniform(0.1, 2, n_rows).astype(dtype))
            for target in targets:
                if target is not None:
                    yield output, target, weight


def weights_for(loss: Loss, weight: np.ndarray) -> np.ndarray:
    """Weights as the host passes them: unchanged, or as fractions of the whole batch for a loss that needs all of it."""
    return np.asarray(weight / weight.sum(), weight.dtype) if loss.needs_batch else weight


def check_decision(loss: Loss, n_outputs: int) -> None:
    """Check that the formula agrees with `decide` if that gives values. For class indices, compare the outputs they are found from."""
    output, _, _ = example(loss, 9, n_outputs, np.float64)
    decided = loss.decide(output)
    by_formula = decided_by_formula(loss, output)
    expect_close(by_formula, output if decided.ndim == 1 else decided, 1e-9, "the formula, beside decide")


def check_moments(loss: Loss, n_outputs: int) -> None:
    """Check that `of_moments` inverts `decide` and `deviation`, in any unit."""
    for one in (loss, loss.for_any_unit()):
        output, _, _ = example(one, 9, n_outputs, np.float64)
        deviation = one.deviation(output)
        expect((deviation is not None) == one.has_deviations, f"deviation is overridden, and gives {type(deviation).__name__}")
        if deviation is None:
            return
        mean = one.decide(output)
        expect(deviation.shape == mean.shape, f"deviation has shape {deviation.shape}, and decide gives {mean.shape}")
        again = one.of_moments(mean, deviation)
        expect(again.shape == output.shape, f"of_moments gives shape {again.shape}; outputs have {output.shape}")
        expect_close(one.decide(again), mean, 1e-9, "means of of_moments")
        deviation_again = one.deviation(again)
        assert deviation_again is not None, "it is overridden"
        expect_close(deviation_again, deviation, 1e-9, "deviations of of_moments")


def check_rates(loss: Loss) -> None:
    """A loss that `predicts_rates` takes targets from 0 on, and has one output for each of them."""
    if loss.predicts_rates:
        expect(loss.target_range == "[0, inf)", f"predicts_rates needs target_range '[0, inf)', got {loss.target_range!r}")
        expect(loss.n_targets(2) == 2, f"predicts_rates needs one output for each target; two outputs have {loss.n_targets(2)} targets")
        expect(not loss.has_deviations, "predicts_rates is for losses that predict means alone, and deviation is overridden")


class Rung:
    """Value and gradient of a loss on guarded buffers: compiled, or NumPy if it has no kernel."""

    def __init__(self, loss: Loss) -> None:
        kernel = native_kernel(loss)
        self.loss = loss
        self.table = None if kernel is None else tables.loss(kernel.load())
        self.name = "NumPy" if kernel is None else "the kernel"

    def __call__(self, output: np.ndarray, target: Target, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(loss of each row, weighted gradient)."""
        if self.table is not None:
            value, d_output = self._native(output, target, weight, np.full_like(output, 7))
            assert d_output is not None, "a gradient was asked for"
            return value, d_output
        shares = (weight,) if self.loss.needs_batch else ()
        value, gradient = self.loss.forward(output, target, *shares), self.loss.backward(output, target, *shares)
        expect(value.shape == (len(output),), f"forward gives shape {value.shape}, one number a row is expected: {(len(output),)}")
        expect(gradient.shape == output.shape, f"backward gives shape {gradient.shape}, that of the output is expected: {output.shape}")
        weighted = gradient if self.loss.needs_batch else gradient * weight[:, None]
        return np.asarray(value, output.dtype), np.asarray(weighted, output.dtype)

    def value(self, output: np.ndarray, target: Target, weight: np.ndarray) -> np.ndarray:
        """Only the loss of each row."""
        if self.table is not None:
            return self._native(output, target, weight, None)[0]
        shares = (weight,) if self.loss.needs_batch else ()
        return np.asarray(self.loss.forward(output, target, *shares), output.dtype)

    def _native(
        self, output: np.ndarray, target: Target, weight: np.ndarray, d_output: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        kind, what, n_targets = ("labels", "labels", 0) if target.ndim == 1 else ("real", "target", target.shape[1])
        name = f"{kind}_{tables.SUFFIXES[output.dtype]}"
        function = getattr(self.table, name)
        expect(function is not None, f"the kernel has no {name}, but targets is {self.loss.targets!r}")
        inputs = [Guarded(array, name) for array, name in ((output, "output"), (target, what), (weight, "weight"))]
        value = Guarded(np.full(len(output), 7, output.dtype), "loss")
        gradient = None if d_output is None else Guarded(d_output, "d_output")
        function.must(
            **{buffer.name: buffer.array for buffer in inputs},
            loss=value.array,
            d_output=None if gradient is None else gradient.array,
            n_rows=len(output),
            n_outputs=output.shape[1],
            n_targets=n_targets,
            batch_rows=len(output),
            hyper=np.array(self.loss.hyper(), np.float64),
        )
        for buffer, before in zip(inputs, (output, target, weight), strict=True):
            expect_same_bits(buffer.check(), before, f"{buffer.name}, which must not be written")
        return value.check(), None if gradient is None else gradient.check()


def rungs(loss: Loss) -> list[Rung]:
    """NumPy, and the kernel if there is one."""
    return [Rung(numpy_twin(loss))] + ([Rung(loss)] if native_kernel(loss) else [])


def _what(rung: Rung, output: np.ndarray, target: Target) -> str:
    return f"{rung.loss!r}, {rung.name}, {output.dtype}, output {output.shape}, {'labels' if target.ndim == 1 else 'real targets'}:"


def check_declarations(loss: Loss) -> None:
    """Check that `targets`, `target_range`, `output_domain`, `training_only`, `link` and `metrics` have valid values."""
    for n_outputs in {outputs_for(loss, wanted) for wanted in (1, 2, 3)}:
        word = loss.output_domain_for(n_outputs)
        expect(word in OUTPUT_DOMAINS, f"output_domain is {word!r}; it must be one of {', '.join(map(repr, OUTPUT_DOMAINS))}")
    expect(isinstance(loss.needs_batch, bool), f"needs_batch is {loss.needs_batch!r}; it must be True or False")
    expect(loss.targets in ("real", "labels", "both"), f"targets is {loss.targets!r}; it must be 'real', 'labels' or 'both'")
    if loss.target_range is not None:
        low, high = bounds(loss.target_range)
        expect(low < high, f"target_range {loss.target_range!r} is empty")
    strangers = loss.training_only.keys() - set(type(loss).argument_names)
    expect(not strangers, f"training_only names {', '.join(sorted(strangers))}, which the loss does not take")
    scored = loss.for_evaluation()
    expect(
        structure_of_loss(scored, outputs_for(loss, 2)) == structure_of_loss(loss, outputs_for(loss, 2)),
        f"without what only training uses it is another kind of loss: {scored!r}",
    )
    if loss.link is not None:
        registry.resolve("activations", loss.link)
    for metric in loss.metrics:
        registry.resolve("metrics", metric)


def check_judge(loss: Loss) -> None:
    """Check that the best constant output by `judge` is also the best by the loss, for each output separately."""
    if loss.judge is None:
        return
    metric: Metric = registry.resolve("metrics", loss.judge)
    says = metric.higher_is_better
    expect(isinstance(says, bool), f"judge is {metric!r}, which does not say whether more of it is better")
    n_outputs = outputs_for(loss, 1)
    rng = np.random.default_rng(11)
    truth = np.exp(rng.normal(-0.3, 0.8, (101, loss.n_targets(n_outputs))))  # skewed: mean, median and mode differ
    truth = np.clip(truth, *np.clip(bounds(loss.target_range or "(0, 2)"), 0.01, 2.0))
    link = None if loss.link is None else registry.resolve("activations", loss.link)
    grid = np.linspace(-2, 2, 401)
    weight = np.full(len(truth), 1 / len(truth))
    for column in range(n_outputs):
        losses, scores = [], []
        for constant in grid:
            output = np.full((len(truth), n_outputs), 0.5)
            output[:, column] = constant
            losses.append(float(weight @ loss.forward(output, truth, *((weight,) if loss.needs_batch else ()))))
            scores.append(metric.score(output if link is None else link.forward(output), truth))
        best, judged = int(np.argmin(losses)), int(np.argmax(scores) if says else np.argmin(scores))
        expect(
            abs(best - judged) <= 2,
            f"{loss!r}: the best constant in output {column} is {grid[best]:.3g}, and {grid[judged]:.3g} by its judge {metric!r}",
        )


def check_rungs(loss: Loss, columns: Sequence[int]) -> None:
    """Check on every rung: finite and reproducible results, the same value without gradient, and a gradient weighted by row."""
    for rung in rungs(loss):
        for output, target, weight in examples(loss, columns):
            what, before = _what(rung, output, target), (output.copy(), target.copy())
            value, d_output = rung(output, target, weight)
            expect_same_bits(output, before[0], f"{what} output, which must not be written")
            expect_same_bits(target, before[1], f"{what} target, which must not be written")
            expect(np.isfinite(value).all() and np.isfinite(d_output).all(), f"{what} value or gradient is not finite")
            for name, again, first in zip(("value", "gradient"), rung(output, target, weight), (value, d_output), strict=True):
                expect_same_bits(again, first, f"{what} {name} of a second call")
            expect_same_bits(rung.value(output, target, weight), value, f"{what} value without gradient")
            if loss.needs_batch:
                continue
            powers = np.resize(np.array([0, 1, 2, 0.25], output.dtype), len(output))  # exact factors
            _, unweighted = rung(output, target, np.ones_like(powers))
            value_weighted, weighted = rung(output, target, powers)
            expect_same_bits(weighted, unweighted * powers[:, None], f"{what} gradient times weight")
            expect_same_bits(value_weighted, value, f"{what} value, which the weights must leave alone")


def check_agreement(loss: Loss, columns: Sequence[int]) -> None:
    """Check that the kernel agrees with `forward` and `backward`, for the given hyperparameters and for unusual ones.

    Results may differ by 16 roundings of numbers of order one, and one more for each column of a sum. Or they may differ by 16 times the
    effect of a change of the outputs by one rounding.
    """
    if native_kernel(loss) is None:
        return
    for variant in [loss, *unusual(loss)]:
        kernel, oracle = Rung(variant), Rung(numpy_twin(variant))
        for output, target, weight in examples(variant, columns):
            what, eps = _what(kernel, output, target), float(np.finfo(output.dtype).eps)
            expected = oracle(output, target, weight)
            nearby = oracle(output * output.dtype.type(1 + eps), target, weight)
            for name, is_, should, near in zip(("value", "d_output"), kernel(output, target, weight), expected, nearby, strict=True):
                roundings = (16 + output.shape[1]) * eps * np.maximum(1, np.abs(should))
                expect_close(is_, should, np.maximum(roundings, 16 * np.abs(near - should)), f"{what} {name}")


def check_gradient(loss: Loss, columns: Sequence[int]) -> None:
    """Check on every rung that `backward` is the derivative of `forward`, including weights."""
    weight = weights_for(loss, np.array([1.0, 0.5, 2.0, 0.0, 1.5]))
    for variant, n_outputs in itertools.product([loss, *unusual(loss)], columns):
        for rung in rungs(variant):
            output, *targets = example(variant, 5, n_outputs, np.float64)
            for target in targets:
                if target is not None:
                    d_output, value = rung(output, target, weight)[1], partial(_total, rung, output, target, weight)
                    expect_gradient(d_output, value, output, f"{_what(rung, output, target)} d_output")


def _total(rung: Rung, output: np.ndarray, target: Target, weight: np.ndarray) -> float:
    return float(rung.value(output, target, weight) @ weight)


def check_rows(loss: Loss, n_outputs: int) -> None:
    """Check that a block of rows gives the same bits as in the whole batch: the host may split it. For whole batches see `check_absent`."""
    if loss.needs_batch:
        check_absent(loss, n_outputs)
        return
    blocks = [slice(0, 1), slice(1, 4), slice(4, 17), slice(17, 29)]
    rung = rungs(loss)[-1]
    for dtype in DTYPES:
        output, *targets = example(loss, 29, n_outputs, dtype)
        weight = np.random.default_rng(1).uniform(0.1, 2, 29).astype(dtype)
        for target in targets:
            if target is not None:
                whole = rung(output, target, weight)
                parts = [rung(output[b], target[b], weight[b]) for b in blocks]
                for i, name in enumerate(("value", "d_output")):
                    joined = np.concatenate([part[i] for part in parts])
                    what = f"{name} of blocks of rows (a loss whose rows depend on each other says needs_batch = True)"
                    expect_same_bits(joined, whole[i], f"{_what(rung, output, target)} {what}")


def check_absent(loss: Loss, n_outputs: int) -> None:
    """Check that a loss of whole batches ignores rows of weight 0."""
    for rung, dtype in itertools.product(rungs(loss), DTYPES):
        output, *targets = example(loss, 29, n_outputs, dtype)
        here = np.random.default_rng(1).permutation(29) < 20
        weight = weights_for(loss, here * np.random.default_rng(2).uniform(0.1, 2, 29).astype(dtype))
        for target in targets:
            if target is not None:
                what, allowed = _what(rung, output, target), 64 * 29 * float(np.finfo(output.dtype).eps)
                value, d_output = rung(output, target, weight)
                alone, d_alone = rung(output[here], target[here], weight[here])
                rounding = allowed * np.maximum(1, np.abs(alone))
                expect_close(value[here], alone, rounding, f"{what} value beside rows of weight 0")
                expect_close(d_output[here], d_alone, np.full_like(d_alone, allowed), f"{what} d_output beside rows of weight 0")
                expect(not d_output[~here].any(), f"{what} d_output of rows of weight 0 is not 0")


def check_refusals(loss: Loss, n_outputs: int) -> None:
    """Check that the host refuses invalid labels, and real targets outside `target_range`."""
    net = Sequential(Dense(n_outputs, activation=activation_for(loss, n_outputs))).build(4, loss=loss, rng=0)
    wrong: list[np.ndarray] = []
    kind = loss.targets_for(n_outputs)
    if kind != "real":
        wrong += [np.full(60, loss.n_labels(n_outputs)), np.full(60, -1)]
    if kind != "labels" and loss.target_range is not None:
        for bound, beyond in zip(bounds(loss.target_range), (-1, 1), strict=True):
            wrong += [np.full((60, loss.n_targets(n_outputs)), bound + beyond)] if np.isfinite(bound) else []
    for y in wrong:
        try:
            net.evaluate(networks.inputs(), y, metrics=[])
        except DataError:
            continue
        raise AssertionError(f"targets of {y.flat[0]} are not refused")
