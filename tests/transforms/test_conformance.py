"""Conformance checks of the built-in transforms."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import TransformConformance

ARGUMENTS = {
    "gaussian_noise": [{}, {"std": 0.0}, {"std": 1.0, "columns": [0]}],
    "mixup": [{}, {"alpha": 1.0}, {"alpha": 0.01}, {"alpha": 20.0}],
    "cutmix": [{}, {"alpha": 0.05}, {"alpha": 20.0}],
    "feature_dropout": [{}, {"rate": 0.0}, {"rate": 0.9, "value": -1.5}],
}

globals().update(built_in(TransformConformance, ARGUMENTS))
