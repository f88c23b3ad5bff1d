"""Outputs of every stage of a network for a batch, by the layers' NumPy methods."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nncore.contract import LayerCall
from nncore.network.network import Network
from nncore.program import NETWORK_INPUT, Blueprint, Stage


def stage_values(
    network: Network,
    blueprint: Blueprint,
    inputs: np.ndarray,
    *,
    training: bool = False,
    known: Mapping[int, np.ndarray] | None = None,
) -> dict[int, np.ndarray]:
    """Outputs of the stages by their numbers, and the inputs as those of `NETWORK_INPUT`, as matrices of n_samples rows.

    Compiled layers would overwrite outputs that are no longer needed.

    Parameters
    ----------
    network : Network
        Built network; it is not changed.
    blueprint : Blueprint
        Of the network.
    inputs : ndarray of shape (n_samples, n_inputs)
        In the network's dtype.
    training : bool, default False
        As in `fit`, with dropout and the statistics of the batch.
    known : dict of int to ndarray, optional
        Outputs of stages, which are not computed then.
    """
    values, buffers = {NETWORK_INPUT: inputs, **(known or {})}, network.named_buffers()
    for stage in blueprint.stages:
        if stage.index in values:
            continue
        state = {buffer.name: buffers[f"{stage.name}.{buffer.name}"].copy() for buffer in stage.plan.buffers}
        sources = [values[source] for source in stage.sources]
        values[stage.index] = stage_outputs(stage, sources, stage.views(network.parameters), state, network, training)
    return values


def stage_outputs(
    stage: Stage,
    inputs: list[np.ndarray],
    tensors: Mapping[str, np.ndarray],
    state: Mapping[str, np.ndarray],
    network: Network,
    training: bool = False,
) -> np.ndarray:
    """Outputs of a stage after its activation, shape (n_samples, n_outputs), with these tensors and buffers."""
    y = _before_activation(stage, inputs, dict(tensors), dict(state), network, training)
    return y if stage.activation is None else np.reshape(stage.activation.forward(y.reshape(-1, stage.activation_columns)), y.shape)


def _before_activation(
    stage: Stage,
    inputs: list[np.ndarray],
    tensors: dict[str, np.ndarray],
    state: dict[str, np.ndarray],
    network: Network,
    training: bool,
) -> np.ndarray:
    plan, x = stage.plan, inputs[0]
    if plan.branches:
        merged: np.ndarray = np.sum(inputs, axis=0) if plan.merge == "sum" else np.concatenate(inputs, axis=1)
        return merged
    if plan.is_view or (plan.training_only and not training):
        return x
    call = LayerCall(
        x=x,
        y=np.empty((len(x), stage.n_outputs), x.dtype),
        parameters=tensors,
        buffers=state,
        cache=np.empty(plan.cache + plan.cache_per_row * len(x), x.dtype),
        numbers=plan.numbers,
        input_shape=stage.input_shape,
        output_shape=plan.output_shape,
        seed=network.seed,
        step=network.n_steps + 1,
        layer=stage.index,
        training=training,
    )
    stage.layer.forward(call)
    return call.y
