"""The built-in layers keep the contract that plugins are held to."""

from __future__ import annotations

from conformance import built_in

from nncore.testing import LayerConformance

globals().update(built_in(LayerConformance, {"batch_norm": [{}, {"momentum": 1.0}], "dropout": [{"rate": 0.4}]}))


class TestCumulativeBatchNorm(LayerConformance):
    """The notes' gradient takes the statistics as constants."""

    name = "batch_norm"
    arguments = [{"mode": "cumulative"}]
    exact_gradient = False


class TestFlattenOfPictures(LayerConformance):
    name = "flatten"
    input_shapes = ((3, 2, 2), (1, 1), (5, 1, 7))
