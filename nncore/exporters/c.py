"""A C header that predicts without any library."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from math import prod
from typing import Final

import numpy as np

from nncore.errors import ExportError
from nncore.exporters.c_functions import FUNCTION_NAMES, SUFFIXES, TYPES, function_text
from nncore.exporters.c_memory import Buffer, share_room
from nncore.exporters.c_steps import ELEMENTWISE, OF_ROWS, Operand, Step, Steps
from nncore.exporters.c_text import comment, constants, literal, string, table
from nncore.exporters.names import name_in, new_name
from nncore.plugin import Exporter, ExportGraph, Output

#: C types of what is computed.
C_TYPES: Final[dict[str, str]] = {**TYPES, "int64": "int", "bool": "unsigned char", "uint8": "unsigned char", "int8": "signed char"}


class CHeader(Exporter):
    """A C99 header that predicts without any library and without allocation, for microcontrollers and programs in C or C++.

    Its functions take one sample: the columns in their order as an array of numbers, categories by the numbers of their levels, which have
    names. They and all else begin with the name of the file: ``model.h`` has ``model_predict`` and ``MODEL_N_INPUTS``.

    What a network predicts has the bits of nncore's portable level on x86-64 (``NNCORE_CPU=portable``), where compilers do not fuse
    multiplications and additions (``-ffp-contract=off``) and numbers are normal.
    """

    suffixes = (".h",)

    def export(self, graph: ExportGraph) -> bytes:
        return _Header(graph).text().encode()


class _Header:
    """Writes one header."""

    def __init__(self, graph: ExportGraph) -> None:
        self.graph = graph
        self.prefix = name_in(graph.name) or "model"
        self.prefix = self.prefix if not self.prefix[0].isdigit() else f"model_{self.prefix}"
        self.taken = self._reserved()
        self.tables: list[str] = []
        self.functions: dict[str, set[str]] = {dtype: set() for dtype in TYPES}
        self.statements: list[tuple[str, int | None]] = []  # C, and the node that it writes
        self.buffers: dict[int, Buffer] = {}
        self.names: dict[int, str] = {}  # of tables and buffers
        self.table_of: dict[str, str] = {}  # names of tables of codes and columns
        simplified = Steps(graph)
        self.steps, self.results, self.inside, self._values = simplified.steps, simplified.results, simplified.inside, simplified.values
        self.input_dtype = self._input_dtype()
        self.places = self._places()
        self.levels: dict[str, list[str]] = {}  # of each column of texts
        self._read_levels()

    # ---- the whole ------------------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The header."""
        part = ""
        for number, step in self.steps.items():
            if number in self.inside:
                continue
            if step.node.part not in ("", part):
                part = step.node.part
                self.statements.append((f"/* {comment(part)} */", None))
            self._write(number, step)
        results = [self._result(output) for output in self.graph.outputs]
        self.rooms = share_room(self.buffers)
        body = [self._declared(text, number) for text, number in self.statements]
        rooms = [f"{C_TYPES[dtype]} {_room(dtype)}[{size}];" for dtype, size in self.rooms.items() if size]
        signature = ", ".join([f"const {C_TYPES[self.input_dtype]} *X", *(f"{kind} *{name}" for name, kind, _, _ in results)])
        code = [*rooms, *body, *(line for *_, lines in results for line in lines)]
        unused = [] if any("X" in line for line in code) else ["(void)X;"]
        compute = (
            f"static inline void {self.prefix}_compute({signature}) {{\n" + "".join(f"    {line}\n" for line in [*unused, *code]) + "}\n"
        )
        functions = [text for dtype in TYPES for text in function_text(self.functions[dtype], dtype, self.prefix)]
        after = self._methods(results)
        content = "\n".join([self._inputs(), self._sizes(results), *self.tables, *functions, compute, *after])
        guard = f"{self.prefix.upper()}_H_{zlib.crc32(content.encode()):08X}"
        return f"{self._about(results)}#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n{content}\n#endif\n"

    def _about(self, results: list[tuple[str, str, int, list[str]]]) -> str:
        about, upper = dict(self.graph.about), self.prefix.upper()
        lines = [f"{about.pop('model', 'A model')}: predictions in C99 without any library.", ""]
        lines += [*(f"{key}: {value}" for key, value in about.items()), ""]
        lines += ["Usage, for one sample:", "", f'    #include "{self.prefix}.h"', ""]
        lines += [f"    {C_TYPES[self.input_dtype]} X[{upper}_N_INPUTS];"]
        if self._has_columns:
            for node in self.graph.inputs[:4]:
                texts = self.levels.get(node.name)
                place = self.places[node.name][1]
                lines += [f"    X[{place}] = {self.level_names[node.name][0] if texts else '1.5'};"]
            lines += ["    ..."] if len(self.graph.inputs) > 4 else []
        for name, kind, size, _ in results:
            if size < 0:
                lines += [f"    {kind} {name} = {self.prefix}_{name}(X);"]
            else:
                lines += [f"    {kind} {name}[{upper}_N_{name.upper()}];", f"    {self.prefix}_{name}(X, {name});"]
        lines += ["", "It keeps no state: several threads may call it. Numbers that it computes on the way are on the stack, at most"]
        lines += [f"{upper}_STACK_BYTES bytes. Compile without -ffast-math; with -ffp-contract=off, networks have the bits of nncore's"]
        lines += ["portable level on x86-64."]
        if self._has_columns:
            lines += ["A missing value is NaN. A category is the number of its level; any other number is an unknown level."]
        wrapped = [comment(line) for line in lines]
        return "/* " + "".join(f" * {line}".rstrip() + "\n" for line in wrapped)[3:].rstrip("\n") + " */\n"

    def _inputs(self) -> str:
        """Places of columns and numbers of levels."""
        upper = self.prefix.upper()
        blocks = [f"#define {upper}_N_INPUTS {sum(_size_of(node.shape) for node in self.graph.inputs)}\n"]
        if self._has_columns:
            items = [f"{name} = {place}" for place, name in self.places.values()]
            blocks.append("/* Columns of X. */\n" + constants(items))
        for name, texts in self.levels.items():
            if not texts:
                continue
            place = self.places[name][1].lower().replace(self.prefix.lower(), self.prefix, 1)
            blocks.append(f"/* Levels of {comment(name)}. */\n" + constants(f"{one} = {k}" for k, one in enumerate(self.level_names[name])))
            blocks.append(table(f"const char *const {place}_levels", [string(text) for text in texts]))
        return "\n".join(blocks)

    def _sizes(self, results: list[tuple[str, str, int, list[str]]]) -> str:
        upper = self.prefix.upper()
        shapes = {output.name: self.graph.nodes[output.node].shape[1:] for output in self.graph.outputs}
        lines = [f"#define {upper}_N_{name.upper()} {size} /* {shapes[name]} */" for name, _, size, _ in results if size >= 0]
        n_bytes = sum(np.dtype("int32" if dtype == "int64" else dtype).itemsize * size for dtype, size in self.rooms.items())
        return "\n".join([*lines, f"#define {upper}_STACK_BYTES {n_bytes}"]) + "\n"

    def _methods(self, results: list[tuple[str, str, int, list[str]]]) -> list[str]:
        written = []
        for name, kind, size, _ in results:
            given = f"const {C_TYPES[self.input_dtype]} *X"
            passed = ", ".join((f"&{one}" if size < 0 else one) if one == name else "0" for one, *_ in results)
            call = f"{self.prefix}_compute(X, {passed});"
            if size < 0:
                body = f"{{\n    {kind} {name};\n    {call}\n    return {name};\n}}\n"
                written.append(f"static inline {kind} {self.prefix}_{name}({given}) {body}")
            else:
                written.append(f"static inline void {self.prefix}_{name}({given}, {kind} *{name}) {{ {call} }}\n")
        return written

    def _reserved(self) -> set[str]:
        """Names that are not those of columns, levels or tensors."""
        outputs = [output.name for output in self.graph.outputs]
        words = ["n_inputs", "stack_bytes", "compute", *outputs, *(f"n_{name}" for name in outputs)]
        words += [f"{name}_{suffix}" for name in FUNCTION_NAMES for suffix in SUFFIXES.values()]
        return {f"{self.prefix}_{word}".lower() for word in words}

    # ---- inputs ---------------------------------------------------------------------------------------------------------------

    @property
    def _has_columns(self) -> bool:
        inputs = self.graph.inputs
        return len(inputs) != 1 or inputs[0].name != "X"

    def _input_dtype(self) -> str:
        """Type of the array X: float32 if all numeric columns are float32."""
        dtypes = {node.dtype for node in self.graph.inputs if node.dtype != "text"}
        return "float32" if dtypes == {"float32"} else "float64"

    def _places(self) -> dict[str, tuple[int, str]]:
        """Position of each input in X, and its name."""
        places, begin = {}, 0
        for node in self.graph.inputs:
            places[node.name] = begin, self._name(node.name, upper=True)
            begin += _size_of(node.shape)
        return places

    def _read_levels(self) -> None:
        for node in self.graph.nodes:
            if node.operation == "codes":
                column = self.graph.nodes[node.operands[0]]
                assert node.levels is not None, "codes have levels"
                known = self.levels.setdefault(column.name, [])
                known += [text for text in node.levels.codes if text not in known]
        self.level_names = {
            name: [self._name(f"{self.places[name][1][len(self.prefix) + 1 :]}_{text}", upper=True) for text in texts]
            for name, texts in self.levels.items()
        }

    # ---- expressions ------------------------------------------------------------------------------------------------------------

    def _name(self, wish: str, *, upper: bool = False) -> str:
        """A new name, which begins with that of the file."""
        base = f"{self.prefix}_{name_in(wish) or 'x'}"
        base = base.upper() if upper else base.lower().replace(self.prefix.lower(), self.prefix, 1)
        return new_name(base, self.taken, str.lower)

    def _element(self, step: Step, index: str) -> str:
        """Element `index` of an elementwise step."""
        operands = [self._read(operand, step.shape, index) for operand in step.operands]
        if step.operation == "is_nan":
            return f"{self._function('is_nan', self._float_of(step))}({operands[0]})"
        if step.operation == "cast":
            return f"({C_TYPES[step.dtype]}){operands[0]}"
        if step.operation == "codes":
            return self._code(step, operands[0])
        dtype = self._float_of(step)
        return re.sub(r"\bF\((\w+)\)", lambda match: self._function(match[1], dtype), ELEMENTWISE[step.operation]).format(*operands)

    def _float_of(self, step: Step) -> str:
        """The dtype of the numbers that a step computes with."""
        kinds = [step.dtype, *(self.steps[operand.node].dtype for operand in step.operands)]
        return next((kind for kind in kinds if kind in TYPES), "float64")

    def _function(self, name: str, dtype: str) -> str:
        self.functions[dtype].add(name)
        return f"{self.prefix}_{name}_{SUFFIXES[dtype]}"

    def _read(self, operand: Operand, shape: tuple[int, ...], index: str) -> str:
        """The element of an operand that broadcasts to element `index` of a result."""
        step = self.steps[operand.node]
        if operand.node in self.inside:
            return self._element(step, index)
        if step.operation == "constant" and step.size == 1 and step.dtype != "text":
            return literal(self._values(operand).reshape(()).item(), step.dtype)
        place = _broadcast(operand.shape, shape, index)
        place = place if operand.offset == 0 else str(operand.offset + int(place)) if place.isdigit() else f"{operand.offset} + {place}"
        return self._at(operand.node, place)

    def _at(self, number: int, place: str) -> str:
        step = self.steps[number]
        if step.operation == "input":
            begin = self.places[step.node.name][0]
            at = str(begin + int(place)) if place.isdigit() else f"{begin} + {place}" if begin else place
            is_other = step.dtype != self.input_dtype and step.dtype != "text"
            return f"({C_TYPES[step.dtype]})X[{at}]" if is_other else f"X[{at}]"
        return f"{self._called(number)}[{place}]"

    def _pointer(self, operand: Operand) -> str:
        """Pointer to an operand, for functions of rows."""
        step = self.steps[operand.node]
        offset = operand.offset + (self.places[step.node.name][0] if step.operation == "input" else 0)
        base = "X" if step.operation == "input" else self._called(operand.node)
        return f"{base} + {offset}" if offset else base

    def _called(self, number: int) -> str:
        step = self.steps[number]
        if number not in self.names:
            if step.operation == "constant":
                self.names[number] = self._name(step.node.name or "constant")
                values = self._values(Operand(number, step.shape))
                cells = [literal(value, step.dtype) for value in values.ravel().tolist()]
                self.tables.append(table(f"{C_TYPES[step.dtype]} {self.names[number]}", cells))
            else:
                self.names[number] = f"h{number}"
        return self.names[number]

    def _code(self, step: Step, operand: str) -> str:
        column = self.graph.nodes[step.node.operands[0]].name
        levels, texts = step.node.levels, self.levels[column]
        assert levels is not None, "codes have levels"
        codes = [levels.codes.get(text, levels.missing if text == "" else levels.unknown) for text in texts]
        key = f"codes {column} {codes}"
        if key not in self.table_of:
            self.table_of[key] = self._name(f"{column}_codes")
            self.tables.append(table(f"short {self.table_of[key]}", [str(code) for code in codes] or ["0"]))
        call = self._function("code", self.input_dtype)
        return f"{call}({operand}, {self.table_of[key]}, {len(texts)}, {levels.missing}, {levels.unknown})"

    # ---- statements -------------------------------------------------------------------------------------------------------------

    def _write(self, number: int, step: Step) -> None:
        operation = step.operation
        if operation in ("input", "constant") or (operation == "rows" and self._is_label(number)):
            return
        for operand in step.operands:  # before this statement is numbered
            self._touch(operand)
        target = self._called(number)
        if step.is_elementwise:
            line = _loop(step.size, lambda i: f"{target}[{i}] = {self._element(step, i)};")
        elif operation == "matmul":
            left, right, *bias = step.operands
            k, m = right.shape
            call = self._function("product", step.dtype)
            shift = self._pointer(bias[0]) if bias else "0"
            line = f"{call}({self._row_pointer(left)}, {self._pointer(right)}, {shift}, {target}, {left.size // k}, {k}, {m});"
        elif operation == "integer_matmul":
            left, right, zero = step.operands
            k, m = right.shape
            operands = f"{self._pointer(left)}, {self._pointer(right)}, {self._read(zero, (), '0')}"
            line = f"{self._function('integer_product', step.dtype)}({operands}, {target}, {left.size // k}, {k}, {m});"
        elif operation == "waves":
            tensors, (n, k, m) = ", ".join(map(self._pointer, step.operands[1:])), step.operands[3].shape
            line = f"{self._function(operation, step.dtype)}({self._row_pointer(step.operands[0])}, {tensors}, {target}, {n}, {k}, {m});"
        elif operation in OF_ROWS:
            operand, n = step.operands[0], step.operands[0].shape[-1]
            given = [self._row_pointer(operand)]
            given += [self._read(step.operands[1], (), "0")] if operation in ("standardize", "rms_normalize") else []
            call = self._function(operation, self.steps[operand.node].dtype)
            line = f"{call}({', '.join(given)}, {target}, {operand.size // n}, {n});"
        elif operation == "concat":
            line = self._concatenation(step, target)
        elif operation == "columns":
            line = self._columns(step, target)
        elif operation == "rows":
            line = self._rows(step, target)
        else:
            raise ExportError(f"C headers do not support the operation {operation!r}")
        over = self._over(step) if step.is_elementwise else ()
        self.buffers[number] = Buffer(step.dtype, step.size, len(self.statements), len(self.statements), over)
        self.statements.append((line, number))

    def _over(self, step: Step) -> tuple[int, ...]:
        """Buffers of which the elements of an elementwise step need no other element."""
        reads = self._reads(step)
        others = {operand.node for operand in reads if operand.offset or operand.size != step.size}
        return tuple({operand.node: None for operand in reads if operand.node in self.buffers and operand.node not in others})

    def _reads(self, step: Step) -> list[Operand]:
        """Operands in the expression of an elementwise step."""
        found = []
        for operand in step.operands:
            found += self._reads(self.inside[operand.node]) if operand.node in self.inside else [operand]
        return found

    def _row_pointer(self, operand: Operand) -> str:
        step = self.steps[operand.node]
        if step.operation == "input" and step.dtype != self.input_dtype:
            raise ExportError("X mixes dtypes in a matrix product: fit again with one dtype")
        return self._pointer(operand)

    def _touch(self, operand: Operand) -> None:
        """An operand is needed by the statement that comes next."""
        if operand.node in self.buffers:
            self.buffers[operand.node].end = len(self.statements)
        elif operand.node in self.inside:
            for one in self.inside[operand.node].operands:
                self._touch(one)

    def _concatenation(self, step: Step, target: str) -> str:
        width, lines, begin = step.shape[-1], [], 0
        for operand in step.operands:
            lines.append(self._beside(operand, target, begin, width, is_row=prod(step.shape[:-1]) == 1))
            begin += operand.shape[-1]
        return "\n    ".join(lines)

    def _beside(self, operand: Operand, target: str, begin: int, width: int, *, is_row: bool) -> str:
        """Copies an operand to its columns of rows of `width`."""
        n = operand.shape[-1]
        if is_row:
            return _loop(n, lambda i: f"{target}[{_plus(begin, i)}] = {self._read(operand, operand.shape, i)};")
        place = f"i / {n} * {width} + {begin} + i % {n}"
        return _loop(operand.size, lambda i: f"{target}[{place}] = {self._read(operand, operand.shape, i)};", always=True)

    def _columns(self, step: Step, target: str) -> str:
        of, which = step.operands
        n, width, rows = which.size, of.shape[-1], prod(step.shape[:-1])
        columns = self._values(which).tolist()
        key = f"columns {columns}"
        if key not in self.table_of:
            self.table_of[key] = self._name("columns")
            self.tables.append(table(f"unsigned short {self.table_of[key]}", list(map(str, columns))))
        if width > 65535:
            raise ExportError(f"columns are selected from {width:,}, but C headers support at most 65,535")
        name = self.table_of[key]
        place = f"{name}[i]" if rows == 1 else f"i / {n} * {width} + {name}[i % {n}]"
        place = place if of.offset == 0 else f"{of.offset} + {place}"
        return _loop(step.size, lambda i: f"{target}[{i}] = {self._at(of.node, place)};", always=True)

    def _rows(self, step: Step, target: str) -> str:
        of, which = step.operands
        inner = of.size // of.shape[0]
        if of.offset:
            raise ExportError("rows are taken from a part of a constant")  # parts of constants are constants
        found = f"(int){self._read(which, which.shape, 'i')}"
        name = self._called(of.node)
        if inner == 1:
            return _loop(which.size, lambda i: f"{target}[{i}] = {name}[{found}];", always=True)
        line = f"for (int j = 0; j < {inner}; j++) {target}[i * {inner} + j] = {name}[row * {inner} + j];"
        return f"for (int i = 0; i < {which.size}; i++) {{ int row = {found}; {line} }}"

    # ---- results ----------------------------------------------------------------------------------------------------------------

    def _is_label(self, number: int) -> bool:
        return any(result.node == number for result in self.results.values()) and self._is_class(self.steps[number])

    def _is_class(self, step: Step) -> bool:
        is_table = step.operation == "rows" and self.steps[step.operands[0].node].operation == "constant"
        return is_table and len(step.operands[0].shape) == 1 and self.steps[step.operands[1].node].dtype == "int64"

    def _result(self, output: Output) -> tuple[str, str, int, list[str]]:
        """Name, C type, size or −1 for one number, and statements of an output."""
        result = self.results[output.name]
        step, name = self.steps[result.node], output.name
        if self._is_class(step):
            classes, result = self._values(step.operands[0]), step.operands[1]
            kind = {"U": "const char *const", "i": "long long", "f": "double", "b": "unsigned char"}[classes.dtype.kind]
            cells = [string(one) if classes.dtype.kind == "U" else _class_number(one) for one in classes.tolist()]
            about = f"/* The classes whose numbers {self.prefix}_{name} gives. */\n"
            called = self._name("classes" if output.position is None else f"classes_{output.position}")
            self.tables.append(about + table(f"{kind} {called}", cells))
            step = self.steps[result.node]
        elif step.dtype == "text":
            raise ExportError(f"the output {name} is text that depends on more than a class, which C headers do not support")
        self._touch(result)
        size = -1 if len(self.graph.nodes[output.node].shape) == 1 else result.size
        if size < 0:
            line = f"if ({name}) *{name} = {self._read(result, result.shape, '0')};"
        else:
            loop = _loop(result.size, lambda i: f"{name}[{i}] = {self._read(result, result.shape, i)};")
            line = f"if ({name}) {loop}" if result.size else f"(void){name};"
        return name, C_TYPES[step.dtype], size, [line]

    def _declared(self, line: str, number: int | None) -> str:
        if number is None:
            return line
        buffer = self.buffers[number]
        room = _room(buffer.dtype)
        place = f"{room} + {buffer.offset}" if buffer.offset else room
        return f"{C_TYPES[buffer.dtype]} *{self.names[number]} = {place if buffer.size else '0'};\n    {line}"


