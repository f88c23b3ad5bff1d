"""Conformance checks of the built-in optimizers."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import OptimizerConformance

globals().update(
    built_in(
        OptimizerConformance,
        {
            "adam": [{}, {"epsilon_inside": True}],
            "adafactor": [{}, {"scale_parameter": False}],
            "block_coordinate": [{}, {"block": "tensor"}],
        },
    )
)
