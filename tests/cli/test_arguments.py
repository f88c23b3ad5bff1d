from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from nncore.cli.arguments import fraction, natural, number, positive_integer, widths


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (positive_integer, "1", 1),
        (natural, "0", 0),
        (fraction, "0", 0.0),
        (fraction, "0.25", 0.25),
        (number, "-1e-3", -0.001),
        (widths, "64,32", [64, 32]),
        (widths, " 8 , 4 ", [8, 4]),
        (widths, "none", []),
        (widths, "", []),
    ],
)
def test_good(convert: Callable[[str], object], text: str, value: object) -> None:
    assert convert(text) == value


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        (positive_integer, "0"),
        (positive_integer, "1.5"),
        (positive_integer, "x"),
        (natural, "-1"),
        (fraction, "1"),
        (fraction, "-0.1"),
        (fraction, "nan"),
        (number, "inf"),
        (number, "fast"),
        (widths, "64,,64"),
        (widths, "64,0"),
        (widths, "big"),
    ],
)
def test_bad(convert: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        convert(text)
