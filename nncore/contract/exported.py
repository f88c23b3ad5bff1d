"""What is exported: a model as a list of operations whose shapes and dtypes are known, for exporters to translate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from nncore.contract.primitives import PRIMITIVES, Shape

#: Operations of exported models beside the primitives of formulas, and what they compute.
OPERATIONS: Final[dict[str, str]] = {
    "input": "what the caller passes under `name`",
    "constant": "`values`, which do not depend on the samples",
    "cast": "a in another dtype; truths become 0 and 1",
    "codes": "the code of each text a, by `levels`",
    "largest": "the index of the largest of the last dimension of a, the first of equal ones; that dimension goes",
}


#: How exported models take dates and times, for people.
TIMES: Final = "seconds since 1970-01-01 00:00 in UTC, NaN where missing"


@dataclass(frozen=True)
class TextLevels:
    """The texts that a column of categories may hold, and their codes.

    Attributes
    ----------
    codes : dict of str to int
        The code of each text. A text is compared as it is written.
    missing : int
        The code of a missing value. Where a text cannot be missing, the empty text stands for that, unless `codes` has it.
    unknown : int
        The code of any other text.
    """

    codes: dict[str, int]
    missing: int
    unknown: int


@dataclass(frozen=True, eq=False)
class Node:
    """One operation of an exported model.

    Attributes
    ----------
    operation : str
        A key of `PRIMITIVES` or of `OPERATIONS`, which say what it computes.
    operands : tuple of int
        The numbers of earlier nodes. Their shapes broadcast as NumPy's do, and their dtypes fit.
    shape : tuple of int or None
        Of the result. None, which comes first if it is there, stands for the samples; all other lengths are known.
    dtype : {"float32", "float64", "int64", "int8", "uint8", "bool", "text"}
        Of the result.
    values : ndarray or None
        Of a constant; of ``"text"`` an array of str.
    name : str
        Of an input: ``"X"``, or the name of a column. Of a constant: the tensor of the network, ``"dense_1.weight"``, or "".
    levels : TextLevels or None
        Of ``"codes"``.
    is_time : bool
        Of an input of float64: it holds dates and times, as `TIMES` says. A target with a type for them may take that as well.
    part : str
        The part of the model that it belongs to: ``"columns"``, ``"network 2"``, ``"answers"``.
    function : str
        A key of `FUNCTIONS` if this node is what such a function gives, else "". An exporter may compute it from `arguments` and leave out
        the operations between.
    arguments : tuple of int
        The numbers of the nodes that `function` takes.
    """

    operation: str
    operands: tuple[int, ...]
    shape: Shape
    dtype: str
    values: np.ndarray | None = None
    name: str = ""
    levels: TextLevels | None = None
    is_time: bool = False
    part: str = ""
    function: str = ""
    arguments: tuple[int, ...] = ()

    @property
    def meaning(self) -> str:
        """What the operation computes of its operands a, b, c."""
        return OPERATIONS.get(self.operation) or PRIMITIVES[self.operation].meaning


@dataclass(frozen=True)
class Output:
    """One result of an exported model.

    Attributes
    ----------
    method : str
        The method that returns it in nncore: ``"predict"`` or ``"predict_proba"``.
    node : int
        The number of the node.
    position : int or None
        Which target it belongs to, if the method answers several targets with classes of their own.
    """

    method: str
    node: int
    position: int | None = None

    @property
    def name(self) -> str:
        """``"predict"``, or ``"predict_0"`` of several targets with classes of their own."""
        return self.method if self.position is None else f"{self.method}_{self.position}"


@dataclass(frozen=True, eq=False)
class ExportGraph:
    """A model that is exported: inputs, operations in the order in which they are computed, and outputs.

    Every node but inputs is used by an output, if only as an argument of a `function`, and nothing is computed of constants alone.

    Attributes
    ----------
    nodes : tuple of Node
        Operands come before what uses them.
    outputs : tuple of Output
    about : dict of str to str
        What the model is, for people: ``"model"``, ``"classes"``, ``"dates"``, ``"written by"``.
    name : str
        What the file is called, without its suffix: for names inside of it.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    about: dict[str, str] = field(default_factory=dict)
    name: str = "model"

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes that the caller fills in, in the order of the training columns. Those that no output needs are among them."""
        return tuple(node for node in self.nodes if node.operation == "input")

    def uses(self) -> list[int]:
        """How often each node is an operand or an output."""
        counts = [0] * len(self.nodes)
        for node in self.nodes:
            for operand in node.operands:
                counts[operand] += 1
        for output in self.outputs:
            counts[output.node] += 1
        return counts
