"""Whether this thread still computes with subnormal numbers.

A library linked with ``-ffast-math`` switches the processor to "flush to zero" when it is loaded, for everybody in the process:
``5e-324 * 1.0`` is then 0, and other libraries lose digits that they rely on.
"""

from __future__ import annotations

import numpy as np


def subnormals_alive() -> bool:
    """False if the smallest positive number times 1 is 0."""
    smallest = np.full(1, np.finfo(np.float64).smallest_subnormal)
    return bool((smallest * np.ones(1))[0] != 0)
