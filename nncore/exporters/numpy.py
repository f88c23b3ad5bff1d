"""A Python module that predicts with NumPy alone."""

from __future__ import annotations

import base64
import keyword
import math
import textwrap
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nncore.exporters.names import name_in, new_name
from nncore.exporters.repeats import Stretch, stretches
from nncore.plugin import Exporter, ExportGraph, Node

#: Larger arrays are written as base64: of more numbers than this.
MOST_WRITTEN_OUT = 64
#: Expressions of more characters get a line of their own.
LONGEST_INSIDE = 60
#: Lines of the module.
LINE = 120

#: How tightly operators of Python bind.
_COMPARISON, _SUM, _PRODUCT, _SIGN, _ATOM = range(1, 6)

#: Primitives that are operators: the operator and how tightly it binds.
_OPERATORS = {
    "add": ("+", _SUM), "sub": ("-", _SUM), "mul": ("*", _PRODUCT), "div": ("/", _PRODUCT), "matmul": ("@", _PRODUCT),
    "less": ("<", _COMPARISON), "less_equal": ("<=", _COMPARISON), "equal": ("==", _COMPARISON),
}  # fmt: skip

#: Other primitives and operations, with their operands in braces.
_CALLS = {
    "maximum": "np.maximum({}, {})", "minimum": "np.minimum({}, {})", "abs": "np.abs({})", "exp": "np.exp({})", "log": "np.log({})",
    "sqrt": "np.sqrt({})", "sin": "np.sin({})", "cos": "np.cos({})", "tanh": "np.tanh({})", "sigmoid": "_sigmoid({})", "erf": "_erf({})",
    "floor": "np.floor({})", "is_nan": "np.isnan({})", "logical_and": "np.logical_and({}, {})", "logical_not": "np.logical_not({})",
    "where": "np.where({}, {}, {})", "rows": "_rows({}, {})", "columns": "_columns({}, {})",
    "quantize": "_quantize({}, {}, {})", "integer_matmul": "_integer_matmul({}, {}, {})",
    "sum": "np.sum({}, axis=-1, keepdims=True)", "max": "np.max({}, axis=-1, keepdims=True)", "largest": "np.argmax({}, axis=-1)",
}  # fmt: skip

#: What a module needs only if it uses it: each is recognised by its name.
_HELPERS = {
    "_sigmoid": """
def _sigmoid(a):
    e = np.exp(-np.abs(a))
    return np.where(a < 0, e, a.dtype.type(1)) / (1 + e)
""",
    "_erf": """
def _erf(a):
    return np.array([math.erf(number) for number in a.ravel().tolist()], a.dtype).reshape(a.shape)
""",
    "_rows": """
def _rows(table, which):
    return np.asarray(table)[which.astype(np.int64)]
""",
    "_columns": """
def _columns(a, which):
    return a[..., which]
""",
    "_quantize": """
def _quantize(a, factor, zero_point):
    steps = np.rint(np.clip(np.nan_to_num(a * a.dtype.type(factor)), -zero_point, 255 - zero_point))
    return (steps + zero_point).astype(np.uint8)
""",
    "_integer_matmul": """
def _integer_matmul(codes, weight, zero_point):
    return (codes.astype(np.float64) - zero_point) @ weight.astype(np.float64)  # exact: below 2**53
""",
    "_array": """
def _array(text, dtype, shape):
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)
""",
    "_codes": """
def _codes(texts, codes, missing, unknown):
    found = [missing if _is_missing(text, codes) else codes.get(str(text), unknown) for text in texts.ravel()]
    return np.array(found, float).reshape(texts.shape)


def _is_missing(text, codes):
    is_nothing = text is None or type(text).__name__ in ("NAType", "NaTType") or text != text
    return is_nothing or (text == "" and "" not in codes)
""",
    "_times": """
def _times(values, name):
    if values.dtype.kind == "M":
        values = (values.astype("M8[us]") - np.datetime64(0, "us")) / np.timedelta64(1, "s")
    elif values.dtype.kind in "OU":
        seconds = [_seconds(value, name) for value in values.ravel().tolist()]
        values = np.array(seconds, np.float64).reshape(values.shape)
    return values.astype(np.float64)


def _seconds(value, name):
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return np.nan
    if isinstance(value, (int, float, np.integer, np.floating)):
        return value
    try:
        value = getattr(value, "start_time", value)  # of a period
        if getattr(value, "tzinfo", None) is not None:
            return value.timestamp()
        if hasattr(value, "hour") and not hasattr(value, "year"):
            value = value.isoformat()
        if str(value)[2:3] == ":":  # a time of day
            value = f"1970-01-01T{value}"
        return (np.datetime64(value, "us") - np.datetime64(0, "us")) / np.timedelta64(1, "s")
    except (TypeError, ValueError, AttributeError):
        raise ValueError(
            f"column {name!r} holds {value!r}, but must hold dates: datetime64, datetime, text as "
            "2024-12-31T12:30, or seconds since 1970"
        ) from None
""",
    "_samples": """
def _samples(X, dtype, shape):
    X = np.asarray(X, dtype)
    if X.shape[1:] != shape:
        raise ValueError(f"X has shape {X.shape}, (n_samples, {', '.join(map(str, shape))}) is needed")
    return X
""",
    "_column": """
def _column(X, name, dtype, shape):
    if hasattr(X, "columns") or hasattr(X, "keys"):
        values = X[name]
    else:
        values = np.asarray(X, object)
        if values.ndim != 2 or values.shape[1] != len(COLUMNS):
            raise ValueError(f"X has shape {values.shape}, (n_samples, {len(COLUMNS)}) is needed: {', '.join(COLUMNS)}")
        values = values[:, COLUMNS.index(name)]
    return np.asarray(values, dtype).reshape(-1, *shape)
""",
}


