"""Snake with a fixed or a learned frequency, and squareplus: the manifest."""

from __future__ import annotations

from nncore.plugin import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_activations(api: tuple[int, int]) -> list[Component]:
    return [
        Component("snake", "nncore_snake.snake:Snake", "z + sin²(f·z) / f: learns periodic functions"),
        Component("squareplus", "nncore_snake.squareplus:Squareplus", "(z + √(z² + b)) / 2: a smooth ReLU without exponentials"),
    ]


@hookimpl
def nncore_layers(api: tuple[int, int]) -> list[Component]:
    return [Component("learnable_snake", "nncore_snake.learnable_snake:LearnableSnake", "snake with a learned frequency for each feature")]
