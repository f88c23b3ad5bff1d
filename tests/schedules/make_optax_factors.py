"""Records schedules of optax, as data for test_optax.py; run with a Python that has optax when a case is added.

Every case is a fit of a number of steps: a schedule of nncore, and the one of optax that should give equal rates from 1.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import optax

jax.config.update("jax_enable_x64", True)

#: schedule of nncore, steps, schedule of optax
CASES: list[tuple[dict[str, Any], int, Any]] = [
    ({"name": "polynomial", "power": 3.0, "last": 0.2}, 30, optax.polynomial_schedule(1.0, 0.2, 3, 30)),
    ({"name": "exponential", "multiplier": 0.3, "every": 0.25}, 40, optax.exponential_decay(1.0, 10, 0.3)),
    (
        {"name": "exponential", "multiplier": 0.3, "every": 0.25, "staircase": True, "min_factor": 0.05},
        40,
        optax.exponential_decay(1.0, 10, 0.3, staircase=True, end_value=0.05),
    ),
    (
        {"name": "piecewise", "boundaries": [0.2, 0.5, 0.9], "factors": [1.0, 0.5, 2.0, 0.1]},
        50,
        optax.piecewise_constant_schedule(1.0, {10: 0.5, 25: 4.0, 45: 0.05}),
    ),
]


if __name__ == "__main__":
    cases = [{"schedule": schedule, "rates": [float(rate(step)) for step in range(n_steps)]} for schedule, n_steps, rate in CASES]
    text = json.dumps({"optax": version("optax"), "cases": cases})
    Path(__file__).with_name("optax_factors.json").write_text(text.replace('{"schedule"', '\n{"schedule"') + "\n")
