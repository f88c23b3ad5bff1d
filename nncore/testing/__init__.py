"""Conformance tests for components, for authors of plugins.

A test class has three lines. pytest collects it, and ``nncore plugins --verify`` runs the same checks without pytest::

    from nncore.testing import OptimizerConformance

    class TestLion(OptimizerConformance):
        name = "nncore-lion/lion"

The tools of these classes are public too: `numpy_twin`, `Guarded`, `team_of`, `on_ranks`, and `tables` for calling compiled kernels.
"""

from __future__ import annotations

from nncore.program import team_of
from nncore.testing import tables
from nncore.testing.activations import ActivationConformance
from nncore.testing.apart import harmful_manifests as harmful_manifests, verify_apart as verify_apart  # for `nncore plugins --verify`
from nncore.testing.callbacks import CallbackConformance
from nncore.testing.collectives import CollectiveConformance
from nncore.testing.conformance import Conformance
from nncore.testing.constraints import ConstraintConformance
from nncore.testing.encodings import EncodingConformance
from nncore.testing.exporters import ExporterConformance
from nncore.testing.formats import FormatConformance
from nncore.testing.guarded import Guarded
from nncore.testing.initializers import InitializerConformance
from nncore.testing.layers import LayerConformance
from nncore.testing.losses import LossConformance
from nncore.testing.metrics import MetricConformance
from nncore.testing.optimizers import OptimizerConformance
from nncore.testing.ranks import on_ranks
from nncore.testing.regularizers import RegularizerConformance
from nncore.testing.report import Outcome as Outcome
from nncore.testing.samplers import SamplerConformance
from nncore.testing.schedules import ScheduleConformance
from nncore.testing.transforms import TransformConformance
from nncore.testing.twin import numpy_twin

__all__ = [
    "ActivationConformance", "CallbackConformance", "CollectiveConformance", "Conformance", "ConstraintConformance",
    "EncodingConformance", "ExporterConformance", "FormatConformance", "Guarded", "InitializerConformance", "LayerConformance",
    "LossConformance", "MetricConformance", "OptimizerConformance", "RegularizerConformance", "SamplerConformance",
    "ScheduleConformance", "TransformConformance", "numpy_twin", "on_ranks", "tables", "team_of",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
