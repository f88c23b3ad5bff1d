"""Alternating (block-coordinate) gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

import numpy as np

from nncore.plugin import Kernel, Optimizer, TensorSpan


class BlockCoordinate(Optimizer):
    """Block-coordinate descent: update one layer or tensor at a time, in turns.

    w_B ← w_B − lr·g_B for one block B of the parameters; all others stay unchanged. Step t updates block ⌊(t − 1) / steps_per_block⌋ modulo
    the number of blocks, in the order of the network.

    Parameters
    ----------
    lr : float, default 0.01
        Learning rate.
    block : {"layer", "tensor"}, default "layer"
        What a block is: all tensors of a layer, or a single tensor.
    steps_per_block : int, default 1
        Number of steps on a block before the next block.

    Raises
    ------
    ParameterError
        If a number is outside its range, `steps_per_block` is not whole, or `block` is unknown.

    References
    ----------
    Bertsekas, "Nonlinear programming", 1999, section 2.7.
    """

    ranges: ClassVar[dict[str, str]] = {"lr": "[0, inf)", "steps_per_block": "[1, 1e9]"}
    whole = ("steps_per_block",)
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"block": ("layer", "tensor")}
    needs_tensors = True
    kernel = Kernel("nncore._core.native:optimizer_block_coordinate", never_fails=True)

    def __init__(self, lr: float = 0.01, *, block: str = "layer", steps_per_block: int = 1) -> None:
        self.lr = lr
        self.block = block
        self.steps_per_block = steps_per_block

    def hyper(self) -> list[float]:
        """lr, whether a block is one tensor, steps_per_block."""
        return [float(self.lr), float(self.block == "tensor"), float(self.steps_per_block)]

    def step(self, w: Sequence[np.ndarray], g: Sequence[np.ndarray], state: object, t: int, *tensors: Sequence[TensorSpan]) -> None:
        (spans,) = tensors
        blocks = self.blocks(spans)
        if not blocks:
            return
        turn = blocks[(t - 1) // self.steps_per_block % len(blocks)]
        for matrix, gradient, span in zip(w, g, spans, strict=True):
            if span in turn:
                matrix -= self.lr * gradient

    def bound(self, w: float, g: float, state: Sequence[tuple[float, float]], n_steps: int) -> float:
        """w + n·η·g, as if every block had every turn."""
        return w + n_steps * self.lr * g

    def blocks(self, spans: Sequence[TensorSpan]) -> list[list[TensorSpan]]:
        """The tensors of each block.

        Parameters
        ----------
        spans : sequence of TensorSpan
            All tensors of the network.

        Returns
        -------
        list of list of TensorSpan
            In the order of their turns.
        """
        if self.block == "tensor":
            return [[span] for span in spans]
        return [list(block) for _, block in groupby(spans, key=lambda span: span.layer)]
