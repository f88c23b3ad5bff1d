"""Several classifications side by side in a row of outputs: what their loss, their activation and their accuracy share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nncore.errors import ParameterError


def class_counts(n_classes: Sequence[int], owner: str) -> tuple[int, ...]:
    """The argument `n_classes` of the component `owner`, checked: a whole number of at least 1 for each head."""
    try:
        counts = np.asarray(n_classes)
    except ValueError:  # rows of different lengths
        counts = np.empty(0)
    if counts.ndim != 1 or counts.size == 0 or counts.dtype.kind not in "iu" or (counts < 1).any():
        raise ParameterError(f"{owner}: n_classes must hold a whole number of at least 1 for each head, like (3, 2, 5); got {n_classes!r}")
    return tuple(int(count) for count in counts)


def head_columns(n_classes: Sequence[int]) -> list[slice]:
    """Where each head's columns are."""
    ends = np.cumsum(n_classes)
    return [slice(int(end) - count, int(end)) for end, count in zip(ends, n_classes, strict=True)]
