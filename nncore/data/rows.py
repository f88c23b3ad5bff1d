"""`Rows`: samples that are computed or read on access."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np


class Rows(ABC):
    """Base class of samples that are made on access, so they need not all fit into memory. `as_rows` accepts them like arrays.

    Attributes
    ----------
    shape : tuple of int
        ``(n_samples, ...)``.
    dtype : dtype
    """

    shape: tuple[int, ...]
    dtype: np.dtype

    @abstractmethod
    def __getitem__(self, rows: Any) -> np.ndarray:
        """One sample for an int; several for a slice or an array of row numbers."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)
