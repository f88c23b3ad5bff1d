"""Results of ``nncore bench``, and their JSON form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nncore.bench.grid import Case
from nncore.bench.limit import Rates
from nncore.errors import DataError

#: Of the JSON form.
VERSION = 1


@dataclass
class Cell:
    """A case, how fast it could be, and how fast each library was.

    Parameters
    ----------
    case : Case
    limit : float
        Seconds, see `nncore.bench.limit`.
    seconds : dict of str to float
        By the peer's name; ``"nncore"`` is one of them. Those that failed are not in it.
    """

    case: Case
    limit: float
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """Part of the limit's speed that nncore reaches."""
        return self.limit / self.seconds["nncore"]

    def ratio(self, peer: str) -> float:
        """How many times faster than `peer` nncore is."""
        return self.seconds[peer] / self.seconds["nncore"]


@dataclass
class Line:
    """Something outside the grid, see `nncore.bench.sections`.

    Parameters
    ----------
    what : str
    seconds : dict of str to float
        By the peer's name, as in a cell.
    base : float, optional
        Seconds that nncore is compared with, such as those of the arithmetic alone.
    goal : float, optional
        Name of the figure that the section's goals are about.
    flops : float, optional
        Floating-point operations, if the line is shown as a speed.
    """

    what: str
    seconds: dict[str, float] = field(default_factory=dict)
    base: float | None = None
    goal: float | None = None
    flops: float | None = None

    def ratio(self, peer: str) -> float:
        """How many times faster than `peer` nncore is."""
        return self.seconds[peer] / self.seconds["nncore"]


@dataclass
class Results:
    """Everything of one run.

    Parameters
    ----------
    machine : dict of str to str
        See `nncore.bench.machine.describe`.
    rates : Rates
        Measured on the machine.
    command : str
        What was run.
    versions : dict of str to str
        Of the libraries, by distribution.
    training, prediction : list of Cell
    simplechains : list of Cell
        Seconds are those of an epoch, which is one step.
    facts : dict of str to float
        ``memory_bytes``; ``linearity`` (an epoch of 1,000,000 rows over ten of 100,000 rows); ``import_numpy_seconds``,
        ``import_seconds`` with those, ``first_network_seconds`` with both; ``wheel_bytes``. Those not measured are not in it.
    remarks : list of str
        What could not be measured, and why.
    lines : dict of str to list of Line
        By the section.
    busy : bool
        Whether another process kept a core and the memory busy, see `nncore.bench.neighbour`.
    """

    machine: dict[str, str]
    rates: Rates
    command: str = "nncore bench"
    versions: dict[str, str] = field(default_factory=dict)
    training: list[Cell] = field(default_factory=list)
    prediction: list[Cell] = field(default_factory=list)
    simplechains: list[Cell] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    lines: dict[str, list[Line]] = field(default_factory=dict)
    busy: bool = False

    def to_json(self) -> str:
        return json.dumps({"version": VERSION, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Results:
        """Restore results from `to_json`. Raises `DataError` if `text` is something else."""
        try:
            fields: dict[str, Any] = json.loads(text)
            if fields.pop("version") != VERSION:
                raise ValueError("another version")
            for name in ("training", "prediction", "simplechains"):
                fields[name] = [_cell(cell) for cell in fields[name]]
            fields["lines"] = {name: [Line(**line) for line in lines] for name, lines in fields.get("lines", {}).items()}
            return cls(**fields | {"rates": Rates(**fields["rates"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(f"these are not results that this version of nncore bench wrote ({type(error).__name__}: {error})") from error


def _cell(fields: dict[str, Any]) -> Cell:
    case = fields["case"]
    return Cell(Case(**case | {"widths": tuple(case["widths"])}), fields["limit"], fields["seconds"])


def peers_of(cells: Sequence[Cell | Line]) -> list[str]:
    """Names of the libraries measured in any of the cells or lines, without nncore, in the order in which they were."""
    return list(dict.fromkeys(name for cell in cells for name in cell.seconds if name != "nncore"))
