"""Encode date columns as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.data import DatePartsLearner, EncodingChain
from nncore.errors import DataError
from nncore.estimators.frames import Column

#: Encodings of dates. They are standardised immediately, since days since 1970 are too large for a network.
ENCODINGS = ("date_parts", "standard")


@dataclass(frozen=True)
class Dates:
    """The encoding of a date column, fitted in training.

    Attributes
    ----------
    chain : EncodingChain
        The fitted `ENCODINGS`. Constant parts are left out; all parts of a missing date are NaN.
    has_zone : bool
        Whether the dates have a time zone.
    """

    chain: EncodingChain
    has_zone: bool

    @property
    def width(self) -> int:
        """Number of encoded columns."""
        return self.chain.n_encoded

    @classmethod
    def learn(cls, column: Column) -> tuple[Self, NDArray[np.floating]]:
        """Fit to the dates of all rows. Also returns their encoding."""
        moments, has_zone = column.moments()
        chain = EncodingChain.learn(ENCODINGS, moments[:, None], label=lambda _: f"{column.label} of X")
        return cls(chain, has_zone), chain.encode(moments[:, None])

    def encode(self, column: Column) -> NDArray[np.floating]:
        """Encode other dates, shape ``(n_rows, width)``.

        Raises
        ------
        DataError
            If the column holds other values, or dates of another kind, such as with a time zone unlike in training.
        """
        moments, has_zone = column.moments()
        if has_zone != self.has_zone and not np.isnat(moments).all():
            met, known = ("dates with a time zone", "none") if has_zone else ("dates without a time zone", "one")
            raise DataError(f"{column.label} of X holds {met}, but training had {known}: convert the column")
        return self.chain.encode(moments[:, None])

    def names(self, name: Any) -> list[str]:
        """Names of the encoded columns: ``["day_elapsed", "day_month_sin", …]``."""
        return self.chain.names([str(name)])


class DatesLearner:
    """Fit `Dates` to blocks in one pass: pass all blocks to `add`, then call `end_pass`.

    Parameters
    ----------
    label : str
        Name of the column in messages.

    Attributes
    ----------
    has_missing : bool
        Whether a date was missing until now.
    """

    def __init__(self, label: str) -> None:
        self._chain = DatePartsLearner(ENCODINGS[1:], lambda _: f"{label} of X")
        self._has_zone = self.has_missing = False

    def add(self, column: Column) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
        """Add the next rows. Returns their times, shape (n_rows,), and all of their parts, shape (n_rows, n_parts)."""
        moments, has_zone = column.moments()
        self._has_zone |= has_zone
        self.has_missing = self.has_missing or bool(np.isnat(moments).any())
        return moments, self._chain.add(moments)

    def end_pass(self) -> None:
        """End the pass, after all rows were added."""
        self._chain.end_pass()

    def learned(self) -> Dates:
        """The fitted encoding."""
        return Dates(self._chain.learned(), self._has_zone)

    def encoded(self, parts: NDArray[np.float64]) -> NDArray[np.floating]:
        """Encode rows of all parts: see `DatePartsLearner.encoded`."""
        return self._chain.encoded(parts)
