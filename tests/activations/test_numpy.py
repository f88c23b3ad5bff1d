"""NumPy methods of activations: common properties, and the closed form of each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from each import each
from manifest import classes

from nncore.activations.celu import CELU
from nncore.activations.elu import ELU
from nncore.activations.exp import Exp
from nncore.activations.gelu import GELU
from nncore.activations.hard_swish import HardSwish
from nncore.activations.hard_tanh import HardTanh
from nncore.activations.leaky_relu import LeakyReLU
from nncore.activations.log_softmax import LogSoftmax
from nncore.activations.mish import Mish
from nncore.activations.silu import SiLU
from nncore.activations.softmax import Softmax
from nncore.activations.softplus import Softplus
from nncore.errors import NotTrainableError, ParameterError
from nncore.plugin import Activation
from nncore.testing.conformance import required_arguments

ACTIVATIONS = {name: cls() for name, cls in classes("activations").items() if not required_arguments(cls)}
TRAINABLE = {name: phi for name, phi in ACTIVATIONS.items() if phi.trainable}
#: Functions of one number; softmax and similar functions combine the columns.
ELEMENTWISE = {name: phi for name, phi in ACTIVATIONS.items() if not isinstance(phi, (Softmax, LogSoftmax))}

#: Functions that fall below zero before they rise.
NOT_MONOTONE = (GELU, HardSwish, Mish, SiLU)

every = pytest.mark.parametrize("phi", ACTIVATIONS.values(), ids=ACTIVATIONS.keys())
every_trainable = pytest.mark.parametrize("phi", TRAINABLE.values(), ids=TRAINABLE.keys())
every_elementwise = pytest.mark.parametrize("phi", ELEMENTWISE.values(), ids=ELEMENTWISE.keys())
every_dtype = each("dtype", [np.float32, np.float64])

CLOSED_FORMS = {
    "identity": [(-2.0, -2.0), (0.0, 0.0), (3.0, 3.0)],
    "sigmoid": [(0.0, 0.5), (math.log(3), 0.75), (-math.log(3), 0.25), (1e4, 1.0), (-1e4, 0.0)],
    "tanh": [(0.0, 0.0), (math.log(2), 0.6), (-math.log(2), -0.6), (1e4, 1.0), (-1e4, -1.0)],
    "relu": [(-2.0, 0.0), (0.0, 0.0), (3.0, 3.0)],
    "leaky_relu": [(-2.0, -0.02), (0.0, 0.0), (3.0, 3.0)],
    "exp": [(0.0, 1.0), (math.log(3), 3.0), (-math.log(4), 0.25), (-1e4, 0.0), (1e4, math.inf)],
    "elu": [(math.log(0.25), -0.75), (0.0, 0.0), (3.0, 3.0), (-1e4, -1.0)],
    "celu": [(math.log(0.25), -0.75), (0.0, 0.0), (3.0, 3.0), (-1e4, -1.0)],
    "relu6": [(-2.0, 0.0), (0.0, 0.0), (3.0, 3.0), (6.0, 6.0), (7.0, 6.0)],
    "hard_tanh": [(-2.0, -1.0), (-0.25, -0.25), (0.0, 0.0), (0.75, 0.75), (3.0, 1.0)],
    "hard_sigmoid": [(-4.0, 0.0), (-3.0, 0.0), (0.0, 0.5), (1.5, 0.75), (3.0, 1.0), (1e4, 1.0)],
    "hard_swish": [(-4.0, 0.0), (-3.0, 0.0), (-1.5, -0.375), (0.0, 0.0), (1.0, 2 / 3), (3.0, 3.0), (7.0, 7.0)],
    "softsign": [(-3.0, -0.75), (0.0, 0.0), (1.0, 0.5), (1e20, 1.0), (-1e20, -1.0)],
    "silu": [(math.log(3), 0.75 * math.log(3)), (0.0, 0.0), (1e4, 1e4), (-1e4, 0.0)],
    "gelu": [(0.0, 0.0), (1e4, 1e4), (-1e4, 0.0)],
    "mish": [(math.log(2), 0.8 * math.log(2)), (0.0, 0.0), (1e4, 1e4), (-1e4, 0.0)],
    "softplus": [(0.0, math.log(2)), (math.log(3), math.log(4)), (1e4, 1e4), (-1e4, 0.0)],
    "step": [(-2.0, 0.0), (0.0, 0.0), (1e-300, 1.0), (3.0, 1.0)],
    "sign": [(-2.0, -1.0), (0.0, 0.0), (1e-300, 1.0), (3.0, 1.0)],
}


@pytest.mark.parametrize(("name", "pairs"), CLOSED_FORMS.items())
def test_closed_form(name: str, pairs: list[tuple[float, float]]) -> None:
    z, expected = np.array(pairs).T
    np.testing.assert_allclose(ACTIVATIONS[name].forward(z[None])[0], expected, rtol=4e-16, atol=0)


def test_softmax_closed_form() -> None:
    z = np.log([[1.0, 2.0, 3.0, 4.0]])
    np.testing.assert_allclose(Softmax().forward(z), [[0.1, 0.2, 0.3, 0.4]], rtol=4e-16)
    np.testing.assert_array_equal(Softmax().forward(np.array([[1e4, -1e4], [-1e4, -1e4]])), [[1, 0], [0.5, 0.5]])


def test_softmax_rows_are_independent_of_a_shift() -> None:
    z = np.random.default_rng(1).normal(size=(5, 7))
    a = Softmax().forward(z)
    np.testing.assert_allclose(a.sum(axis=1), 1, rtol=1e-15)
    np.testing.assert_allclose(Softmax().forward(z + 100.0), a, rtol=1e-13)


def test_relu_and_leaky_relu_at_zero() -> None:
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    assert ACTIVATIONS["relu"].backward(zero, zero, one) == 0
    assert LeakyReLU(slope=0.25).backward(zero, zero, one) == 0.25


@every_trainable
def test_backward_is_the_derivative(phi: Activation) -> None:
    """Central differences of Σ c·φ(z), away from the kinks of the piecewise linear ones."""
    rng = np.random.default_rng(2)
    z = rng.normal(size=(4, 5))
    z[np.abs(z) < 1e-3] = 0.5
    c = rng.normal(size=z.shape)
    analytic = phi.backward(z, phi.forward(z), c)
    h = 1e-5
    numeric = np.empty_like(z)
    for index in np.ndindex(*z.shape):
        above, below = z.copy(), z.copy()
        above[index] += h
        below[index] -= h
        numeric[index] = (c * (phi.forward(above) - phi.forward(below))).sum() / (2 * h)
    np.testing.assert_allclose(analytic, numeric, rtol=1e-8, atol=1e-9)


@every_trainable
def test_backward_needs_only_the_output_unless_it_says_so(phi: Activation) -> None:
    rng = np.random.default_rng(3)
    z, d_a = rng.normal(size=(2, 3, 4))
    a = phi.forward(z)
    if not phi.needs_input:
        np.testing.assert_array_equal(phi.backward(a, a, d_a), phi.backward(z, a, d_a))


@every
@every_dtype
@each("shape", [(0, 3), (1, 1), (3, 9)])
def test_shape_and_dtype_are_kept_and_nothing_is_modified(phi: Activation, dtype: type, shape: tuple[int, int]) -> None:
    z, d_a = np.random.default_rng(4).normal(size=(2, *shape)).astype(dtype)
    z_before, d_a_before = z.copy(), d_a.copy()
    results = [phi.forward(z)]
    if phi.trainable:
        a_before = results[0].copy()
        results.append(phi.backward(z, results[0], d_a))
        np.testing.assert_array_equal(results[0], a_before)
    for result in results:
        assert result.shape == shape
        assert result.dtype == dtype
    np.testing.assert_array_equal(z, z_before)
    np.testing.assert_array_equal(d_a, d_a_before)


@every_elementwise
@every_dtype
def test_extremes_do_not_overflow(phi: Activation, dtype: type) -> None:
    z = np.array([[-1e4, -100, -1e-30, 0, 1e-30, 100, 1e4]], dtype)
    if isinstance(phi, Exp):
        z = z[:, :-2]  # overflows for the last two, as it must
    a = phi.forward(z)
    assert np.isfinite(a).all()
    if not isinstance(phi, NOT_MONOTONE):
        assert (np.diff(a[0]) >= 0).all()
    if phi.trainable:
        assert np.isfinite(phi.backward(z, a, np.ones_like(z))).all()


@every
@every_dtype
def test_nan_passes_through(phi: Activation, dtype: type) -> None:
    z = np.array([[np.nan, 1], [1, 2]], dtype)
    a = phi.forward(z)
    assert np.isnan(a[0, 0])
    assert np.isfinite(a[1]).all()


@every_elementwise
def test_infinity_gives_the_limit(phi: Activation) -> None:
    a = phi.forward(np.array([[-np.inf, np.inf]]))
    b = phi.forward(np.array([[-1e300, 1e300]]))
    np.testing.assert_array_equal(a, np.where(np.abs(b) > 6, np.copysign(np.inf, b), b))


@pytest.mark.parametrize("name", ["step", "sign"])
def test_training_through_a_function_without_derivative_says_what_to_do(name: str) -> None:
    phi, z = ACTIVATIONS[name], np.ones((1, 1))
    assert not phi.trainable
    with pytest.raises(NotTrainableError, match=rf"{name} has no useful derivative.*(sigmoid|tanh).*Perceptron"):
        phi.backward(z, z, z)


@pytest.mark.parametrize("slope", [-0.1, 1.0, math.nan, "0.1"])
def test_leaky_relu_refuses_slopes_outside_its_range(slope: object) -> None:
    with pytest.raises(ParameterError, match="slope"):
        LeakyReLU(slope=slope)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("activation", "argument", "value"),
    [
        (ELU, "alpha", -0.1),
        (ELU, "alpha", math.inf),
        (CELU, "alpha", 0.0),
        (Softplus, "beta", 0.0),
        (SiLU, "beta", 0.0),
        (HardTanh, "low", 1.0),
        (HardTanh, "high", math.inf),
    ],
)
def test_hyperparameters_outside_their_range_are_refused(activation: type[Activation], argument: str, value: float) -> None:
    with pytest.raises(ParameterError, match=argument):
        activation(**{argument: value})


def test_gelu_refuses_an_approximation_it_does_not_know() -> None:
    with pytest.raises(ParameterError, match="GELU: approximate must be 'none' or 'tanh', got 'erf'"):
        GELU(approximate="erf")


def test_gelus_are_close_to_each_other() -> None:
    z = np.linspace(-9, 9, 500)[None]
    assert 1e-4 < np.abs(GELU().forward(z) - GELU(approximate="tanh").forward(z)).max() < 5e-4


def test_selu_keeps_mean_and_variance() -> None:
    """SELU's constants keep mean 0 and variance 1."""
    a = ACTIVATIONS["selu"].forward(np.random.default_rng(6).normal(size=(1000, 1000)))
    np.testing.assert_allclose([a.mean(), a.var()], [0, 1], atol=5e-3)
