"""Formulas: the prediction of a component, written once for all exports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nncore.contract.primitives import CODE, FUNCTIONS, INDEX, NUMBER, PRIMITIVES, TRUTH, Shape, numbers_of, shown
from nncore.errors import NoFormulaError, PluginError
from nncore.words import explains_calls

#: An operand of a formula: a value, or a number or array, which becomes a constant.
Operand = Any


@explains_calls
class Builder(ABC):
    """Base class of builders, which translate formulas: into nodes of ONNX, lines of C, arrays of NumPy.

    A *node* is any object: a name, an index, an array. The builder makes one for each call, and finds earlier ones in the operands.
    """

    @abstractmethod
    def constant(self, values: np.ndarray, name: str | None) -> Any:
        """Make a node for numbers that do not depend on the samples.

        Parameters
        ----------
        values : ndarray
            Numbers (floating-point, to be converted to the dtype of the network), truths (bool), whole numbers (int64) or codes (uint8,
            int8). A tensor is a live view of the network: copy what you keep.
        name : str or None
            ``"dense_1.weight"`` for a tensor or buffer of the network.

        Returns
        -------
        object
            The node.
        """

    @abstractmethod
    def apply(self, primitive: str, operands: Sequence[Value], shape: Shape) -> Any:
        """Make a node for the result of a primitive.

        Parameters
        ----------
        primitive : str
            A key of `PRIMITIVES`, which describes what it computes.
        operands : sequence of Value
            Values with nodes of this builder. Their kinds and shapes match.
        shape : tuple of int or None
            Shape of the result; the first entry is None if it is the number of samples.

        Returns
        -------
        object
            The node.
        """

    def named(self, node: Any, function: str, arguments: Sequence[Value]) -> None:  # noqa: B027  # few builders need it
        """Note that `node` is the result of a function, a key of `FUNCTIONS`, of `arguments`. By default this does nothing."""


class Value:
    """A value in a formula. The operators ``+ - * / @ < <= > >= == != & | ~`` and `abs` work on it.

    Attributes
    ----------
    graph : Graph
        The graph that it belongs to.
    node : object
        The builder's node.
    shape : tuple of int or None
        The first entry is None if it is the number of samples, which is not known.
    kind : {"number", "truth", "index", "code"}
        Type of its elements.
    """

    __slots__ = ("graph", "kind", "node", "shape")
    __array_ufunc__ = None  # NumPy's operators call the ones below, its functions raise

    def __init__(self, graph: Graph, node: Any, shape: Shape, kind: str = NUMBER) -> None:
        self.graph = graph
        self.node = node
        self.shape = shape
        self.kind = kind

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """`shape` without the samples."""
        return tuple(length for length in self.shape if length is not None)

    def __bool__(self) -> bool:
        raise PluginError("values of a formula are not known while it is written: choose with g.where, not with if or max()")

    def __add__(self, other: Operand) -> Value:
        return self.graph.apply("add", self, other)

    def __radd__(self, other: Operand) -> Value:
        return self.graph.apply("add", other, self)

    def __sub__(self, other: Operand) -> Value:
        return self.graph.apply("sub", self, other)

    def __rsub__(self, other: Operand) -> Value:
        return self.graph.apply("sub", other, self)

    def __mul__(self, other: Operand) -> Value:
        return self.graph.apply("mul", self, other)

    def __rmul__(self, other: Operand) -> Value:
        return self.graph.apply("mul", other, self)

    def __truediv__(self, other: Operand) -> Value:
        return self.graph.apply("div", self, other)

    def __rtruediv__(self, other: Operand) -> Value:
        return self.graph.apply("div", other, self)

    def __matmul__(self, other: Operand) -> Value:
        return self.graph.apply("matmul", self, other)

    def __neg__(self) -> Value:
        return self.graph.apply("neg", self)

    def __abs__(self) -> Value:
        return self.graph.apply("abs", self)

    def __lt__(self, other: Operand) -> Value:
        return self.graph.apply("less", self, other)

    def __le__(self, other: Operand) -> Value:
        return self.graph.apply("less_equal", self, other)

    def __gt__(self, other: Operand) -> Value:
        return self.graph.apply("less", other, self)

    def __ge__(self, other: Operand) -> Value:
        return self.graph.apply("less_equal", other, self)

    def __eq__(self, other: Operand) -> Value:  # type: ignore[override]
        return self.graph.apply("equal", self, other)

    def __ne__(self, other: Operand) -> Value:  # type: ignore[override]
        return ~(self == other)

    __hash__ = None  # type: ignore[assignment]  # as == does not compare the objects

    def __and__(self, other: Operand) -> Value:
        return self.graph.apply("logical_and", self, other)

    def __or__(self, other: Operand) -> Value:
        return ~(~self & ~self.graph.value(other))

    def __invert__(self) -> Value:
        return self.graph.apply("logical_not", self)

    def __repr__(self) -> str:
        return f"<{self.kind} of shape {shown(self.shape)}>"


class Graph:
    """The primitives with which `Activation.formula` and `Layer.formula` are written.

    It checks kinds and shapes, and passes each primitive to a builder.

    Parameters
    ----------
    builder : Builder
        Makes a node for each primitive.
    """

    def __init__(self, builder: Builder) -> None:
        self._builder = builder

    # ---- where values come from -----------------------------------------------------------------------------------------------

    def samples(self, node: Any, shape: tuple[int, ...]) -> Value:
        """The builder's own `node` as numbers of samples of `shape`: the input of a formula."""
        return Value(self, node, (None, *shape))

    def constant(self, values: Operand, name: str | None = None) -> Value:
        """Numbers or truths that do not depend on the samples; of int8 or uint8, codes."""
        array = np.asarray(values)
        if array.dtype in (np.int8, np.uint8):
            return Value(self, self._builder.constant(array, name), array.shape, CODE)
        if array.dtype.kind not in "biuf":
            raise PluginError(f"a formula takes numbers and truths, got {values!r:.100}")
        is_truth = array.dtype == np.bool_
        array = array if is_truth or array.dtype.kind == "f" else array.astype(np.float64)
        return Value(self, self._builder.constant(array, name), array.shape, TRUTH if is_truth else NUMBER)

    def apply(self, primitive: str, *operands: Operand, shape: Shape | None = None) -> Value:
        """Apply a primitive of `PRIMITIVES`; operators and the methods below are shorter. `reshape` needs `shape`."""
        values = [self.value(operand) for operand in operands]
        about = PRIMITIVES[primitive]
        kinds = about.operands * len(values) if about.any_number else about.operands
        for value, kind in zip(values, kinds, strict=True):
            if value.kind != kind:
                raise PluginError(f"{primitive} takes a {kind}, got a {value.kind}; g.where(truth, 1, 0) converts truths to numbers")
        try:
            result = about.shape([value.shape for value in values], shape)
        except PluginError as error:
            raise PluginError(f"{primitive} of {error}") from None
        return Value(self, self._builder.apply(primitive, values, result), result, about.result)

    def value(self, operand: Operand) -> Value:
        """The operand itself if it is a value, else a constant."""
        if not isinstance(operand, Value):
            return self.constant(operand)
        if operand.graph is not self:
            raise PluginError("a formula uses a value of another formula: use the g that it is given")
        return operand

    # ---- primitives -----------------------------------------------------------------------------------------------------------

    def exp(self, a: Operand) -> Value:
        """exp(a)."""
        return self.apply("exp", a)

    def log(self, a: Operand) -> Value:
        """The natural logarithm."""
        return self.apply("log", a)

    def sqrt(self, a: Operand) -> Value:
        """√a."""
        return self.apply("sqrt", a)

    def sin(self, a: Operand) -> Value:
        """Sine of an angle in radians."""
        return self.apply("sin", a)

    def cos(self, a: Operand) -> Value:
        """Cosine of an angle in radians."""
        return self.apply("cos", a)

    def tanh(self, a: Operand) -> Value:
        """Hyperbolic tangent."""
        return self.apply("tanh", a)

    def sigmoid(self, a: Operand) -> Value:
        """1 / (1 + exp(−a))."""
        return self.apply("sigmoid", a)

    def erf(self, a: Operand) -> Value:
        """The error function."""
        return self.apply("erf", a)

    def floor(self, a: Operand) -> Value:
        """The largest whole number of at most a."""
        return self.apply("floor", a)

    def maximum(self, a: Operand, b: Operand) -> Value:
        """The larger of a and b; NaN if one of them is."""
        return self.apply("maximum", a, b)

    def minimum(self, a: Operand, b: Operand) -> Value:
        """The smaller of a and b; NaN if one of them is."""
        return self.apply("minimum", a, b)

    def is_nan(self, a: Operand) -> Value:
        """Whether a is NaN, as a truth."""
        return self.apply("is_nan", a)

    def where(self, condition: Operand, a: Operand, b: Operand) -> Value:
        """a where `condition` holds, else b. Both are computed; the one that is not chosen may be NaN or infinite."""
        return self.apply("where", condition, a, b)

    def quantize(self, a: Operand, factor: float, zero_point: int) -> Value:
        """round(a·factor) + zero_point, clipped to 0 to 255, as a code. NaN becomes any code."""
        return self.apply("quantize", a, float(factor), np.uint8(zero_point))

    def integer_matmul(self, codes: Operand, weight: Operand, zero_point: int) -> Value:
        """(codes − zero_point) @ weight, exact in int32, as a number; codes are (..., k), weights (k, m) of int8."""
        return self.apply("integer_matmul", codes, weight, np.uint8(zero_point))

    def rows(self, table: Operand, which: Operand) -> Value:
        """Rows of a table ``(n_rows, ...)`` by index, from 0 to ``n_rows - 1``: shape ``(*which.shape, ...)``."""
        return self.apply("rows", table, which)

    def columns(self, a: Operand, which: Sequence[int]) -> Value:
        """Columns of the last dimension by index, in the order of `which`; an index may repeat."""
        value, numbers = self.value(a), np.array(which, np.int64).reshape(-1)
        width = value.shape[-1] if value.shape else None
        if width is not None and not ((numbers >= 0) & (numbers < width)).all():
            raise PluginError(f"columns of shape {shown(value.shape)}: {list(which)!r:.100} has an index out of range")
        return self.apply("columns", value, Value(self, self._builder.constant(numbers, None), numbers.shape, INDEX))

    def concat(self, values: Sequence[Operand]) -> Value:
        """Concatenate values along their last dimension; the dimensions before it are equal."""
        return self.value(values[0]) if len(values) == 1 else self.apply("concat", *values)

    def sum(self, a: Operand) -> Value:
        """The sum over the last dimension, which becomes 1."""
        return self.apply("sum", a)

    def max(self, a: Operand) -> Value:
        """The largest number of the last dimension, which becomes 1; NaN if one of them is."""
        return self.apply("max", a)

    def reshape(self, a: Operand, shape: tuple[int, ...]) -> Value:
        """Reshape in C order: to samples of `shape`, or to one array of `shape` if `a` does not depend on the samples."""
        value = self.value(a)
        new: Shape = (None, *shape) if value.shape[:1] == (None,) else shape
        return value if new == value.shape else self.apply("reshape", value, shape=new)

    # ---- made of them ---------------------------------------------------------------------------------------------------------

    def mean(self, a: Operand) -> Value:
        """The mean over the last dimension, which becomes 1."""
        value = self.value(a)
        return self.sum(value) / numbers_of(value.shape[-1:])

    def named(self, function: str, result: Value, *arguments: Operand) -> Value:
        """Mark `result` as a function of `arguments`, a key of `FUNCTIONS`, and return it. Targets that have the function use it."""
        if function not in FUNCTIONS:
            raise PluginError(f"there is no function {function!r}; there are {', '.join(FUNCTIONS)}")
        self._builder.named(result.node, function, [self.value(argument) for argument in arguments])
        return result

    def softmax(self, a: Operand) -> Value:
        """exp(aᵢ) / Σⱼ exp(aⱼ) over the last dimension; the largest a is subtracted first, so that exp cannot overflow."""
        value = self.value(a)
        e = self.exp(value - self.max(value))
        return self.named("softmax", e / self.sum(e), value)

    def log_softmax(self, a: Operand) -> Value:
        """aᵢ − log Σⱼ exp(aⱼ) over the last dimension; the largest a is subtracted first, so that exp cannot overflow."""
        value = self.value(a)
        shifted = value - self.max(value)
        return self.named("log_softmax", shifted - self.log(self.sum(self.exp(shifted))), value)

    def standardize(self, a: Operand, epsilon: float) -> Value:
        """(a − mean) / √(variance + ε) over the last dimension."""
        value, constant = self.value(a), self.constant(float(epsilon))
        deviation = value - self.mean(value)
        result = deviation * (1 / self.sqrt(self.mean(deviation * deviation) + constant))
        return self.named("standardize", result, value, constant)

    def rms_normalize(self, a: Operand, epsilon: float) -> Value:
        """a / √(mean of a² + ε) over the last dimension."""
        value, constant = self.value(a), self.constant(float(epsilon))
        return self.named("rms_normalize", value * (1 / self.sqrt(self.mean(value * value) + constant)), value, constant)

    def expm1(self, a: Operand) -> Value:
        """exp(a) − 1, accurate for small a: it is 2t / (1 − t), t = tanh(a / 2)."""
        value = self.value(a)
        t = self.tanh(self.minimum(value, 1) / 2)
        return self.named("expm1", self.where(value > 1, self.exp(value) - 1, 2 * t / (1 - t)), value)

    def log1p(self, a: Operand) -> Value:
        """log(1 + a), accurate for small a: the factor a / (u − 1) corrects the rounding of u = 1 + a."""
        value = self.value(a)
        u = 1 + value
        log_u = self.log(u)
        result = self.where(value > 1, log_u, self.where(u == 1, value, log_u * (value / (u - 1))))
        return self.named("log1p", result, value)


