"""nncore's conformance checks of layers: NumPy against C, buffer overruns, unread memory, finite differences, parts, saved networks."""

from __future__ import annotations

from nncore.testing import LayerConformance


class TestConv2D(LayerConformance):
    name = "nncore-conv/conv2d"
    arguments = (
        {"n_filters": 3},
        {"n_filters": 4, "padding": "same", "use_bias": False},
        {"n_filters": 17, "kernel_size": 2, "stride": 2},
        {"n_filters": 2, "padding": "same", "stride": 3, "kernel_size": 4},
    )
    input_shapes = ((6, 5, 2), (4, 4, 1), (7, 9, 3), (5, 30, 5))


class TestConv1D(LayerConformance):
    name = "nncore-conv/conv1d"
    arguments = ({"n_filters": 3}, {"n_filters": 5, "padding": "same", "stride": 2, "kernel_size": 4})
    input_shapes = ((8, 2), (5, 1), (40, 3))


class TestMaxPool2D(LayerConformance):
    name = "nncore-conv/max_pool2d"
    arguments = ({}, {"pool_size": 3})
    input_shapes = ((6, 7, 2), (4, 5, 1), (9, 9, 3))
