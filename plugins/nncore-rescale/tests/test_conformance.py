"""nncore's conformance checks of layers: NumPy against C, canaries, finite differences, saved networks."""

from __future__ import annotations

from nncore.testing import LayerConformance


class TestRescaleNumPy(LayerConformance):
    name = "nncore-rescale/rescale_numpy"
    arguments = ({}, {"gain": 1e-4})
    input_shapes = ((4,), (1,), (1023,), (2, 3))


class TestRescale(LayerConformance):
    name = "nncore-rescale/rescale"
    arguments = ({}, {"gain": 1e-4})
    input_shapes = ((4,), (1,), (7,), (8,), (9,), (1023,), (2, 3))
