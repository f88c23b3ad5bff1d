"""Categorical columns: levels of the training data, and codes of values."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nncore.data import is_missing, level_key
from nncore.errors import DataError, DataWarning, warn_user
from nncore.estimators.frames import Factorized

#: Keys of booleans, and of the equivalent numbers.
TRUTH = ("false", "true"), ("0", "1")


@dataclass(frozen=True)
class Categories:
    """The levels of a categorical column in training.

    Attributes
    ----------
    levels : tuple
        Levels, sorted, so that the order of the rows has no effect.
    has_missing : bool
        Whether missing values are a level, the last one.
    """

    levels: tuple[Hashable, ...]
    has_missing: bool

    @property
    def n_levels(self) -> int:
        return len(self.levels) + self.has_missing

    @classmethod
    def learn(cls, column: Factorized) -> Self:
        """Find the levels in all values of a column."""
        present = [value for value in column.values if not is_missing(value)]
        has_missing = len(present) < len(column.values)
        present = list({level_key(value): value for value in reversed(present)}.values())  # the first of equal values
        try:
            levels = sorted(present)
        except TypeError:  # numbers and text in one column
            levels = sorted(present, key=lambda value: (type(value).__name__, str(value)))
        return cls(tuple(levels), has_missing)

    def codes(self, label: str, column: Factorized) -> NDArray[Any]:
        """Code of every row, shape ``(n_rows,)``, in the smallest dtype; -1 for unknown values.

        `label` is the name of the column in messages.

        Raises
        ------
        DataError
            If all values are unknown and of another kind than the levels, for example text instead of numbers.

        Warns
        -----
        DataWarning
            If most of the values are unknown.
        """
        code_of_key = self._code_of_key
        missing = len(self.levels) if self.has_missing else -1
        of_values = [missing if is_missing(value) else code_of_key.get(level_key(value), -1) for value in column.values]
        codes: NDArray[Any] = np.array(of_values, np.min_scalar_type(-1 - self.n_levels))[column.codes]
        self._judge_strangers(label, column, codes)
        return codes

    @cached_property
    def _code_of_key(self) -> dict[Hashable, int]:
        code_of_key = {level_key(level): code for code, level in enumerate(self.levels)}
        for those, others in (TRUTH, TRUTH[::-1]):
            if code_of_key.keys() <= set(those):  # booleans as numbers, or the other way round
                code_of_key |= {other: code_of_key[that] for that, other in zip(those, others, strict=True) if that in code_of_key}
        return code_of_key

    def _judge_strangers(self, label: str, column: Factorized, codes: NDArray[Any]) -> None:
        is_strange = codes < 0
        n_strange = int(np.count_nonzero(is_strange))
        if 2 * n_strange <= len(column):
            return
        first = column.values[column.codes[int(is_strange.argmax())]]
        present = [value for value in column.values if not is_missing(value)]
        met, known = set(map(_kind, present)), set(map(_kind, self.levels))
        if n_strange == len(column) and present and known and not met & known:
            raise DataError(
                f"{label} of X holds {' and '.join(sorted(met))} ({first!r:.40}), but training had {' and '.join(sorted(known))} "
                f"({self.levels[0]!r:.40}): convert the column to the type it had in training"
            )
        warn_user(
            f"{label} of X: {n_strange} of {len(column)} values did not occur in training, first {first!r:.40}; they are "
            "treated as unknown",
            DataWarning,
        )


def _kind(value: Hashable) -> str:
    """Kind of a level by its appearance, regardless of its type."""
    key = level_key(value)
    if key in TRUTH[0]:
        return "truth values"
    try:
        float(key)  # type: ignore[arg-type]  # what is no text or number raises
    except (TypeError, ValueError):
        return "text" if isinstance(key, str) else type(value).__name__
    return "numbers"
