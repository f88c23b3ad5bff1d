"""Schedules of optax, recorded by make_optax_factors.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nncore import registry

DATA = json.loads(Path(__file__).with_name("optax_factors.json").read_text())


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda case: ", ".join(map(str, case["schedule"].values())))
def test_factors_are_those_of_optax(case: dict[str, Any]) -> None:
    schedule, n_steps = registry.resolve("schedules", case["schedule"]), len(case["rates"])
    np.testing.assert_allclose(schedule.factor(np.arange(n_steps), n_steps), case["rates"], rtol=1e-12)
