"""The built-in schedules keep the contract that plugins are held to."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import ScheduleConformance

ARGUMENTS = {
    "cosine": [{}, {"last": 0.1, "cycles": 3, "growth": 2.0}, {"cycles": 500, "growth": 1e9}],
    "step": [{}, {"milestones": ()}, {"milestones": [0.2, 0.9]}, {"every": 0.3, "multiplier": 0.5}, {"every": 1e-12}],
    "one_cycle": [{}, {"rise": 0.0}, {"rise": 1.0}, {"first": 0.0, "last": 0.0}],
    "plateau": [{}, {"monitor": "loss", "patience": 1, "multiplier": 0.5}, {"patience": 2, "min_delta": 0.3, "min_factor": 0.05}],
    "warmup": [{}, {"then": {"name": "plateau", "patience": 1}, "fraction": 0.4}, {"then": "step", "fraction": 0.99}, {"fraction": 0.0}],
    "invscaling": [{}, {"every": 4, "increment": 60.0, "start": 120.0}],
}

globals().update(built_in(ScheduleConformance, ARGUMENTS))
