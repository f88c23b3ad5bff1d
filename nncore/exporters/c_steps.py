"""Operations of a model as C computes them: functions in place of primitives, products with their biases, and no views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Final

import numpy as np

from nncore.errors import ExportError
from nncore.plugin import FUNCTIONS, ExportGraph, Node

#: Elementwise operations: C, with operands in braces; F(name) is a function for their type.
ELEMENTWISE: Final[dict[str, str]] = {
    "add": "({} + {})", "sub": "({} - {})", "mul": "({} * {})", "div": "({} / {})", "neg": "(-{})",
    "less": "({} < {})", "less_equal": "({} <= {})", "equal": "({} == {})", "logical_and": "({} && {})", "logical_not": "(!{})",
    "where": "({} ? {} : {})",
    **{name: f"F({name})({{}}, {{}})" for name in ("maximum", "minimum")},
    **{name: f"F({name})({{}})" for name in ("abs", "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "erf", "floor")},
    "quantize": "F(quantize)({}, {}, {})",
    **{name: f"F({name})({{}})" for name in ("expm1", "log1p", "silu", "gelu", "gelu_tanh", "mish")},
}  # fmt: skip

#: Functions that go over rows: of them, `standardize` and `rms_normalize` take a number beside the row.
OF_ROWS: Final = ("sum", "max", "largest", "softmax", "log_softmax", "standardize", "rms_normalize", "waves")

#: Functions that take the place of the primitives that make them up.
FUNCTIONS_IN_C: Final = {*ELEMENTWISE, *OF_ROWS} & set(FUNCTIONS)

#: Operations in one expression; more get lines of their own.
MOST_INSIDE: Final = 12


@dataclass(frozen=True)
class Operand:
    """An operand: numbers of a node from `offset` on, with a shape without None."""

    node: int
    shape: tuple[int, ...]
    offset: int = 0

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class Step:
    """An operation as C computes it."""

    operation: str
    operands: tuple[Operand, ...]
    shape: tuple[int, ...]
    dtype: str
    node: Node

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_elementwise(self) -> bool:
        return self.operation in ELEMENTWISE or self.operation in ("is_nan", "cast", "codes")


class Steps:
    """The steps of a graph.

    Attributes
    ----------
    steps : dict of int to Step
        By the numbers of their nodes, in the order in which they are computed.
    results : dict of str to Operand
        The outputs by name.
    inside : dict of int to Step
        Those that are part of the expressions that use them.
    """

    def __init__(self, graph: ExportGraph) -> None:
        self.graph = graph
        self.inside: dict[int, Step] = {}
        self._sizes: dict[int, int] = {}  # operations in the expression of each step
        self._simplify()

    def _simplify(self) -> None:
        """Take functions in place of their primitives, biases into products, and views out; decide what becomes part of expressions."""
        nodes = self.graph.nodes
        self.steps: dict[int, Step] = {}
        views: dict[int, Operand] = {}
        for number, node in enumerate(nodes):
            shape = tuple(length if length is not None else 1 for length in node.shape)
            operation, used = (node.function, node.arguments) if node.function in FUNCTIONS_IN_C else (node.operation, node.operands)
            operands = tuple(views[one] for one in used)
            if operation == "reshape":
                views[number] = replace(operands[0], shape=shape)
                continue
            first = self._first_column(operands, shape) if operation == "columns" else None
            if first is not None:
                views[number] = replace(operands[0], shape=shape, offset=operands[0].offset + first)
                continue
            views[number] = Operand(number, shape)
            self.steps[number] = Step(operation, operands, shape, node.dtype, node)
        self.results = {output.name: views[output.node] for output in self.graph.outputs}
        self._drop_unused()
        self._take_biases()
        self._drop_unused()
        uses = self._uses()
        for number, step in self.steps.items():
            if step.is_elementwise:
                self._keep_inside(step, uses)
            elif step.operation == "concat" and prod(step.shape[:-1]) == 1:
                for operand in step.operands:
                    self._try_inside(operand, operand.size, uses)
            elif step.operation == "rows":
                self._try_inside(step.operands[1], step.operands[1].size, uses)
            if step.operation == "codes" or nodes[number].dtype != "text":
                continue
            if step.operation not in ("input", "constant", "rows"):
                raise ExportError(f"the operation {step.operation} computes text inside the model, which C headers cannot")

    def _first_column(self, operands: tuple[Operand, ...], shape: tuple[int, ...]) -> int | None:
        """Position of adjacent columns in the single row of a value that is not constant; None for others."""
        columns = self.values(operands[1]).tolist()
        is_run = bool(columns) and columns == [*range(columns[0], columns[0] + len(columns))]
        return columns[0] if is_run and prod(shape[:-1]) == 1 else None

    def values(self, operand: Operand) -> np.ndarray:
        """Operand of a constant."""
        values = self.steps[operand.node].node.values
        assert values is not None, "a constant has values"
        return values

    def _drop_unused(self) -> None:
        needed = {result.node for result in self.results.values()}
        for number in reversed(self.steps):
            if number in needed:
                needed |= {operand.node for operand in self.steps[number].operands}
        self.steps = {number: step for number, step in self.steps.items() if number in needed}

    def _uses(self) -> dict[int, int]:
        uses = dict.fromkeys(self.steps, 0)
        for step in self.steps.values():
            for operand in step.operands:
                uses[operand.node] += 1
        for result in self.results.values():
            uses[result.node] += 1
        return uses

    def _take_biases(self) -> None:
        """Sums of a product begin with the vector that is added to it: nncore's products do."""
        uses = self._uses()
        for number, step in list(self.steps.items()):
            if step.operation != "add":
                continue
            for product, bias in (step.operands, step.operands[::-1]):
                of = self.steps[product.node]
                is_whole = of.operation == "matmul" and uses[product.node] == 1 and product.shape == of.shape and len(of.shape) == 2
                is_vector = self.steps[bias.node].operation == "constant" and bias.size == of.shape[-1] == step.size
                if is_whole and is_vector:
                    self.steps[number] = replace(step, operation="matmul", operands=(*of.operands, bias))
                    break

    def _keep_inside(self, step: Step, uses: dict[int, int]) -> None:
        for operand in step.operands:
            self._try_inside(operand, step.size, uses)

    def _try_inside(self, operand: Operand, size: int, uses: dict[int, int]) -> None:
        """Compute an operand where it is used, if that is in one place and as often."""
        step = self.steps[operand.node]
        if step.is_elementwise and uses[operand.node] == 1 and operand.offset == 0 and operand.size == step.size == size:
            self._sizes[operand.node] = 1 + sum(self._sizes[one.node] for one in step.operands if one.node in self.inside)
            self.inside |= {operand.node: step} if self._sizes[operand.node] <= MOST_INSIDE else {}
