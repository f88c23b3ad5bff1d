"""Multi-task classification: shared by its loss, activation and accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.arguments import shown, whole_numbers
from nncore.errors import ParameterError

#: Outputs of a network are counted in 32 bits.
MOST_CLASSES = 2**31 - 1


def class_counts(n_classes: Sequence[int], owner: str) -> tuple[int, ...]:
    """The argument `n_classes` of the component `owner`, checked: a whole number of at least 1 for each head."""
    counts = whole_numbers(n_classes)
    if not counts or not all(1 <= count <= MOST_CLASSES for count in counts):
        raise ParameterError(
            f"{owner}: n_classes must hold a whole number of at least 1 for each head, like (3, 2, 5); got {shown(n_classes)}"
        )
    return tuple(counts)


def head_columns(n_classes: Sequence[int]) -> list[slice]:
    """The columns of each head, as slices."""
    ends = np.cumsum(n_classes)
    return [slice(int(end) - count, int(end)) for end, count in zip(ends, n_classes, strict=True)]
