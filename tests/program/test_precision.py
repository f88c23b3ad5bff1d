"""How `"auto"` measures the speed of products in bfloat16."""

from __future__ import annotations

import itertools

import pytest

from nncore._core import native
from nncore.program import bfloat16_speed


def test_the_speed_is_that_of_undisturbed_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program may take the processor for all of a turn, of either kind of product."""
    measured = {True: itertools.cycle([3.0, 600.0, 590.0, 610.0]), False: itertools.cycle([200.0, 190.0, 2.0, 195.0])}
    monkeypatch.setattr(native, "HAS_BFLOAT16", True)
    monkeypatch.setattr(native, "product_flops", lambda bfloat16, seconds: next(measured[bfloat16]))
    assert bfloat16_speed.__wrapped__() == 610 / 200
    monkeypatch.setattr(native, "HAS_BFLOAT16", False)
    assert bfloat16_speed.__wrapped__() == 0
