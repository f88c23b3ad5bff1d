"""A column of dates as training saw it: the numbers that its dates become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.data import DatePartsLearner, EncodingChain
from nncore.errors import DataError
from nncore.estimators.frames import Column

#: What becomes of dates. They are standardised at once: days since 1970 are too large a number for a network.
ENCODINGS = ("date_parts", "standard")


@dataclass(frozen=True)
class Dates:
    """A column of dates as training saw it.

    Attributes
    ----------
    chain : EncodingChain
        `ENCODINGS`. Parts that were the same in all rows are left out; all parts of a missing date are NaN.
    has_zone : bool
        The dates name a time zone.
    """

    chain: EncodingChain
    has_zone: bool

    @property
    def width(self) -> int:
        """Columns of numbers."""
        return self.chain.n_encoded

    @classmethod
    def learn(cls, column: Column) -> tuple[Self, NDArray[np.floating]]:
        """From the dates of all rows; also what `encode` gives for them."""
        moments, has_zone = column.moments()
        chain = EncodingChain.learn(ENCODINGS, moments[:, None], label=lambda _: f"{column.label} of X")
        return cls(chain, has_zone), chain.encode(moments[:, None])

    def encode(self, column: Column) -> NDArray[np.floating]:
        """The numbers of other dates, shape ``(n_rows, width)``.

        Raises
        ------
        DataError
            If the column holds something else, or dates of another kind: with a time zone where training had none.
        """
        moments, has_zone = column.moments()
        if has_zone != self.has_zone and not np.isnat(moments).all():
            met, known = ("dates with a time zone", "none") if has_zone else ("dates without a time zone", "one")
            raise DataError(f"{column.label} of X holds {met}, but training had {known}: convert the column")
        return self.chain.encode(moments[:, None])

    def names(self, name: Any) -> list[str]:
        """What the columns of numbers are called: ``["day_elapsed", "day_month_sin", …]``."""
        return self.chain.names([str(name)])


class DatesLearner:
    """`Dates` while they are learned from blocks: while `wants_rows`, all are given to `add`, then `end_pass` is called.

    Parameters
    ----------
    label : str
        What messages call the column.
    """

    def __init__(self, label: str) -> None:
        self._chain = DatePartsLearner(ENCODINGS[1:], lambda _: f"{label} of X")
        self._has_zone = False

    @property
    def wants_rows(self) -> bool:
        """Whether another pass is needed."""
        return self._chain.wants_rows

    def add(self, column: Column) -> None:
        """Take the next rows into account."""
        moments, has_zone = column.moments()
        self._has_zone |= has_zone
        self._chain.add(moments)

    def end_pass(self) -> None:
        """All rows have been there."""
        self._chain.end_pass()

    def learned(self) -> Dates:
        """What was found, after the last pass."""
        return Dates(self._chain.learned(), self._has_zone)
