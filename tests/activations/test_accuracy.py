"""Every compiled activation against its definition in more digits, at the CPU level of this process (see test_levels.py)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from native_activations import CASES, Native
from ulp import ulps

Function = Callable[[np.ndarray], np.ndarray]

has_long_double = pytest.mark.skipif(np.finfo(np.longdouble).nmant <= 52, reason="no type here has more digits than float64")


def sigmoid(z: np.ndarray) -> np.ndarray:
    return np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))


def d_sigmoid(z: np.ndarray) -> np.ndarray:
    return sigmoid(z) * sigmoid(-z)


@cache
def _quadrature(dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Points t and weights of ∫₀^∞ f(t) dt, for t = exp(u − exp(−u)): doubly exponential, far more exact than needed."""
    u = np.arange(-3.875, 2.875, 1 / 16, dtype=dtype)
    t = np.exp(u - np.exp(-u))
    return t, t * (1 + np.exp(-u)) / 16


def upper_tail(x: np.ndarray) -> np.ndarray:
    """Φ(−x) = exp(−x²/2) ∫₀^∞ exp(−t²/2 − xt) dt / √(2π) for x >= 0, to all digits of the dtype."""
    t, weights = _quadrature(x.dtype.type)
    rows = [np.exp(-t * t / 2 - t * part[:, None]) @ weights for part in np.array_split(x, max(len(x) // 1000, 1))]
    return np.exp(-x * x / 2) * np.concatenate(rows) / np.sqrt(8 * np.arctan(x.dtype.type(1)))


def normal(z: np.ndarray) -> np.ndarray:
    x = np.minimum(np.abs(z), 60)
    return np.where(z < 0, upper_tail(x), 1 - upper_tail(x))


def gelu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, -60) * normal(z)


def d_gelu(z: np.ndarray) -> np.ndarray:
    return normal(z) + z * np.exp(-z * z / 2) / np.sqrt(8 * np.arctan(z.dtype.type(1)))


def gelu_tanh(z: np.ndarray) -> np.ndarray:
    u = np.sqrt(1 / (2 * np.arctan(z.dtype.type(1)))) * (z + z.dtype.type("0.044715") * z**3)
    return z * sigmoid(2 * u)


def d_gelu_tanh(z: np.ndarray) -> np.ndarray:
    factor = np.sqrt(1 / (2 * np.arctan(z.dtype.type(1))))
    u, d_u = factor * (z + z.dtype.type("0.044715") * z**3), factor * (1 + z.dtype.type("0.134145") * z**2)
    return sigmoid(2 * u) + z * d_sigmoid(2 * u) * 2 * d_u


def silu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, -20000) * sigmoid(z)


def d_silu(z: np.ndarray) -> np.ndarray:
    return sigmoid(z) * (1 + z * sigmoid(-z))


def softplus(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def mish(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, -20000) * np.tanh(softplus(z))


def d_mish(z: np.ndarray) -> np.ndarray:
    t = np.tanh(softplus(z))
    return t + z * (1 - t * t) * sigmoid(z)


def elu(z: np.ndarray) -> np.ndarray:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def selu(z: np.ndarray) -> np.ndarray:
    number = z.dtype.type
    return number("1.0507009873554804934193349852946") * np.where(z > 0, z, number("1.6732632423543772848170429916717") * elu(z))


def d_selu(z: np.ndarray) -> np.ndarray:
    number = z.dtype.type
    below = number("1.6732632423543772848170429916717") * np.exp(np.minimum(z, 0))
    return number("1.0507009873554804934193349852946") * np.where(z > 0, 1, below)


def hard_swish(z: np.ndarray) -> np.ndarray:
    return z * np.clip(z + 3, 0, 6) / 6


def d_hard_swish(z: np.ndarray) -> np.ndarray:
    return np.where(z <= -3, 0, np.where(z >= 3, 1, (2 * z + 3) / 6))


#: φ, and φ'.
EXACT: dict[str, tuple[Function, Function]] = {
    "sigmoid": (sigmoid, d_sigmoid),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "elu": (elu, lambda z: np.exp(np.minimum(z, 0))),
    "selu": (selu, d_selu),
    "gelu": (gelu, d_gelu),
    "gelu(tanh)": (gelu_tanh, d_gelu_tanh),
    "silu": (silu, d_silu),
    "hard_swish": (hard_swish, d_hard_swish),
    "softsign": (lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z)) ** 2),
    "mish": (mish, d_mish),
    "softplus": (softplus, sigmoid),
}

