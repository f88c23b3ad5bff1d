from __future__ import annotations

import argparse
from collections.abc import Callable

import pytest

from nncore.cli.arguments import fraction, groups, natural, number, positive_integer, schedules, widths


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
        (schedules, "cosine:cycles=3", {"lr": "cosine:cycles=3"}),
        (schedules, "dropout_1.rate = step:multiplier=0.5", {"dropout_1.rate": "step:multiplier=0.5"}),
        (groups, "*.bias:lr_factor=0.1,frozen=false", {"*.bias": {"lr_factor": 0.1, "frozen": False}}),
        (groups, "a.weight:regularizer=l1:strength=0.1", {"a.weight": {"regularizer": {"name": "l1", "strength": 0.1}}}),
        (groups, "a.weight:constraint=non_negative", {"a.weight": {"constraint": "non_negative"}}),
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
        (schedules, "=cosine"),
        (schedules, "lr="),
        (schedules, "lr=cosine:"),
        (groups, "*.bias"),
        (groups, "*.bias:"),
        (groups, "*.bias:frozen"),
        (widths, "64,,64"),
        (widths, "64,0"),
        (widths, "big"),
    ],
)
def test_bad(convert: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        convert(text)
