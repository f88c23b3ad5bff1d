"""Small real data that comes with nncore: nothing is downloaded."""

from __future__ import annotations

from nncore.datasets.digits import load_digits, load_digits_split

__all__ = ["load_digits", "load_digits_split"]


def __dir__() -> list[str]:
    return sorted(__all__)
