"""How the checks split what the host may split."""

from __future__ import annotations

import itertools


def uneven(n: int, unit: int = 1) -> list[tuple[int, int]]:
    """Ranges of n things that begin at multiples of `unit`, of different lengths; the last comes first, since no order is promised."""
    units = n // unit
    cuts = [0, *sorted({cut * unit for cut in (1, 4, units // 2 + 2) if cut < units}), n]
    return list(itertools.pairwise(cuts))[::-1]
