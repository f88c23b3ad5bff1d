"""Warnings that point at the user's line, however many frames lie between."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

#: Packages whose frames are not the user's: ours, and what scikit-learn wraps around a `fit`.
INNER = ("nncore", "sklearn.callback", "sklearn.base")


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, in the name of the line that called into nncore."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(tuple(f"{package}." for package in INNER)):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
