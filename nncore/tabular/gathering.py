"""A column from the pieces in which a file is read: by its distinct texts as long as they are few, else all of them packed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.tabular.column import CodedColumn, codes_type
from nncore.tabular.texts import Texts, arrow_codes

#: Distinct texts are kept as Python's objects while those of all columns are so few, or those of a column this share of its rows.
FEW_TEXTS, FEW_SHARE = 20_000, 0.1

#: Of however many columns, so many texts of one are few.
FEW_OF_ONE = 50


class Gatherer:
    """The cells of one column, piece by piece."""

    def __init__(self, n_columns: int = 1) -> None:
        self._few = max(FEW_OF_ONE, FEW_TEXTS // n_columns)
        self._codes: list[NDArray[Any]] = []
        self._known: dict[str | None, int] = {}  # as they are written, with blanks around them
        self._distinct: dict[str, int] = {}
        self._packed: list[Texts | Any] | None = None  # Arrow's arrays stay what they are: columns may be many and pieces small
        self._n_rows = 0

    def add(self, piece: Any) -> None:
        """Take up the cells of the next rows, a list of texts or an Arrow array of strings."""
        if self._packed is not None:
            self._packed.append(Texts.of(piece) if isinstance(piece, list) else piece)
            return
        self._n_rows += len(piece)
        coded = None if isinstance(piece, list) else piece.dictionary_encode()
        texts = list(dict.fromkeys(piece)) if coded is None else coded.dictionary
        if max(len(texts), len(self._distinct)) > max(self._few, FEW_SHARE * self._n_rows):
            known = [*self._distinct, ""]
            self._packed = [Texts.of([known[code] for code in codes.tolist()]) for codes in self._codes]
            self._codes, self._known, self._distinct = [], {}, {}
            self.add(piece)
            return
        of_texts = np.array([*map(self._code, texts if coded is None else coded.dictionary.to_pylist()), -1], np.int32)
        codes = np.fromiter(map(self._known.__getitem__, piece), np.int32, len(piece)) if coded is None else of_texts[arrow_codes(coded)]
        self._codes.append(codes.astype(codes_type(len(self._distinct))))

    def _code(self, text: str | None) -> int:
        code = self._known.get(text)
        if code is None:
            stripped = (text or "").strip()
            code = self._known[text] = self._distinct.setdefault(stripped, len(self._distinct)) if stripped else -1
        return code

    def gathered(self) -> CodedColumn | Texts:
        """All cells; what was gathered is let go."""
        if self._packed is not None:
            packed, self._packed = self._packed, None
            return Texts.joined(packed)
        codes, self._codes = self._codes, []
        return CodedColumn(np.concatenate(codes) if codes else np.empty(0, np.int8), list(self._distinct))
