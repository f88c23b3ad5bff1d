"""Check whether this thread computes with subnormal numbers.

Loading a library that is linked with ``-ffast-math`` switches the processor to "flush to zero" for the whole process. Then ``5e-324 * 1.0``
is 0, and other libraries lose precision.
"""

from __future__ import annotations

import numpy as np

_SMALLEST = np.ones(1, np.int64).view(np.float64)  # 5e-324 by its bits: no arithmetic that could flush it
_ONE = np.ones(1)


def subnormals_alive() -> bool:
    """False if the smallest positive number times 1 is 0."""
    return bool((_SMALLEST * _ONE).view(np.int64)[0])
