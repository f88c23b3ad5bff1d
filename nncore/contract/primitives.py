"""The primitives of formulas: about thirty operations, with the kinds and shapes of operands and results."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nncore.errors import PluginError

#: Dimensions of a value. The first may be None, the number of samples, which a formula does not know.
Shape = tuple[int | None, ...]

NUMBER, TRUTH, INDEX, CODE = "number", "truth", "index", "code"


@dataclass(frozen=True)
class Primitive:
    """An operation that a builder must implement.

    Attributes
    ----------
    operands : tuple of str
        Kinds of the operands: ``"number"`` (of the network's dtype), ``"truth"``, ``"index"`` (whole numbers known in advance) or
        ``"code"`` (whole numbers of 8 bits: uint8, or int8 for weights).
    result : str
        Kind of the result.
    shape : callable
        Computes the shape of the result from those of the operands, and from the requested shape for ``"reshape"``. Raises `PluginError` if
        they do not match.
    meaning : str
        What it computes, with operands a, b, c.
    onnx : str
        The operators of ONNX, opset 18, that compute it.
    any_number : bool
        Whether it takes any number of operands of its one kind.
    """

    operands: tuple[str, ...]
    result: str
    shape: Callable[[Sequence[Shape], Shape | None], Shape]
    meaning: str
    onnx: str
    any_number: bool = False


def shown(shape: Shape) -> str:
    """``(n, 3)``: n for the samples."""
    inside = ", ".join("n" if length is None else str(length) for length in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def numbers_of(shape: Shape) -> int:
    """In each sample, or in all of a value without samples."""
    return math.prod(length for length in shape if length is not None)


def _misfit(shapes: Sequence[Shape], why: str) -> PluginError:
    return PluginError(f"shapes {' and '.join(map(shown, shapes))}: {why}")


def broadcast(shapes: Sequence[Shape], asked: Shape | None = None) -> Shape:
    """Broadcast as NumPy and ONNX do: shapes are aligned at their ends, and a length of 1 is repeated."""
    lengths: list[int | None] = []
    for axis in range(-max(map(len, shapes)), 0):
        there = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(there) > 1:
            raise _misfit(shapes, "they do not broadcast; lengths must be equal or 1")
        lengths.append(there.pop() if there else 1)
    if None in lengths[1:]:
        raise _misfit(shapes, "samples must stay the first dimension")
    return tuple(lengths)


def _of_product(shapes: Sequence[Shape], asked: Shape | None) -> Shape:
    left, right = shapes
    if len(left) < 2 or len(right) != 2 or None in right or left[-1] != right[0]:
        raise _misfit(shapes, "a product takes (..., k) and (k, m), the second without samples")
    return (*left[:-1], right[1])


def _of_codes(shapes: Sequence[Shape], asked: Shape | None) -> Shape:
    if shapes[1:] != [(), ()]:
        raise _misfit(shapes[1:], "the factor and the zero point are one number each")
    return shapes[0]


def _of_integer_product(shapes: Sequence[Shape], asked: Shape | None) -> Shape:
    if shapes[2] != ():
        raise _misfit(shapes[2:], "the zero point is one number")
    return _of_product(shapes[:2], asked)


def _of_rows(shapes: Sequence[Shape], asked: Shape | None) -> Shape:
    table, which = shapes
    if not table or None in table:
        raise _misfit(shapes, "rows are taken from a table, which has no samples")
    return (*which, *table[1:])


def _of_columns(shapes: Sequence[Shape], asked: Shape | None) -> Shape:
    value, which = shapes
    return (*_inner(value), which[0])


def _of_concatenation(shapes: Sequence[Shape], asked: Shape | None) -> Shape:
    if len({_inner(shape) for shape in shapes}) > 1:
        raise _misfit(shapes, "only the last dimension may differ")
    return (*shapes[0][:-1], sum(numbers_of(shape[-1:]) for shape in shapes))


def _of_reduction(shapes: Sequence[Shape], asked: Shape | None) -> Shape:
    return (*_inner(shapes[0]), 1)


def _of_reshape(shapes: Sequence[Shape], asked: Shape | None) -> Shape:
    shape = shapes[0]
    if asked is None or numbers_of(asked) != numbers_of(shape) or asked[:1].count(None) != shape[:1].count(None):
        raise _misfit(shapes, f"it cannot become {asked and shown(asked)}: the samples and the size of each must stay")
    return asked


def _inner(shape: Shape) -> Shape:
    """All dimensions but the last."""
    if not shape or shape[-1] is None:
        raise _misfit([shape], "there is no last dimension besides the samples")
    return shape[:-1]


def _unary(meaning: str, onnx: str, operand: str = NUMBER, result: str = NUMBER) -> Primitive:
    return Primitive((operand,), result, broadcast, meaning, onnx)


def _binary(meaning: str, onnx: str, operand: str = NUMBER, result: str = NUMBER) -> Primitive:
    return Primitive((operand, operand), result, broadcast, meaning, onnx)


#: Functions that consist of several primitives, by name. A target that has such a function need not compute the primitives. Functions of
#: one number apply to each number; the others apply to the last dimension.
FUNCTIONS: dict[str, str] = {
    "expm1": "exp(a) − 1",
    "log1p": "log(1 + a)",
    "silu": "a / (1 + exp(−a))",
    "gelu": "a Φ(a), Φ the distribution function of the standard normal",
    "gelu_tanh": "½ a (1 + tanh(√(2/π) (a + 0.044715 a³)))",
    "mish": "a tanh(log(1 + exp(a)))",
    "softmax": "exp(aᵢ) / Σⱼ exp(aⱼ) over the last dimension",
    "log_softmax": "aᵢ − log Σⱼ exp(aⱼ) over the last dimension",
    "standardize": "(a − mean) / √(variance + b) over the last dimension, b a number",
    "rms_normalize": "a / √(mean of a² + b) over the last dimension, b a number",
    "waves": "eₙⱼ + Σₖ cos(2π aₙ bₙₖ + cₙₖ) dₙₖⱼ: each of N numbers a (N, 1) becomes J",
}

#: All of them, by name. Shapes broadcast where `meaning` does not say otherwise; arithmetic is IEEE's, with NaN and infinities.
PRIMITIVES: dict[str, Primitive] = {
    "add": _binary("a + b", "Add"),
    "sub": _binary("a − b", "Sub"),
    "mul": _binary("a · b", "Mul"),
    "div": _binary("a / b", "Div"),
    "maximum": _binary("the larger of a and b; NaN if one of them is", "Max"),
    "minimum": _binary("the smaller of a and b; NaN if one of them is", "Min"),
    "neg": _unary("−a", "Neg"),
    "abs": _unary("|a|", "Abs"),
    "exp": _unary("exp(a)", "Exp"),
    "log": _unary("the natural logarithm of a", "Log"),
    "sqrt": _unary("√a", "Sqrt"),
    "sin": _unary("sin(a), a in radians", "Sin"),
    "cos": _unary("cos(a), a in radians", "Cos"),
    "tanh": _unary("tanh(a)", "Tanh"),
    "sigmoid": _unary("1 / (1 + exp(−a))", "Sigmoid"),
    "erf": _unary("the error function of a", "Erf"),
    "floor": _unary("the largest whole number of at most a", "Floor"),
    "less": _binary("a < b", "Less", result=TRUTH),
    "less_equal": _binary("a ≤ b", "LessOrEqual", result=TRUTH),
    "equal": _binary("a = b", "Equal", result=TRUTH),
    "is_nan": _unary("whether a is NaN", "IsNaN", result=TRUTH),
    "logical_and": _binary("a and b", "And", operand=TRUTH, result=TRUTH),
    "logical_not": _unary("not a", "Not", operand=TRUTH, result=TRUTH),
    "where": Primitive((TRUTH, NUMBER, NUMBER), NUMBER, broadcast, "b where a holds, else c", "Where"),
    "matmul": Primitive((NUMBER, NUMBER), NUMBER, _of_product, "the matrix product of a (..., k) and b (k, m)", "MatMul"),
    "quantize": Primitive(
        (NUMBER, NUMBER, CODE), CODE, _of_codes, "round(a · b) + c, ties to even, kept within 0 to 255", "Mul, QuantizeLinear"
    ),
    "integer_matmul": Primitive(
        (CODE, CODE, CODE),
        NUMBER,
        _of_integer_product,
        "the matrix product of a − c, (..., k), and b (k, m), exact in int32",
        "MatMulInteger, Cast",
    ),
    "rows": Primitive((NUMBER, NUMBER), NUMBER, _of_rows, "row b of the table a, b whole numbers inside it", "Cast, Gather (axis 0)"),
    "columns": Primitive((NUMBER, INDEX), NUMBER, _of_columns, "columns b of the last dimension of a", "Gather (axis −1)"),
    "concat": Primitive((NUMBER,), NUMBER, _of_concatenation, "a, b, … side by side in the last dimension", "Concat (axis −1)", True),
    "sum": Primitive((NUMBER,), NUMBER, _of_reduction, "the sum over the last dimension, which becomes 1", "ReduceSum (axis −1)"),
    "max": Primitive((NUMBER,), NUMBER, _of_reduction, "the largest of the last dimension, which becomes 1", "ReduceMax (axis −1)"),
    "reshape": Primitive((NUMBER,), NUMBER, _of_reshape, "the same numbers in C order under another shape; samples stay", "Reshape"),
}