class NumPyModule(Exporter):
    """A Python module with the functions `predict` and, where there are probabilities, `predict_proba`; it imports NumPy and nothing else.

    Models of columns take a frame, a dict of columns by name, or a matrix with the columns in their order. Dates are datetime64, objects of
    Python or pandas, text as ISO 8601 writes it, or seconds since 1970-01-01 00:00 in UTC; without a time zone they are of UTC. The module
    can be read: each line is an operation, and arrays have the names that they have in the network. What differs in arrays alone, as
    the networks of an ensemble do, is one function that is called for each. It holds no pickle.
    """

    suffixes = (".py",)

    def export(self, graph: ExportGraph) -> bytes:
        return _Module(graph).text().encode()


class _Scope:
    """Lines of one function, and what they call the values.

    Parameters
    ----------
    taken : set of str
        Names that it may not give to something else; it adds its own.
    uses : mapping of int to int
        How often each value is needed.
    """

    def __init__(self, taken: set[str], uses: Mapping[int, int]) -> None:
        self.taken, self.uses = taken, uses
        self.expressions: dict[int, tuple[str, int]] = {}
        self.lines: list[str] = []

    def name(self, wish: str) -> str:
        """A new name of a variable."""
        base = name_in(wish).lower() or "h"
        base = f"v_{base}" if base[0].isdigit() or keyword.iskeyword(base) else base
        return new_name(base, self.taken)

    def keep(self, number: int, text: str, binding: int, name: str | None = None) -> None:
        """Record the expression of a value: in a separate line if it is needed twice, is long, or has a name."""
        uses = self.uses.get(number, 0)
        if name is None and uses == 1 and len(text) <= LONGEST_INSIDE:
            self.expressions[number] = text, binding
        elif uses:
            called = self.name(name or "h")
            self.lines.append(f"{called} = {text}")
            self.expressions[number] = called, _ATOM


