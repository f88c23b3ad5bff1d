"""Losses on logits keep their digits near certainty: values and gradients for margins from -100 to 100, against 150 decimals.

Close to p = 1 the value is log(1 + small) and the gradient of the right class p − 1. Both are as small as the other classes' probabilities,
which a p rounded to 1 has lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal, localcontext
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from levels import other_levels, run_tests
from manifest import classes, instances
from native_activations import Native as NativeActivation
from native_losses import Native

from nncore import registry
from nncore.plugin import Loss
from nncore.testing.widths import outputs_for

#: Value and gradient of one row, from its logits and its target as a row over the outputs.
Exact = Callable[[Loss, Sequence[Decimal], Sequence[Decimal]], tuple[Decimal, list[Decimal]]]

MARGINS = [0.0, 2**-13, 0.5, 3.0, 9.0, 17.0, 30.0, 60.0, 85.0, 100.0]  # the same numbers in float32
#: Roundings allowed, of the exact result; exp itself is good to 3 units in the last place.
ROUNDINGS = 16


def softmax(z: Sequence[Decimal]) -> list[Decimal]:
    e = [(x - max(z)).exp() for x in z]
    return [x / sum(e) for x in e]


def of_classes(_: Loss, z: Sequence[Decimal], Y: Sequence[Decimal]) -> tuple[Decimal, list[Decimal]]:
    p = softmax(z)
    return -sum((y * x.ln() for x, y in zip(p, Y, strict=True) if y), Decimal(0)), [x * sum(Y) - y for x, y in zip(p, Y, strict=True)]


def smoothed(loss: Loss, z: Sequence[Decimal], Y: Sequence[Decimal]) -> tuple[Decimal, list[Decimal]]:
    e = Decimal(loss.label_smoothing)
    return of_classes(loss, z, [(1 - e) * y + e * sum(Y) / len(Y) for y in Y])


def of_heads(loss: Loss, z: Sequence[Decimal], Y: Sequence[Decimal]) -> tuple[Decimal, list[Decimal]]:
    value, gradient, begin = Decimal(0), [], 0
    for n in loss.n_classes:
        own_value, own_gradient = smoothed(loss, z[begin : begin + n], Y[begin : begin + n])
        value, gradient, begin = value + own_value, gradient + own_gradient, begin + n
    return value, gradient


def of_answers(loss: Loss, z: Sequence[Decimal], Y: Sequence[Decimal]) -> tuple[Decimal, list[Decimal]]:
    Y = [y - Decimal(loss.label_smoothing) * (y - Decimal("0.5")) for y in Y]
    yes, no = [1 / (1 + (-x).exp()) for x in z], [1 / (1 + x.exp()) for x in z]
    value = -sum((y * p.ln() + (1 - y) * q.ln() for p, q, y in zip(yes, no, Y, strict=True)), Decimal(0))
    return value, [p * (1 - y) - q * y for p, q, y in zip(yes, no, Y, strict=True)]


def focused(loss: Loss, z: Sequence[Decimal], Y: Sequence[Decimal]) -> tuple[Decimal, list[Decimal]]:
    p, gamma = softmax(z), Decimal(loss.gamma)
    if len(p) == 1:  # p is always 1
        return Decimal(0), [Decimal(0)]
    weights = [Decimal(1 if loss.alpha is None else loss.alpha) * y for y in Y]
    factors = [(gamma * (1 - x).ln()).exp() for x in p]
    value = -sum((w * f * x.ln() for w, f, x in zip(weights, factors, p, strict=True)), Decimal(0))
    h = [w * f * (gamma * x * x.ln() / (1 - x) - 1) for w, f, x in zip(weights, factors, p, strict=True)]
    return value, [slope * (1 - x) - x * (sum(h) - slope) for slope, x in zip(h, p, strict=True)]


def focused_answers(loss: Loss, z: Sequence[Decimal], Y: Sequence[Decimal]) -> tuple[Decimal, list[Decimal]]:
    """Value and gradients of the focal loss of each output, as two classes with the logits z and 0."""
    yes, no = (1, 1) if loss.alpha is None else (Decimal(loss.alpha), 1 - Decimal(loss.alpha))
    plain = SimpleNamespace(gamma=loss.gamma, alpha=None)
    pairs = [focused(plain, [x, Decimal(0)], [yes * y, no * (1 - y)]) for x, y in zip(z, Y, strict=True)]
    return sum((value for value, _ in pairs), Decimal(0)), [gradient[0] for _, gradient in pairs]


EXACT: dict[str, Exact] = {
    "softmax_cross_entropy": smoothed,
    "softmax_heads": of_heads,
    "binary_cross_entropy": of_answers,
    "focal": focused,
    "binary_focal": focused_answers,
}


def is_certain(loss: Loss) -> bool:
    """Whether its link gives probabilities, which come close to 1."""
    if loss.link is None:
        return False
    link = registry.resolve("activations", loss.link)
    return link.output_domain == "distribution" or link.output_domain in ("(0, 1)", "[0, 1]")


LOSSES = {name: loss for name, loss in instances("losses").items() if is_certain(loss)}


def samples(counts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Logits of heads with these numbers of classes, with every margin of the first and the last class, and the targets as rows."""
    z, Y = [], []
    for margin in [*MARGINS, *(-m for m in MARGINS)]:
        for place in (0, -1):
            margins, targets = [np.zeros(n) for n in counts], [np.zeros(n) for n in counts]
            for head in range(len(counts)):
                margins[head][place], targets[head][place] = margin, 1
            z.append(np.hstack(margins))
            Y.append(np.hstack(targets))
    return np.array(z), np.array(Y)