def _size_of(shape: tuple[int | None, ...]) -> int:
    """In each sample."""
    return prod(length for length in shape if length is not None)


def _room(dtype: str) -> str:
    return f"room_{dtype}"


def _plus(begin: int, index: str) -> str:
    return str(begin + int(index)) if index.isdigit() else f"{begin} + {index}" if begin else index


def _loop(n: int, line: Callable[[str], str], *, always: bool = False) -> str:
    """A statement for each of n indices."""
    if n == 1 and not always:
        return line("0")
    return f"for (int i = 0; i < {n}; i++) {line('i')}"


def _broadcast(shape: tuple[int, ...], to: tuple[int, ...], index: str) -> str:
    """The flat index of `shape` that belongs to the flat index of `to`."""
    size = prod(shape)
    if size == prod(to):
        return index
    if size == 1:
        return "0"
    if index.isdigit():
        return str(np.arange(size).reshape(shape)[tuple(0 for _ in shape)])
    own = [1] * (len(to) - len(shape)) + list(shape)
    terms, inner, stride = [], 1, 1
    axis = len(to) - 1
    while axis >= 0:
        if own[axis] == 1:
            inner *= to[axis]
            axis -= 1
            continue
        length, begin = 1, inner  # dimensions in a row that are both there
        while axis >= 0 and own[axis] == to[axis]:
            length *= to[axis]
            axis -= 1
        inner *= length
        term = index if begin == 1 else f"{index} / {begin}"
        term = term if inner == prod(to) else f"{term} % {length}"
        terms.append(term if stride == 1 else f"({term}) * {stride}")
        stride *= length
    return " + ".join(terms)


def _class_number(value: float | int | bool) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return (
        f"{value}LL"
        if isinstance(value, int) and abs(value) >= 2**31
        else literal(value, "float64" if isinstance(value, float) else "int64")
    )
