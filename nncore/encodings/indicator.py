"""Fill missing numbers, and add columns that mark them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nncore.plugin import Encoding, Graph, Learned, Means, Missing, RowSample, Statistic, Value


class Indicator(Encoding):
    """Fill missing numbers with the median or mean of the column, and add an indicator: 1 where a number was missing, else 0.

    By default only columns with missing numbers in training have an indicator. Put it behind a scaling, so that the indicators stay 0 and
    1: ``["robust", "smooth_clip", "indicator"]``.

    Parameters
    ----------
    fill : {"median", "mean", "zero"}, default "median"
        Fill value, from the training rows. It is 0 for a column without numbers.
    always : bool, default False
        True adds an indicator to all columns, also those without missing numbers in training.
    """

    learns = {"filling": "float64", "has_indicator": "int64"}
    choices = {"fill": ("median", "mean", "zero")}
    flags = ("always",)
    examples = ({}, {"fill": "mean", "always": True}, {"fill": "zero"})

    def __init__(self, fill: str = "median", always: bool = False) -> None:
        self.fill = fill
        self.always = always

    def statistics(self, n_columns: int) -> Sequence[Statistic]:
        return (*self._filling(n_columns), Missing(n_columns))

    def _filling(self, n_columns: int) -> Sequence[Statistic]:
        """What the filling is found by."""
        return () if self.fill == "zero" else (Means(n_columns),) if self.fill == "mean" else (RowSample(n_columns),)

    def learn(
        self,
        statistics: Sequence[Any],
        n_columns: int,
        *,
        n_levels: NDArray[np.int64] | None = None,
        seeds: NDArray[np.uint64] | None = None,
    ) -> Learned:
        *found, missing = statistics
        if self.fill == "median":
            median = found[0].quantiles([0.5])[:, 0]
            filling = np.where(np.isnan(median), 0.0, median)
        else:
            filling = found[0].mean if self.fill == "mean" else np.zeros(n_columns)
        has_indicator = np.ones(n_columns, np.int64) if self.always else missing.any.astype(np.int64)
        return {"filling": filling, "has_indicator": has_indicator}

    def widths(self, learned: Learned, n_columns: int) -> NDArray[np.int64]:
        widths: NDArray[np.int64] = 1 + learned["has_indicator"]
        return widths

    def encode(self, columns: NDArray[Any], learned: Learned, out: NDArray[np.float64]) -> None:
        is_missing, ends = np.isnan(columns), np.cumsum(self.widths(learned, columns.shape[1]))
        with_indicator = learned["has_indicator"] == 1
        out[:, ends - 1 - learned["has_indicator"]] = np.where(is_missing, learned["filling"], columns)
        out[:, ends[with_indicator] - 1] = is_missing[:, with_indicator]

    def names(self, columns: Sequence[str], learned: Learned, levels: Sequence[Sequence[str]] | None = None) -> list[str]:
        named = zip(columns, learned["has_indicator"].tolist(), strict=True)
        return [one for name, has_indicator in named for one in ([name, f"{name}_missing"] if has_indicator else [name])]

    def check(self, learned: Learned, n_columns: int) -> None:
        super().check(learned, n_columns)
        has_indicator = learned["has_indicator"]
        self.require(all(array.ndim == 1 for array in learned.values()), "has more than one number a column")
        self.require(bool(((has_indicator == 0) | (has_indicator == 1)).all()), "has has_indicator that is neither 0 nor 1")

    def formula(self, g: Graph, x: Value, learned: Learned) -> Value:
        n_columns, has_indicator = len(learned["filling"]), learned["has_indicator"]
        is_missing = g.is_nan(x)
        both = g.concat([g.where(is_missing, learned["filling"], x), g.where(is_missing, 1, 0)])
        return g.columns(both, [place for k in range(n_columns) for place in ([k, n_columns + k] if has_indicator[k] else [k])])
