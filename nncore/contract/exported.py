"""Exported models: a list of operations with known shapes and dtypes, which exporters translate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from nncore.contract.primitives import PRIMITIVES, Shape

#: Operations of exported models in addition to the primitives of formulas, and what they compute.
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
    """The texts of a categorical column, and their codes.

    Attributes
    ----------
    codes : dict of str to int
        Code of each text. Texts must match exactly.
    missing : int
        Code of a missing value. If texts cannot be missing, the empty text is missing, unless it is in `codes`.
    unknown : int
        Code of any other text.
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
        A key of `PRIMITIVES` or of `OPERATIONS`, which describe what it computes.
    operands : tuple of int
        Numbers of earlier nodes. Their shapes broadcast as in NumPy, and their dtypes match.
    shape : tuple of int or None
        Shape of the result. The first entry is None if it is the number of samples; all other lengths are known.
    dtype : {"float32", "float64", "int64", "int8", "uint8", "bool", "text"}
        Type of the result.
    values : ndarray or None
        Values of a constant; an array of str for ``"text"``.
    name : str
        Name of an input: ``"X"``, or that of a column. Name of a constant: that of the tensor of the network, ``"dense_1.weight"``, or "".
    levels : TextLevels or None
        Texts and codes for the operation ``"codes"``.
    is_time : bool
        Whether an input of float64 holds dates and times, as in `TIMES`. A target may also accept its own type for them.
    part : str
        The part of the model: ``"columns"``, ``"network 2"``, ``"answers"``.
    function : str
        A key of `FUNCTIONS` if this node is the result of such a function, else "". An exporter may compute it from `arguments` and leave
        out the operations between.
    arguments : tuple of int
        Numbers of the nodes that `function` takes.
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
        """The formula of the operation, with operands a, b, c."""
        return OPERATIONS.get(self.operation) or PRIMITIVES[self.operation].meaning


@dataclass(frozen=True)
class Output:
    """One result of an exported model.

    Attributes
    ----------
    method : str
        Method that returns it in nncore: ``"predict"`` or ``"predict_proba"``.
    node : int
        Number of the node.
    position : int or None
        Index of the target in multi-task classification, else None.
    """

    method: str
    node: int
    position: int | None = None

    @property
    def name(self) -> str:
        """``"predict"``, or ``"predict_0"`` in multi-task classification."""
        return self.method if self.position is None else f"{self.method}_{self.position}"


@dataclass(frozen=True, eq=False)
class ExportGraph:
    """A model to export: inputs, operations in the order of computation, and outputs.

    Every node except inputs is used by an output, if only as an argument of a `function`. No node has only constants as operands.

    Attributes
    ----------
    nodes : tuple of Node
        The operations; operands come before the nodes that use them.
    outputs : tuple of Output
        The results.
    about : dict of str to str
        Description of the model for people: ``"model"``, ``"classes"``, ``"dates"``, ``"written by"``.
    name : str
        Name of the file without its suffix, for names inside the file.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    about: dict[str, str] = field(default_factory=dict)
    name: str = "model"

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The input nodes in the order of the training columns, also those that no output needs."""
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
