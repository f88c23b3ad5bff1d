"""Quantiles of the normal distribution, for arrays and in formulas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Numerators and denominators of Wichura's rational functions, the highest power first: near ½, in the tails, and far out.
_CENTRE = (
    (
        2509.0809287301227,
        33430.57558358813,
        67265.7709270087,
        45921.95393154987,
        13731.69376550946,
        1971.5909503065513,
        133.14166789178438,
        3.3871328727963665,
    ),
    (
        5226.495278852854,
        28729.085735721943,
        39307.89580009271,
        21213.794301586597,
        5394.196021424751,
        687.1870074920579,
        42.31333070160091,
        1.0,
    ),
)
_TAIL = (
    (
        0.0007745450142783414,
        0.022723844989269184,
        0.2417807251774506,
        1.2704582524523684,
        3.6478483247632045,
        5.769497221460691,
        4.630337846156546,
        1.4234371107496835,
    ),
    (
        1.0507500716444169e-09,
        0.0005475938084995345,
        0.015198666563616457,
        0.14810397642748008,
        0.6897673349851,
        1.6763848301838038,
        2.053191626637759,
        1.0,
    ),
)
_FAR_TAIL = (
    (
        2.0103343992922881e-07,
        2.7115555687434876e-05,
        0.0012426609473880784,
        0.026532189526576124,
        0.29656057182850487,
        1.7848265399172913,
        5.463784911164114,
        6.657904643501103,
    ),
    (
        2.0442631033899397e-15,
        1.421511758316446e-07,
        1.8463183175100548e-05,
        0.0007868691311456133,
        0.014875361290850615,
        0.1369298809227358,
        0.599832206555888,
        1.0,
    ),
)


def normal_quantile(p: Any, ops: Any) -> Any:
    """Quantile function of the standard normal distribution, to 16 digits.

    Parameters
    ----------
    p : ndarray or Value
        Above 0 and below 1; NaN stays NaN.
    ops : module or Graph
        NumPy for arrays, the g of a formula for values: both have `where`, `log`, `sqrt`, `minimum` and `maximum`.

    Returns
    -------
    ndarray or Value

    References
    ----------
    Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics, 1988.
    """
    q = p - 0.5
    centre = q * _ratio(_CENTRE, 0.180625 - q * q)
    r = ops.sqrt(-ops.log(ops.minimum(p, 1 - p)))
    tail = ops.where(r <= 5.0, _ratio(_TAIL, r - 1.6), _ratio(_FAR_TAIL, r - 5.0))
    return ops.where(abs(q) <= 0.425, centre, ops.where(q < 0, -tail, tail))


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], r: Any) -> Any:
    numerator, denominator = (_polynomial(some, r) for some in coefficients)
    return numerator / denominator


def _polynomial(coefficients: Sequence[float], r: Any) -> Any:
    result: Any = coefficients[0]
    for coefficient in coefficients[1:]:
        result = result * r + coefficient
    return result
