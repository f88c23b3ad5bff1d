"""Components of nncore, written again from only their formula: values and gradients agree up to rounding."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.scipy.special import erf, logsumexp
from nncore_autograd import DifferentiableActivation, DifferentiableLayer, DifferentiableLoss

import nncore as nn
from nncore.plugin import LayerCall, Tensor
from nncore.testing import numpy_twin

#: Of the largest number. Seen, in both dtypes: gelu and mish 1.0, softmax 4.0, huber 0.2, softmax_cross_entropy 2.0, layer_norm 1.2.
ROUNDINGS = 16


class Gelu(DifferentiableActivation):
    def f(self, z: Any) -> Any:
        return z * (1 + erf(z / np.sqrt(2))) / 2


class Mish(DifferentiableActivation):
    def f(self, z: Any) -> Any:
        return z * anp.tanh(anp.logaddexp(0, z))


class Softmax(DifferentiableActivation):
    def f(self, z: Any) -> Any:
        return anp.exp(z - logsumexp(z, axis=1, keepdims=True))


class Huber(DifferentiableLoss):
    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def f(self, output: Any, target: Any) -> Any:
        error = anp.abs(output - target)
        return anp.mean(anp.where(error <= self.delta, error**2 / 2, self.delta * (error - self.delta / 2)), axis=1)


class SoftmaxCrossEntropy(DifferentiableLoss):
    targets = "labels"
    link = "softmax"

    def f(self, output: Any, target: Any) -> Any:
        return logsumexp(output, axis=1) - output[np.arange(len(target)), target]


class LayerNorm(DifferentiableLayer):
    def tensors(self, input_shape: tuple[int, ...]) -> tuple[Tensor, ...]:
        ones, zeros = ({"name": "constant", "value": value} for value in (1.0, 0.0))
        return Tensor("scale", input_shape, "scale", ones, 1, 1), Tensor("shift", input_shape, "bias", zeros, 1, 1)

    def f(self, x: Any, scale: Any, shift: Any) -> Any:
        centred = x - anp.mean(x, axis=1, keepdims=True)
        return scale * centred / anp.sqrt(anp.mean(centred**2, axis=1, keepdims=True) + 1e-5) + shift


def expect_close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.dtype == expected.dtype
    tolerance = ROUNDINGS * np.finfo(expected.dtype).eps * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("twin", "name"), [(Gelu(), "gelu"), (Mish(), "mish"), (Softmax(), "softmax")])
def test_activations(twin: DifferentiableActivation, name: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    z, d_a = (3 * rng.normal(size=(40, 7))).astype(dtype), rng.normal(size=(40, 7)).astype(dtype)
    built_in = numpy_twin(nn.get("activations", name)())
    a = built_in.forward(z)
    expect_close(twin.forward(z), a)
    expect_close(twin.backward(z, a, d_a), built_in.backward(z if built_in.needs_input else a, a, d_a))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("twin", "name"), [(Huber(0.7), "huber"), (SoftmaxCrossEntropy(), "softmax_cross_entropy")])
def test_losses(twin: DifferentiableLoss, name: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    output = (2 * rng.normal(size=(40, 5))).astype(dtype)
    target = rng.integers(5, size=40) if twin.targets == "labels" else rng.normal(size=(40, 5)).astype(dtype)
    built_in = numpy_twin(nn.get("losses", name)(**twin.config()))
    for method in ("forward", "backward"):
        expect_close(getattr(twin, method)(output, target), np.asarray(getattr(built_in, method)(output, target), dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_layer(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, d_y, scale, shift = (rng.normal(size=shape).astype(dtype) for shape in ((40, 7), (40, 7), 7, 7))
    built_in = nn.LayerNorm()
    names = [tensor.name for tensor in built_in.plan((7,)).tensors]
    calls = []
    for layer, names_of in ((LayerNorm(), ["scale", "shift"]), (numpy_twin(built_in), names)):
        plan = layer.plan((7,))
        call = LayerCall(
            x, np.empty_like(x), d_y, np.empty_like(x), dict(zip(names_of, (scale, shift), strict=True)),
            {name: np.empty(7, dtype) for name in names_of}, cache=np.empty(plan.cache + plan.cache_per_row * 40, dtype),
            input_shape=(7,), output_shape=(7,),
        )  # fmt: skip
        layer.forward(call)
        layer.backward(call)
        calls.append(call)
    mine, theirs = calls
    expect_close(mine.y, theirs.y)
    expect_close(mine.d_x, theirs.d_x)
    for own, other in zip(mine.d_parameters.values(), theirs.d_parameters.values(), strict=True):
        expect_close(own, other)


def test_training_goes_the_same_way() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    curves = []
    for activation, loss, norm in (("gelu", "softmax_cross_entropy", nn.LayerNorm()), (Gelu(), SoftmaxCrossEntropy(), LayerNorm())):
        first = nn.Dense(16, activation=activation, weight_initializer="he_normal")
        net = nn.Sequential(first, norm, nn.Dense(2)).build(4, rng=0, dtype=np.float64)
        history = net.fit(X, y, loss=loss, optimizer=nn.Adam(lr=0.01), epochs=30, batch_size=20, rng=1, progress=False)
        curves.append(history["loss"])
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-9)
    assert curves[0][-1] < curves[0][0] / 2