class _Module:
    """Writes one module."""

    def __init__(self, graph: ExportGraph) -> None:
        self.graph = graph
        taken = {"np", "math", "base64", "X", "predict", "predict_proba", "COLUMNS", "len", "dict"}
        self.main = _Scope(taken, dict(enumerate(graph.uses())))
        self.constants: list[str] = []
        self.named: dict[int, str] = {}  # constants that have a name by now
        self.functions: list[str] = []

    def text(self) -> str:
        """The module."""
        graph, main = self.graph, self.main
        by_columns = [node.name for node in graph.inputs] if self._has_columns else []
        parts = stretches(graph, _is_literal)
        alike: dict[Hashable, list[Stretch]] = {}
        for one in parts:
            if one.key is not None:
                alike.setdefault(one.key, []).append(one)
        calls = {one: call for group in alike.values() for one, call in zip(group, self._function(group), strict=True)}
        part = ""
        for one in parts:
            if one in calls:
                self._call(one, *calls[one])
                continue
            begin = len(main.lines)
            for number in one.numbers:
                self._write(main, number)
            if one.part not in ("", part) and len(main.lines) > begin:
                part = one.part
                main.lines.insert(begin, f"# {part}")
        results = [f'"{output.name}": {self._expression(main, output.node)[0]},' for output in graph.outputs]
        body = "\n".join([*main.lines, "return {", *(f"    {result}" for result in results), "}"])
        computing = 'def _compute(X):\n    with np.errstate(all="ignore"):\n' + textwrap.indent(body, " " * 8) + "\n"
        functions = [*self.functions, computing, *self._methods()]
        columns = f"#: The columns of X, in order.\nCOLUMNS = {_wrapped(by_columns)}\n\n" if by_columns else ""
        code = "\n\n".join([columns + "\n".join(self.constants) + "\n", *functions])
        helpers = [text.strip("\n") + "\n" for name, text in _HELPERS.items() if f"{name}(" in code]
        imports = [f"import {name}" for name in ("base64", "math") if any(f"{name}." in text for text in [code, *helpers])]
        head = "\n".join([f'"""{self._title()}"""', "", *imports, *[""] * bool(imports), "import numpy as np", ""])
        return "\n\n".join([head, *helpers, code])

    @property
    def _has_columns(self) -> bool:
        inputs = self.graph.inputs
        return len(inputs) != 1 or inputs[0].name != "X"

    def _title(self) -> str:
        about = dict(self.graph.about)
        lines = [
            f"{about.pop('model', 'A model')}: predictions with NumPy alone.",
            "",
            *(f"{key}: {value}" for key, value in about.items()),
        ]
        return "\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"""').rstrip("\n") + ("\n" if about else "")

    def _methods(self) -> list[str]:
        found: dict[str, list[str]] = {}
        for output in self.graph.outputs:
            found.setdefault(output.method, []).append(output.name)
        written = []
        for method, names in found.items():
            if names == [method]:
                result = f'outputs["{method}"]'
            else:
                listed = f"outputs[name] for name in {_wrapped(names)}"
                result = f"np.column_stack([{listed}])" if method == "predict" else f"[{listed}]"
            written.append(f"def {method}(X):\n    outputs = _compute(X)\n    return {result}\n")
        return written

    # ---- functions ----------------------------------------------------------------------------------------------------------

    def _function(self, group: Sequence[Stretch]) -> list[tuple[str, str]]:
        """Write a function for stretches that do the same; its name, and that of the arrays, for each of them."""
        nodes, first = self.graph.nodes, group[0]
        # What stands at each place of a constant, in all of them: one array, or one that each has for itself.
        columns = list(zip(*(one.constants for one in group), strict=True))
        varying = [column for column in dict.fromkeys(columns) if len(set(column)) > 1]
        number_of = {column: len(nodes) + k if len(set(column)) > 1 else column[0] for k, column in enumerate(columns)}
        places = (number_of[column] for column in columns)
        steps = {number: self._placed(nodes[number], places) for number in first.numbers}
        for column in columns:
            if column not in varying:
                self._named(column[0])
        uses = Counter(operand for step in steps.values() for operand in step.operands) + Counter(first.results)
        scope = _Scope(set(self.main.taken), uses)
        prefix = f"{first.part.replace(' ', '_')}."
        parameters = [scope.name("x") for _ in first.inputs]
        arrays = [scope.name(nodes[column[0]].name.removeprefix(prefix) or "constant") for column in varying]
        numbers = [*first.inputs, *(number_of[column] for column in varying)]
        scope.expressions = {number: (name, _ATOM) for number, name in zip(numbers, [*parameters, *arrays], strict=True)}
        for number, step in steps.items():
            scope.keep(number, *self._written(scope, step))
        name = self.main.name(f"compute_{first.kind}")
        signature = _listed([*parameters, *arrays], f"def _{name}(", "):")
        body = [*scope.lines, f"return {', '.join(scope.expressions[result][0] for result in first.results)}"]
        self.functions.append(f"{signature}\n" + textwrap.indent("\n".join(body), "    ") + "\n")
        owners = Counter(constant for one in group for constant in set(one.constants))
        called = []
        for k, one in enumerate(group):
            holder = self.main.name(one.part) if varying else ""
            if varying:
                items = [self._item(key, column[k], owners) for key, column in zip(arrays, varying, strict=True)]
                self.constants.append(f"{holder} = dict(\n" + textwrap.indent("\n".join(items), "    ") + "\n)")
            called.append((f"_{name}", holder))
        return called

    def _placed(self, node: Node, places: Iterator[int]) -> Node:
        """With numbers of `places` for its constants that are arrays."""
        return replace(
            node,
            operands=tuple(
                next(places) if (one := self.graph.nodes[operand]).operation == "constant" and not _is_literal(one) else operand
                for operand in node.operands
            ),
        )

    def _item(self, key: str, constant: int, owners: Mapping[int, int]) -> str:
        """An array of a function, by its name there."""
        values = self.graph.nodes[constant].values
        assert values is not None, "a constant has values"
        is_own = owners[constant] == 1 and self.main.uses[constant] == 1
        return f"{key}={_array(values) if is_own else self._named(constant)},"

    def _call(self, one: Stretch, function: str, arrays: str) -> None:
        """Compute a stretch by a function."""
        main = self.main
        arguments = [*(self._expression(main, number)[0] for number in one.inputs), *[f"**{arrays}"] * bool(arrays)]
        text = f"{function}({', '.join(arguments)})"
        names = [main.name("h") for _ in one.results]
        main.lines.append(f"{', '.join(names)} = {text}")
        main.expressions |= {number: (name, _ATOM) for number, name in zip(one.results, names, strict=True)}

    # ---- operations ---------------------------------------------------------------------------------------------------------

    def _named(self, constant: int) -> str:
        """The name of a constant, which the module then has."""
        if constant not in self.named:
            node = self.graph.nodes[constant]
            assert node.values is not None, "a constant has values"
            self.named[constant] = self.main.name(node.name or "constant")
            self.constants.append(f"{self.named[constant]} = {_array(node.values)}")
        return self.named[constant]

    def _expression(self, scope: _Scope, number: int) -> tuple[str, int]:
        """Name or expression of a value in a function, and its precedence."""
        if number not in scope.expressions:
            node = self.graph.nodes[number]
            assert node.values is not None, "a constant has values"
            if not _is_literal(node):
                scope.expressions[number] = self._named(number), _ATOM
            elif node.shape:
                scope.expressions[number] = str(node.values.tolist()), _ATOM
            else:
                literal = _literal(node.values.item(), node.values.dtype)
                scope.expressions[number] = literal, _SIGN if literal.startswith("-") else _ATOM
        return scope.expressions[number]

    def _write(self, scope: _Scope, number: int) -> None:
        """An operation as a line, or inside of a later one."""
        node = self.graph.nodes[number]
        scope.keep(number, *self._written(scope, node), node.name if node.operation == "input" else None)

    def _typed(self, scope: _Scope, number: int) -> str:
        """A node; a plain number with its dtype."""
        text = self._expression(scope, number)[0]
        node = self.graph.nodes[number] if number < len(self.graph.nodes) else None  # an array of a function
        return f"np.{node.dtype}({text})" if node and node.operation == "constant" and not node.shape and node.dtype != "bool" else text

    def _written(self, scope: _Scope, node: Node) -> tuple[str, int]:
        operation = node.operation
        operands = [self._expression(scope, operand) for operand in node.operands]
        texts = [text for text, _ in operands]
        if operation in _OPERATORS:
            sign, binding = _OPERATORS[operation]
            (left, of_left), (right, of_right) = operands
            # Comparisons do not chain, and a - (b - c) is another number than a - b - c.
            left = left if of_left >= binding + (binding == _COMPARISON) else f"({left})"
            right = right if of_right > binding else f"({right})"
            return f"{left} {sign} {right}", binding
        if operation == "neg":
            return (f"-{texts[0]}" if operands[0][1] == _ATOM else f"-({texts[0]})"), _SIGN
        if operation == "where":  # two plain numbers would have Python's type
            texts = [self._typed(scope, operand) for operand in node.operands]
        if operation == "concat":
            return f"np.concatenate([{', '.join(texts)}], axis=-1)", _ATOM
        if operation == "reshape":
            lengths = ", ".join("-1" if length is None else str(length) for length in node.shape)
            inside = texts[0] if operands[0][1] == _ATOM else f"({texts[0]})"
            if None in node.shape and 0 in node.shape:
                lengths = lengths.replace("-1", f"len({texts[0]})", 1)
            return f"{inside}.reshape({lengths})", _ATOM
        if operation == "cast":
            inside = texts[0] if operands[0][1] == _ATOM else f"({texts[0]})"
            return f"{inside}.astype(np.{node.dtype})", _ATOM
        if operation == "codes":
            assert node.levels is not None, "codes have levels"
            name = self.main.name("codes")
            self.constants.append(f"{name} = {_wrapped(node.levels.codes)}")
            return f"_codes({texts[0]}, {name}, {node.levels.missing}, {node.levels.unknown})", _ATOM
        if operation == "input":
            if node.is_time:
                return f"_times(_column(X, {node.name!r}, None, {node.shape[1:]!r}), {node.name!r})", _ATOM
            dtype = "object" if node.dtype == "text" else f"np.{node.dtype}"
            if self._has_columns:
                return f"_column(X, {node.name!r}, {dtype}, {node.shape[1:]!r})", _ATOM
            return f"_samples(X, {dtype}, {node.shape[1:]!r})", _ATOM
        text = _CALLS[operation].format(*texts)
        return (f"{text}.astype(np.{node.dtype})" if operation == "integer_matmul" else text), _ATOM


