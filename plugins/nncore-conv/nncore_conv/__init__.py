"""Convolution and pooling: the manifest."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_layers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("conv1d", "nncore_conv.conv:Conv1D", "convolution of sequences (length, channels)"),
        Component("conv2d", "nncore_conv.conv:Conv2D", "convolution of images (height, width, channels)"),
        Component("max_pool2d", "nncore_conv.max_pool:MaxPool2D", "largest value of each window of an image (height, width, channels)"),
    ]
