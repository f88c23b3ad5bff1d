"""Records runs of pytabkit; for scripts that a Python with pytabkit runs, with this folder in PYTHONPATH. It has no nncore."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np


def classes(y: np.ndarray) -> np.ndarray:
    """Three classes of a real target."""
    return np.digitize(y, np.quantile(y, [0.3, 0.7]))


def record(path: Path, cases: Mapping[str, tuple[Any, dict[str, Any]]], X: Any, y: np.ndarray, recorded: Callable[..., Any]) -> None:
    """Write the results of `recorded` for each case, an estimator and its arguments; cases with "classes" in their names get classes."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    arrays: dict[str, np.ndarray] = {}
    for case, (maker, arguments) in cases.items():
        found = recorded(maker, arguments, X, classes(y) if "classes" in case else y)
        arrays |= {f"{case}/{name}": values for name, values in found.items()}
    np.savez_compressed(path, pytabkit_version=np.array(version("pytabkit")), **arrays)
