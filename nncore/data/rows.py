"""`Rows`: samples that are not an array."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np


class Rows(ABC):
    """Samples that are made when they are read, so they never need to fit into memory together. `as_rows` takes them like arrays.

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
        """A sample by its number; samples by a slice or an array of numbers."""

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)