def given_targets(loss: Loss, Y: np.ndarray) -> list[np.ndarray]:
    """The targets in every form that the loss takes."""
    if hasattr(loss, "n_classes"):
        ends = np.cumsum(loss.n_classes)
        return [np.column_stack([Y[:, end - n : end].argmax(axis=1) for n, end in zip(loss.n_classes, ends, strict=True)]).astype(Y.dtype)]
    kind = loss.targets_for(Y.shape[1])
    return ([] if kind == "labels" else [Y]) + ([] if kind == "real" else [Y.argmax(axis=1)])


def decimals(numbers: np.ndarray) -> list[Decimal]:
    return [Decimal(float(x)) for x in numbers]


@cache
def exact_results(name: str, n_outputs: int) -> tuple[np.ndarray, ...]:
    """Logits and targets of `samples` for a loss of `LOSSES`, and their exact values and gradients."""
    loss = LOSSES[name]
    z, Y = samples(getattr(loss, "n_classes", [n_outputs]))
    with localcontext(Context(prec=150)):
        pairs = [EXACT[name.partition("(")[0]](loss, decimals(row), decimals(target)) for row, target in zip(z, Y, strict=True)]
        return z, Y, np.array([float(value) for value, _ in pairs]), np.array([[float(x) for x in gradient] for _, gradient in pairs])


def assert_close(actual: np.ndarray, exact: np.ndarray, beside: float = 0.0) -> None:
    """Compare within `ROUNDINGS` of the exact number, or of `beside`, if it is a difference; numbers below the normal range count as 0."""
    limits = np.finfo(actual.dtype)
    bound = ROUNDINGS * float(limits.eps) * (np.abs(exact) + beside) + float(limits.tiny)
    np.testing.assert_array_less(np.abs(actual.astype(np.float64) - exact), bound)


def test_every_loss_whose_link_gives_probabilities_is_looked_at() -> None:
    assert {name.partition("(")[0] for name in LOSSES} == set(EXACT)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rung", ["native", "NumPy"])
def test_values_and_gradients_keep_their_digits_at_every_margin(name: str, dtype: type, rung: str) -> None:
    loss = LOSSES[name]
    beside = float(getattr(loss, "label_smoothing", 0))
    for n_outputs in {outputs_for(loss, n) for n in (1, 2, 3, 20)}:
        z, Y, values, gradients = exact_results(name, n_outputs)
        for target in given_targets(loss, Y.astype(dtype)):
            for rows in (slice(None), slice(0, 1)):  # rows of few columns are transposed if there are many
                if rung == "native":
                    value, gradient = Native(loss, dtype)(z[rows].astype(dtype), target[rows], np.ones(len(z[rows]), dtype))
                else:
                    output = z[rows].astype(dtype)
                    value, gradient = loss.forward(output, target[rows]), loss.backward(output, target[rows])
                assert_close(value, values[rows], beside)
                assert_close(gradient, gradients[rows], beside)


@pytest.mark.parametrize("name", [name for name in classes("activations") if name.startswith("softmax")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rung", ["native", "NumPy"])
def test_the_slope_of_probabilities_keeps_the_digits_of_their_complements(name: str, dtype: type, rung: str) -> None:
    for n_columns in (2, 3, 20):
        activation = registry.resolve("activations", name if name == "softmax" else {"name": name, "n_classes": (n_columns,)})
        z, Y, _, gradients = exact_results("softmax_cross_entropy", n_columns)
        right = z.max(axis=1) > 0  # for a small p of the right class, log p has only the digits of p
        output, target = z[right].astype(dtype), Y[right].astype(dtype)
        a = activation.forward(output)
        d_a = registry.get("losses", "cross_entropy")().backward(a, target)
        d_z = (NativeActivation(activation, dtype) if rung == "native" else activation).backward(output, a, d_a)
        assert_close(d_z, gradients[right])


@pytest.mark.parametrize("level", other_levels(quick="v3"))
def test_at_level(level: str) -> None:
    run_tests(level, __file__, without=("numpy",))