every_function = pytest.mark.parametrize("name", EXACT)
#: Two roundings of the cubic, amplified by exp: for these only the absolute error is measured.
every_but_approximation = pytest.mark.parametrize("name", [name for name in EXACT if name != "gelu(tanh)"])


def without_lost_digits(name: str, z: np.ndarray) -> np.ndarray:
    """For silu and mish the range where their factor exp(z) has all its digits; for others the whole range."""
    smallest = float(np.log(np.finfo(z.dtype).tiny))
    return z[z > smallest] if name in ("silu", "mish") else z


def sweep(n: int) -> np.ndarray:
    """About `n` float32 numbers of either sign, equally dense in every binade, from both zeros over the subnormals to near the largest."""
    largest = int((np.finfo(np.float32).max / 3).view(np.uint32))
    magnitudes = np.linspace(0, largest, n // 2).astype(np.uint32).view(np.float32)
    return np.concatenate([magnitudes, -magnitudes])


@every_but_approximation
def test_float32_error_is_at_most_4_ulp(name: str) -> None:
    """The error in float32 is at most 4 ULP compared with float64, over all magnitudes and densely where the curve bends."""
    for z in (sweep(100_000), np.linspace(-20, 20, 100_001, dtype=np.float32)):
        z = without_lost_digits(name, z)
        a, exact = Native(CASES[name], np.float32).forward(z[None])[0], EXACT[name][0](z.astype(np.float64))
        assert ulps(a, exact) <= 4
        np.testing.assert_array_equal(np.sign(a), np.sign(exact.astype(np.float32)))


@has_long_double
@every_but_approximation
@pytest.mark.parametrize("width", [1e-12, 1.0, 40.0, 1500.0])
def test_float64_error_is_at_most_4_ulp(name: str, width: float) -> None:
    z = without_lost_digits(name, np.linspace(-width, width, 10_001))
    assert ulps(Native(CASES[name], np.float64).forward(z[None])[0], EXACT[name][0](z.astype(np.longdouble))) <= 4


def slope_error(name: str, z: np.ndarray, more: type) -> float:
    """Largest error of the compiled φ'(z), with everything from z on in the dtype of `z`, in roundings of numbers of order one."""
    native = Native(CASES[name], z.dtype)
    kept = z if CASES[name].needs_input else native.forward(z[None])[0]
    d_z = native.backward(kept[None], native.forward(z[None]), np.ones_like(z[None]))[0]
    return float(np.abs(d_z.astype(more) - EXACT[name][1](z.astype(more))).max() / np.finfo(z.dtype).eps)


@every_function
def test_float32_slope_is_right_to_4_roundings(name: str) -> None:
    assert slope_error(name, np.linspace(-30, 30, 50_001, dtype=np.float32), np.float64) <= 4


@has_long_double
@every_function
def test_float64_slope_is_right_to_4_roundings(name: str) -> None:
    assert slope_error(name, np.linspace(-50, 50, 10_001), np.longdouble) <= 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_approximate_gelu_is_right_to_4_roundings(dtype: type) -> None:
    z = np.linspace(-20, 20, 100_001, dtype=dtype)
    exact = gelu_tanh(z.astype(np.longdouble))
    error = np.abs(Native(CASES["gelu(tanh)"], dtype).forward(z[None])[0] - exact) / np.maximum(1, np.abs(exact))
    assert error.max() <= 4 * np.finfo(dtype).eps


@pytest.mark.parametrize(("dtype", "ends"), [(np.float32, (-104, 88.7)), (np.float64, (-746, 709.7))])
def test_exp_error_is_at_most_4_ulp(dtype: type, ends: tuple[float, float]) -> None:
    """The error of exp is at most 4 ULP from 0 over the subnormals to the largest number; beyond it, exp is infinite."""
    exact = np.longdouble if dtype is np.float64 else np.float64
    if np.finfo(exact).nmant > np.finfo(dtype).nmant:
        z = np.linspace(*ends, 400_000, dtype=dtype)
        assert ulps(Native(CASES["exp"], dtype).forward(z[None])[0], np.exp(z.astype(exact))) <= 4
    assert Native(CASES["exp"], dtype).forward(np.array([[ends[1] + 1]], dtype)) == np.inf


def test_float32_exp_inside_softmax_is_at_most_4_ulp() -> None:
    """The error of exp inside softmax is at most 4 ULP. softmax([x, 0]) tends to exp(x) in the tail, down to the subnormals and 0."""
    x = np.linspace(-110, -20, 400_000, dtype=np.float32)
    a = Native(CASES["softmax"], np.float32).forward(np.stack([x, np.zeros_like(x)], axis=1))
    assert ulps(a[:, 0], np.exp(x.astype(np.float64)) / (1 + np.exp(x.astype(np.float64)))) <= 4


#: PyTorch 2.13's values and derivatives in float64, at these places.
PLACES = [-20.0, -6.5, -1.25, -0.75, 0.0, 0.3, 2.0, 25.0]
PYTORCH = {
    "elu": (
        [-0.9999999979388, -0.998496560807, -0.7134952031398, -0.527633447259, 0.0, 0.3, 2.0, 25.0],
        [2.061153622439e-09, 0.001503439192978, 0.2865047968602, 0.472366552741, 1.0, 1.0, 1.0, 1.0],
    ),
    "elu(0.4)": (
        [-0.3999999991755, -0.3993986243228, -0.2853980812559, -0.2110533789036, 0.0, 0.3, 2.0, 25.0],
        [8.244614489754e-10, 0.000601375677191, 0.1146019187441, 0.1889466210964, 0.4, 1.0, 1.0, 1.0],
    ),
    "selu": (
        [-1.758099337224, -1.755456145393, -1.254395446338, -0.9276320158351, 0.0, 0.3152102962066, 2.101401974711, 26.26752468389],
        [
            3.623712824994e-09,
            0.002643195454178,
            0.5037038945095,
            0.8304673250123,
            1.758099340847,
            1.050700987355,
            1.050700987355,
            1.050700987355,
        ],
    ),
    "gelu": (
        [0.0, -2.610399119085e-10, -0.1320622170836, -0.1699705142827, 0.0, 0.1853734266567, 1.954499736104, 25.0],
        [-1.104189672432e-86, -1.695051813148e-09, -0.1226615830694, 0.0007742782607648, 0.5, 0.7323277668271, 1.085231801078, 1.0],
    ),
    "gelu(tanh)": (
        [0.0, -6.278311204255e-13, -0.1322857970303, -0.1700394448344, 0.0, 0.1853709235428, 1.954597694088, 25.0],
        [0.0, -6.583528748372e-12, -0.1224926322496, 0.001061743862586, 0.5, 0.7322954516388, 1.086099256624, 1.0],
    ),
    "silu": (
        [-4.12230723638e-08, -0.00975768466879, -0.2783751735316, -0.2406159756185, 0.0, 0.1723327550435, 1.761594155956, 24.99999999965],
        [-3.916191866065e-08, -0.008241854348962, 0.006319155084688, 0.1574000555032, 0.5, 0.6477800103189, 1.090784248785, 1.000000000333],
    ),
    "mish": (
        [-4.122307240629e-08, -0.009765008692071, -0.3084139611415, -0.2764947145055, 0.0, 0.2080013723481, 1.943958959534, 25.0],
        [-3.916191874349e-08, -0.008255353616806, -0.01469756247302, 0.1607457404998, 0.6, 0.7828272995511, 1.069317934279, 1.0],
    ),
    "softplus": (
        [2.061153620314e-09, 0.001502310159754, 0.2519290813454, 0.3868710061149, 0.6931471805599, 0.8543552444685, 2.126928011043, 25.0],
        [2.06115361819e-09, 0.001501182256737, 0.2227001388253, 0.3208213008246, 0.5, 0.5744425168117, 0.8807970779779, 1.0],
    ),
    "softplus(3)": (
        [
            2.918836920899e-27,
            1.132755937907e-09,
            0.007748488124142,
            0.03340218630558,
            0.2310490601866,
            0.413717958244,
            2.000825228379,
            25.0,
        ],
        [8.756510762697e-27, 3.398267807947e-09, 0.02297736991003, 0.09534946489911, 0.5, 0.710949502625, 0.9975273768434, 1.0],
    ),
}


@pytest.mark.parametrize(("name", "values", "slopes"), [(name, *pair) for name, pair in PYTORCH.items()])
def test_values_are_those_of_pytorch(name: str, values: list[float], slopes: list[float]) -> None:
    """Values equal PyTorch's, except where PyTorch is less exact: 1e-16 in the tail of gelu, and z beyond softplus's threshold."""
    phi, z = CASES[name], np.array([PLACES])
    native = Native(phi, np.float64)
    a = native.forward(z)
    np.testing.assert_allclose(a[0], values, rtol=1e-10, atol=1e-14)
    d_z = native.backward(z if phi.needs_input else a, a, np.ones_like(z))
    np.testing.assert_allclose(d_z[0], slopes, rtol=1e-10, atol=1e-14)