def formula_of(component: Any) -> Callable[..., Value]:
    """The method `formula` of an activation or a layer.

    Raises
    ------
    NoFormulaError
        If a subclass overrides `forward` but not `formula`: the inherited formula would be wrong.
    """
    classes = type(component).__mro__
    writers = [position for position, cls in enumerate(classes) if "formula" in vars(cls)]
    changed = next((cls for cls in classes[: writers[0]] if "forward" in vars(cls)), None)
    if changed is not None and len(writers) > 1:  # the last one is the base class, which has none
        raise NoFormulaError(
            f"{changed.__name__} overrides forward without a formula of its own, so it cannot be exported: write its method formula"
        )
    method: Callable[..., Value] = component.formula
    return method


def decision_of(loss: Any, graph: Graph, output: Value) -> Value:
    """The predictions of `Loss.decide`, if they are values, by the formula of the loss.

    Raises
    ------
    NoFormulaError
        If a subclass overrides `decide` but not its formula.
    PluginError
        If the formula returns something else than values of each sample.
    """
    classes = type(loss).__mro__
    writer = next(cls for cls in classes if "formula" in vars(cls))
    decider = next(cls for cls in classes if "decide" in vars(cls))
    if classes.index(decider) < classes.index(writer):
        raise NoFormulaError(
            f"the loss {decider.__name__} overrides decide without a formula of its own, so its predictions cannot be exported: "
            "write its method formula"
        )
    result = loss.formula(graph, output)
    if not isinstance(result, Value) or result.graph is not graph or result.kind != NUMBER or len(result.sample_shape) != 1:
        raise PluginError(f"the formula of {type(loss).__name__} returned {result!r:.100}; it must return (n, n_values) made with g")
    return result


def formula_result(result: object, graph: Graph, shape: tuple[int, ...]) -> Value:
    """What a formula returned, if it is numbers of its graph, as many for each sample as `shape` has, in this shape.

    Raises
    ------
    PluginError
        Otherwise.
    """
    if not isinstance(result, Value) or result.graph is not graph or result.kind != NUMBER:
        raise PluginError(f"its formula returned {result!r:.100}; it must return numbers made with g")
    if result.shape[:1] != (None,) or numbers_of(result.shape) != numbers_of(shape):
        raise PluginError(f"its formula returned shape {shown(result.shape)}; it must be {shown((None, *shape))}")
    return graph.reshape(result, shape)
