"""Uneven ranges, for calls that the host may split."""

from __future__ import annotations

import itertools


def uneven(n: int, unit: int = 1) -> list[tuple[int, int]]:
    """Split n items into ranges of different lengths that begin at multiples of `unit`. The last comes first, since no order is
    guaranteed."""
    units = n // unit
    cuts = [0, *sorted({cut * unit for cut in (1, 4, units // 2 + 2) if cut < units}), n]
    return list(itertools.pairwise(cuts))[::-1]
