"""Conformance checks of the built-in schedules."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import ScheduleConformance

ARGUMENTS = {
    "cosine": [{}, {"last": 0.1, "cycles": 3, "growth": 2.0}, {"cycles": 500, "growth": 1e9}],
    "step": [{}, {"milestones": ()}, {"milestones": [0.2, 0.9]}, {"every": 0.3, "multiplier": 0.5}, {"every": 1e-12}],
    "one_cycle": [{}, {"rise": 0.0}, {"rise": 1.0}, {"first": 0.0, "last": 0.0}],
    "plateau": [
        {},
        {"monitor": "loss", "patience": 1, "multiplier": 0.5},
        {"patience": 2, "min_delta": 0.3, "min_factor": 0.05, "cooldown": 2},
    ],
    "warmup": [{}, {"then": {"name": "plateau", "patience": 1}, "fraction": 0.4}, {"then": "step", "fraction": 0.99}, {"fraction": 0.0}],
    "polynomial": [{}, {"power": 2.0, "last": 0.1}, {"power": 0.5}],
    "exponential": [{}, {"multiplier": 0.5, "every": 0.1, "staircase": True}, {"every": 1e-12, "min_factor": 0.2}, {"multiplier": 1.0}],
    "piecewise": [{}, {"boundaries": (), "factors": [2.0]}, {"boundaries": [0.0, 0.3, 0.3, 1.0], "factors": [3.0, 1.0, 0.0, 0.5, 0.1]}],
    "cyclic": [
        {},
        {"cycles": 7, "first": 0.0, "rise": 0.2, "mode": "triangular2"},
        {"cycles": 2000, "mode": "triangular2"},
        {"mode": "exp_range", "multiplier": 0.3},
    ],
    "invscaling": [{}, {"every": 4, "increment": 60.0, "start": 120.0}],
}

globals().update(built_in(ScheduleConformance, ARGUMENTS))
