"""Conversions of command-line arguments; what argparse prints when one fails is their message."""

from __future__ import annotations

import argparse
import math


def positive_integer(text: str) -> int:
    """``"20"``"""
    value = _integer(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def natural(text: str) -> int:
    """``"0"``, ``"20"``"""
    value = _integer(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def fraction(text: str) -> float:
    """``"0.2"``: at least 0, less than 1."""
    value = number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not in [0, 1)")
    return value


def number(text: str) -> float:
    """``"1e-3"``"""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def widths(text: str) -> list[int]:
    """``"64,64"``: units of each hidden layer; ``""`` or ``"none"`` for no hidden layer."""
    if text.strip().lower() in ("", "none"):
        return []
    return [positive_integer(part.strip()) for part in text.split(",")]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
