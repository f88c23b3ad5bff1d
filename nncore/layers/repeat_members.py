"""Repeat samples for the members of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from nncore.errors import ShapeError
from nncore.layers.members import members
from nncore.plugin import Graph, Kernel, Layer, LayerCall, Plan, Value


class RepeatMembers(Layer):
    """Repeat each sample for every member of an ensemble: (d,) becomes (n_members, d).

    Parameters
    ----------
    n_members : int, default 32
        Number of members of the ensemble.
    share_training_batches : bool, default True
        Whether all members train on the same batches. False: `fit` visits the samples in another order for each member. That needs arrays:
        streams, `nncore.Sequential.train_on_batch` and predictions repeat samples. It also needs a final `MeanMembers`, no layers with
        branches, and a loss of single samples. An order of ``n_samples * n_members`` row numbers, 8 bytes each, is kept for an epoch.
    name : str, optional
        Name of the layer, which summaries and files use; by default kind and number, as in ``dense_1``.

    Raises
    ------
    ParameterError
        If `n_members` is not a whole number of at least 1.
    ShapeError
        When the network is built, if samples are not vectors.
    """

    ranges: ClassVar[dict[str, str]] = {"n_members": "[1, 1000000]"}
    whole: ClassVar[tuple[str, ...]] = ("n_members",)
    flags: ClassVar[tuple[str, ...]] = ("share_training_batches",)
    examples = ({"n_members": 3},)
    kernel = Kernel("nncore._core.native:layer_repeat_members", never_fails=True)

    def __init__(self, n_members: int = 32, *, share_training_batches: bool = True, name: str | None = None) -> None:
        self.n_members = n_members
        self.share_training_batches = share_training_batches
        self.name = name

    def hyper(self) -> list[float]:
        """Nothing: a kernel finds the members in the output's shape."""
        return []

    def plan(self, input_shape: tuple[int, ...]) -> Plan:
        if len(input_shape) != 1:
            raise ShapeError(f"RepeatMembers takes vectors, but each sample has shape {input_shape}: put nn.Flatten() before it")
        return Plan((self.n_members, *input_shape), split_rows=True, own_samples=not self.share_training_batches, flops=0)

    def forward(self, call: LayerCall) -> None:
        members(call.y, self.n_members)[...] = call.x[:, None]

    def formula(self, g: Graph, x: Value, tensors: Mapping[str, Value]) -> Value:
        n_inputs = x.sample_shape[-1]
        return g.reshape(g.columns(x, [*range(n_inputs)] * self.n_members), (self.n_members, n_inputs))

    def backward(self, call: LayerCall) -> None:
        if call.d_x is not None:
            members(call.d_y, self.n_members).sum(axis=1, out=call.d_x)
