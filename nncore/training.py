"""`Training`: the running fit, which callbacks receive."""

from __future__ import annotations

from nncore.network import Training

__all__ = ["Training"]


def __dir__() -> list[str]:
    return sorted(__all__)
