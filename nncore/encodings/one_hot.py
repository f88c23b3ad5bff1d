"""One-hot encoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Graph, Learned, Value


class OneHot(Encoding):
    """One-hot encoding of categories: a column for each level, 1 where a row has it and else 0.

    A level that is missing or unknown is 0 in all columns.

    Parameters
    ----------
    binary : bool, default True
        Encode two levels in one column, 1 for the first and −1 for the second. False gives them two columns.

    References
    ----------
    Holzmüller, Grinsztajn & Steinwart, "Better by default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.
    """

    takes = "levels"
    learns = {"n_levels": "int64"}
    flags = ("binary",)
    examples = ({}, {"binary": False})

    def __init__(self, binary: bool = True) -> None:
        self.binary = binary

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        return {"n_levels": np.array(n_levels, np.int64)}

    def widths(self, learned: Learned, n_columns: int) -> NDArray[np.int64]:
        n_levels = learned["n_levels"]
        return np.where(self._is_signed(learned), 1, n_levels)

    def _is_signed(self, learned: Learned) -> NDArray[np.bool_]:
        """Which columns become one of 1 and −1, shape (n_columns,)."""
        is_signed: NDArray[np.bool_] = (learned["n_levels"] == 2) & self.binary
        return is_signed

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        widths = self.widths(learned, columns.shape[1])
        is_signed, is_known = self._is_signed(learned), columns >= 0
        # One assignment to places of flat memory takes a fifth of the time of one by rows and columns.
        in_columns = out.flags.f_contiguous and not out.flags.c_contiguous
        flat, row, column = (out.T.reshape(-1), 1, len(out)) if in_columns else (out.reshape(-1), out.shape[1], 1)
        places = (columns * ~is_signed + (np.cumsum(widths) - widths)) * column + (np.arange(len(out)) * row)[:, None]
        flat[:] = 0
        flat[places[is_known]] = (1 - 2 * columns * is_signed)[is_known] if is_signed.any() else 1

    def names(self, columns: Sequence[str], learned: Learned, levels: Sequence[Sequence[str]] | None = None) -> list[str]:
        if levels is None:
            return super().names(columns, learned)
        named = zip(columns, levels, self._is_signed(learned).tolist(), strict=True)
        return [f"{name}_{level}" for name, own, is_signed in named for level in (own[:1] if is_signed else own)]

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        n_levels = learned["n_levels"]
        self.require(n_levels.ndim == 1 and bool((n_levels >= 0).all()), "has n_levels that count nothing")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        widths = self.widths(learned, len(learned["n_levels"]))
        origin = np.repeat(np.arange(len(widths)), widths)
        first = np.arange(len(origin)) - np.repeat(np.cumsum(widths) - widths, widths)
        second = np.where(self._is_signed(learned)[origin], 1, -2)  # -2 is no code
        codes = g.columns(x, origin.tolist())
        return g.where(codes == first, 1, g.where(codes == second, -1, 0))
