"""What a component is, one concept a file, and what it sees of a fit. Imports the ground alone; authors import it as `nncore.plugin`."""

from __future__ import annotations

from nncore.contract import hookspecs
from nncore.contract.activation import Activation
from nncore.contract.callback import Callback
from nncore.contract.calls import CALLS, HeadStruct, NumbaCall, SiteStruct, TensorStruct, numba_call
from nncore.contract.component import Component
from nncore.contract.configurable import Configurable, bounds, is_inside, written
from nncore.contract.format import Format
from nncore.contract.heads import class_counts, head_columns
from nncore.contract.history import History
from nncore.contract.hookspecs import hookimpl
from nncore.contract.initializer import Initializer
from nncore.contract.kernel import ABI_MAJOR, ABI_MINOR, TABLES, Kernel, function_table
from nncore.contract.layer import Layer, LayerCall
from nncore.contract.loss import Loss
from nncore.contract.metric import Metric
from nncore.contract.monitor import Monitor, check_recorded
from nncore.contract.native import native_kernel, rung
from nncore.contract.optimizer import Optimizer, TensorSpan
from nncore.contract.philox import random_words
from nncore.contract.plan import Buffer, Plan, Tensor
from nncore.contract.schedule import Schedule
from nncore.contract.snapshot import Snapshot

__all__ = [
    "ABI_MAJOR", "ABI_MINOR", "CALLS", "TABLES", "Activation", "Buffer", "Callback", "Component", "Configurable", "Format", "HeadStruct",
    "History", "Initializer", "Kernel", "Layer", "LayerCall", "Loss", "Metric", "Monitor", "NumbaCall", "Optimizer", "Plan", "Schedule",
    "SiteStruct", "Snapshot", "Tensor", "TensorSpan", "TensorStruct", "bounds", "check_recorded", "class_counts", "function_table",
    "head_columns", "hookimpl", "hookspecs", "is_inside", "native_kernel", "numba_call", "random_words", "rung", "written",
]  # fmt: skip
