"""Builders of formulas for tests: one that computes with plain Python floats, and one that records the primitives used."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore.plugin import Builder, Value


@dataclass(frozen=True)
class Plain:
    """Numbers in C order, and their shape."""

    numbers: list[Any]
    shape: tuple[int, ...]

    def at(self, place: Sequence[int]) -> Any:
        """The number at a place of a shape that this one broadcasts to."""
        own = place[len(place) - len(self.shape) :]
        flat = 0
        for index, length in zip(own, self.shape, strict=True):
            flat = flat * length + (index if length > 1 else 0)
        return self.numbers[flat]

    def lines(self) -> list[list[Any]]:
        """Along the last dimension."""
        width = self.shape[-1]
        return [self.numbers[begin : begin + width] for begin in range(0, len(self.numbers), width)]


def plain(array: np.ndarray) -> Plain:
    return Plain(array.ravel().tolist(), array.shape)


class PlainBuilder(Builder):
    """Computes a formula with lists and `math`, so that a formula that depends on NumPy fails."""

    def constant(self, values: np.ndarray, name: str | None) -> Plain:
        return plain(values)

    def apply(self, primitive: str, operands: Sequence[Value], shape: tuple[int | None, ...]) -> Plain:
        nodes: list[Plain] = [operand.node for operand in operands]
        # The number of samples is that of any operand that has them.
        n_rows = next((node.shape[0] for node, operand in zip(nodes, operands, strict=True) if operand.shape[:1] == (None,)), 1)
        lengths = tuple(n_rows if length is None else length for length in shape)
        if primitive in ELEMENTWISE:
            places = itertools.product(*map(range, lengths))
            return Plain([ELEMENTWISE[primitive](*(node.at(place) for node in nodes)) for place in places], lengths)
        return Plain([number for line in getattr(self, f"_{primitive}")(*nodes) for number in line], lengths)

    def _reshape(self, a: Plain) -> list[list[float]]:
        return [a.numbers]

    def _matmul(self, a: Plain, b: Plain) -> list[list[float]]:
        columns = list(zip(*b.lines(), strict=True))
        return [[math.fsum(x * w for x, w in zip(line, column, strict=True)) for column in columns] for line in a.lines()]

    def _integer_matmul(self, a: Plain, b: Plain, zero: Plain) -> list[list[float]]:
        return self._matmul(Plain([code - zero.numbers[0] for code in a.numbers], a.shape), b)

    def _rows(self, table: Plain, which: Plain) -> list[list[float]]:
        size = len(table.numbers) // table.shape[0]
        return [table.numbers[int(row) * size : (int(row) + 1) * size] for row in which.numbers]

    def _columns(self, a: Plain, which: Plain) -> list[list[float]]:
        return [[line[column] for column in which.numbers] for line in a.lines()]

    def _concat(self, *parts: Plain) -> list[list[float]]:
        return [list(itertools.chain(*lines)) for lines in zip(*(part.lines() for part in parts), strict=True)]

    def _sum(self, a: Plain) -> list[list[float]]:
        return [[sum(line)] for line in a.lines()]

    def _max(self, a: Plain) -> list[list[float]]:
        return [[math.nan if any(map(math.isnan, line)) else max(line)] for line in a.lines()]


def _divided(a: float, b: float) -> float:
    if b == 0:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def _exp(a: float) -> float:
    return math.inf if a > 709 else math.exp(a)


def _log(a: float) -> float:
    return -math.inf if a == 0 else math.nan if a < 0 else math.log(a)


def _quantize(a: float, factor: float, zero: int) -> int:
    return int(min(max(round(min(max(a * factor, -1e9), 1e9)) + zero, 0), 255))


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": _divided,
    "maximum": lambda a, b: math.nan if math.isnan(a) or math.isnan(b) else max(a, b),
    "minimum": lambda a, b: math.nan if math.isnan(a) or math.isnan(b) else min(a, b),
    "neg": lambda a: -a,
    "abs": abs,
    "exp": _exp,
    "log": _log,
    "sqrt": lambda a: math.nan if a < 0 else math.sqrt(a),
    "sin": lambda a: math.nan if math.isinf(a) else math.sin(a),
    "cos": lambda a: math.nan if math.isinf(a) else math.cos(a),
    "tanh": math.tanh,
    "sigmoid": lambda a: 1 / (1 + _exp(-a)),
    "erf": math.erf,
    "floor": lambda a: float(math.floor(a)) if math.isfinite(a) else a,
    "quantize": _quantize,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "equal": lambda a, b: a == b,
    "is_nan": math.isnan,
    "logical_and": lambda a, b: a and b,
    "logical_not": lambda a: not a,
    "where": lambda condition, a, b: a if condition else b,
}


class Recorder(PlainBuilder):
    """Records the primitives and the tensor names that a formula uses."""

    def __init__(self) -> None:
        self.primitives: list[str] = []
        self.names: list[str] = []

    def constant(self, values: np.ndarray, name: str | None) -> Plain:
        self.names += [] if name is None else [name]
        return super().constant(values, name)

    def apply(self, primitive: str, operands: Sequence[Value], shape: tuple[int | None, ...]) -> Plain:
        self.primitives.append(primitive)
        return super().apply(primitive, operands, shape)
