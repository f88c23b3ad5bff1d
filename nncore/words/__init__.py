"""Names for error messages: words of other libraries and our words for them, similar names, and the built-in names."""

from __future__ import annotations

from nncore.words.builtin import (
    BUILT_IN as BUILT_IN,
    ActivationName as ActivationName,
    CallbackName as CallbackName,
    CollectiveName as CollectiveName,
    ConstraintName as ConstraintName,
    EncodingName as EncodingName,
    InitializerName as InitializerName,
    KindName as KindName,
    LayerName as LayerName,
    LossName as LossName,
    MetricName as MetricName,
    OptimizerName as OptimizerName,
    RegularizerName as RegularizerName,
    SamplerName as SamplerName,
    ScheduleName as ScheduleName,
    TransformName as TransformName,
)
from nncore.words.calls import explains_calls, is_of_call, misfit
from nncore.words.foreign import ARGUMENTS, KINDS, MEMBERS, NAMES, REMEDIES
from nncore.words.missing import ListsPublicNames, is_declared, no_class_here, no_member, no_name, no_setting

__all__ = [
    "ARGUMENTS", "BUILT_IN", "KINDS", "MEMBERS", "NAMES", "REMEDIES", "ListsPublicNames", "explains_calls", "is_declared", "is_of_call",
    "misfit", "no_class_here", "no_member", "no_name", "no_setting",
]  # fmt: skip