def _is_literal(node: Node) -> bool:
    """Whether a constant is written where it is used: a number, or a list of few whole numbers."""
    assert node.values is not None, "a constant has values"
    is_list = node.dtype == "int64" and len(node.shape) == 1 and node.values.size <= MOST_WRITTEN_OUT
    return is_list or (node.values.ndim == 0 and node.values.dtype.kind in "fu")


def _listed(items: Sequence[str], opening: str, closing: str) -> str:
    """Names between brackets, a few a line."""
    text = f"{opening}{', '.join(items)}{closing}"
    if len(text) <= LINE:
        return text
    lines = textwrap.wrap(", ".join(items) + ",", LINE - 4, break_long_words=False, break_on_hyphens=False)
    return "\n".join([opening, *(f"    {line}" for line in lines), closing])


def _literal(number: float, dtype: np.dtype) -> str:
    """A number as Python reads it, which has the same bits in its dtype."""
    if not math.isfinite(number):
        return "np.nan" if math.isnan(number) else "np.inf" if number > 0 else "-np.inf"
    return str(dtype.type(number))


def _array(values: np.ndarray) -> str:
    """An array as an expression."""
    if values.dtype.kind in "U":
        return f"np.array({_wrapped(values.tolist())}, object)"
    if values.size <= MOST_WRITTEN_OUT and values.dtype.kind != "f":
        return f"np.array({_wrapped(values.tolist())}, np.{'bool_' if values.dtype.kind == 'b' else values.dtype})"
    if values.size <= MOST_WRITTEN_OUT:
        return f"np.array({_numbers(values)}, np.{values.dtype})" + (f".reshape({values.shape})" if 0 in values.shape else "")
    dtype = values.dtype.newbyteorder("<")
    text = base64.b64encode(np.ascontiguousarray(values, dtype).tobytes()).decode()
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(text, LINE - 6))
    return f'_array(\n{lines},\n    "{dtype.str}", {values.shape},\n)'


def _numbers(values: np.ndarray) -> str:
    """Nested lists of numbers."""
    if values.ndim == 0:
        return _literal(values.item(), values.dtype)
    if values.ndim == 1:
        return f"[{', '.join(_literal(number, values.dtype) for number in values.tolist())}]"
    return "[\n" + "".join(textwrap.indent(_numbers(row), "    ") + ",\n" for row in values) + "]"


def _wrapped(values: object) -> str:
    """A list or dict, a few items a line."""
    text = repr(values)
    if len(text) <= LINE:
        return text
    is_dict = isinstance(values, dict)
    items: Sequence[str] = [f"{key!r}: {value!r}" for key, value in values.items()] if is_dict else [repr(v) for v in values]  # type: ignore[attr-defined]
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) > LINE - 8:
            lines.append(line)
            line = ""
        line += f"{item}, "
    lines.append(line)
    opening, closing = "{}" if is_dict else "[]"
    return opening + "\n" + "".join(f"    {line.rstrip()}\n" for line in lines) + closing
