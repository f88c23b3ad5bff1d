"""nncore's conformance checks of activations and layers: NumPy against C, canaries, finite differences, saved networks."""

from __future__ import annotations

from nncore.testing import ActivationConformance, LayerConformance


class TestSnake(ActivationConformance):
    name = "nncore-snake/snake"
    arguments = ({}, {"frequency": 10.0})


class TestSquareplus(ActivationConformance):
    name = "nncore-snake/squareplus"
    arguments = ({}, {"b": 0.1})


class TestLearnableSnake(LayerConformance):
    name = "nncore-snake/learnable_snake"
    arguments = ({}, {"frequency": 10.0})
    input_shapes = ((4,), (1,), (7,), (8,), (9,), (1023,), (2, 3))
