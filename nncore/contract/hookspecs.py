"""The hooks that a plugin's manifest may implement.

Each hook gets ``api``, the ``(major, minor)`` version of this contract, and returns a list of `nncore.plugin.Component`.
"""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

import pluggy

from nncore.contract.component import Component

API = (1, 0)

hookspec = pluggy.HookspecMarker("nncore")
#: Marks a function of a manifest as the implementation of a hook below.
hookimpl = pluggy.HookimplMarker("nncore")


@hookspec
def nncore_layers(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Layer`."""


@hookspec
def nncore_activations(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Activation`."""


@hookspec
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Loss`."""


@hookspec
def nncore_initializers(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Initializer`."""


@hookspec
def nncore_optimizers(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Optimizer`."""


@hookspec
def nncore_regularizers(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Regularizer`."""


@hookspec
def nncore_constraints(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Constraint`."""


@hookspec
def nncore_schedules(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Schedule`."""


@hookspec
def nncore_samplers(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Sampler`."""


@hookspec
def nncore_transforms(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Transform`."""


@hookspec
def nncore_encodings(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Encoding`."""


@hookspec
def nncore_metrics(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Metric`."""


@hookspec
def nncore_callbacks(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Callback`."""


@hookspec
def nncore_collectives(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Collective`."""


@hookspec
def nncore_formats(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Format`."""


@hookspec
def nncore_exporters(api: tuple[int, int]) -> list[Component]:
    """Return components whose targets derive from `nncore.plugin.Exporter`."""
